//! Someone swaps a folder or a file for a link while something is put back, cleaned up or gone on with.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use crate::child::Running;
use crate::copier;
use crate::delay::{self, Delay};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::Snapshot;
use crate::tree::write_old;

/// What is outside, under every name that is inside.
const DECOY: &[u8] = b"of somebody else";

/// A source and a target of a few files in a folder, a place outside of both, and a ledger.
struct Stage {
    source: PathBuf,
    target: PathBuf,
    outside: PathBuf,
    recorded: Recorded,
}

/// What is put in the place of what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Swap {
    /// A link to the place outside, for the folder of the files.
    Folder,
    /// Links to what is outside, for each file in the folder.
    Files,
}

/// What the program does when it happens, and how it comes there.
struct Scene {
    name: &'static str,
    /// Brings about what has to be there before.
    before: fn(&Lab, &Stage) -> Result<()>,
    command: fn(&Stage, &[&str]) -> Command,
    /// The calls at which it stands still, and which of them.
    stands_at: &'static [(&'static str, usize)],
    /// A call that fails before.
    fault: Option<(&'static str, &'static str)>,
}

const OPTIONS: [&str; 4] = ["-j", "1", "--on-conflict", "replace"];

static SCENES: &[Scene] = &[
    Scene {
        name: "undo",
        before: |_, stage| {
            let options = [&OPTIONS[..], &["--keep-replaced"]].concat();
            stage.recorded.copy(&options, &stage.source, &stage.target)?.ensure_ok()
        },
        command: |stage, wrapper| {
            stage.recorded.under(wrapper).command(&["undo", "1", "--json", "-j", "1"])
        },
        stands_at: &[
            ("openat", 1),
            ("statx", 1),
            ("renameat2", 1),
            ("renameat2", 2),
            ("unlinkat", 1),
            ("unlinkat", 2),
            ("fsync", 1),
        ],
        fault: None,
    },
    Scene {
        name: "rollback",
        before: |_, _| Ok(()),
        command: |stage, wrapper| {
            let recorded = stage.recorded.under(wrapper);
            recorded.copy_command(&OPTIONS, &stage.source, &stage.target)
        },
        // Three files are published by four renames; what comes then puts back.
        stands_at: &[("renameat2", 6), ("renameat2", 7), ("unlinkat", 1), ("unlinkat", 2)],
        fault: Some(("fsync", "error=EIO:when=1+")),
    },
    Scene {
        name: "clean-up",
        before: |lab, stage| {
            let recorded = &stage.recorded;
            kill_at_rename(lab, 2, |wrapper| {
                recorded.under(wrapper).copy_command(&OPTIONS, &stage.source, &stage.target)
            })
        },
        command: |stage, wrapper| {
            let mut command =
                stage.recorded.under(wrapper).command(&["copy", "--no-ledger", "--json"]);
            command.args(OPTIONS).arg("-T").arg(&stage.source).arg(&stage.target);
            command
        },
        stands_at: &[
            ("getdents64", 1),
            ("getdents64", 2),
            ("openat", 1),
            ("openat", 2),
            ("unlinkat", 1),
            ("renameat2", 1),
        ],
        fault: None,
    },
    Scene {
        name: "resume",
        before: |lab, stage| {
            let recorded = &stage.recorded;
            kill_at_rename(lab, 4, |wrapper| {
                recorded.under(wrapper).copy_command(&OPTIONS, &stage.source, &stage.target)
            })
        },
        command: |stage, wrapper| {
            stage.recorded.under(wrapper).command(&["resume", "1", "--json", "-j", "1"])
        },
        stands_at: &[
            ("statx", 1),
            ("openat", 1),
            ("getdents64", 1),
            ("unlinkat", 1),
            ("renameat2", 1),
            ("renameat2", 2),
            ("fsync", 1),
        ],
        fault: None,
    },
];

/// Ends a program before one of its renames.
fn kill_at_rename(lab: &Lab, number: usize, command: impl Fn(&[&str]) -> Command) -> Result<()> {
    let log = lab.new_path("strace.log").display().to_string();
    let inject = format!("--inject=renameat2:signal=KILL:when={number}");
    let wrapper = ["strace", "-f", "-q", "-o", &log, "--trace=renameat2", &inject];
    let output = Running::start(&mut command(&wrapper))?.output()?;
    let status = copier::exit_status(&output);
    ensure!(status == 128 + 9, "exit status {status} instead of a kill");
    Ok(())
}

impl Stage {
    fn new(lab: &Lab) -> Result<Self> {
        let top = lab.new_dir("later-swap")?;
        let recorded = Recorded::within(lab, &top.join("ledger"));
        let [source, target, outside] = ["source", "target", "outside"].map(|name| top.join(name));
        for dir in [source.join("sub"), target.join("sub"), outside.clone()] {
            fs::create_dir_all(dir)?;
        }
        for name in ["first", "second", "third"] {
            write_old(&source.join("sub").join(name), name.repeat(700).as_bytes())?;
        }
        for name in ["first", "third"] {
            write_old(&target.join("sub").join(name), b"old")?;
        }
        Ok(Self { source, target, outside, recorded })
    }

