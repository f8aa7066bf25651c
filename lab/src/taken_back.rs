//! A job that is taken back, and what an undo that is cut short may have left of it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::likeness::Likeness;
use crate::recorded::Recorded;
use crate::snapshot::ensure_no_partials;

/// A tree before and after a job that kept what it replaced. Names are those beneath its top.
pub(crate) struct TakenBack {
    before: Likeness,
    copied: Likeness,
    /// The targets of the job, and under which name what each of them replaced is kept.
    items: BTreeMap<PathBuf, Option<PathBuf>>,
}

/// How many targets were found in which state.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Found {
    pub(crate) undone: usize,
    pub(crate) copied: usize,
    /// Copies that have given their names back and are still there under others.
    pub(crate) given_up: usize,
}

impl Found {
    /// Whether some are undone, and some are not.
    pub(crate) fn is_amid(self) -> bool {
        self.undone > 0 && self.copied > 0
    }

    pub(crate) fn add(&mut self, other: Self) {
        self.undone += other.undone;
        self.copied += other.copied;
        self.given_up += other.given_up;
    }
}

/// The targets that these objects report as undone.
pub(crate) fn undone_among(objects: &[Value]) -> BTreeSet<PathBuf> {
    let undone = objects.iter().filter(|object| object["type"] == "undone");
    undone.filter_map(|object| object["target"].as_str().map(PathBuf::from)).collect()
}

impl TakenBack {
    /// Looks at a tree after the first job of a ledger, of which nothing was undone yet.
    pub(crate) fn of(top: &Path, before: Likeness, recorded: &Recorded) -> Result<Self> {
        let name = |value: &Value| -> Option<PathBuf> {
            Path::new(value.as_str()?).strip_prefix(top).ok().map(Path::to_owned)
        };
        let mut items = BTreeMap::new();
        for item in recorded.items(1, "ok")? {
            let target = name(&item["target"]).context("it is beneath the top")?;
            let kept = name(&item["kept_as"]);
            ensure!(kept.is_some() == before.has(&target), "kept, or replaced, not both: {item}");
            items.insert(target, kept);
        }
        Ok(Self { before, copied: Likeness::take(top)?, items })
    }

    /// How many targets there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// The path of each target, and that under which what it replaced is kept.
    pub(crate) fn paths(&self, top: &Path) -> Vec<(PathBuf, Option<PathBuf>)> {
        let path = |name: &PathBuf| top.join(name);
        self.items.iter().map(|(target, kept)| (path(target), kept.as_ref().map(path))).collect()
    }

    /// Fails unless every target is copied or as it was, and as it was if it is said to be undone; unless what
    /// a copy has replaced is there until then; and unless everything else is untouched.
    pub(crate) fn check(&self, top: &Path, undone: &BTreeSet<PathBuf>) -> Result<Found> {
        let now = Likeness::take(top)?;
        let mut found = Found::default();
        for (target, kept) in &self.items {
            let path = top.join(target);
            let is_copied = now.shows(target, &self.copied, target);
            let is_before = match kept {
                None => !now.has(target),
                Some(_) => now.shows(target, &self.before, target),
            };
            ensure!(is_copied || now.has(target) || kept.is_none(), "{} is gone", path.display());
            ensure!(is_copied || is_before, "{} is neither old nor new", path.display());
            ensure!(
                is_before || !undone.contains(&path),
                "{}, said to be undone, is not",
                path.display()
            );
            *(if is_before { &mut found.undone } else { &mut found.copied }) += 1;
            let Some(kept) = kept.as_deref().filter(|kept| now.has(kept)) else {
                let has_old = is_before || kept.is_none();
                ensure!(has_old, "what {} has replaced is nowhere", path.display());
                continue;
            };
            let is_new = now.shows(kept, &self.copied, target);
            ensure!(
                now.shows(kept, &self.before, target) || (is_before && is_new),
                "what is kept of {} is neither old nor new, or both are new",
                path.display()
            );
            found.given_up += usize::from(is_new);
        }
        self.ensure_rest_untouched(&now, top)?;
        Ok(found)
    }

    /// Fails unless every target is copied, and what it has replaced is kept as it was or gone; and unless
    /// everything else is untouched. Gives how many of those are gone, and of how many.
    pub(crate) fn check_given_up(&self, top: &Path) -> Result<(usize, usize)> {
        let now = Likeness::take(top)?;
        let (mut gone, mut all) = (0, 0);
        for (target, kept) in &self.items {
            let path = top.join(target);
            ensure!(now.shows(target, &self.copied, target), "{} is not new", path.display());
            let Some(kept) = kept else { continue };
            let is_whole = now.shows(kept, &self.before, target);
            ensure!(is_whole || !now.has(kept), "what is kept of {} is not old", path.display());
            gone += usize::from(!is_whole);
            all += 1;
        }
        self.ensure_rest_untouched(&now, top)?;
        Ok((gone, all))
    }

    /// Folders that the job has made may be gone.
    fn ensure_rest_untouched(&self, now: &Likeness, top: &Path) -> Result<()> {
        let kept: BTreeSet<&Path> = self.items.values().flatten().map(PathBuf::as_path).collect();
        let is_other = |name: &&Path| !self.items.contains_key(*name) && !kept.contains(*name);
        for name in self.copied.names().filter(is_other) {
            let may_be_gone = self.copied.is_folder(name) && !self.before.has(name);
            ensure!(
                now.shows(name, &self.copied, name) || (may_be_gone && !now.has(name)),
                "{}, which is not the job's, is not as it was",
                top.join(name).display()
            );
        }
        let strange = now.names().filter(is_other).find(|name| !self.copied.has(name));
        ensure!(strange.is_none(), "{strange:?} came from nowhere");
        Ok(())
    }

