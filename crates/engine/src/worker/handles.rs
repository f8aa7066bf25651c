//! A worker's open handles: the directories of its current item, kept open from item to item, and
//! the handles that report lost writes.

use std::collections::HashMap;
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsResult, RelPath, Support, Volume};

use crate::context::Context;
use crate::report::{Warning, WarningKind};
use crate::sweep::sweep;

/// A directory by mapping and path.
type Key = (usize, RelPath);

/// The destination directory in use.
pub(super) struct DestinationDir<F: FileSystem> {
    pub(super) dir: Arc<F::Dir>,
    pub(super) volume: Arc<Volume>,
}

impl<F: FileSystem> Clone for DestinationDir<F> {
    fn clone(&self) -> Self {
        Self { dir: Arc::clone(&self.dir), volume: Arc::clone(&self.volume) }
    }
}

/// Handles of one worker.
pub(super) struct Handles<F: FileSystem> {
    source: Option<(Key, Arc<F::Dir>)>,
    destination: Option<(Key, DestinationDir<F>)>,
    flush_points: HashMap<u64, Arc<F::Dir>>,
    failed_flushes: HashMap<u64, u64>,
}

impl<F: FileSystem> Default for Handles<F> {
    fn default() -> Self {
        Self {
            source: None,
            destination: None,
            flush_points: HashMap::new(),
            failed_flushes: HashMap::new(),
        }
    }
}

impl<F: FileSystem> Handles<F> {
    /// A directory beneath a mapping's source root.
    pub(super) fn source(
        &mut self,
        context: &Context<'_, F>,
        mapping: usize,
        path: &RelPath,
    ) -> FsResult<Arc<F::Dir>> {
        if let Some(((known_mapping, known_path), dir)) = &self.source
            && *known_mapping == mapping
            && known_path == path
        {
            return Ok(Arc::clone(dir));
        }
        let dir = Arc::new(context.fs().open_dir(&context.roots[mapping].source, path)?);
        self.source = Some(((mapping, path.clone()), Arc::clone(&dir)));
        Ok(dir)
    }

    /// A directory beneath a mapping's destination root, created if missing.
    pub(super) fn destination(
        &mut self,
        context: &Context<'_, F>,
        mapping: usize,
        path: &RelPath,
    ) -> FsResult<DestinationDir<F>> {
        if let Some(((known_mapping, known_path), dir)) = &self.destination
            && *known_mapping == mapping
            && known_path == path
        {
            return Ok(dir.clone());
        }
        let root = &context.roots[mapping].destination;
        let dir = context.directories.open(mapping, root, path)?;
        context.note_directories();
        let volume = context.volumes.of_dir(context.fs(), &dir)?;
        // A lock that another machine holds may not be seen from here.
        let can_see_locks = !volume.filesystem.is_network;
        if context.directories.is_to_be_swept(mapping, path) && can_see_locks {
            sweep_out(context, &dir, mapping, path);
        }
        if let std::collections::hash_map::Entry::Vacant(vacant) =
            self.flush_points.entry(volume.id)
        {
            // Opened before this worker's first write on the volume: its error cursor starts here.
            vacant.insert(Arc::new(context.fs().open_dir(&dir, &RelPath::root())?));
        }
        let opened = DestinationDir { dir: Arc::new(dir), volume };
        self.destination = Some(((mapping, path.clone()), opened.clone()));
        Ok(opened)
    }

    /// The handle that reports every write-back error on a volume since this worker began to write
    /// there.
    pub(super) fn flush_point(&self, volume: &Volume) -> Option<Arc<F::Dir>> {
        self.flush_points.get(&volume.id).cloned()
    }

    /// Flushes a volume for the sake of names, and takes note when that fails: the handle does not report
    /// again what it has reported, which may be that content was lost that is still to be flushed.
    pub(super) fn flush_through(
        &mut self,
        volume: &Volume,
        flush: impl FnOnce() -> FsResult<Support<()>>,
    ) -> FsResult<Support<()>> {
        flush().inspect_err(|_| *self.failed_flushes.entry(volume.id).or_default() += 1)
    }

    /// How many of those have failed on a volume.
    pub(super) fn failed_flushes(&self, volume: &Volume) -> u64 {
        self.failed_flushes.get(&volume.id).copied().unwrap_or_default()
    }

    /// Forgets the open directories, so that the next item looks at them anew.
    pub(super) fn forget_directories(&mut self) {
        self.source = None;
        self.destination = None;
    }
}

/// Removes from a directory what runs that are gone have left there.
fn sweep_out<F: FileSystem>(
    context: &Context<'_, F>,
    dir: &F::Dir,
    mapping: usize,
    path: &RelPath,
) {
    let swept = sweep(context.fs(), context.outside.clock, dir, context.spec.nonce);
    if swept.removed > 0 {
        context.directories.touched(mapping, path);
        tracing::info!(
            count = swept.removed,
            ?path,
            "partial files of dead processes were removed"
        );
    }
    for (name, error) in swept.failed {
        context.warn(Warning {
            kind: WarningKind::LeftBehind,
            path: context.roots[mapping].show_target(&path.join(&name)),
            message: format!("left by a process that is gone, and could not be removed: {error}"),
        });
    }
}
