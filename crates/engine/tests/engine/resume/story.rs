//! The runs of one job, one after another, on one destination.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use surecopy_engine::{
    Catalog, ConflictPolicy, Control, CopySpec, ItemStatus, Mapping, Outcome, Planned, PlannedItem,
    RecordedEnd, Report, SkipReason, Warning, WarningKind,
};
use surecopy_fs::{FileKind, Operation, RelPath, Timestamp};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, FaultFs, FaultPlan};

use super::past::{Asking, Past, Place};
use super::remembered::{Over, Remembered};
use crate::job::{Ran, Records, carry_out_remembering};
use crate::oracle::{Tree, leftovers};
use crate::scene::{Way, scene};

/// What the user asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Asked {
    Policy(ConflictPolicy),
    /// To update, going by content.
    Content,
}

/// When a process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Death {
    Never,
    /// Instead of doing its n-th operation.
    AtStep(u64),
    /// Instead of writing to the ledger the n-th time.
    AtCall(u64),
}

/// One job.
pub(super) struct Story {
    pub(super) spec: CopySpec,
    pub(super) ledger: Remembered,
    pub(super) control: Control,
    /// What each run is told of the source.
    pub(super) catalog: Option<Arc<dyn Catalog>>,
    /// The destination now, without anybody at work.
    pub(super) fs: FakeFs,
    source: Tree,
    is_begun: bool,
    /// How many handles others hold.
    others: u64,
}

/// One run.
pub(super) struct Life {
    pub(super) fs: Arc<CrashFs>,
    pub(super) ran: Ran,
    pub(super) has_died: bool,
}

/// How a job is to end: everything beneath the destination, and which names are names of one file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct End {
    tree: Tree,
    names_of_one: BTreeSet<BTreeSet<PathBuf>>,
}

/// One of everything, and, for each policy, something to be decided.
pub(super) fn busy_scene(way: Way) -> FakeFs {
    let fs = scene(way);
    fs.link("/src/new", "/src/two/triplet").link("/src/new", "/src/old-twin");
    fs.file("/dst/old-twin", "a file of its own");
    for (name, there) in [("same-size", "old bytes"), ("equal", "new bytes")] {
        for (path, content) in [("/src", "new bytes"), ("/dst", there)] {
            let path = format!("{path}/{name}");
            fs.file(&path, content).modified(&path, Timestamp { secs: 700, nanos: 0 });
        }
    }
    for path in ["/src", "/dst"] {
        fs.modified(path, Timestamp { secs: 500, nanos: 9 });
    }
    fs
}

impl Story {
    pub(super) fn new(way: Way, asked: Asked) -> Self {
        let fs = busy_scene(way);
        let mut spec = way.spec(&fs);
        match asked {
            Asked::Policy(policy) => spec.conflict = policy,
            Asked::Content => spec.by_content = true,
        }
        // Several groups, so that some items have ended long before the last one.
        spec.limits.group_max_files = 4;
        Self::of(fs, spec)
    }

    pub(super) fn of(fs: FakeFs, spec: CopySpec) -> Self {
        let source = fs.tree("/src");
        let (ledger, control) = (Remembered::default(), Control::new());
        Self { spec, ledger, control, catalog: None, fs, source, is_begun: false, others: 0 }
    }

    /// One run in a process of its own, on a system that went on running or was booted anew.
    pub(super) fn run(&mut self, death: Death) -> Life {
        self.run_on(CrashFs::new(self.fs.clone()), death)
    }

    /// The same beside handles of somebody else's.
    pub(super) fn run_beside(&mut self, handles: u64) -> Ran {
        self.others = handles;
        self.run(Death::Never).ran
    }

    pub(super) fn run_on(&mut self, fs: CrashFs, death: Death) -> Life {
        let (fs, dies_at_call) = match death {
            Death::Never => (fs, None),
            Death::AtStep(step) => (fs.power_off_at(step), None),
            Death::AtCall(call) => (fs, Some(call)),
        };
        let fs = Arc::new(fs);
        let mappings = self.spec.mappings.clone();
        let parent = |item: &PlannedItem| parent_of(&mappings, item);
        let asking = Asking::of(&self.ledger, &parent);
        self.spec.nonce = self.ledger.begin(&fs, dies_at_call);
        let history = std::mem::replace(&mut self.is_begun, true).then_some(&asking as _);
        let records = Records { journal: &self.ledger, work: &self.ledger, history };
        let ran = carry_out_remembering(
            &fs,
            &self.spec,
            &records,
            self.catalog.as_deref(),
            &self.control,
        );
        let has_died = fs.fired() || self.ledger.has_died();
        assert_eq!(has_died, death != Death::Never, "{death:?}: {}", ran.in_short());
        if !has_died {
            self.end(&ran);
        }
        assert_eq!(fs.live().open_handles(), self.others, "handles are left open");
        Life { fs, ran, has_died }
    }

