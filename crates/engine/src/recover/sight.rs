//! What stands at the places that the journal speaks of.

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, RelPath, VolumeIdentity};

use crate::opened::Opened;
use crate::preflight::{is_other_volume, volume_identity};
use crate::record::RootIdentity;
use crate::spec::CopySpec;
use crate::volumes::Volumes;

/// The destinations of a job, as far as they are there.
pub(super) struct Sight<'a, F: FileSystem> {
    pub(super) fs: &'a F,
    /// By mapping; `None` where nothing can be found.
    roots: Vec<Option<F::Dir>>,
    volumes: Volumes,
}

impl<'a, F: FileSystem> Sight<'a, F> {
    /// What cannot be opened is looked at by nobody; preparing the job says why. `None` where other
    /// volumes are mounted than those that the job was begun with, at either end: such a job does not
    /// begin, so nothing is touched.
    pub(super) fn open(spec: &CopySpec, fs: &'a F, known: &[RootIdentity]) -> Option<Self> {
        let volumes = Volumes::default();
        let mut roots = Vec::with_capacity(spec.mappings.len());
        for (index, mapping) in spec.mappings.iter().enumerate() {
            let destination = fs.open_root(&mapping.destination_root).ok();
            if let Some(known) = known.get(index).filter(|_| !spec.accept_volume) {
                let source = fs.open_root(&mapping.source_root).ok();
                let is_other = |then: &Option<VolumeIdentity>, root: &Option<F::Dir>, path| {
                    let now = root.as_ref().map(|root| volume_identity(fs, root, path));
                    now.is_some_and(|now| now.is_ok_and(|now| is_other_volume(then, &now)))
                };
                if is_other(&known.source, &source, &mapping.source)
                    || is_other(&known.destination, &destination, &mapping.target)
                {
                    return None;
                }
            }
            roots.push(destination);
        }
        Some(Self { fs, roots, volumes })
    }

    /// A directory; `None` where there is none any more. An error where that cannot be known.
    pub(super) fn directory(
        &self,
        mapping: usize,
        path: &RelPath,
    ) -> Option<FsResult<Option<Opened<F>>>> {
        let root = self.roots.get(mapping)?.as_ref()?;
        let opened = match Opened::beneath(self.fs, &self.volumes, root, path) {
            Ok(opened) => Ok(Some(opened)),
            Err(error) if is_gone(error.kind) => Ok(None),
            Err(error) => Err(error),
        };
        Some(opened)
    }

    /// Makes the names in a directory durable, if it is there.
    pub(super) fn flush(&self, mapping: usize, path: &RelPath) -> FsResult<()> {
        match self.directory(mapping, path) {
            Some(Ok(Some(opened))) => crate::directories::flush_names_in(self.fs, &opened.dir),
            Some(Err(error)) => Err(error),
            Some(Ok(None)) | None => Ok(()),
        }
    }

    /// Makes the names in a directory durable, and those of the directories above it: which of them
    /// are new is not known any more.
    pub(super) fn flush_with_all_above(&self, mapping: usize, path: &RelPath) -> FsResult<()> {
        let Some(root) = self.roots.get(mapping).and_then(Option::as_ref) else { return Ok(()) };
        let mut here = Some(path.clone());
        while let Some(path) = here {
            let dir = self.fs.open_dir(root, &path)?;
            match crate::directories::flush_names_in(self.fs, &dir) {
                // A directory above that can only be passed through was not written to.
                Err(error) if error.kind == FsErrorKind::PermissionDenied => {}
                flushed => flushed?,
            }
            here = path.parent();
        }
        Ok(())
    }
}

/// Nothing is left where no directory is, or where a file or a link took its place.
fn is_gone(kind: FsErrorKind) -> bool {
    matches!(kind, FsErrorKind::NotFound | FsErrorKind::NotADirectory | FsErrorKind::LinkInPath)
}
