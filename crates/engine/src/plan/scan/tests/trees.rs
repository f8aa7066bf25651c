//! Random trees in memory: with directories that cannot be listed, and some that cannot be searched.

use std::collections::BTreeSet;

use proptest::prelude::*;
use surecopy_fs::RelPath;
use surecopy_testkit::FakeFs;

/// What is at one path of a random tree.
#[derive(Debug, Clone, Copy)]
enum Made {
    File,
    Link,
    Directory,
    /// Its names cannot be told.
    Closed,
    /// Its names can be told, and nothing else of them.
    Blind,
    /// A directory that the sink does not go into.
    NotEntered,
}

/// A tree beneath `/src`.
#[derive(Debug, Clone)]
pub(super) struct Tree {
    made: Vec<(RelPath, Made)>,
}

/// Names whose order is not that of the paths' text, and few, so that directories meet.
const NAMES: [&str; 10] = ["a", "b", "a-b", "a.", "B", "a b", "\u{e9}", "c~", "0", "~"];

pub(super) fn trees() -> impl Strategy<Value = Tree> {
    let name = || prop::sample::select(&NAMES[..]);
    let path = prop::collection::vec(name(), 1..5).prop_map(|names| names.join("/"));
    let made = prop_oneof![
        8 => Just(Made::File),
        1 => Just(Made::Link),
        6 => Just(Made::Directory),
        1 => Just(Made::Closed),
        1 => Just(Made::Blind),
        1 => Just(Made::NotEntered),
    ];
    prop::collection::vec((path, made), 0..60).prop_map(|paths| {
        let made = paths
            .into_iter()
            .map(|(path, made)| (RelPath::new(path).expect("it is made of plain names"), made));
        Tree { made: made.collect() }
    })
}

impl Tree {
    /// Makes the tree, as far as what was made first leaves room for the rest.
    pub(super) fn build(&self) -> FakeFs {
        let fs = FakeFs::new();
        fs.dir("/src");
        let mut files = BTreeSet::new();
        let mut modes = Vec::new();
        for (path, made) in &self.made {
            let at = std::path::Path::new("/src").join(path.as_path());
            let is_under_file = files.iter().any(|file| path.starts_with(file));
            if is_under_file || fs.exists(&at) {
                continue;
            }
            match made {
                Made::File => fs.file(&at, path.as_encoded_bytes()),
                Made::Link => fs.symlink(&at, "a"),
                _ => fs.dir(&at),
            };
            match made {
                Made::File | Made::Link => {
                    files.insert(path.clone());
                }
                Made::Closed => modes.push((at, 0o300)),
                Made::Blind => modes.push((at, 0o600)),
                Made::Directory | Made::NotEntered => {}
            }
        }
        for (at, mode) in modes {
            fs.mode(at, mode);
        }
        fs
    }

    /// The directories that the sink does not go into.
    pub(super) fn not_entered(&self) -> BTreeSet<RelPath> {
        let is_left = |made: &Made| matches!(made, Made::NotEntered);
        self.made.iter().filter(|(_, made)| is_left(made)).map(|(path, _)| path.clone()).collect()
    }
}
