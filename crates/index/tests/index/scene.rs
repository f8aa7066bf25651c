//! What the tests share: an index in a temporary directory, and a walker that lists what is not fresh.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use surecopy_engine::Control;
use surecopy_fs::{FileKind, FileSystem, Metadata, Moment, Node, RelPath, Volume};
use surecopy_index::{
    Index, IndexError, Listed, Location, LocationId, Recorded, Recorder, ScanEnd, Validated,
    Validation, ValidationProgress,
};
use tempfile::TempDir;

pub(crate) struct Scene {
    pub(crate) temp: TempDir,
    pub(crate) index: Index,
}

pub(crate) fn scene() -> Scene {
    let temp = tempfile::tempdir().unwrap();
    let index = Index::open(&temp.path().join("index.db")).unwrap();
    Scene { temp, index }
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

/// A tree that is indexed, and how to tell the time.
pub(crate) struct Place<'a, F: FileSystem> {
    pub(crate) index: &'a Index,
    pub(crate) fs: &'a F,
    pub(crate) root: F::Dir,
    pub(crate) location: Location,
    pub(crate) now: Box<dyn Fn() -> Moment + 'a>,
}

/// What was found by names: kinds and sizes.
pub(crate) type Tree = BTreeMap<PathBuf, (FileKind, u64)>;

/// What a scan did.
#[derive(Debug)]
pub(crate) struct Scanned {
    pub(crate) recorded: Recorded,
    /// Directories that were listed, in order.
    pub(crate) listed: Vec<PathBuf>,
    /// All that there is, remembered or listed.
    pub(crate) tree: Tree,
}

impl<'a, F: FileSystem> Place<'a, F> {
    pub(crate) fn new(
        index: &'a Index,
        fs: &'a F,
        path: &Path,
        now: impl Fn() -> Moment + 'a,
    ) -> Self {
        let root = fs.open_root(path).unwrap();
        let volume = fs.volume(&root).unwrap();
        let location = index.add_location(path, &volume, &now()).unwrap();
        Self { index, fs, root, location, now: Box::new(now) }
    }

    pub(crate) fn id(&self) -> LocationId {
        self.location.id
    }

    pub(crate) fn volume(&self) -> Volume {
        self.fs.volume(&self.root).unwrap()
    }

    pub(crate) fn validate(&self) -> Validated {
        self.validate_beneath("")
    }

    pub(crate) fn validate_beneath(&self, beneath: &str) -> Validated {
        let progress = ValidationProgress::default();
        let validation = Validation {
            index: self.index,
            location: self.id(),
            beneath: &rel(beneath),
            now: &(self.now)(),
            threads: 2,
            control: &Control::new(),
            progress: &progress,
        };
        let validated = validation.run(self.fs, &self.root).unwrap();
        let counted = validated.fresh + validated.stale + validated.gone;
        assert!(progress.checked() == counted || progress.checked() == 0, "{progress:?}");
        validated
    }

    pub(crate) fn begin(&self) -> Recorder {
        Recorder::begin(self.index, self.id(), &self.volume(), &(self.now)()).unwrap()
    }

    /// Lists everything.
    pub(crate) fn scan(&self) -> Scanned {
        self.try_scan().unwrap()
    }

    pub(crate) fn try_scan(&self) -> Result<Scanned, IndexError> {
        self.scan_what(|_| false)
    }

    /// Finds out what is stale and lists that.
    pub(crate) fn refresh(&self) -> Scanned {
        let validated = self.validate();
        self.scan_what(|path| {
            let directory = self.index.directory(self.id(), path).unwrap();
            directory.is_some_and(|directory| validated.is_fresh(directory))
        })
        .unwrap()
    }

    fn scan_what(&self, is_fresh: impl Fn(&RelPath) -> bool) -> Result<Scanned, IndexError> {
        let now = (self.now)();
        let recorder = Recorder::begin(self.index, self.id(), &self.volume(), &now)?;
        let mut listed = Vec::new();
        let mut tree = Tree::new();
        let mut pending = vec![RelPath::root()];
        while let Some(path) = pending.pop() {
            let entries = if is_fresh(&path) {
                let directory = self.index.directory(self.id(), &path).unwrap().unwrap();
                self.index.entries(directory).unwrap().unwrap()
            } else {
                listed.push(path.as_path().to_owned());
                self.list(&recorder, &path)
            };
            for (name, metadata) in entries {
                let path = path.join(&name);
                tree.insert(path.as_path().to_owned(), (metadata.kind, metadata.size));
                if metadata.kind == FileKind::Directory {
                    pending.push(path);
                }
            }
        }
        listed.sort();
        let recorded = recorder.finish(ScanEnd::Whole, (self.now)().wall)?;
        Ok(Scanned { recorded, listed, tree })
    }

    /// Lists a directory and records it.
    pub(crate) fn list(&self, recorder: &Recorder, path: &RelPath) -> Vec<(OsString, Metadata)> {
        let began = (self.now)();
        let dir = self.fs.open_dir(&self.root, path).unwrap();
        let metadata = self.fs.metadata(Node::Dir(&dir)).unwrap();
        let mut names = self.fs.list(&dir).unwrap();
        names.sort();
        let entries: Vec<_> = names
            .into_iter()
            .map(|name| {
                let metadata = self.fs.metadata_at(&dir, &name).unwrap();
                (name, metadata)
            })
            .collect();
        let (began, metadata, entries) = (&began, &metadata, &entries[..]);
        recorder.listed(&Listed { path, began, metadata, entries, part: 0, parts: 1 });
        entries.to_vec()
    }

    /// All that the index remembers, walked from the location's root.
    pub(crate) fn remembered(&self) -> Tree {
        let mut tree = Tree::new();
        let mut pending = vec![RelPath::root()];
        while let Some(path) = pending.pop() {
            let directory = self.index.directory(self.id(), &path).unwrap();
            let directory = directory.unwrap_or_else(|| panic!("{path:?} is not known"));
            let entries = self.index.entries(directory).unwrap();
            for (name, metadata) in entries.unwrap_or_else(|| panic!("{path:?} was not listed")) {
                let path = path.join(&name);
                tree.insert(path.as_path().to_owned(), (metadata.kind, metadata.size));
                if metadata.kind == FileKind::Directory {
                    pending.push(path);
                }
            }
        }
        tree
    }

    /// Checks the totals of every directory against a tree.
    #[track_caller]
    pub(crate) fn check_totals(&self, tree: &Tree) {
        let is_directory = |(path, (kind, _)): (&PathBuf, &(FileKind, u64))| {
            (*kind == FileKind::Directory).then(|| path.clone())
        };
        let mut directories: Vec<PathBuf> = tree.iter().filter_map(is_directory).collect();
        directories.push(PathBuf::new());
        for directory in directories {
            let (mut files, mut bytes, mut below, mut others) = (0, 0, 0, 0);
            for (_, (kind, size)) in
                tree.iter().filter(|(path, _)| path.starts_with(&directory) && **path != directory)
            {
                match kind {
                    FileKind::File => {
                        files += 1;
                        bytes += size;
                    }
                    FileKind::Directory => below += 1,
                    _ => others += 1,
                }
            }
            let path = self.location.path.join(&directory);
            let told = self.index.estimate(&path).unwrap().unwrap();
            let found = (told.files, told.bytes, told.directories, told.others);
            assert_eq!(found, (files, bytes, below, others), "{}", path.display());
            assert!(told.is_complete(), "{}: {told:?}", path.display());
        }
    }
}
