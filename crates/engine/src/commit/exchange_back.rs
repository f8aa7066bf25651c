//! Undoing an exchange, for as long as other programs put their files under the same name.
//!
//! What stood under the backup's name becomes visible again. What comes out in its stead is looked
//! at before anybody may remove it: only our own entry goes, another program's never does.

use std::ffi::OsStr;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Operation, Support};

use super::partial::Target;
use crate::plan::Seen;

/// What undoing an exchange came to.
#[derive(Debug)]
pub(crate) enum ExchangedBack {
    /// Our entry has the backup's name again, and may be removed.
    Done,
    /// The names were exchanged, but what has the backup's name now could not be looked at, so it
    /// may not be removed.
    Unseen(FsError),
    /// What has the backup's name is another program's file, or the former one, and may not be
    /// removed.
    Displaced(FsError),
}

/// Exchanges the visible name with the backup's, so that `ours` comes out. Should another
/// program's file come out, that one is newer than what was made visible, and is given its name
/// back, until what comes out is what was put there the last time.
pub(crate) fn exchange_back<F: FileSystem>(
    target: &Target<F>,
    backup: &OsStr,
    ours: Seen,
) -> ExchangedBack {
    /// Who puts file after file there need not be waited for.
    const ROUNDS: usize = 8;
    let at_backup = || target.fs.metadata_at(&target.dir, backup).map(|found| Seen::of(&found));
    // What should come out next, and what is made visible in its stead.
    let (mut visible, mut hidden) = (Some(ours), at_backup().ok());
    for round in 1..=ROUNDS {
        if let Err(error) = exchange(target, backup) {
            // A server's answer may be lost after it did what it was asked for.
            let is_done = at_backup().is_ok_and(|found| found == ours);
            return if is_done { ExchangedBack::Done } else { ExchangedBack::Displaced(error) };
        }
        let found = match at_backup() {
            Ok(found) if found == ours => return ExchangedBack::Done,
            Ok(found) => found,
            Err(error) if round == 1 => return ExchangedBack::Unseen(error),
            Err(error) => return ExchangedBack::Displaced(error),
        };
        let is_newer = visible.is_some_and(|visible| visible != found);
        if !is_newer {
            break;
        }
        (visible, hidden) = (hidden, Some(found));
    }
    ExchangedBack::Displaced(taken_by_another())
}

fn exchange<F: FileSystem>(target: &Target<F>, backup: &OsStr) -> Result<(), FsError> {
    match target.fs.exchange(&target.dir, backup, &target.name)? {
        Support::Done(()) => Ok(()),
        Support::Unsupported => {
            Err(FsError::of_kind(Operation::Exchange, FsErrorKind::NotSupported))
        }
    }
}

/// The visible name shows neither the former file nor ours.
pub(super) fn taken_by_another() -> FsError {
    let mut error = FsError::of_kind(Operation::Metadata, FsErrorKind::AlreadyExists);
    error.source = std::io::Error::other("another program has replaced the target meanwhile");
    error
}
