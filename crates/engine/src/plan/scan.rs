//! Finding out what there is beneath a source.
//!
//! Entries come in a fixed order: a directory before what is in it, names sorted byte by byte,
//! the files of a directory before its subdirectories. One directory handle is open at a time, so
//! neither the depth of the tree nor the length of its paths is limited.

use surecopy_fs::{FileKind, FileSystem, FsError, Metadata, RelPath};

use crate::control::{Cancelled, Control};
use crate::policy::Filter;
use crate::spec::Mapping;

/// One entry found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Its path beneath the mapping's source.
    pub(crate) path: RelPath,
    /// What it is.
    pub(crate) metadata: Metadata,
}

/// What scanning hands on.
pub(crate) trait ScanSink {
    /// An entry was found. Says whether to go on into it, if it is a directory.
    fn entry(&mut self, entry: Entry) -> bool;
    /// A directory or entry could not be looked at; its path is that beneath the mapping's source.
    /// The scan goes on without it. `kind` is that of a directory, or `None` when it is not known.
    fn unreadable(&mut self, path: RelPath, kind: Option<FileKind>, error: FsError);
}

/// Walks one mapping's source.
pub(crate) fn scan<F: FileSystem>(
    fs: &F,
    root: &F::Dir,
    mapping: &Mapping,
    filter: &Filter,
    control: &Control,
    sink: &mut dyn ScanSink,
) -> Result<(), Cancelled> {
    let walk = Walk { fs, root, mapping, filter, control };
    let start = match mapping.source.split() {
        None => fs.metadata(surecopy_fs::Node::Dir(root)),
        Some((parent, name)) => {
            fs.open_dir(root, &parent).and_then(|dir| fs.metadata_at(&dir, &name))
        }
    };
    match start {
        Err(error) => sink.unreadable(RelPath::root(), None, error),
        Ok(metadata) => {
            let is_directory = metadata.kind == FileKind::Directory;
            // A source that was named is subject to the rules under its own name.
            let name = mapping.source.name().map(|name| RelPath::root().join(name));
            if name.is_some_and(|name| filter.is_excluded(&name, is_directory)) {
                return Ok(());
            }
            let is_entered = sink.entry(Entry { path: RelPath::root(), metadata });
            if is_directory && is_entered {
                walk.tree(sink)?;
            }
        }
    }
    Ok(())
}

struct Walk<'a, F: FileSystem> {
    fs: &'a F,
    root: &'a F::Dir,
    mapping: &'a Mapping,
    filter: &'a Filter,
    control: &'a Control,
}

impl<F: FileSystem> Walk<'_, F> {
    fn tree(&self, sink: &mut dyn ScanSink) -> Result<(), Cancelled> {
        let mut pending = vec![RelPath::root()];
        while let Some(directory) = pending.pop() {
            self.control.checkpoint()?;
            let mut below = self.directory(&directory, sink)?;
            below.reverse();
            pending.append(&mut below);
        }
        Ok(())
    }

    /// Hands on what is in one directory, and returns the directories in it, in order.
    fn directory(
        &self,
        path: &RelPath,
        sink: &mut dyn ScanSink,
    ) -> Result<Vec<RelPath>, Cancelled> {
        let below_root = self.mapping.source.join_path(path);
        let listed = self.fs.open_dir(self.root, &below_root).and_then(|dir| {
            let names = self.fs.list(&dir)?;
            Ok((dir, names))
        });
        let (dir, mut names) = match listed {
            Ok(listed) => listed,
            Err(error) => {
                sink.unreadable(path.clone(), Some(FileKind::Directory), error);
                return Ok(Vec::new());
            }
        };
        names.sort_unstable();
        let mut directories = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if index % 256 == 255 {
                self.control.checkpoint()?;
            }
            let entry_path = path.join(name);
            let metadata = match self.fs.metadata_at(&dir, name) {
                Ok(metadata) => metadata,
                Err(error) => {
                    if self.filter.admits(&entry_path, false) {
                        sink.unreadable(entry_path, None, error);
                    }
                    continue;
                }
            };
            let is_directory = metadata.kind == FileKind::Directory;
            if !self.filter.admits(&entry_path, is_directory) {
                continue;
            }
            if is_directory {
                directories.push((entry_path, metadata));
            } else {
                sink.entry(Entry { path: entry_path, metadata });
            }
        }
        Ok(directories
            .into_iter()
            .filter_map(|(path, metadata)| {
                sink.entry(Entry { path: path.clone(), metadata }).then_some(path)
            })
            .collect())
    }
}