    /// Puts decoys outside, and the links to them in place. Gives how it looks outside.
    fn attack(&self, swap: Swap) -> Result<Snapshot> {
        let folder = self.target.join("sub");
        let names: Vec<_> = fs::read_dir(&folder)?.filter_map(Result::ok).collect();
        for entry in &names {
            write_old(&self.outside.join(entry.file_name()), DECOY)?;
        }
        let before = Snapshot::take(&self.outside)?;
        match swap {
            Swap::Folder => {
                fs::rename(&folder, self.target.join("aside"))?;
                symlink(&self.outside, &folder)?;
            }
            Swap::Files => {
                let aside = self.target.join("aside");
                fs::create_dir(&aside)?;
                for entry in &names {
                    // A program that is not held may have been quicker.
                    if fs::rename(entry.path(), aside.join(entry.file_name())).is_ok() {
                        symlink(self.outside.join(entry.file_name()), entry.path())?;
                    }
                }
            }
        }
        Ok(before)
    }

    /// Fails when what is outside was read into the target, or is another.
    fn ensure_outside_untouched(&self, before: &Snapshot) -> Result<()> {
        before.ensure_unchanged(&self.outside).context("I8, outside")?;
        for dir in ["sub", "aside"] {
            let dir = self.target.join(dir);
            if fs::symlink_metadata(&dir).is_ok_and(|about| about.is_dir()) {
                for entry in fs::read_dir(&dir)? {
                    let entry = entry?;
                    let is_copy = entry.file_type()?.is_file() && fs::read(entry.path())? == DECOY;
                    ensure!(!is_copy, "I8, {} was read outside", entry.path().display());
                }
            }
        }
        Ok(())
    }
}

/// Starts a command that stands still at a call, and swaps meanwhile. Gives nothing when it went on too soon,
/// and otherwise what came of it; no output when it did not come so far.
fn swap_during(
    stage: &Stage,
    swap: Swap,
    delay: &Delay,
    command: impl Fn(&Stage, &[&str]) -> Command,
) -> Result<Option<Output>> {
    let running = Running::start(&mut command(stage, &delay.wrapper()))?;
    delay.wait()?;
    let before = stage.attack(swap)?;
    let is_in_time = !delay.is_over()?;
    let output = running.output()?;
    delay.ensure_happened()?;
    let status = copier::exit_status(&output);
    ensure!(status < 128 || status == 130, "it ended with status {status}");
    stage.ensure_outside_untouched(&before)?;
    Ok(is_in_time.then_some(output))
}

/// Nothing outside is read, written or removed.
pub(crate) fn everywhere(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for scene in SCENES {
        let mut statuses = Vec::new();
        for (call, number) in scene.stands_at {
            for swap in [Swap::Folder, Swap::Files] {
                let output = delay::in_time(|millis| {
                    let stage = Stage::new(lab)?;
                    (scene.before)(lab, &stage)?;
                    let folder = stage.target.join("sub");
                    let mut delay =
                        Delay::at_number(lab, (call, *number), millis, &[folder.as_path()]);
                    if let Some((call, fault)) = scene.fault {
                        delay = delay.with_fault(call, fault);
                    }
                    let output = swap_during(&stage, swap, &delay, scene.command)?;
                    ensure!(scene.fault.is_none() || delay.has_failed()?, "the fault was not met");
                    Ok(output)
                })
                .with_context(|| format!("{} at {call} {number}, {swap:?}", scene.name))?;
                statuses.push(copier::exit_status(&output).to_string());
            }
        }
        figures.push(format!("{}: {}", scene.name, statuses.join(" ")));
    }
    Ok(figures.join("; "))
}

/// Who goes by paths is found out.
pub(crate) fn of_careless_programs(lab: &Lab) -> Result<String> {
    let careless: [(&str, &str); 3] = [
        ("unlink,unlinkat", r#"exec rm -f "$1/sub/first""#),
        ("rename,renameat,renameat2", r#"exec mv -fT "$1/sub/third" "$1/sub/first""#),
        ("chmod,fchmodat", r#"exec chmod 0600 "$1/sub/first""#),
    ];
    for (calls, script) in careless {
        let found = delay::in_time(|millis| {
            let stage = Stage::new(lab)?;
            let delay = Delay::new(lab, calls, millis);
            let command = |stage: &Stage, wrapper: &[&str]| {
                let mut command = Command::new(wrapper[0]);
                command.args(&wrapper[1..]).args(["bash", "-c", script, "careless"]);
                command.arg(&stage.target);
                command
            };
            match swap_during(&stage, Swap::Folder, &delay, command) {
                Err(error) if format!("{error:#}").contains("I8") => Ok(Some(())),
                Err(error) => Err(error),
                Ok(Some(_)) => bail!("{script}: what it did outside was not found"),
                Ok(None) => Ok(None),
            }
        });
        found?;
    }
    Ok(format!("{} found", careless.len()))
}
