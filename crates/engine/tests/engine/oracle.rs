//! What must hold at the destination, whatever went wrong on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use surecopy_engine::{ErrorCode, ItemKind, ItemReport, ItemStatus, Outcome, Scope, WarningKind};
use surecopy_fs::FileKind;
use surecopy_testkit::{Entry, FakeFs};

use crate::job::Ran;

/// A tree by path.
pub(crate) type Tree = BTreeMap<PathBuf, Entry>;

/// Both trees as they were before a run.
pub(crate) struct Before {
    pub(crate) source: Tree,
    pub(crate) destination: Tree,
}

/// The mark of names that the engine makes for itself.
pub(crate) fn is_ours(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".surecopy-"))
}

/// Whether a name says of what it shows that it may go without a question.
fn is_partial(path: &Path) -> bool {
    is_ours(path) && path.extension().is_some_and(|extension| extension == "partial")
}

/// Entries in a tree that have one of the engine's own names.
pub(crate) fn leftovers(fs: &FakeFs, root: &str) -> Vec<PathBuf> {
    fs.tree(root).into_keys().filter(|path| is_ours(path)).collect()
}

impl Before {
    pub(crate) fn of(fs: &FakeFs) -> Self {
        Self { source: fs.tree("/src"), destination: fs.tree("/dst") }
    }

    /// Every name shows its complete old or its complete new self, and what is not concerned is as
    /// it was. No old file has the name of a partial one. Says what is wrong, so that negative
    /// controls can ask for it to be wrong.
    pub(crate) fn whole(&self, now: &Tree) -> Result<(), String> {
        for (name, partial) in now.iter().filter(|(name, _)| is_partial(name)) {
            if let Some(old) = self.destination.values().find(|old| is_same_content(old, partial)) {
                return Err(format!("{} shows an old file: {old:?}", name.display()));
            }
        }
        let names: BTreeSet<&PathBuf> =
            self.source.keys().chain(self.destination.keys()).chain(now.keys()).collect();
        for name in names {
            let (old, new, is) = (self.destination.get(name), self.source.get(name), now.get(name));
            let fits = |wanted: Option<&Entry>| match (wanted, is) {
                (Some(wanted), Some(is)) => is_same_content(wanted, is),
                (None, None) => true,
                _ => false,
            };
            if !(is_ours(name) || fits(old) || new.is_some() && fits(new)) {
                return Err(format!(
                    "{} is neither old nor new\n is {is:?}\nold {old:?}\nnew {new:?}",
                    name.display()
                ));
            }
        }
        Ok(())
    }

    /// Every item that was reported as copied is there, whole and new.
    pub(crate) fn as_reported(&self, ran: &Ran, now: &Tree) -> Result<(), String> {
        for item in ran.items().filter(|item| item.status == ItemStatus::Ok) {
            let name = item.target.strip_prefix("/dst").expect("targets are in /dst");
            let is_new = matches!((self.source.get(name), now.get(name)), (Some(new), Some(is))
                if is_same_content(new, is));
            if !is_new {
                return Err(format!(
                    "{} is reported as copied, and is {:?}",
                    name.display(),
                    now.get(name)
                ));
            }
        }
        Ok(())
    }

    /// Directories that are there now, were not before, and hold nothing that was copied, though
    /// their source does.
    pub(crate) fn idle_directories(&self, now: &Tree) -> Vec<PathBuf> {
        let is_dir = |entry: &Entry| entry.kind == FileKind::Directory;
        let has_files = |tree: &Tree, dir: &Path| {
            tree.iter()
                .any(|(path, entry)| path.starts_with(dir) && !is_dir(entry) && !is_ours(path))
        };
        now.iter()
            .filter(|(path, entry)| is_dir(entry) && !self.destination.contains_key(*path))
            .map(|(path, _)| path.clone())
            .filter(|path| has_files(&self.source, path) && !has_files(now, path))
            .collect()
    }
}

fn is_same_content(left: &Entry, right: &Entry) -> bool {
    left.kind == right.kind && left.content == right.content
}

