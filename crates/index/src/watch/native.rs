//! What this system tells, by the `notify` crate.
//!
//! Each directory is watched by itself and by us. When told to go into a tree, `notify` 8 does so on its
//! own: where a directory goes while it is on its way it leaves out the rest of the tree, and says nothing
//! (`add_watch` in its `inotify.rs`); and what was in a new directory before it was watched is not told.

use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

use notify::event::{CreateKind, Event, EventKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, Error, ErrorKind, RecommendedWatcher, RecursiveMode, Watcher};

use super::source::{EventSource, Happening, Hear, NotWatched, Watches};

/// How long it may take the thread that listens to end. What it watches counts against the limit of the
/// user until then.
const LONGEST_END: Duration = Duration::from_secs(10);

/// The events of this system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemEvents;

/// What is watched for one location.
#[derive(Debug)]
pub struct SystemWatches {
    watcher: Option<RecommendedWatcher>,
    ended: Receiver<()>,
}

impl EventSource for SystemEvents {
    type Watches = SystemWatches;

    fn open(&self, hear: Hear) -> Result<SystemWatches, NotWatched> {
        let (ends, ended) = sync_channel::<()>(1);
        // It goes with the thread that listens, and `ended` shows that.
        let handler = move |told: Result<Event, Error>| {
            let _: &SyncSender<()> = &ends;
            happenings(told, &*hear);
        };
        let watcher = RecommendedWatcher::new(handler, Config::default()).map_err(not_watched)?;
        Ok(SystemWatches { watcher: Some(watcher), ended })
    }

    fn mount_state(&self, root: &Path) -> Option<u64> {
        surecopy_fs::mount_state(root)
    }
}

impl Watches for SystemWatches {
    fn add(&mut self, directory: &Path) -> Result<(), NotWatched> {
        let Some(watcher) = &mut self.watcher else { return Err(NotWatched::Gone) };
        watcher.watch(directory, RecursiveMode::NonRecursive).map_err(not_watched)
    }
}

impl Drop for SystemWatches {
    fn drop(&mut self) {
        drop(self.watcher.take());
        if self.ended.recv_timeout(LONGEST_END) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
            tracing::warn!("what listened to changes did not end");
        }
    }
}

fn not_watched(error: Error) -> NotWatched {
    match error.kind {
        ErrorKind::MaxFilesWatch => NotWatched::Limit,
        ErrorKind::PathNotFound | ErrorKind::WatchNotFound => NotWatched::Gone,
        ErrorKind::Io(error) => match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => NotWatched::Gone,
            std::io::ErrorKind::PermissionDenied => NotWatched::Closed,
            _ => NotWatched::Failed(error.to_string()),
        },
        kind => NotWatched::Failed(Error::new(kind).to_string()),
    }
}

