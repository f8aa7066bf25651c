//! Lets a system call of a copy fail; each of them, one run after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::calls::{self, Call};
use super::gate::{Gate, Passed};
use crate::copier;
use crate::lab::Lab;

/// Calls that touch files. `?` is for those that not every machine has.
const TOUCHING: &str = "?open,openat,openat2,read,pread64,readv,preadv,write,pwrite64,writev,pwritev,\
    copy_file_range,sendfile,ioctl,fallocate,fsync,fdatasync,syncfs,sync_file_range,?rename,renameat,\
    renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,?mkdir,mkdirat,?rmdir,fchmod,fchmodat,\
    ?chmod,fchown,fchownat,?chown,utimensat,fsetxattr,fgetxattr,flistxattr,fremovexattr,setxattr,\
    lsetxattr,getxattr,lgetxattr,listxattr,llistxattr,getdents64,statx,fstat,newfstatat,?stat,?lstat,\
    fstatfs,statfs,close,ftruncate,lseek,fadvise64,flock,readlinkat,?readlink,faccessat2,?access";

/// How names of files that are not published begin. They are others in every run.
const PARTIAL: &str = "/.surecopy-";

/// Files of the system that a copy reads to know about volumes.
const OF_SYSTEM: [&str; 2] = ["/proc/self/mountinfo", "/sys/"];

/// Whether every call of this name is to be looked at, and not a choice of them. All take an hour.
pub(crate) fn are_all_wanted(call: &str) -> bool {
    std::env::var("SURECOPY_LAB_ALL_CALLS")
        .is_ok_and(|wanted| wanted == "1" || wanted.split(',').any(|name| name == call))
}

/// The so-many-th call of this name in a thread, or in each, of those on a path when there is one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FaultPoint {
    pub(crate) call: String,
    /// Beneath the folder of the scene unless it is absolute.
    pub(crate) path: Option<String>,
    pub(crate) occurrence: usize,
    /// What the first of these calls was asked for.
    pub(crate) arguments: String,
    /// Whether it is on the files of the ledger.
    pub(crate) is_ledger: bool,
}

/// Once, or each time from then on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lasts {
    Once,
    Always,
}

impl fmt::Display for FaultPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, path, occurrence, arguments, .. } = self;
        let path = path.as_deref().unwrap_or("any file");
        write!(f, "{call} number {occurrence} on {path} ({call}({arguments})")
    }
}

/// Where a copy works, and how it is let in on.
pub(crate) struct Place<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) gate: &'a Gate,
    /// All that the copy works on is beneath this folder.
    pub(crate) top: &'a Path,
}

impl Place<'_> {
    /// All points of a run that nothing disturbs.
    pub(crate) fn points(&self, command: &mut Command) -> Result<Vec<FaultPoint>> {
        let log = self.lab.new_path("strace.log");
        let Passed { output, log } =
            self.gate.pass(command, &[format!("--trace={TOUCHING}")], &log)?;
        let status = copier::exit_status(&output);
        ensure!(status == 0, "{status}: {}", String::from_utf8_lossy(&output.stderr));
        let top = format!("{}/", self.top.display());
        let pipe = self.gate.pipe.to_str().context("the lab's paths are text")?;
        Ok(points_of(&calls::read(&log), &top, pipe))
    }

    /// Runs a copy, with this error at this point. Gives what came of it and the log; whether the fault was met
    /// is in the log: `(INJECTED)`.
    pub(crate) fn fail(
        &self,
        point: &FaultPoint,
        (error, lasts): (&str, Lasts),
        command: &mut Command,
    ) -> Result<Passed> {
        let FaultPoint { call, path, occurrence, .. } = point;
        let plus = if lasts == Lasts::Always { "+" } else { "" };
        let mut options = vec![
            format!("--trace=read,fsync,fdatasync,{call}"),
            format!("--inject={call}:error={error}:when={occurrence}{plus}"),
        ];
        if let Some(path) = path {
            let paths = [self.top.join(path), self.gate.pipe.clone()];
            options.extend(paths.iter().map(|path| format!("--trace-path={}", path.display())));
        }
        self.gate.pass(command, &options, &self.lab.new_path("strace.log"))
    }
}

