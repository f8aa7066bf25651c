//! What happens to a run of the program.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::tool;

/// Calls that may fail.
const CALLS: &[&str] = &[
    "openat",
    "openat2",
    "renameat2",
    "linkat",
    "unlinkat",
    "mkdirat",
    "fsync",
    "fdatasync",
    "syncfs",
    "write",
    "pwrite64",
    "pread64",
    "copy_file_range",
    "fallocate",
    "ftruncate",
    "fchmod",
    "fchown",
    "utimensat",
    "fsetxattr",
    "statx",
    "getdents64",
    "close",
];

const ERRORS: &[&str] =
    &["EIO", "ENOSPC", "EACCES", "EPERM", "EROFS", INTERRUPTED, "ENOMEM", "EMFILE"];

const INTERRUPTED: &str = "EINTR";

/// One kind of fault, and when it strikes.
#[derive(Debug, Clone)]
pub(super) enum Fault {
    None,
    /// Killed when it has told of so many items.
    KilledAfterItems(usize),
    /// Killed after a while.
    KilledAfter(Duration),
    /// Cancelled when it has told of so many items.
    Cancelled(usize),
    /// A call fails from the so-many-th on, or only that one.
    Call {
        name: &'static str,
        error: &'static str,
        at: u64,
        lasts: bool,
    },
    /// The power of the target's volume is cut when it has told of so many items.
    PowerCut {
        items: usize,
        journal: bool,
    },
}

/// How a run ended, and whether its fault has struck.
pub(super) struct Disturbed {
    pub(super) copied: Copied,
    pub(super) has_struck: bool,
}

impl Fault {
    /// Draws one. Power can only be cut where the volume has a way to.
    pub(super) fn draw(random: &mut Random, items: usize, can_cut: bool) -> Self {
        let some = |random: &mut Random| {
            usize::try_from(random.below(items as u64 + 1)).unwrap_or_default()
        };
        match random.below(if can_cut { 14 } else { 12 }) {
            0 => Self::None,
            1..4 => Self::KilledAfterItems(some(random)),
            4..6 => Self::KilledAfter(Duration::from_micros(random.below(150_000))),
            6 => Self::Cancelled(some(random)),
            7..12 => {
                let (name, error) = (random.pick::<&str>(CALLS), random.pick::<&str>(ERRORS));
                let at = 1 + random.below(40);
                // Whoever is interrupted asks again, and would ask for ever.
                let lasts = random.below(3) == 0 && *error != INTERRUPTED;
                Self::Call { name, error, at, lasts }
            }
            _ => Self::PowerCut { items: some(random), journal: random.below(2) == 0 },
        }
    }

    pub(super) fn cuts_power(&self) -> bool {
        matches!(self, Self::PowerCut { .. })
    }

    /// Runs the program, which the words before it are given for, under this fault.
    pub(super) fn strike(
        &self,
        lab: &Lab,
        volume: &Path,
        command: impl FnOnce(&[&str]) -> Command,
    ) -> Result<Disturbed> {
        match self {
            Self::None => undisturbed(&mut command(&[])),
            Self::Call { name, error, at, lasts } => {
                let log = lab.new_path("strace.log");
                let shown = log.to_str().context("the lab's paths are text")?;
                let last = if *lasts { "+" } else { "" };
                let inject = format!("inject={name}:error={error}:when={at}{last}");
                let trace = format!("trace={name}");
                let wrapper = ["strace", "-f", "-qq", "-o", shown, "-e", &trace, "-e", &inject];
                let mut disturbed = undisturbed(&mut command(&wrapper))?;
                disturbed.has_struck = fs::read_to_string(&log)?.contains("(INJECTED)");
                fs::remove_file(log)?;
                Ok(disturbed)
            }
            Self::KilledAfter(time) => {
                let running = Running::start(&mut command(&[]))?;
                std::thread::sleep(*time);
                running.kill()?;
                let copied = copier::read(&running.output()?)?;
                let has_struck = copied.status == KILLED;
                Ok(Disturbed { copied, has_struck })
            }
            Self::KilledAfterItems(items) => {
                after_items(&mut command(&[]), *items, Running::kill, |status| status == KILLED)
            }
            Self::Cancelled(items) => {
                let cancel = |running: &Running| {
                    tool::shell("kill -INT \"$1\"", [running.id().to_string()]).map(drop)
                };
                after_items(&mut command(&[]), *items, cancel, |status| status == 130)
            }
            Self::PowerCut { items, journal } => {
                let cut = if *journal { "shutdown -f" } else { "shutdown" };
                let words = ["-x".as_ref(), "-c".as_ref(), cut.as_ref(), volume.as_os_str()];
                let cut = |_: &Running| tool::run("xfs_io", words).map(drop);
                after_items(&mut command(&[]), *items, cut, |status| status != 0)
            }
        }
    }
}

/// The exit status of what was killed.
pub(super) const KILLED: i32 = 128 + 9;

fn undisturbed(command: &mut Command) -> Result<Disturbed> {
    Ok(Disturbed { copied: copier::finish(command)?, has_struck: false })
}

/// Does something to the program when it has told of so many items, if it does.
fn after_items(
    command: &mut Command,
    items: usize,
    act: impl FnOnce(&Running) -> Result<()>,
    has_struck: impl Fn(i32) -> bool,
) -> Result<Disturbed> {
    let (mut running, lines) = Running::start_held(command)?;
    let (mut act, mut told) = (Some(act), 0);
    let mut objects: Vec<Value> = Vec::new();
    for line in lines {
        if told >= items
            && let Some(act) = act.take()
        {
            // It may have ended by itself just now.
            act(&running).unwrap_or_else(|error| eprintln!("{error:#}"));
        }
        // One that was killed may have been in the middle of a line.
        if let Ok(object) = serde_json::from_str::<Value>(&line) {
            told += usize::from(object["type"] == "item");
            objects.push(object);
        }
    }
    let status = running.wait()?;
    let status = copier::status_of(status);
    let copied = Copied { status, objects, stderr: String::new() };
    Ok(Disturbed { copied, has_struck: act.is_none() && has_struck(status) })
}
