//! The directories of the destination: opened when first needed, created when missing, and put
//! back as they were when nothing came of it.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, Metadata, Node, RelPath, Times};

/// The mapping through which a directory was reached, and its path beneath the destination root.
pub(crate) type Reached = (usize, RelPath);

/// What this run did to one directory.
#[derive(Debug)]
struct State {
    /// One of the ways there.
    reached: Reached,
    /// The run created it.
    is_created: bool,
    /// What it was like before the run touched it; not known of what the run created or has not
    /// reached.
    before: Option<Metadata>,
    /// The run has put something into it, be it for a moment, so that its times may be the run's.
    is_touched: bool,
    /// Something was published in it, so it is no longer as it was, and rightly so.
    has_published: bool,
    /// What was to be published in it, or below it, is there already.
    has_kept: bool,
    /// Something that was to be published in it was not.
    has_failed: bool,
    /// What others have left in it was looked for, or is being looked for.
    is_swept: bool,
}

impl State {
    /// An earlier run of the job created it and something in it, so that it is to be finished.
    fn is_kept(&self) -> bool {
        self.is_created && self.has_kept
    }
}

/// All directories this run writes in.
pub(crate) struct Directories<F: FileSystem> {
    fs: Arc<F>,
    /// The destination root of each mapping.
    roots: Vec<PathBuf>,
    /// By full path: whatever mappings lead to a directory, it is one and the same.
    states: Mutex<HashMap<PathBuf, State>>,
    begun: AtomicU64,
    ended: AtomicU64,
    /// An earlier run may have created what is there, and its names may not be durable.
    are_doubtful: AtomicBool,
    /// Created, and not yet told to the journal.
    untold: Mutex<Vec<Reached>>,
}

/// How many directories were created, or tried to be, at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Created {
    /// Those that were begun.
    pub(crate) begun: u64,
    /// All of them had ended: their names were there, and it was noted who made them.
    pub(crate) is_settled: bool,
}

impl<F: FileSystem> Directories<F> {
    /// None yet.
    pub(crate) fn new(fs: Arc<F>, roots: Vec<PathBuf>) -> Self {
        let (begun, ended) = (AtomicU64::new(0), AtomicU64::new(0));
        let are_doubtful = AtomicBool::new(false);
        let (states, untold) = (Mutex::default(), Mutex::default());
        Self { fs, roots, states, begun, ended, are_doubtful, untold }
    }

    fn key(&self, mapping: usize, path: &RelPath) -> PathBuf {
        self.roots[mapping].join(path.as_path())
    }

    /// Notes something about a directory.
    fn change(&self, mapping: usize, path: &RelPath, change: impl FnOnce(&mut State)) {
        let mut states = self.states.lock().expect("no code panics while holding this lock");
        let new = || State {
            reached: (mapping, path.clone()),
            is_created: false,
            before: None,
            is_touched: false,
            has_published: false,
            has_kept: false,
            has_failed: false,
            is_swept: false,
        };
        change(states.entry(self.key(mapping, path)).or_insert_with(new));
    }

    /// Whether something is so of a directory that is known.
    fn is(&self, mapping: usize, path: &RelPath, so: impl FnOnce(&State) -> bool) -> bool {
        let states = self.states.lock().expect("no code panics while holding this lock");
        states.get(&self.key(mapping, path)).is_some_and(so)
    }

    /// How many directories were created so far. Names of new directories need a flush too.
    ///
    /// A creation counts as begun before its name is there, so whoever could open a new directory
    /// and asks after that is told of it. But then a flush may come between: it covers a number of
    /// creations only if all that were begun had ended before. What had ended is looked at first.
    /// If it is then equal to what was begun, nothing was under way at the second look, since
    /// neither number goes back and nothing ends that was not begun.
    pub(crate) fn created(&self) -> Created {
        let ended = self.ended.load(Ordering::Acquire);
        let begun = self.begun.load(Ordering::Acquire);
        Created { begun, is_settled: begun == ended }
    }

