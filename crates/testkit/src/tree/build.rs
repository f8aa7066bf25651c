//! Making planned trees: on disk with plain standard functions, so that native code under test
//! has no part in it, or through any file system.

use std::collections::BTreeMap;
use std::fs::{self, File, FileTimes, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use surecopy_fs::{FileSystem, FsResult, Node, RelPath, Times, Timestamp};

use super::plan::{PlannedContent, PlannedEntry, TreePlan};

fn system_time(time: Timestamp) -> SystemTime {
    let whole = Duration::from_secs(time.secs.unsigned_abs());
    let start =
        if time.secs < 0 { SystemTime::UNIX_EPOCH - whole } else { SystemTime::UNIX_EPOCH + whole };
    start + Duration::from_nanos(u64::from(time.nanos))
}

impl TreePlan {
    /// Builds the tree on disk, in an existing directory.
    pub fn build_on_disk(&self, top: &Path) -> io::Result<()> {
        for (path, entry) in &self.entries {
            let path = top.join(path);
            match &entry.content {
                PlannedContent::Directory => fs::create_dir(&path)?,
                PlannedContent::File(bytes) => fs::write(&path, bytes)?,
                PlannedContent::Symlink(text) => symlink(text, &path)?,
            }
        }
        // What is inside comes first: making it would change the directory's time.
        for (path, entry) in self.entries.iter().rev() {
            if !matches!(entry.content, PlannedContent::Symlink(_)) {
                let path = top.join(path);
                let times = FileTimes::new().set_modified(system_time(entry.modified));
                File::open(&path)?.set_times(times)?;
                fs::set_permissions(&path, Permissions::from_mode(entry.mode))?;
            }
        }
        Ok(())
    }

    /// Builds the tree through a file system, in an open directory.
    pub fn build_through<F: FileSystem>(&self, fs: &F, top: &F::Dir) -> FsResult<()> {
        let mut dirs: BTreeMap<&Path, F::Dir> = BTreeMap::new();
        dirs.insert(Path::new(""), fs.open_dir(top, &RelPath::root())?);
        for (path, entry) in &self.entries {
            let parent = path.parent().expect("entries stand in a directory");
            let dir = dirs.get(parent).expect("parents sort before what is in them");
            if let Some(made) = build_entry(fs, dir, path, entry)? {
                dirs.insert(path, made);
            }
        }
        for (path, dir) in dirs.iter().rev() {
            if let Some(entry) = self.entries.get(*path) {
                finish(fs, Node::Dir(dir), entry)?;
            }
        }
        Ok(())
    }
}

/// Makes one entry; a directory is given back open, to be finished when it has been filled.
fn build_entry<F: FileSystem>(
    fs: &F,
    dir: &F::Dir,
    path: &Path,
    entry: &PlannedEntry,
) -> FsResult<Option<F::Dir>> {
    let name = path.file_name().expect("entries have names");
    match &entry.content {
        PlannedContent::Directory => {
            fs.create_dir(dir, name)?;
            return fs.open_dir(dir, &RelPath::root().join(name)).map(Some);
        }
        PlannedContent::Symlink(text) => fs.create_symlink(dir, name, text)?,
        PlannedContent::File(bytes) => {
            let file = fs.create_partial(dir, name)?;
            let mut done = 0;
            while done < bytes.len() {
                done += fs.write_at(&file, &bytes[done..], done as u64)?;
            }
            finish(fs, Node::File(&file), entry)?;
        }
    }
    Ok(None)
}

fn finish<F: FileSystem>(fs: &F, node: Node<'_, F>, entry: &PlannedEntry) -> FsResult<()> {
    let again = match &node {
        Node::File(file) => Node::File(*file),
        Node::Dir(dir) => Node::Dir(*dir),
    };
    fs.set_permissions(again, entry.mode)?;
    fs.set_times(node, Times { accessed: None, modified: entry.modified, created: None })
}