/// The points of these calls; where they are is said without the folder that all is in.
fn points_of(all: &[Call<'_>], top: &str, pipe: &str) -> Vec<FaultPoint> {
    let mut points: BTreeMap<(String, Option<String>, usize), FaultPoint> = BTreeMap::new();
    let mut paths: Vec<(String, &str)> = Vec::new();
    let mut anywhere = Vec::new();
    for call in all {
        let arguments =
            call.arguments.rsplit_once(" = ").map_or(call.arguments, |(before, _)| before);
        match stable_path(arguments, top) {
            Some(path) if !paths.iter().any(|(name, on)| name == call.name && *on == path) => {
                paths.push((call.name.to_owned(), path));
            }
            Some(_) => {}
            None if arguments.contains(PARTIAL) => anywhere.push((call.name, call.occurrence)),
            None => {}
        }
    }
    let mut add = |call: &Call<'_>, path: Option<&str>, occurrence: usize| {
        let path = path.map(|path| path.strip_prefix(top).unwrap_or(path).to_owned());
        let is_ledger = path.as_deref().is_some_and(|path| path.starts_with("ledger"));
        let key = (call.name.to_owned(), path.clone(), occurrence);
        points.entry(key).or_insert_with(|| FaultPoint {
            call: call.name.to_owned(),
            path,
            occurrence,
            arguments: call.arguments.chars().take(160).collect::<String>().replace(top, ""),
            is_ledger,
        });
    };
    for (name, path) in &paths {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for call in all.iter().filter(|call| call.name == name) {
            let is_gate = is_on(call.arguments, pipe);
            if is_gate || is_on(call.arguments, path) {
                let count = counts.entry(call.thread).or_default();
                *count += 1;
                if !is_gate {
                    add(call, Some(path), *count);
                }
            }
        }
    }
    // In every thread it is the call of this number that fails: none may be what the copy says, or the ledger's.
    for (name, occurrence) in anywhere {
        let mut same = all.iter().filter(|call| call.name == name && call.occurrence == occurrence);
        if same.clone().all(|call| {
            call.arguments.contains(PARTIAL)
                || call.arguments.contains(top) && !call.arguments.contains("ledger.db")
        }) && let Some(call) = same.find(|call| call.arguments.contains(PARTIAL))
        {
            add(call, None, occurrence);
        }
    }
    points.into_values().collect()
}

/// A path that is the same in every run.
fn stable_path<'a>(arguments: &'a str, top: &str) -> Option<&'a str> {
    let opened = arguments.split('<').skip(1).filter_map(|rest| rest.split('>').next());
    let named = arguments.split('"').skip(1).step_by(2);
    opened.chain(named).find(|path| {
        let is_of_system = OF_SYSTEM.iter().any(|begin| path.starts_with(begin));
        is_of_system
            || (path.starts_with(top) && !path.contains(PARTIAL) && !path.contains("(deleted)"))
    })
}

fn is_on(arguments: &str, path: &str) -> bool {
    arguments.contains(&format!("<{path}>")) || arguments.contains(&format!("\"{path}\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_on_paths_that_stay_and_anywhere_else_where_nothing_but_partial_files_is_met()
     {
        let log = "\
1 read(3</tmp/gate>, \"\", 32) = 0
1 openat(AT_FDCWD, \"/tmp/1/source/a\", O_RDONLY) = 4</tmp/1/source/a>
1 read(4</tmp/1/source/a>, \"x\", 1) = 1
2 pwrite64(5</tmp/1/target/.surecopy-1.partial>, \"x\", 1, 0) = 1
2 pwrite64(5</tmp/1/target/.surecopy-2.partial>, \"x\", 1, 0) = 1
3 pwrite64(6</tmp/1/ledger/ledger.db>, \"x\", 1, 0) = 1
2 fsync(5</tmp/1/target/.surecopy-1.partial>) = 0
2 fsync(7</tmp/1/target>) = 0
2 read(8</etc/passwd>, \"x\", 1) = 1
";
        let points = points_of(&calls::read(log), "/tmp/1/", "/tmp/gate");
        let found: Vec<_> = points
            .iter()
            .map(|point| (point.call.as_str(), point.path.as_deref(), point.occurrence))
            .collect();
        // The first write of any thread could be the ledger's. The pipe's read counts, and is no point.
        let expected = [
            ("fsync", None, 1),
            ("fsync", Some("target"), 1),
            ("openat", Some("source/a"), 1),
            ("pwrite64", None, 2),
            ("pwrite64", Some("ledger/ledger.db"), 1),
            ("read", Some("source/a"), 2),
        ];
        assert_eq!(found, expected);
        let on_ledger = points.iter().filter(|point| point.is_ledger).count();
        assert_eq!(on_ledger, 1);
    }
}