    /// Opens a directory to write in it, creating what is missing.
    pub(crate) fn open(&self, mapping: usize, root: &F::Dir, path: &RelPath) -> FsResult<F::Dir> {
        let dir = match self.fs.open_dir(root, path) {
            Ok(dir) => dir,
            Err(error) if error.kind == FsErrorKind::NotFound && !path.is_root() => {
                return self.create(mapping, root, path);
            }
            Err(error) => return Err(error),
        };
        let before = self.fs.metadata(Node::Dir(&dir))?;
        self.note(mapping, path, false, Some(before));
        Ok(dir)
    }

    /// Creates a directory and those above it. Two workers may do so at once.
    fn create(&self, mapping: usize, root: &F::Dir, path: &RelPath) -> FsResult<F::Dir> {
        let mut missing = vec![path.clone()];
        let mut above = path.parent().unwrap_or_default();
        let mut parent = loop {
            match self.fs.open_dir(root, &above) {
                Ok(dir) => break dir,
                Err(error) if error.kind == FsErrorKind::NotFound && !above.is_root() => {
                    let next = above.parent().unwrap_or_default();
                    missing.push(std::mem::replace(&mut above, next));
                }
                Err(error) => return Err(error),
            }
        };
        let before = self.fs.metadata(Node::Dir(&parent))?;
        self.note(mapping, &above, false, Some(before));
        for path in missing.into_iter().rev() {
            let name = path.name().expect("a missing directory has a name");
            let is_created = self.create_one(mapping, &parent, &path, name)?;
            let dir = self.fs.open_dir(&parent, &RelPath::root().join(name))?;
            if !is_created {
                let before = self.fs.metadata(Node::Dir(&dir))?;
                self.note(mapping, &path, false, Some(before));
            }
            parent = dir;
        }
        Ok(parent)
    }

    /// Says whether it was this call that created the directory, and not another worker's.
    fn create_one(
        &self,
        mapping: usize,
        parent: &F::Dir,
        path: &RelPath,
        name: &OsStr,
    ) -> FsResult<bool> {
        self.begun.fetch_add(1, Ordering::AcqRel);
        let is_created = match self.fs.create_dir(parent, name) {
            Ok(()) => Ok(true),
            Err(error) if error.kind == FsErrorKind::AlreadyExists => Ok(false),
            Err(error) => Err(error),
        };
        if let Ok(true) = is_created {
            // At once, so that it goes again even if it cannot be entered.
            self.note(mapping, path, true, None);
            let mut untold = self.untold.lock().expect("no code panics while holding this lock");
            untold.push((mapping, path.clone()));
            drop(untold);
            self.touched(mapping, &path.parent().unwrap_or_default());
        }
        self.ended.fetch_add(1, Ordering::AcqRel);
        is_created
    }

    /// Directories that were created since this was asked the last time.
    pub(crate) fn take_untold(&self) -> Vec<Reached> {
        std::mem::take(&mut *self.untold.lock().expect("no code panics while holding this lock"))
    }

    /// Whether there are any.
    pub(crate) fn has_untold(&self) -> bool {
        !self.untold.lock().expect("no code panics while holding this lock").is_empty()
    }

    /// An earlier run of the job has made the directory, and did not come to finish it.
    pub(crate) fn made_before(&self, mapping: usize, path: &RelPath) {
        self.note(mapping, path, true, None);
    }

    /// An earlier run of the job did not come to its end. Whatever directory is there, it may have
    /// created it, and have died before that was recorded; so all of them count as new when it comes
    /// to making names durable.
    pub(crate) fn follow_a_run_that_did_not_end(&self) {
        self.are_doubtful.store(true, Ordering::Release);
        self.begun.fetch_add(1, Ordering::AcqRel);
        self.ended.fetch_add(1, Ordering::AcqRel);
    }

