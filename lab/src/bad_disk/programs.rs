//! The programs that copy to bad disks.

use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::copier;
use crate::lab::Lab;
use crate::tool;

/// A program, and how it is called.
pub(crate) struct Program {
    /// As the table calls it.
    pub(crate) name: &'static str,
    pub(crate) way: Way,
}

/// How a file is copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// By the program under test, with these options.
    Ours(&'static [&'static str]),
    /// By a shell, from `$1` to `$2`.
    Shell(&'static str),
}

/// All of them. The first is the one that promises that no wrong file is published.
pub(crate) const PROGRAMS: &[Program] = &[
    Program {
        name: "surecopy --verify all",
        way: Way::Ours(&["--verify", "all", "--read-back", "device"]),
    },
    Program {
        name: "surecopy --verify all --read-back cache",
        way: Way::Ours(&["--verify", "all", "--read-back", "cache"]),
    },
    Program { name: "cp", way: Way::Shell(r#"cp -- "$1" "$2""#) },
    Program { name: "cp, then sync FILE", way: Way::Shell(r#"cp -- "$1" "$2" && sync -- "$2""#) },
    Program {
        name: "dd conv=fsync",
        way: Way::Shell(r#"dd if="$1" of="$2" bs=1M conv=fsync status=none"#),
    },
    Program { name: "rsync -a", way: Way::Shell(r#"rsync -a -- "$1" "$2""#) },
    Program { name: "rsync -a --fsync", way: Way::Shell(r#"rsync -a --fsync -- "$1" "$2""#) },
    Program {
        name: "rclone copyto",
        way: Way::Shell(r#"rclone --config /dev/null copyto -- "$1" "$2""#),
    },
];

impl Program {
    /// Copies, not started yet.
    pub(crate) fn command(&self, lab: &Lab, source: &Path, target: &Path) -> Command {
        match self.way {
            Way::Ours(options) => lab.copy_command(options, source, target),
            Way::Shell(script) => {
                let mut command = Command::new("bash");
                command.args(["-c", script, "lab"]).args([source, target]);
                copier::isolate(&mut command);
                command
            }
        }
    }

    pub(crate) fn is_ours(&self) -> bool {
        matches!(self.way, Way::Ours(_))
    }

    /// Whether it can be called like this here: not every rsync has heard of flushes.
    pub(crate) fn is_known(&self) -> Result<bool> {
        match self.way {
            Way::Shell(script) if script.contains("rsync") && script.contains("--fsync") => {
                Ok(tool::run("rsync", ["--help"])?.contains("--fsync"))
            }
            Way::Shell(_) | Way::Ours(_) => Ok(true),
        }
    }
}
