//! Removing partial files that dead processes have left in a directory.
//!
//! Only our own unpublished files ever have such a name, and whoever writes one holds its lock. So a
//! file with a name of exactly that form and a free lock is of no use to anybody. Whatever differs
//! from what we make, by so much as a digit, is somebody else's and stays.

use std::ffi::OsString;
use std::time::Duration;

use surecopy_fs::{FileKind, FileSystem, FsError, FsErrorKind, Metadata, Support};

use crate::clock::Clock;
use crate::partial_names::nonce_of_partial;

/// A new file is empty, and there for a moment before its maker has locked it. Far longer than that.
const MAKING: Duration = Duration::from_millis(50);

/// What sweeping a directory came to.
#[derive(Debug, Default)]
pub(crate) struct Swept {
    /// How many files were removed.
    pub(crate) removed: usize,
    /// What should go and could not be removed.
    pub(crate) failed: Vec<(OsString, FsError)>,
}

/// Removes what processes that are gone have left in `dir`. The run with the number `nonce` is this
/// one, and has its own way of tidying up. What cannot be looked at stays.
pub(crate) fn sweep<F: FileSystem>(fs: &F, clock: &dyn Clock, dir: &F::Dir, nonce: u64) -> Swept {
    let names = fs.list(dir).unwrap_or_else(|error| {
        tracing::debug!(%error, "a directory was not searched for partial files");
        Vec::new()
    });
    let is_of_another = |name: &OsString| nonce_of_partial(name).is_some_and(|made| made != nonce);
    let found: Vec<(OsString, Metadata)> = names
        .into_iter()
        .filter(is_of_another)
        .filter_map(|name| {
            let found = fs.metadata_at(dir, &name).ok()?;
            (found.kind == FileKind::File && found.link_count == 1).then_some((name, found))
        })
        .collect();
    if found.iter().any(|(_, metadata)| metadata.size == 0) {
        clock.wait(MAKING);
    }
    let mut swept = Swept::default();
    for (name, _) in found {
        if !matches!(fs.is_locked(dir, &name), Ok(Support::Done(false))) {
            // In use, or nobody knows.
            continue;
        }
        match fs.remove_file(dir, &name) {
            Ok(()) => swept.removed += 1,
            // Another run is sweeping too.
            Err(error) if error.kind == FsErrorKind::NotFound => {}
            Err(error) => swept.failed.push((name, error)),
        }
    }
    swept
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;
    use surecopy_testkit::FakeFs;

    const NAME: &str = ".surecopy-0123456789abcdef-0000000000.partial";

    /// A clock on which another run comes to lock what it has made while somebody waits.
    struct Making<'a> {
        fs: &'a FakeFs,
        made: Mutex<Option<<FakeFs as FileSystem>::File>>,
    }

    impl Clock for Making<'_> {
        fn now(&self) -> Duration {
            Duration::ZERO
        }

        fn wait(&self, _duration: Duration) {
            let dir = self.fs.open_root(Path::new("/dst")).unwrap();
            self.fs.remove(Path::new("/dst").join(NAME));
            *self.made.lock().unwrap() = self.fs.create_partial(&dir, NAME.as_ref()).ok();
        }
    }

    #[test]
    fn a_file_that_is_just_being_made_is_given_time_to_be_locked() {
        let fs = FakeFs::new();
        fs.file(Path::new("/dst").join(NAME), "");
        let dir = fs.open_root(Path::new("/dst")).unwrap();
        let clock = Making { fs: &fs, made: Mutex::default() };
        let swept = sweep(&fs, &clock, &dir, 7);
        assert_eq!((swept.removed, swept.failed.len()), (0, 0));
        assert_eq!(fs.names("/dst"), [NAME]);
        drop(clock);
        fs.file(Path::new("/dst").join(NAME), "not empty, so locked long ago, or never");
        let clock = Making { fs: &fs, made: Mutex::default() };
        assert_eq!(sweep(&fs, &clock, &dir, 7).removed, 1);
        assert!(clock.made.lock().unwrap().is_none(), "it was waited for nothing");
    }
}
