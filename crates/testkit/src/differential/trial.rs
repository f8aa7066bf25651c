//! One trial: a random tree is copied by three programs, is changed, and is copied again.
//!
//! What they agree on has to be the same. What they do not agree on, on purpose:
//! - Pipes, sockets and devices are not copied, with a warning; the others make new ones.
//! - Where a target is of another kind than its source, cp refuses, rsync removes, and ours fails that item
//!   alone: the changes do not do that.
//! - A target is replaced by a new file: another name of the old one keeps the old content. cp writes into
//!   it unless told to remove it first, which it is here.
//! - With `newer` and `skip`, what is left alone keeps its mode and owner too, as with cp; rsync would change
//!   those. The changes set no properties of files that stay.
//! - A target without a write bit is not replaced unless that is asked for, which it is here.
//! - When it copies again, rsync replaces links though the target is newer, and does not give all directories
//!   the time of their source. Ours does as cp does, so of these only the kind is compared with rsync then.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use super::script::RandomTree;
use super::sight::{Sight, difference, sight, sight_without_pipes};
use crate::random::Random;

/// Policies for what is there already: ours, and the words that mean it to cp and to rsync.
const POLICIES: &[(&str, &[&str], &[&str])] = &[
    ("replace", &["--remove-destination"], &["--ignore-times"]),
    ("newer", &["--remove-destination", "--update"], &["--update"]),
    ("skip", &["--no-clobber"], &["--ignore-existing"]),
];

/// Without this, rsync sees no difference between two times of the same second.
const NANOSECONDS: &str = "--modify-window=-1";

/// Copies with options, from one path to exactly another; an error says what went wrong.
pub type Copy<'a> = dyn Fn(&[&str], &Path, &Path) -> Result<(), String> + 'a;

/// What a trial works with.
pub struct Trial<'a> {
    /// An empty directory.
    pub folder: &'a Path,
    /// Whether it runs as the superuser.
    pub is_privileged: bool,
    /// Whether files there can have attributes, and `setfattr` is there.
    pub has_attributes: bool,
    /// Whether rsync is there.
    pub has_rsync: bool,
    /// Copies one directory to exactly that path, with everything kept, with options.
    pub ours: &'a Copy<'a>,
}

impl Trial<'_> {
    /// Runs the trial of this seed; says how many entries were compared.
    ///
    /// # Errors
    /// What differs, with the scripts that made the tree.
    pub fn run(&self, seed: u64) -> Result<usize, String> {
        let mut tree = RandomTree::new(seed, self.is_privileged, self.has_attributes);
        let entries = 8 + Random::new(seed).below(30);
        let (source, make) = (self.folder.join("source"), tree.script(entries));
        std::fs::create_dir(&source).map_err(|error| error.to_string())?;
        run_script(&source, &make)?;
        let named = |error: String, changes: &str| {
            format!("seed {seed}: {error}\n--- made by\n{make}\n--- changed by\n{changes}")
        };
        let mut count = self.first(&source).map_err(|error| named(error, ""))?;
        let changes = tree.changes();
        run_script(&source, &changes).map_err(|error| named(error, &changes))?;
        let which = usize::try_from(seed % 3).unwrap_or_default();
        count += self.again(&source, which).map_err(|error| named(error, &changes))?;
        Ok(count)
    }

    /// All copies are like the source.
    fn first(&self, source: &Path) -> Result<usize, String> {
        let expected = without_pipes(source)?;
        (self.ours)(&[], source, &self.folder.join("ours"))?;
        self.program("cp", &["-aT"], source, "cp")?;
        if self.has_rsync {
            self.program("rsync", &["-aHX", NANOSECONDS], &source.join(""), "rsync")?;
        }
        for name in self.names() {
            same(name, &expected, &self.made_by(name)?)?;
        }
        if self.has_rsync {
            // It also sees attributes.
            let ours = self.folder.join("ours");
            let words = ["-aHAXni", "--no-specials", "--no-devices", "--checksum", "--delete"];
            let paths = [source.join(""), ours.join("")];
            let found = command("rsync", &words, paths.iter().map(|path| path.as_os_str()))?;
            // That it leaves pipes alone it says, too.
            let mut found = found.lines().filter(|line| !line.starts_with("skipping non-regular"));
            if let Some(found) = found.next() {
                return Err(format!("rsync finds:\n{found}"));
            }
        }
        Ok(expected.len())
    }

    /// All copies are alike after the source was changed and copied again.
    fn again(&self, source: &Path, which: usize) -> Result<usize, String> {
        let (policy, cp, rsync) = POLICIES[which];
        let options = ["--on-conflict", policy, "--replace-read-only"];
        (self.ours)(&options, source, &self.folder.join("ours"))?;
        self.program("cp", &[&["-aT"], cp].concat(), source, "cp")?;
        if self.has_rsync {
            self.program(
                "rsync",
                &[&["-aHX", NANOSECONDS][..], rsync].concat(),
                &source.join(""),
                "rsync",
            )?;
        }
        let ours = self.made_by("ours")?;
        for name in self.names().into_iter().skip(1) {
            let (mut ours, mut theirs) = (ours.clone(), self.made_by(name)?);
            if name == "rsync" {
                [&mut ours, &mut theirs].into_iter().for_each(forget_times);
            }
            same(&format!("{policy}: {name}"), &ours, &theirs)?;
        }
        Ok(ours.len())
    }

    /// What a program has made, without the pipes that only ours is not to make.
    fn made_by(&self, name: &str) -> Result<Sight, String> {
        let top = self.folder.join(name);
        match name {
            "ours" => sight(&top).map_err(|error| format!("{}: {error}", top.display())),
            _ => without_pipes(&top),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        let names = ["ours", "cp", "rsync"];
        names.into_iter().take(if self.has_rsync { 3 } else { 2 }).collect()
    }

    fn program(&self, name: &str, words: &[&str], from: &Path, to: &str) -> Result<(), String> {
        let to = self.folder.join(to);
        command(name, words, [from.as_os_str(), to.as_os_str()]).map(drop)
    }
}

/// Runs a script of a random tree in a directory.
///
/// # Errors
/// What it says when it fails.
pub fn run_script(folder: &Path, script: &str) -> Result<(), String> {
    let cd = format!("cd \"$1\"\n{script}");
    command("bash", &["-c", &cd, "tree"], [folder.as_os_str()]).map(drop)
}

/// Says of directories and links only that they are there.
fn forget_times(tree: &mut Sight) {
    for line in tree.values_mut() {
        let what = line.splitn(4, ' ').nth(3).unwrap_or_default();
        if !what.starts_with("file") {
            *line = what.split(' ').next().unwrap_or_default().to_owned();
        }
    }
}

fn same(what: &str, one: &Sight, other: &Sight) -> Result<(), String> {
    difference(one, other).map_or(Ok(()), |found| Err(format!("{what} differs:\n{found}")))
}

fn without_pipes(top: &Path) -> Result<Sight, String> {
    sight_without_pipes(top).map_err(|error| format!("{}: {error}", top.display()))
}

fn command<'a>(
    name: &str,
    words: &[&str],
    paths: impl IntoIterator<Item = &'a OsStr>,
) -> Result<String, String> {
    let mut command = Command::new(name);
    let ended = command.args(words).args(paths).output();
    let ended = ended.map_err(|error| format!("{name}: {error}"))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    if !ended.status.success() {
        return Err(format!("{command:?}: {}: {}", ended.status, text(&ended.stderr)));
    }
    Ok(text(&ended.stdout))
}
