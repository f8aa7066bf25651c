//! What a tree holds, and running the program where it cannot take everything of the machine.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::program::{Ended, Folder, ended};

/// Every path beneath a directory, with what a change of it would show.
pub(super) type Tree = BTreeMap<PathBuf, (u64, i64, i64, u32, Vec<u8>)>;

pub(super) fn tree(root: &Path) -> Tree {
    let mut found = Tree::new();
    walk(root, root, &mut found);
    found
}

fn walk(root: &Path, path: &Path, found: &mut Tree) {
    let metadata = fs::symlink_metadata(path).unwrap();
    let content = if metadata.is_file() { fs::read(path).unwrap() } else { Vec::new() };
    let seen = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.mode(), content);
    found.insert(path.strip_prefix(root).unwrap().to_owned(), seen);
    if metadata.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            walk(root, &entry.unwrap().path(), found);
        }
    }
}

/// Files and their content, without anything that two copies have of their own.
pub(super) fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_ours = |path: &Path| path.to_string_lossy().contains(".surecopy-");
    let files = tree(root).into_iter();
    let files =
        files.filter(|(path, (.., mode, _))| mode & 0o170_000 == 0o100_000 && !is_ours(path));
    files.map(|(path, (.., content))| (path, content)).collect()
}

/// Makes a directory with links to all files of another one: what is put in their place later leaves the
/// former as it is.
pub(super) fn link_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            link_tree(&entry.path(), &target);
        } else {
            fs::hard_link(entry.path(), target).unwrap();
        }
    }
}

/// Runs the program, which may take 8 GiB and a minute, and fails unless it ends in one of its own ways.
pub(super) fn run(folder: &Folder, arguments: &[&str]) -> Ended {
    let like = folder.command(arguments);
    let mut command = Command::new("sh");
    let limits = "ulimit -v 8388608; exec timeout -s KILL 60 \"$0\" \"$@\"";
    command.args(["-c", limits]).arg(like.get_program()).args(like.get_args());
    command.current_dir(folder.path("")).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let ended = ended(command.env("PATH", "/usr/bin:/bin").stdin(Stdio::null()));
    let is_own = (0..=7).contains(&ended.code) || matches!(ended.code, 130 | 143);
    let has_panicked = ended.stderr.contains("panicked") || ended.stderr.contains("RUST_BACKTRACE");
    assert!(is_own && !has_panicked, "{arguments:?}: {} {}", ended.code, ended.stderr);
    // Only what can be shown is shown.
    for text in [&ended.stdout, &ended.stderr] {
        let is_odd =
            |c: char| (c.is_control() && c != '\n') || ('\u{202a}'..='\u{202e}').contains(&c);
        assert!(!text.contains(is_odd), "{arguments:?}: {text:?}");
    }
    ended
}