/// Passes on what `notify` tells. Opening and closing is told in masses, and changes nothing: it goes
/// first.
fn happenings(told: Result<Event, Error>, hear: &dyn Fn(Happening)) {
    let event = match told {
        Ok(event) if matches!(event.kind, EventKind::Access(_)) => return,
        Ok(event) => event,
        Err(error) => return hear(Happening::Failed(error.to_string())),
    };
    if event.need_rescan() {
        return hear(Happening::Overflowed);
    }
    let is_directory = match event.kind {
        EventKind::Access(_) => return,
        // Both ends of a rename were told one by one.
        EventKind::Modify(ModifyKind::Name(RenameMode::Both)) => return,
        // Without a number that belongs to both ends, a directory that is watched was moved: it may be
        // watched under its old name, or not at all, so whatever has the name is watched anew.
        EventKind::Modify(ModifyKind::Name(RenameMode::From)) => event.tracker().is_none(),
        EventKind::Modify(ModifyKind::Name(_)) => true,
        EventKind::Modify(ModifyKind::Data(_) | ModifyKind::Metadata(_)) => false,
        EventKind::Create(CreateKind::File) => false,
        EventKind::Remove(RemoveKind::File | RemoveKind::Folder | RemoveKind::Other) => false,
        // What is not told exactly may be anything.
        EventKind::Create(_) | EventKind::Remove(_) | EventKind::Modify(_) => true,
        EventKind::Any | EventKind::Other => true,
    };
    for path in event.paths {
        hear(if is_directory { Happening::Came(path) } else { Happening::Changed(path) });
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::Mutex;

    use notify::event::{AccessKind, AccessMode, DataChange, Flag, MetadataKind};

    use super::*;

    fn told(event: Event) -> Vec<Happening> {
        let heard = Mutex::new(Vec::new());
        happenings(Ok(event), &|happening| heard.lock().unwrap().push(happening));
        heard.into_inner().unwrap()
    }

    #[test]
    fn what_is_told_is_taken_for_what_it_is() {
        use EventKind::{Access, Create, Modify, Remove};
        let path = || PathBuf::from("/data/a");
        let (changed, came) = ([Happening::Changed(path())], [Happening::Came(path())]);
        for (kind, expected) in [
            (Access(AccessKind::Open(AccessMode::Any)), &[][..]),
            (Access(AccessKind::Close(AccessMode::Write)), &[]),
            (Access(AccessKind::Close(AccessMode::Read)), &[]),
            (Access(AccessKind::Read), &[]),
            (Create(CreateKind::File), &changed),
            (Create(CreateKind::Folder), &came),
            (Create(CreateKind::Any), &came),
            (Remove(RemoveKind::File), &changed),
            (Remove(RemoveKind::Folder), &changed),
            (Modify(ModifyKind::Data(DataChange::Any)), &changed),
            (Modify(ModifyKind::Metadata(MetadataKind::Any)), &changed),
            (Modify(ModifyKind::Name(RenameMode::To)), &came),
            (Modify(ModifyKind::Any), &came),
            (EventKind::Any, &came),
        ] {
            assert_eq!(told(Event::new(kind).add_path(path())), expected, "{kind:?}");
        }
    }

    #[test]
    fn the_ends_of_a_rename_are_told_one_by_one() {
        let name = |mode| Event::new(EventKind::Modify(ModifyKind::Name(mode)));
        let (old, new) = (PathBuf::from("/data/old"), PathBuf::from("/data/new"));
        let from = name(RenameMode::From).add_path(old.clone()).set_tracker(7);
        assert_eq!(told(from), [Happening::Changed(old.clone())]);
        let both = name(RenameMode::Both).add_path(old.clone()).add_path(new);
        assert_eq!(told(both), []);
        let moved = name(RenameMode::From).add_path(old.clone());
        assert_eq!(told(moved), [Happening::Came(old)], "it itself was watched");
    }

    #[test]
    fn an_overflow_and_an_error_are_passed_on() {
        let overflow = Event::new(EventKind::Other).set_flag(Flag::Rescan);
        assert_eq!(told(overflow), [Happening::Overflowed]);
        let heard = Mutex::new(Vec::new());
        let error = Error::generic("broken");
        happenings(Err(error), &|happening| heard.lock().unwrap().push(happening));
        assert_eq!(*heard.lock().unwrap(), [Happening::Failed("broken".to_owned())]);
    }

    #[test]
    fn why_a_directory_is_not_watched_is_told_apart() {
        let io = |kind| Error::io(std::io::Error::from(kind));
        assert_eq!(not_watched(Error::new(ErrorKind::MaxFilesWatch)), NotWatched::Limit);
        assert_eq!(not_watched(Error::path_not_found()), NotWatched::Gone);
        assert_eq!(not_watched(io(std::io::ErrorKind::NotFound)), NotWatched::Gone);
        assert_eq!(not_watched(io(std::io::ErrorKind::PermissionDenied)), NotWatched::Closed);
        assert!(matches!(not_watched(Error::generic("x")), NotWatched::Failed(_)));
    }
}
