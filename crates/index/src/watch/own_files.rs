//! The files of the index itself. What is written to them because something was marked must not be
//! marked again.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use surecopy_fs::{FileId, FileSystem, Node};

/// What SQLite and we keep beside the database.
const BESIDE: [&str; 5] = ["", "-wal", "-shm", "-journal", ".lock"];

/// The names of the files, and the directory they stand in, whatever path leads to it.
#[derive(Debug, Clone)]
pub(super) struct OwnFiles {
    home: Option<FileId>,
    names: Vec<OsString>,
}

impl OwnFiles {
    pub(super) fn of<F: FileSystem>(fs: &F, index: &Path) -> Self {
        let parent = index.parent().unwrap_or(Path::new("/"));
        let home = fs.open_root(parent).and_then(|home| fs.metadata(Node::Dir(&home)));
        let name = index.file_name().unwrap_or_default();
        let names = BESIDE.map(|suffix| {
            let mut name = name.to_owned();
            name.push(suffix);
            name
        });
        Self { home: home.ok().map(|home| home.id), names: names.into() }
    }

    /// Whether they stand in this directory.
    pub(super) fn are_in(&self, directory: FileId) -> bool {
        self.home == Some(directory)
    }

    pub(super) fn have(&self, name: &OsStr) -> bool {
        self.names.iter().any(|own| own == name)
    }
}
