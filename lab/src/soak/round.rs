//! One round: a tree is copied under a fault, the job is gone on with under others, and ended in peace.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use super::fault::{Disturbed, Fault, KILLED};
use super::random_tree::{Kept, RandomTree};
use crate::copier::{Copied, done_among, path_in};
use crate::lab::Lab;
use crate::recorded::Recorded;
use crate::snapshot::PARTIAL_PREFIX;
use crate::tool;
use crate::volume::{Fs, Volume};

/// How many runs of one job are disturbed at most.
const MOST_FAULTS: u64 = 4;

/// What has happened so far.
#[derive(Default)]
pub(super) struct Counts {
    rounds: usize,
    /// How often each kind of fault has struck.
    struck: BTreeMap<&'static str, usize>,
    undone: usize,
}

impl Counts {
    /// Every kind of fault has struck.
    pub(super) fn has_all(&self) -> bool {
        self.struck.len() == KINDS && self.undone > 0
    }
}

/// How many kinds of fault there are.
const KINDS: usize = 4;

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} jobs", self.rounds)?;
        for (kind, count) in &self.struck {
            write!(f, ", {count} {kind}")?;
        }
        write!(f, ", {} undone", self.undone)
    }
}

/// A job in the making.
struct Job<'a> {
    lab: &'a Lab,
    tree: RandomTree,
    volume: Volume,
    fs: Option<Fs>,
    target: PathBuf,
    recorded: Recorded,
    options: Vec<&'static str>,
    is_begun: bool,
    /// Targets of which something other than their content could not be kept, as was told.
    lacking: BTreeSet<PathBuf>,
    /// A run has ended before it could record what it had done.
    is_broken_off: bool,
    /// What the runs so far have told, for whoever asks what has happened.
    told: Vec<String>,
}

/// Runs the round of this seed.
pub(super) fn run(lab: &Lab, seed: u64, counts: &mut Counts) -> Result<()> {
    let mut random = Random::new(seed);
    let mut job = Job::new(lab, &mut random)?;
    let (mut faults, options) = (Vec::new(), job.options.join(" "));
    for _ in 0..random.below(MOST_FAULTS + 1) {
        let can_cut = matches!(job.fs, Some(Fs::Ext4 | Fs::Xfs));
        faults.push(Fault::draw(&mut random, job.tree.len(), can_cut));
        let is_over = job.go_on(&faults[faults.len() - 1], counts);
        if is_over.with_context(|| format!("{options}; {faults:?}"))? {
            break;
        }
    }
    let told = |job: &Job<'_>| job.told.join("\n");
    job.end()
        .with_context(|| format!("{options}; {faults:?}, and then in peace\n{}", told(&job)))?;
    if job.options.contains(&"--keep-replaced") {
        job.undo().with_context(|| format!("undo after {options}; {faults:?}\n{}", told(&job)))?;
        counts.undone += 1;
    }
    counts.rounds += 1;
    Ok(())
}

impl<'a> Job<'a> {
    fn new(lab: &'a Lab, random: &mut Random) -> Result<Self> {
        let fs = *random.pick(&[None, Some(Fs::Ext4), Some(Fs::Xfs), Some(Fs::Btrfs)]);
        let volume = match fs {
            None => Volume::tmpfs(lab, "size=512m")?,
            // By itself ext4 flushes what is renamed over, which hides mistakes.
            Some(Fs::Ext4) => Volume::loopback_with(lab, Fs::Ext4, 512 << 20, "noauto_da_alloc")?,
            Some(fs) => Volume::loopback(lab, fs, fs.smallest().max(512 << 20))?,
        };
        let source = match random.below(3) {
            // Where blocks can be shared.
            0 => volume.join("source"),
            _ => lab.new_path("source"),
        };
        let tree = RandomTree::make(random, source)?;
        let target = volume.join("target");
        tree.fill(&target)?;
        tool::run("sync", ["-f".as_ref(), target.as_os_str()])?;
        let mut options = vec!["-a", "--on-conflict", "replace"];
        options.extend(["-j", *random.pick(&["1", "2", "4"])]);
        options.extend(["--strategy", *random.pick(&["auto", "direct", "staged"])]);
        options.extend(["--read-back", *random.pick(&["device", "cache"])]);
        options.extend(["--reflink", *random.pick(&["auto", "never"])]);
        options.extend(["--set", *random.pick(&["group_max_files=4", "group_max_files=64"])]);
        options.extend(["--retries", *random.pick(&["0", "2"])]);
        if random.below(3) == 0 {
            options.push("--keep-replaced");
        }
        let recorded = Recorded::new(lab)?;
        Ok(Self {
            lab,
            tree,
            volume,
            fs,
            target,
            recorded,
            options,
            is_begun: false,
            lacking: BTreeSet::new(),
            is_broken_off: false,
            told: Vec::new(),
        })
    }