/// Every item has ended, and the sums say how many ended in which way.
#[track_caller]
pub(crate) fn adds_up(ran: &Ran) {
    let (report, tally) = (&ran.report, &ran.report.tally);
    let sum = tally.ok + tally.skipped + tally.failed + tally.cancelled;
    if matches!(report.outcome, Outcome::Refused | Outcome::Planned) || ran.is_cancelled_early() {
        assert_eq!(sum, 0, "{report:#?}");
        return;
    }
    let refused: Vec<_> = report.problems.iter().filter(|p| p.scope == Scope::Item).collect();
    for problem in &refused {
        let entry = problem.entry.as_ref().expect("an item is an entry of a mapping");
        let target = problem.target.as_ref().expect("an item has a target");
        let is_told = ran.items().any(|item| {
            (item.kind, &item.target) == (entry.kind, target)
                && item.status == ItemStatus::Error(problem.error.clone())
        });
        assert!(is_told, "{problem:#?} {ran:#?}");
    }
    // Only directories that failed are told of; they are not among the planned items.
    let is_refused =
        |item: &ItemReport| refused.iter().any(|p| p.target.as_ref() == Some(&item.target));
    let directories =
        ran.items().filter(|item| item.kind == ItemKind::Directory && !is_refused(item));
    let (refused, directories) = (refused.len() as u64, directories.count() as u64);
    assert_eq!(sum, report.planned.items + refused + directories, "{report:#?}");
    assert_eq!(sum, ran.items().count() as u64 + tally.not_begun, "{report:#?}");
    if report.outcome == Outcome::Finished {
        assert_eq!(tally.not_begun, 0, "{report:#?}");
    }
    counts_up(ran);
    for item in ran.items() {
        if let ItemStatus::Error(error) = &item.status {
            assert_ne!(error.code, ErrorCode::Internal, "{item:#?}");
            assert!(!error.path.as_os_str().is_empty(), "{item:#?}");
            assert!(!error.message.is_empty(), "{item:#?}");
        }
    }
}

/// The counters show what is in place, and the whole of it unless something was cancelled.
#[track_caller]
pub(crate) fn counts_up(ran: &Ran) {
    let counters = &ran.counters;
    let sum = |is_counted: &dyn Fn(&ItemReport) -> bool| -> u64 {
        let files = ran.items().filter(|item| item.kind == ItemKind::File);
        files.filter(|item| is_counted(item)).map(|item| item.size_bytes).sum()
    };
    let in_place = sum(&|item| item.status == ItemStatus::Ok);
    let verified = sum(&ItemReport::verified);
    assert_eq!(counters.items_done, counters.items_total, "{counters:#?}");
    let done = (counters.bytes_copied, counters.bytes_verified);
    assert_eq!(done, (in_place, verified), "{}", ran.in_short());
    let total = (counters.bytes_total, counters.verify_total);
    if ran.report.tally.cancelled == 0 {
        assert_eq!(total, done, "{}", ran.in_short());
    } else {
        let told = |item: &&ItemReport| {
            matches!(item.status, ItemStatus::Cancelled | ItemStatus::Error(_))
        };
        let told: u64 = ran.items().filter(told).map(|item| item.size_bytes).sum();
        // What nobody had begun is told of by the sums alone.
        let not_begun = ran.report.tally.bytes_failed - told;
        let cancelled = sum(&|item| item.status == ItemStatus::Cancelled) + not_begun;
        assert!(done.0 <= total.0 && total.0 <= done.0 + cancelled, "{counters:?} {cancelled}");
        assert!(done.1 <= total.1 && total.1 <= done.1 + cancelled, "{counters:?} {cancelled}");
    }
}

impl Ran {
    fn is_cancelled_early(&self) -> bool {
        self.report.outcome == Outcome::Cancelled && self.report.planned.items == 0
    }

    /// Paths of things that the run says it left behind: with a warning, or as the kept old file
    /// of an item whose durability is unknown.
    pub(crate) fn admitted_leftovers(&self) -> BTreeSet<PathBuf> {
        let kept = self.items().filter_map(|item| match &item.status {
            ItemStatus::Error(error) if error.code == ErrorCode::DurabilityUnknown => {
                item.backup.clone()
            }
            _ => None,
        });
        self.warned_of(WarningKind::LeftBehind).into_iter().chain(kept).collect()
    }
}
