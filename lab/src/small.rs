//! One entry of each kind to be copied, made anew in a moment, and what must be there whatever failed.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use surecopy_testkit::Random;

use crate::copier::Copied;
use crate::snapshot::{PARTIAL_PREFIX, Snapshot};
use crate::tool;
use crate::tree::write_old;

/// With so small a limit of small files, some of these are not.
pub(crate) const OPTIONS: [&str; 9] = [
    "-a",
    "-j",
    "1",
    "--on-conflict",
    "replace",
    "--set",
    "small_file_limit_bytes=4KiB",
    "--set",
    "progress_updates_per_second=1",
];

/// Files: name, size, and the size of the old one in its place.
const FILES: [(&str, usize, Option<usize>); 6] = [
    ("new", 3000, None),
    ("replaced", 2000, Some(700)),
    ("medium", 200_000, None),
    ("medium-replaced", 150_000, Some(90_000)),
    ("new-dir/file", 10, None),
    ("folder/replaced", 900, Some(1000)),
];

/// A further name of the first file, and a symbolic link to it.
const FURTHER: &str = "folder/further";
const LINK: &str = "link";

/// A source, and a target that is made anew for each run.
pub(crate) struct Small {
    pub(crate) top: PathBuf,
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    untouched: Snapshot,
    new: BTreeMap<PathBuf, Vec<u8>>,
    old: BTreeMap<PathBuf, Vec<u8>>,
}

impl Small {
    /// Makes the source in a new folder.
    pub(crate) fn new(top: &Path) -> Result<Self> {
        let (source, target) = (top.join("source"), top.join("target"));
        for dir in ["source/folder", "source/new-dir"] {
            fs::create_dir_all(top.join(dir))?;
        }
        let mut random = Random::new(90);
        let (mut new, mut old) = (BTreeMap::new(), BTreeMap::new());
        for (name, size, old_size) in FILES {
            let content = random.bytes(size);
            fs::write(source.join(name), &content)?;
            new.insert(PathBuf::from(name), content);
            if let Some(size) = old_size {
                old.insert(PathBuf::from(name), random.bytes(size));
            }
        }
        new.insert(PathBuf::from(FURTHER), new[Path::new("new")].clone());
        tool::shell(
            r#"cd "$1"
            setfattr -n user.lab -v kept new; setfattr -n user.lab -v kept medium
            chmod 0640 replaced; chmod 0604 medium; chmod 0751 new-dir
            chown -hR 1234:4321 .; ln -s new link; chown -h 77:78 link; ln new folder/further
            touch -d '2017-07-14 02:40:00.123456789' new replaced medium medium-replaced \
                new-dir/file folder/replaced
            touch -h -d '2014-05-13 16:53:20.5' link folder new-dir ."#,
            [&source],
        )?;
        let untouched = Snapshot::take(&source)?;
        Ok(Self { top: top.to_owned(), source, target, untouched, new, old })
    }

    /// Makes the target with the old files; what was in it is gone.
    pub(crate) fn fill(&self) -> Result<()> {
        if self.target.exists() {
            fs::remove_dir_all(&self.target)?;
        }
        fs::create_dir_all(self.target.join("folder"))?;
        for (name, old) in &self.old {
            write_old(&self.target.join(name), old)?;
        }
        Ok(())
    }

    /// Fails unless the source is as it was.
    pub(crate) fn ensure_source_untouched(&self) -> Result<()> {
        self.untouched.ensure_unchanged(&self.source).context("I5, the source")
    }

    /// Fails unless every target is complete, old or new, and those that are said to be done are new.
    pub(crate) fn check(&self, done: &BTreeSet<PathBuf>) -> Result<()> {
        for (name, new) in &self.new {
            let path = self.target.join(name);
            let is_done = done.contains(&path);
            match fs::read(&path) {
                Ok(content) if content == *new => {}
                Ok(content) if self.old.get(name) == Some(&content) => {
                    ensure!(!is_done, "{}, said to be done, is old", name.display());
                }
                Ok(content) => {
                    bail!("{} is neither old nor new: {} bytes", name.display(), content.len())
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    ensure!(!self.old.contains_key(name), "{} is gone", name.display());
                    ensure!(!is_done, "{}, said to be done, is not there", name.display());
                }
                Err(error) => bail!("read {}: {error}", name.display()),
            }
        }
        let link = self.target.join(LINK);
        match fs::read_link(&link) {
            Ok(text) => ensure!(text == Path::new("new"), "the link leads elsewhere"),
            Err(_) => ensure!(!done.contains(&link), "the link is said to be done"),
        }
        self.ensure_nothing_else()
    }