    /// Begins the job or goes on with it under a fault; says whether nothing is left to be done.
    fn go_on(&mut self, fault: &Fault, counts: &mut Counts) -> Result<bool> {
        let Disturbed { copied, has_struck } =
            fault.strike(self.lab, &self.volume.path, |wrapper| {
                let recorded = self.recorded.under(wrapper);
                match self.is_begun {
                    true => recorded.command(&["resume", "1", "--json"]),
                    false => recorded.copy_command(&self.options, &self.tree.source, &self.target),
                }
            })?;
        if has_struck {
            let kind = match fault {
                Fault::None => "in peace",
                Fault::KilledAfterItems(_) | Fault::KilledAfter(_) => "killed",
                Fault::Cancelled(_) => "cancelled",
                Fault::Call { .. } => "with failing calls",
                Fault::PowerCut { .. } => "cut off",
            };
            *counts.struck.entry(kind).or_default() += 1;
        }
        if fault.cuts_power()
            && let Some(fs) = self.fs
        {
            self.volume.mount_again(fs)?;
        }
        self.told.push(format!("ended with {}: {}", copied.status, copied.describe()));
        self.judge(&copied)?;
        self.lacking.extend(lacking_among(&copied));
        self.is_broken_off |= [KILLED, RECORD_FAILED].contains(&copied.status);
        self.is_begun = self.has_job()?;
        Ok(is_copied(copied.status))
    }

    /// Whatever has happened: no target in between, none told done that is not, the source as it was.
    fn judge(&self, copied: &Copied) -> Result<()> {
        ensure!(
            copied.status < 128 || [130, KILLED].contains(&copied.status),
            "ended with {}: {}",
            copied.status,
            copied.describe()
        );
        let found = self.tree.check(&self.target, &done_among(&copied.objects))?;
        let is_whole = found.new == self.tree.len();
        ensure!(!is_copied(copied.status) || is_whole, "it is said to be done: {found:?}");
        // What was in the middle of being written, and what was replaced by then.
        self.tree.ensure_no_strays(&self.target, is_of_ours)?;
        self.tree.ensure_untouched()
    }

    fn has_job(&self) -> Result<bool> {
        let jobs = self.recorded.run(&["jobs", "--json"])?;
        jobs.ensure_ok().context("jobs")?;
        Ok(!jobs.objects.is_empty())
    }

    /// Goes on in peace until all is done, which has to succeed: what had failed is tried again.
    fn end(&mut self) -> Result<()> {
        let mut copied = match self.is_begun {
            true => self.recorded.run(&["resume", "1", "--json"])?,
            false => self.recorded.copy(&self.options, &self.tree.source, &self.target)?,
        };
        self.told.push(format!("ended with {}: {}", copied.status, copied.describe()));
        self.judge(&copied)?;
        if copied.status != 0 {
            copied = self.recorded.run(&["retry", "1", "--json"])?;
            self.judge(&copied)?;
        }
        self.is_begun = true;
        copied.ensure_ok()?;
        self.ensure_whole()?;
        self.recorded.ensure_sound(1)?;
        Ok(())
    }

    fn ensure_whole(&self) -> Result<()> {
        // Old files are kept under names of ours until they are given up.
        let kept = kept(&self.recorded)?;
        let are_old_kept = self.options.contains(&"--keep-replaced");
        ensure!(are_old_kept || kept.is_empty(), "kept without being asked: {kept:?}");
        self.tree.ensure_copied(&self.target, &self.lacking, &kept)
    }

    fn undo(&self) -> Result<()> {
        self.recorded.run(&["undo", "1", "--json"])?.ensure_ok()?;
        // One that was made just before a run broke off is nobody's.
        let known = self.is_broken_off.then(|| self.made_directories()).transpose()?;
        self.tree.ensure_old(&self.target, known.as_ref())
    }

    /// The directories that the job is recorded to have made, beneath its target.
    fn made_directories(&self) -> Result<BTreeSet<PathBuf>> {
        let database = self.recorded.database()?;
        let mut statement = database.prepare("SELECT path FROM made_directories")?;
        let paths = statement.query_map([], |row| row.get::<_, Vec<u8>>(0))?;
        paths.map(|path| Ok(OsString::from_vec(path?).into())).collect()
    }
}

/// Where what the first job has replaced is kept, as is told.
pub(super) fn kept(recorded: &Recorded) -> Result<Kept> {
    let told = recorded.run(&["audit", "1", "--json"])?;
    told.ensure_ok().context("audit")?;
    let mut kept = Kept::new();
    for item in told.of_type("audit_item") {
        if let (Some(of), Some(at)) = (path_in(item, "target"), path_in(item, "kept_as")) {
            kept.entry(of).or_default().push(at);
        }
    }
    Ok(kept)
}

/// Whether a name is one that the program makes up.
pub(super) fn is_of_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PARTIAL_PREFIX))
}

/// The exit status when the ledger could not be written.
const RECORD_FAILED: i32 = 5;

/// Whether all is in place, be it that something other than content could not be kept.
fn is_copied(status: i32) -> bool {
    [0, 7].contains(&status)
}

/// Targets of which these objects tell that they lack something other than content.
fn lacking_among(copied: &Copied) -> impl Iterator<Item = PathBuf> {
    copied.objects.iter().filter_map(|object| {
        let warnings = object["metadata_warnings"].as_array();
        let is_item = warnings.is_some_and(|warnings| !warnings.is_empty());
        let is_folder = object["type"] == "warning" && object["kind"] == "loss";
        let member = if is_item { "target" } else { "path" };
        (is_item || is_folder).then(|| path_in(object, member))?
    })
}
