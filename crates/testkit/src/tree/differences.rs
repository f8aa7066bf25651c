//! Holding a tree against its plan.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use surecopy_fs::{FileKind, FileSystem, FsResult, RelPath};

use super::plan::{PlannedContent, PlannedEntry, TreePlan};

impl TreePlan {
    /// What differs between this plan and a tree, one line each; empty when nothing does. Times
    /// may differ by what the volume does not store.
    pub fn differences<F: FileSystem>(&self, fs: &F, top: &F::Dir) -> FsResult<Vec<String>> {
        let step_nanos = i128::from(fs.volume(top)?.filesystem.time_step_nanos);
        let mut check = Check { fs, plan: self, step_nanos, lines: Vec::new() };
        let mut found = BTreeSet::new();
        check.walk(top, Path::new(""), &mut found)?;
        let missing = self.entries.keys().filter(|path| !found.contains(*path));
        check.lines.extend(missing.map(|path| format!("{path:?} is missing")));
        Ok(check.lines)
    }
}

struct Check<'a, F: FileSystem> {
    fs: &'a F,
    plan: &'a TreePlan,
    step_nanos: i128,
    lines: Vec<String>,
}

impl<F: FileSystem> Check<'_, F> {
    fn walk(&mut self, dir: &F::Dir, path: &Path, found: &mut BTreeSet<PathBuf>) -> FsResult<()> {
        for name in self.fs.list(dir)? {
            let path = path.join(&name);
            match self.plan.entries.get(&path) {
                None => self.lines.push(format!("{path:?} is not in the plan")),
                Some(entry) => self.check_entry(dir, &name, &path, entry)?,
            }
            if self.fs.metadata_at(dir, &name)?.kind == FileKind::Directory {
                let inner = self.fs.open_dir(dir, &RelPath::root().join(&name))?;
                self.walk(&inner, &path, found)?;
            }
            found.insert(path);
        }
        Ok(())
    }

    fn check_entry(
        &mut self,
        dir: &F::Dir,
        name: &OsStr,
        path: &Path,
        entry: &PlannedEntry,
    ) -> FsResult<()> {
        let metadata = self.fs.metadata_at(dir, name)?;
        if metadata.kind != entry.kind() {
            self.lines.push(format!("{path:?} is a {:?}, not a {:?}", metadata.kind, entry.kind()));
            return Ok(());
        }
        match &entry.content {
            PlannedContent::Directory => {}
            PlannedContent::File(bytes) => {
                let content = self.content(dir, name)?;
                if content != *bytes {
                    let line = describe_difference(&content, bytes);
                    self.lines.push(format!("{path:?}: {line}"));
                }
            }
            PlannedContent::Symlink(text) => {
                let found = self.fs.read_link(dir, name)?;
                if found != *text {
                    self.lines.push(format!("{path:?} points to {found:?}, not {text:?}"));
                }
                return Ok(());
            }
        }
        if metadata.mode != entry.mode {
            self.lines.push(format!("{path:?} has mode {:o}, not {:o}", metadata.mode, entry.mode));
        }
        let nanos = |time: surecopy_fs::Timestamp| {
            i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos)
        };
        if (nanos(metadata.modified) - nanos(entry.modified)).abs() >= self.step_nanos {
            let (found, planned) = (metadata.modified, entry.modified);
            self.lines.push(format!("{path:?} was modified {found:?}, not {planned:?}"));
        }
        Ok(())
    }

    fn content(&self, dir: &F::Dir, name: &OsStr) -> FsResult<Vec<u8>> {
        let file = self.fs.open_source(dir, name)?;
        let mut content = Vec::new();
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.fs.read_at(&file, &mut buffer, content.len() as u64)? {
                0 => return Ok(content),
                count => content.extend_from_slice(&buffer[..count]),
            }
        }
    }
}

fn describe_difference(found: &[u8], planned: &[u8]) -> String {
    match found.iter().zip(planned).position(|(found, planned)| found != planned) {
        Some(at) => format!("differs at byte {at}"),
        None => format!("has {} bytes, not {}", found.len(), planned.len()),
    }
}