    fn note(&self, mapping: usize, path: &RelPath, is_created: bool, before: Option<Metadata>) {
        self.change(mapping, path, |state| {
            state.is_created |= is_created;
            if state.before.is_none() {
                state.before = before;
            }
        });
    }

    /// Whether nobody has looked yet for what others have left in the directory. Whoever asks does.
    /// In what the run has created there is nothing.
    pub(crate) fn is_to_be_swept(&self, mapping: usize, path: &RelPath) -> bool {
        let mut is_first = false;
        self.change(mapping, path, |state| {
            is_first = !std::mem::replace(&mut state.is_swept, true) && !state.is_created;
        });
        is_first
    }

    /// The run puts something into the directory, which may not stay.
    pub(crate) fn touched(&self, mapping: usize, path: &RelPath) {
        self.change(mapping, path, |state| state.is_touched = true);
    }

    /// Something was published in the directory: it and everything above it stays.
    pub(crate) fn published_in(&self, mapping: usize, path: &RelPath) {
        let mut states = self.states.lock().expect("no code panics while holding this lock");
        let mut is_new = false;
        let mut here = Some(path.clone());
        let mut is_own = true;
        while let Some(path) = here {
            let above = path.parent();
            if let Some(state) = states.get_mut(&self.key(mapping, &path)) {
                // Only what is new changes the directory above it.
                if state.has_published || !(is_own || is_new) {
                    break;
                }
                state.has_published = true;
                is_new = state.is_created;
            }
            is_own = false;
            here = above;
        }
    }

    /// Something that was to go into the directory is there already: it and everything above it is
    /// in use.
    pub(crate) fn kept_in(&self, mapping: usize, path: &RelPath) {
        let mut here = Some(path.clone());
        while let Some(path) = here {
            let mut was_known = false;
            self.change(mapping, &path, |state| {
                was_known = std::mem::replace(&mut state.has_kept, true);
            });
            here = if was_known { None } else { path.parent() };
        }
    }

    /// Something that was to go into the directory did not get there.
    pub(crate) fn failed_in(&self, mapping: usize, path: &RelPath) {
        self.change(mapping, path, |state| state.has_failed = true);
    }

    /// Whether a directory is left with nothing because what was to go into it failed.
    pub(crate) fn came_to_nothing(&self, mapping: usize, path: &RelPath) -> bool {
        self.is(mapping, path, |state| state.has_failed && !state.has_published && !state.has_kept)
    }

    /// Whether something was published in the directory, be it a new directory.
    pub(crate) fn has_published(&self, mapping: usize, path: &RelPath) -> bool {
        self.is(mapping, path, |state| state.has_published)
    }

    /// Whether the run created the directory.
    pub(crate) fn is_created(&self, mapping: usize, path: &RelPath) -> bool {
        self.is(mapping, path, |state| state.is_created)
    }

    /// Removes created directories in which nothing was published, and gives the others that were
    /// touched in vain their times back: all other times are somebody else's. Deepest first. Returns
    /// what could not be done.
    pub(crate) fn put_back(
        &self,
        root_of: &dyn Fn(usize) -> Arc<F::Dir>,
    ) -> Vec<(Reached, surecopy_fs::FsError)> {
        let mut states = self.states.lock().expect("no code panics while holding this lock");
        let mut unused: Vec<(PathBuf, State)> =
            states.extract_if(|_, state| !state.has_published && !state.is_kept()).collect();
        drop(states);
        unused.sort_by_key(|(path, _)| std::cmp::Reverse(path.components().count()));
        let mut failed = Vec::new();
        for (_, state) in unused {
            let (mapping, path) = &state.reached;
            let root = root_of(*mapping);
            let done = match &state.before {
                _ if state.is_created => self.remove(&root, path),
                Some(before) if state.is_touched => self.restore_times(&root, path, before),
                Some(_) | None => Ok(()),
            };
            if let Err(error) = done {
                failed.push((state.reached, error));
            }
        }
        failed
    }

