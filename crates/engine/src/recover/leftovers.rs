//! Partial files of runs that died before anything was said of them.

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, FsResult, RelPath, Support};

use super::recovery::Recovery;
use crate::opened::Opened;
use crate::partial_names::is_partial_of;

impl<F: FileSystem> Recovery<'_, F> {
    /// Removes partial files that carry the number of a dead run. Nothing else ever has such a name:
    /// the number was in the journal before there was a file, and what is replaced never gets it.
    pub(super) fn remove_leftovers(&mut self, mapping: usize, path: &RelPath, nonces: &[u64]) {
        let opened = match self.sight.directory(mapping, path) {
            None | Some(Ok(None)) => return,
            Some(Ok(Some(opened))) => opened,
            Some(Err(error)) => {
                let shown = self.show(mapping, path);
                return self.cannot_remove(shown, &error);
            }
        };
        let names = match self.sight.fs.list(&opened.dir) {
            Ok(names) => names,
            Err(error) => {
                let shown = self.show(mapping, path);
                return self.cannot_remove(shown, &error);
            }
        };
        for name in names {
            if !nonces.iter().any(|nonce| is_partial_of(*nonce, &name)) {
                continue;
            }
            if let Err(error) = self.remove_leftover(&opened, &name) {
                let shown = self.show(mapping, &path.join(&name));
                self.cannot_remove(shown, &error);
            }
        }
        // Also where there is nothing: the run itself may have removed it without making that durable.
        self.settled_in.entry((mapping, path.clone())).or_default();
    }

    fn remove_leftover(&mut self, opened: &Opened<F>, name: &std::ffi::OsStr) -> FsResult<()> {
        let fs = self.sight.fs;
        let found = match fs.metadata_at(&opened.dir, name) {
            Ok(found) => found,
            Err(error) if error.kind == FsErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let is_held = found.kind == FileKind::File
            && match fs.is_locked(&opened.dir, name) {
                Ok(answer) => matches!(answer, Support::Done(true)),
                // It was given its source's permissions, and its owner none. That the job's own lock
                // is free is known.
                Err(error) if error.kind == FsErrorKind::PermissionDenied => false,
                Err(error) => return Err(error),
            };
        if is_held {
            // Its process outlived its job's lock: whatever it is doing, it may be near its end.
            let message = "another process still holds it".to_owned();
            self.warn_left_behind(name.into(), message);
            return Ok(());
        }
        self.recovered.has_changed = true;
        fs.remove_file(&opened.dir, name)
    }

    fn show(&self, mapping: usize, path: &RelPath) -> std::path::PathBuf {
        let root = self.spec.mappings.get(mapping).map(|mapping| &mapping.destination_root);
        root.map_or_else(|| path.as_path().to_owned(), |root| crate::spec::joined(root, path))
    }
}
