//! Looking again at an entry of which the metadata are only remembered, before anything is decided by
//! them.

use surecopy_fs::{FileKind, FileSystem, FsError, FsErrorKind, FsResult, Metadata, Node, RelPath};

use super::planner::Planner;
use super::scan::{Entry, Origin};
use crate::report::{Warning, WarningKind};

/// The directory of the source that was looked at last: entries come directory by directory.
pub(crate) struct SourceSight<F: FileSystem> {
    directory: Option<(RelPath, F::Dir)>,
}

impl<F: FileSystem> Default for SourceSight<F> {
    fn default() -> Self {
        Self { directory: None }
    }
}

/// An entry is not what was remembered.
pub(super) enum Otherwise {
    /// It is of another kind. The entry says of which by now.
    Kind,
    /// It is gone, or cannot be looked at.
    Gone(FsError),
}

impl<F: FileSystem> Planner<'_, F> {
    /// Whether everything about an entry of this kind depends on what it is. Of most files that were
    /// remembered nothing does until they are opened, and then it is seen.
    pub(super) fn must_be_known(&self, entry: &Entry) -> bool {
        match entry.metadata.kind {
            // A further name may have been made elsewhere.
            FileKind::File => self.spec.preserve.hard_links,
            // Another directory may have been mounted there, even the destination.
            FileKind::Directory => true,
            // What is left out is not opened, and a link that is kept is not either.
            FileKind::Symlink | FileKind::Fifo | FileKind::Socket | FileKind::Device => true,
        }
    }

    /// Reads the metadata of an entry, if they are only remembered, and says what is corrected.
    pub(super) fn look_again(&mut self, entry: &mut Entry) -> Result<(), Otherwise> {
        if entry.origin == Origin::Read {
            return Ok(());
        }
        let now = match self.read_again(&entry.path) {
            Ok(now) => now,
            Err(error) => {
                self.state.corrected.vanished += u64::from(error.kind == FsErrorKind::NotFound);
                return Err(Otherwise::Gone(error));
            }
        };
        let remembered = std::mem::replace(&mut entry.metadata, now);
        entry.origin = Origin::Read;
        let now = &entry.metadata;
        if let Some(message) = self.state.corrected.correct(&remembered, now) {
            let path = self.root.show_source(&self.root.source_below(&entry.path));
            self.sink.warning(Warning { kind: WarningKind::Corrected, path, message });
            if let Some(catalog) = self.catalog {
                catalog.was_otherwise(self.mapping, &entry.path);
            }
        }
        if remembered.kind == now.kind { Ok(()) } else { Err(Otherwise::Kind) }
    }

    fn read_again(&mut self, path: &RelPath) -> FsResult<Metadata> {
        let fs = self.fs;
        let below = self.root.source_below(path);
        let Some((parent, name)) = below.split() else {
            return fs.metadata(Node::Dir(self.root.source.as_ref()));
        };
        let dir = match self.source_sight.directory.take() {
            Some((known, dir)) if known == parent => dir,
            _ => fs.open_dir(&self.root.source, &parent)?,
        };
        let found = fs.metadata_at(&dir, &name);
        self.source_sight.directory = Some((parent, dir));
        found
    }
}