    /// One run to its end, in which operations fail as planned. Says whether any did.
    pub(super) fn run_failing(&mut self, plan: FaultPlan) -> (Ran, bool) {
        let fs = Arc::new(FaultFs::new(self.fs.clone(), plan));
        let mappings = self.spec.mappings.clone();
        let parent = |item: &PlannedItem| parent_of(&mappings, item);
        let asking = Asking::of(&self.ledger, &parent);
        self.spec.nonce = self.ledger.begin(&Arc::new(CrashFs::new(self.fs.clone())), None);
        let history = std::mem::replace(&mut self.is_begun, true).then_some(&asking as _);
        let records = Records { journal: &self.ledger, work: &self.ledger, history };
        let catalog = self.catalog.as_deref();
        let ran = carry_out_remembering(&fs, &self.spec, &records, catalog, &self.control);
        self.end(&ran);
        (ran, fs.fired())
    }

    fn end(&self, ran: &Ran) {
        let Report { outcome, tally, .. } = &ran.report;
        self.ledger.end(Over {
            are_directories_finished: outcome.has_finished_directories(tally),
            has_cleared: outcome.has_cleared(tally),
        });
    }

    pub(super) fn past(&self) -> Past {
        Past::of(&self.ledger, &|item| parent_of(&self.spec.mappings, item))
    }

    /// The process died; the system runs on.
    pub(super) fn bury(&mut self, are_notes_kept: bool) {
        self.ledger.lose(are_notes_kept);
    }

    /// The power went when the process died, and this is what the next boot finds.
    pub(super) fn after_crash(&self, life: &Life, style: CrashStyle, are_notes_kept: bool) -> Self {
        let ledger = self.ledger.copy();
        ledger.lose(are_notes_kept);
        Self {
            spec: self.spec.clone(),
            ledger,
            control: Control::new(),
            catalog: self.catalog.clone(),
            fs: life.fs.after_crash(style),
            source: self.source.clone(),
            is_begun: true,
            others: 0,
        }
    }

    /// What is recorded as copied is there, as it is to be in the end.
    #[track_caller]
    pub(super) fn keeps_its_word(&self, end: &End, what: &str) {
        let now = self.fs.tree("/dst");
        for target in self.done() {
            let path = target.strip_prefix("/dst").expect("targets are in /dst");
            assert_eq!(now.get(path), end.tree.get(path), "{}: {what}", path.display());
        }
    }

    /// Targets whose end is recorded as ok.
    pub(super) fn done(&self) -> BTreeSet<PathBuf> {
        let ok = self.ledger.ends().into_iter().filter(|end| end.status == ItemStatus::Ok);
        ok.map(|end| end.target).collect()
    }

    /// Targets that are published, whether or not it is recorded that they ended well.
    pub(super) fn visible(&self) -> BTreeSet<PathBuf> {
        let unsettled = self.past().in_flight.publications.into_iter();
        let reports = unsettled
            .filter(|unsettled| unsettled.end != RecordedEnd::InDoubt)
            .map(|unsettled| unsettled.publication.report);
        let is_there = |report: &surecopy_engine::ItemReport| {
            let landed = report.landed.expect("what is published is known again");
            self.fs.stat(&report.target).is_some_and(|now| now.id.file == landed.target.id.file)
        };
        reports.filter(|report| is_there(report)).map(|report| report.target).collect()
    }

    /// A run to the end. Nothing that was done is done again, and all is as it is to be.
    #[track_caller]
    pub(super) fn resume(&mut self, end: &End, what: &str) -> Ran {
        let mut done = self.done();
        done.extend(self.visible());
        let Life { ran, .. } = self.run(Death::Never);
        let told = || format!("{what}\n{}", ran.in_short());
        assert_eq!(ran.report.outcome, Outcome::Finished, "{}", told());
        let bad = (ran.report.tally.failed, ran.report.tally.cancelled);
        assert_eq!(bad, (0, 0), "{}", told());
        let identical = ItemStatus::Skipped(SkipReason::Identical);
        for item in ran.items().filter(|item| item.status != identical) {
            assert!(!done.contains(&item.target), "{:?} is done again: {}", item.target, told());
        }
        self.is_as(end, &told());
        ran
    }