    /// Fails unless all is new.
    pub(crate) fn ensure_all_new(&self) -> Result<()> {
        let names = self.new.keys().map(PathBuf::as_path).chain([Path::new(LINK)]);
        self.check(&names.map(|name| self.target.join(name)).collect())
    }

    /// How many of the old files are to be found under the names of backups.
    pub(crate) fn backups(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for dir in ["", "folder", "new-dir"] {
            let dir = self.target.join(dir);
            for entry in fs::read_dir(&dir).into_iter().flatten() {
                let name = entry?.file_name();
                if name.as_encoded_bytes().starts_with(PARTIAL_PREFIX) {
                    found.push(dir.join(name));
                }
            }
        }
        Ok(found)
    }

    /// Fails unless mode, owner and times of what is said to be done without a warning are the source's.
    pub(crate) fn ensure_kept(&self, copied: &Copied) -> Result<()> {
        for item in copied.of_type("item").filter(|item| item["status"] == "ok") {
            let target = Path::new(item["target"].as_str().context("it has a target")?);
            let warned = item["metadata_warnings"].as_array().is_some_and(|all| !all.is_empty());
            // A further name is told of once, with the first.
            if warned || item["kind"] == "directory" || item["kind"] == "hard_link" {
                continue;
            }
            let about = |path: &Path| -> Result<_> {
                let about = fs::symlink_metadata(path)?;
                Ok((about.mode(), about.uid(), about.gid(), about.mtime(), about.mtime_nsec()))
            };
            let name = target.strip_prefix(&self.target)?;
            let (from, to) = (about(&self.source.join(name))?, about(target)?);
            ensure!(from == to, "{}: {to:?} instead of {from:?}, untold", name.display());
        }
        Ok(())
    }

    fn ensure_nothing_else(&self) -> Result<()> {
        let dirs = ["", "folder", "new-dir"].map(|dir| self.target.join(dir));
        for dir in &dirs {
            for entry in fs::read_dir(dir).into_iter().flatten() {
                let entry = entry?;
                let is_partial = entry.file_name().as_encoded_bytes().starts_with(PARTIAL_PREFIX);
                let name = entry.path().strip_prefix(&self.target)?.to_owned();
                let is_known = dirs.contains(&entry.path())
                    || self.new.contains_key(&name)
                    || name == Path::new(LINK);
                ensure!(is_partial || is_known, "{} came from nowhere", name.display());
            }
        }
        Ok(())
    }
}

/// The targets that are told as done, without directories.
pub(crate) fn told_done(copied: &Copied) -> BTreeSet<PathBuf> {
    crate::copier::done_among(&copied.objects)
}

/// Fails unless what was asked for is what the report counts, and failures show in the exit status.
pub(crate) fn ensure_counted(copied: &Copied) -> Result<()> {
    let Some(report) = copied.of_type("report").next() else {
        // Refused, or not recorded: then it is said on stderr, and nothing is claimed.
        ensure!([1, 2, 4, 5].contains(&copied.status), "no report, exit status {}", copied.status);
        ensure!(!copied.stderr.trim().is_empty(), "exit status {}, and not a word", copied.status);
        return Ok(());
    };
    ensure!(report["exit_code"] == copied.status, "exit status {}: {report}", copied.status);
    let count = |of: &str| report["items"][of].as_u64().unwrap_or_default();
    let told = |status: &str| {
        // Directories are only counted when they fail.
        let counts = |item: &Value| status == "error" || item["kind"] != "directory";
        let is = |item: &&Value| item["status"] == status && counts(item);
        copied.of_type("item").filter(is).count() as u64
    };
    for (word, status) in
        [("ok", "ok"), ("skipped", "skipped"), ("failed", "error"), ("cancelled", "cancelled")]
    {
        let (counted, told) = (count(word), told(status));
        let problems = if word == "failed" { report["problems"].as_u64().unwrap_or(0) } else { 0 };
        // What a job did not get to that stopped is only counted.
        let is_left = word == "cancelled" && report["outcome"] == "lost" && counted > told;
        ensure!(
            counted == told || counted == told + problems || is_left,
            "I7: {counted} {word} are counted, {told} told: {report}"
        );
    }
    if count("failed") + count("mismatched") + count("cancelled") > 0 {
        ensure!(copied.status != 0, "I7: exit status 0 with {report}");
    }
    Ok(())
}