    /// Makes the names in a directory durable, and those of new directories above it: a new
    /// directory survives only when the one that holds its name has been flushed as well. For
    /// volumes that cannot be flushed as a whole.
    pub(crate) fn flush_with_new_above(
        &self,
        mapping: usize,
        root: &F::Dir,
        dir: &F::Dir,
        path: &RelPath,
    ) -> FsResult<()> {
        flush_names_in(self.fs.as_ref(), dir)?;
        // While one is being created, its name may be there without its being known as new.
        let may_be_new = !self.created().is_settled || self.are_doubtful.load(Ordering::Acquire);
        let mut path = path.clone();
        while (may_be_new || self.is_created(mapping, &path))
            && let Some(above) = path.parent()
        {
            let flushed = flush_names_in(self.fs.as_ref(), &self.fs.open_dir(root, &above)?);
            match flushed {
                // One that can only be passed through was not written to.
                Err(error)
                    if error.kind == FsErrorKind::PermissionDenied
                        && !self.is_created(mapping, &path) => {}
                flushed => flushed?,
            }
            path = above;
        }
        Ok(())
    }

    fn remove(&self, root: &F::Dir, path: &RelPath) -> FsResult<()> {
        let Some((parent, name)) = path.split() else { return Ok(()) };
        let dir = self.fs.open_dir(root, &parent)?;
        match self.fs.remove_dir(&dir, OsStr::new(&name)) {
            // Somebody else put something there, or removed it already.
            Err(error)
                if matches!(error.kind, FsErrorKind::DirectoryNotEmpty | FsErrorKind::NotFound) =>
            {
                Ok(())
            }
            done => done,
        }
    }

    fn restore_times(&self, root: &F::Dir, path: &RelPath, before: &Metadata) -> FsResult<()> {
        let dir = self.fs.open_dir(root, path)?;
        let now = self.fs.metadata(Node::Dir(&dir))?;
        if now.modified == before.modified {
            return Ok(());
        }
        let times = Times { accessed: None, modified: before.modified, created: before.created };
        self.fs.set_times(Node::Dir(&dir), times)
    }
}

/// Flushes a directory. Some network and user-space file systems have no flush for directories;
/// they publish names by their own means, and nothing more can be done.
pub(crate) fn flush_names_in<F: FileSystem>(fs: &F, dir: &F::Dir) -> FsResult<()> {
    match fs.flush_dir(dir) {
        Err(error) if error.kind == FsErrorKind::NotSupported => Ok(()),
        flushed => flushed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use surecopy_fs::Operation;
    use surecopy_testkit::FakeFs;

    #[test]
    fn while_a_directory_is_being_created_all_above_count_as_new() {
        let fs = Arc::new(FakeFs::new());
        fs.dir("/dst/old");
        let [old, new] = ["old", "new"].map(|name| RelPath::root().join(OsStr::new(name)));
        let root = fs.open_root(Path::new("/dst")).unwrap();
        let directories = Arc::new(Directories::new(Arc::clone(&fs), vec!["/dst".into()]));
        let flushes = {
            let directories = Arc::clone(&directories);
            move |fs: &FakeFs| {
                let root = fs.open_root(Path::new("/dst")).unwrap();
                let dir = fs.open_dir(&root, &old).unwrap();
                let before = fs.count(Operation::FlushDir);
                directories.flush_with_new_above(0, &root, &dir, &old).unwrap();
                (directories.created(), fs.count(Operation::FlushDir) - before)
            }
        };
        assert_eq!(flushes(&fs), (Created { begun: 0, is_settled: true }, 1));
        let under_way = flushes.clone();
        fs.before(Operation::CreateDir, move |fs, _| {
            assert_eq!(under_way(fs), (Created { begun: 1, is_settled: false }, 2));
        });
        directories.open(0, &root, &new).unwrap();
        assert_eq!(fs.count(Operation::CreateDir), 1);
        assert_eq!(flushes(&fs), (Created { begun: 1, is_settled: true }, 1));
    }
}