    /// The destination is as it is to be, with nothing left over, and the source as it was.
    #[track_caller]
    pub(super) fn is_as(&self, end: &End, what: &str) {
        let left = leftovers(&self.fs, "/dst");
        assert!(left.is_empty(), "{left:?} are left: {what}");
        let now = End::of(&self.fs);
        for (path, entry) in &end.tree {
            assert_eq!(now.tree.get(path), Some(entry), "{}: {what}", path.display());
        }
        let (is, wanted) = (now.tree.keys(), end.tree.keys());
        assert_eq!(is.collect::<Vec<_>>(), wanted.collect::<Vec<_>>(), "{what}");
        assert_eq!(now.names_of_one, end.names_of_one, "{what}");
        assert_eq!(self.fs.tree("/src"), self.source, "the source changed: {what}");
    }

    /// One run more, which finds nothing to do and does nothing.
    #[track_caller]
    pub(super) fn rests(&mut self, what: &str) {
        self.fs.reset_counts();
        let Life { ran, .. } = self.run(Death::Never);
        let told = || format!("{what}\n{:#?}\n{}", ran.report, ran.in_short());
        assert_eq!(ran.report.outcome, Outcome::Finished, "{}", told());
        let tree = self.fs.tree("/src");
        let entries = tree.values().filter(|entry| entry.kind != FileKind::Directory).count();
        let files = tree.values().filter(|entry| entry.kind == FileKind::File);
        let wanted = (0, entries as u64, files.map(|file| file.size).sum());
        let Planned { items, kept, bytes_kept, .. } = ran.report.planned;
        assert_eq!((items, kept, bytes_kept), wanted, "{}", told());
        let changes: BTreeMap<_, _> = CHANGES
            .iter()
            .map(|operation| (operation, self.fs.count(*operation)))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert!(changes.is_empty(), "{changes:?}: {}", told());
        let warnings: Vec<&Warning> = ran.warnings().collect();
        assert!(warnings.is_empty(), "{}", told());
    }

    /// The source is another one from now on, and is to stay as it is now.
    pub(super) fn source_changed(&mut self) {
        self.source = self.fs.tree("/src");
    }
}

/// The directory an item goes to.
pub(super) fn parent_of(mappings: &[Mapping], item: &PlannedItem) -> Place {
    let below = mappings[item.mapping].target.join_path(&item.path);
    (item.mapping, below.parent().unwrap_or_else(RelPath::root))
}

impl End {
    pub(super) fn of(fs: &FakeFs) -> Self {
        let tree = fs.tree("/dst");
        let mut names: BTreeMap<u64, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, _) in tree.iter().filter(|(_, entry)| entry.kind == FileKind::File) {
            let found = fs.stat(PathBuf::from("/dst").join(path)).expect("it is in the tree");
            names.entry(found.id.file).or_default().insert(path.clone());
        }
        let names_of_one = names.into_values().filter(|names| names.len() > 1).collect();
        Self { tree, names_of_one }
    }

    /// That of a job that nothing disturbs, with the numbers of steps and of calls to the ledger.
    pub(super) fn undisturbed(mut story: Story) -> (Self, u64, u64) {
        let Life { fs, ran, .. } = story.run(Death::Never);
        ran.all_done();
        (Self::of(&story.fs), fs.steps(), story.ledger.calls())
    }
}

impl Ran {
    /// Every item ended well, or was skipped.
    #[track_caller]
    pub(super) fn all_done(&self) -> &Self {
        assert_eq!(self.report.outcome, Outcome::Finished, "{:#?}", self.report);
        let bad = (self.report.tally.failed, self.report.tally.cancelled);
        assert_eq!(bad, (0, 0), "{}", self.in_short());
        assert!(self.warned_of(WarningKind::LeftBehind).is_empty(), "{}", self.in_short());
        self
    }
}

/// All that changes anything.
const CHANGES: [Operation; 17] = [
    Operation::CreateDir,
    Operation::RemoveDir,
    Operation::RemoveFile,
    Operation::CreateSymlink,
    Operation::HardLink,
    Operation::CreatePartial,
    Operation::Write,
    Operation::Clone,
    Operation::CopyRange,
    Operation::Preallocate,
    Operation::SetLength,
    Operation::PublishNew,
    Operation::Exchange,
    Operation::Replace,
    Operation::SetPermissions,
    Operation::SetOwner,
    Operation::SetTimes,
];
