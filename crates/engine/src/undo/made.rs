//! Directories that a job made.

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, RelPath};

use super::round::Undoing;
use crate::directories::flush_names_in;
use crate::report::{Outcome, WarningKind};

/// What became of one.
enum Removed {
    /// It is gone.
    Now,
    /// It was gone before.
    Before,
    /// Something is in it, or it is no directory any more.
    Not,
}

impl<F: FileSystem> Undoing<'_, F> {
    /// Removes those that are empty, deepest first, so that one that held nothing but others goes too.
    pub(super) fn remove_made(&mut self, made: &[(usize, RelPath)]) -> Outcome {
        let mut made: Vec<&(usize, RelPath)> =
            made.iter().filter(|(mapping, _)| self.destinations.has(*mapping)).collect();
        // What stands in one directory comes together, so that it is flushed once.
        let key = |(mapping, path): &(usize, RelPath)| {
            (std::cmp::Reverse(path.depth()), *mapping, path.clone())
        };
        made.sort_by_cached_key(|reached| key(reached));
        made.dedup();
        let mut changed: Option<(usize, RelPath)> = None;
        for (mapping, path) in made {
            if self.outside.control.checkpoint().is_err() {
                return Outcome::Cancelled;
            }
            // A root is never made by a job.
            let Some(parent) = path.parent() else { continue };
            let here = (*mapping, parent);
            if changed.as_ref().is_some_and(|changed| *changed != here) {
                self.flush_changed(changed.take());
            }
            match self.remove_one(*mapping, path) {
                Ok(Removed::Now) => {
                    self.report.directories_removed += 1;
                    changed = Some(here);
                }
                Ok(Removed::Before) => {}
                Ok(Removed::Not) => self.report.directories_left += 1,
                Err(error) => {
                    self.report.directories_left += 1;
                    let shown = self.destinations.show(*mapping, path);
                    let message = format!("could not be removed: {error}");
                    self.warn(WarningKind::Directory, shown, message);
                }
            }
        }
        self.flush_changed(changed);
        Outcome::Finished
    }

    fn remove_one(&self, mapping: usize, path: &RelPath) -> FsResult<Removed> {
        let Some((parent, name)) = path.split() else { return Ok(Removed::Before) };
        let opened = match self.destinations.directory(mapping, &parent) {
            Ok(opened) => opened,
            Err(error) if is_other(error.kind) => return Ok(Removed::Not),
            Err(error) => return Err(error),
        };
        let Some(place) = opened else { return Ok(Removed::Before) };
        match self.destinations.fs.remove_dir(&place.dir, &name) {
            Ok(()) => Ok(Removed::Now),
            Err(error) if error.kind == FsErrorKind::NotFound => Ok(Removed::Before),
            Err(error) if is_other(error.kind) => Ok(Removed::Not),
            Err(error) => Err(error),
        }
    }

    fn flush_changed(&mut self, changed: Option<(usize, RelPath)>) {
        let Some((mapping, path)) = changed else { return };
        let flushed = self.destinations.directory(mapping, &path).and_then(|place| match place {
            Some(place) => flush_names_in(self.destinations.fs, &place.dir),
            None => Ok(()),
        });
        if let Err(error) = flushed {
            let shown = self.destinations.show(mapping, &path);
            let message = format!("removed directories may come back: {error}");
            self.warn(WarningKind::Directory, shown, message);
        }
    }
}

/// What stands there is in use, or not what the job made.
fn is_other(kind: FsErrorKind) -> bool {
    matches!(
        kind,
        FsErrorKind::DirectoryNotEmpty | FsErrorKind::NotADirectory | FsErrorKind::LinkInPath
    )
}
