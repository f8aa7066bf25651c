//! An entry that is visible but not yet certain to survive a power cut.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileId, FileSystem, FsError, Metadata};

use super::exchange_back::{ExchangedBack, exchange_back, taken_by_another};
use super::partial::Target;
use crate::plan::Seen;

/// The replaced file, kept until the new one is safe.
#[derive(Debug, Clone)]
pub(super) struct Backup {
    pub(super) name: OsString,
    /// It is the old file itself, exchanged with the new one; otherwise a second name or a copy.
    pub(super) was_exchanged: bool,
}

/// A visible entry, with the old one still there.
pub(crate) struct Published<F: FileSystem> {
    target: Target<F>,
    /// The new entry as it was published. Its number alone would not do: it is given to another file
    /// as soon as this one is removed.
    ours: Seen,
    backup: Option<Backup>,
}

/// What putting the old state back came to.
#[derive(Debug)]
pub(crate) enum RollBack {
    /// The old state is back.
    Succeeded {
        /// Where the old file had to be copied to be kept, it now is this one.
        restored: Option<Seen>,
        /// The new entry, if it could not be removed.
        left_behind: Option<(OsString, FsError)>,
    },
    /// It could not be put back: whatever there is, is kept.
    Failed(FsError),
}

impl<F: FileSystem> Published<F> {
    pub(super) fn new(target: Target<F>, ours: Seen, backup: Option<Backup>) -> Self {
        Self { target, ours, backup }
    }

    /// The directory it stands in.
    pub(crate) fn target(&self) -> &Target<F> {
        &self.target
    }

    /// The name of the backup, if something was replaced.
    pub(crate) fn backup_name(&self) -> Option<&OsStr> {
        self.backup.as_ref().map(|backup| backup.name.as_os_str())
    }

    /// The identity of the new entry.
    pub(crate) fn id(&self) -> FileId {
        self.ours.id
    }

    /// The directory has been flushed and the end is recorded: the backup goes. Returns it if it
    /// could not be removed.
    pub(crate) fn commit(self) -> Option<(OsString, FsError)> {
        self.backup.and_then(|backup| {
            let removed = self.target.fs.remove_file(&self.target.dir, &backup.name);
            removed.err().map(|error| (backup.name, error))
        })
    }

    /// The backup stays: it is to be kept, or the end could not be recorded, and somebody has to
    /// decide. Returns it.
    pub(crate) fn keep(self) -> Option<OsString> {
        self.backup.map(|backup| backup.name)
    }

    /// Something failed after publishing: puts the old state back, old timestamps included, since
    /// the old file itself was never changed.
    pub(crate) fn roll_back(self) -> RollBack {
        // Looked at before it is visible: afterwards another program's file may have that name.
        let restored = self.renamed_backup();
        let left_behind = match self.put_back() {
            Ok(left_behind) => left_behind,
            Err(error) => return RollBack::Failed(error),
        };
        let Target { fs, dir, .. } = &self.target;
        // Best effort: the old state is what a power cut leaves if this fails, or the new one.
        if let Err(error) = fs.flush_dir(dir) {
            tracing::warn!(%error, "the directory could not be flushed after putting back");
        }
        RollBack::Succeeded { restored, left_behind }
    }

    /// The kept file that will be renamed back, which may be a copy of the old one.
    fn renamed_backup(&self) -> Option<Seen> {
        let Target { fs, dir, .. } = &self.target;
        let backup = self.backup.as_ref().filter(|backup| !backup.was_exchanged)?;
        fs.metadata_at(dir, &backup.name).ok().as_ref().map(Seen::of)
    }

    /// Returns the new entry if it stays, because it could not be removed.
    fn put_back(&self) -> Result<Option<(OsString, FsError)>, FsError> {
        let Target { fs, dir, name } = &self.target;
        match &self.backup {
            Some(backup) if backup.was_exchanged => self.exchange_back(&backup.name),
            // Only what we made goes.
            _ if !self.is_ours(&fs.metadata_at(dir, name)?) => Err(taken_by_another()),
            Some(backup) => fs.replace(dir, &backup.name, name).map(|()| None),
            None => fs.remove_file(dir, name).map(|()| None),
        }
    }

    fn is_ours(&self, found: &Metadata) -> bool {
        Seen::of(found) == self.ours
    }

    fn exchange_back(&self, backup: &OsStr) -> Result<Option<(OsString, FsError)>, FsError> {
        let Target { fs, dir, .. } = &self.target;
        let left = match exchange_back(&self.target, backup, self.ours) {
            ExchangedBack::Done => fs.remove_file(dir, backup).err(),
            // The old file is back all the same.
            ExchangedBack::Unseen(error) => Some(error),
            ExchangedBack::Displaced(error) => return Err(error),
        };
        Ok(left.map(|error| (backup.to_owned(), error)))
    }
}