    /// Fails unless all is as before the job, and as after an undo that nothing has disturbed.
    pub(crate) fn ensure_undone(&self, top: &Path, undisturbed: &Likeness) -> Result<()> {
        undisturbed.ensure_all_but_folder_times_of(top)?;
        let found = self.check(top, &BTreeSet::new())?;
        ensure!(found.undone == self.len() && found.given_up == 0, "not all is undone: {found:?}");
        ensure_no_partials(top)
    }
}

/// So many folders have something to be replaced in them, and so many are new.
const FOLDERS: usize = 20;
const NEW_FOLDERS: usize = 5;

/// Makes a source, and a tree to copy it over, in two folders beneath the top.
pub(crate) fn fill(top: &Path) -> Result<()> {
    let [source, target] = ["source", "target"].map(|name| top.join(name));
    let write = |path: PathBuf, word: &str, times: usize| -> Result<()> {
        fs::create_dir_all(path.parent().context("it is in a folder")?)?;
        let text = format!("{word} {}\n", path.display());
        crate::tree::write_old(&path, text.repeat(times).as_bytes())
    };
    for number in 0..FOLDERS {
        let folder = format!("folder-{number}");
        for (name, times) in [("replaced", 20 * number), ("replaced-too", 900)] {
            write(source.join(&folder).join(name), "new", 1 + times)?;
            write(target.join(&folder).join(name), "what was there before", 300)?;
        }
        write(source.join(&folder).join("new"), "new", 30)?;
        write(target.join(&folder).join("of-somebody"), "untouched", 10)?;
    }
    for number in 0..NEW_FOLDERS {
        write(source.join(format!("made-{number}/inner/new")), "new", 500)?;
    }
    fs::hard_link(source.join("folder-0/new"), source.join("folder-1/further"))?;
    for (link, leads) in [(&source, "folder-0/new"), (&target, "elsewhere")] {
        std::os::unix::fs::symlink(leads, link.join("replaced-link"))?;
    }
    std::os::unix::fs::symlink("folder-0", source.join("new-link"))?;
    write(top.join("beside/of-somebody"), "untouched", 10)
}

/// Somebody puts a file into a folder that the job has made.
pub(crate) fn put_guest(top: &Path) -> Result<()> {
    crate::tree::write_old(&top.join("target/made-0/guest"), b"untouched")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tree::write_old;

    const KEPT: &str = ".surecopy-1.backup";

    fn write(top: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            write_old(&top.join(name), text.as_bytes()).expect("there is room");
        }
    }

    #[test]
    fn what_no_undo_may_leave_is_told_from_what_it_may() {
        let top = std::env::temp_dir().join(format!("surecopy-taken-back-{}", std::process::id()));
        let make = |files: &[(&str, &str)]| {
            fs::remove_dir_all(&top).ok();
            fs::create_dir_all(&top).expect("it is new");
            write(&top, files);
            Likeness::take(&top).expect("it can be read")
        };
        let before = make(&[("replaced", "old"), ("others", "theirs")]);
        let copied = [("replaced", "new"), (KEPT, "old"), ("made", "new"), ("others", "theirs")];
        let items = [("replaced", Some(KEPT)), ("made", None)]
            .map(|(target, kept)| (PathBuf::from(target), kept.map(PathBuf::from)));
        let job = TakenBack { before, copied: make(&copied), items: items.into() };
        /// Files that are written, files that are removed, and how many items are undone then, if that is right.
        type Try<'a> = (&'a [(&'a str, &'a str)], &'a [&'a str], Option<usize>);
        let cases: &[Try<'_>] = &[
            (&[], &[], Some(0)),
            (&[], &["made"], Some(1)),
            (&[("replaced", "old"), (KEPT, "new")], &[], Some(1)),
            (&[("replaced", "old")], &[KEPT, "made"], Some(2)),
            (&[], &["replaced"], None),
            (&[], &[KEPT], None),
            (&[("replaced", "ne")], &[], None),
            (&[("made", "")], &[], None),
            (&[(KEPT, "ol")], &[], None),
            (&[(KEPT, "new")], &[], None),
            (&[("others", "ours")], &[], None),
            (&[], &["others"], None),
            (&[(".surecopy-2.partial", "new")], &[], None),
        ];
        for (written, removed, undone) in cases {
            make(&copied);
            write(&top, written);
            removed.iter().for_each(|name| fs::remove_file(top.join(name)).expect("it is there"));
            let found = job.check(&top, &BTreeSet::new()).map(|found| found.undone);
            assert_eq!(found.ok(), *undone, "{written:?} {removed:?}");
        }
        make(&copied);
        assert!(job.check(&top, &[top.join("replaced")].into()).is_err(), "said, and not done");
        assert_eq!(job.check_given_up(&top).ok(), Some((0, 1)));
        fs::remove_file(top.join(KEPT)).expect("it is there");
        assert_eq!(job.check_given_up(&top).ok(), Some((1, 1)));
        write(&top, &[(KEPT, "new")]);
        assert!(job.check_given_up(&top).is_err(), "another file is kept");
        fs::remove_dir_all(&top).expect("it goes");
    }
}
