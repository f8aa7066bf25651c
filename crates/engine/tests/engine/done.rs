//! Jobs that have run and kept what they replaced, and looking at them again: as a ledger would hand
//! out their items.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use surecopy_engine::{
    Clock, Control, CopySpec, DiscardReport, DoneItem, DoneItems, Environment, Event, Fact,
    History, InFlight, ItemId, ItemStatus, Journal, JournalError, Known, MemoryWorkList, Observer,
    Progress, RecheckReport, RootIdentity, UndoReport, discard, recheck, undo,
};
use surecopy_fs::{FileKind, FileSystem, RelPath, Timestamp};
use surecopy_testkit::{EntryContent, FakeFs};

use crate::job::{Recording, carry_out_with};
use crate::oracle::is_ours;
use crate::scene::{Way, scene};

/// What a name shows, without what undoing need not put back: times of directories, and of a file
/// that had to be copied to be kept, what a copy does not keep.
pub(crate) type Shown = (FileKind, EntryContent, Option<Timestamp>);

/// Names beneath `/dst` and what they show; our own names left out.
pub(crate) fn shown(fs: &FakeFs) -> BTreeMap<PathBuf, Shown> {
    let entries = fs.tree("/dst").into_iter().filter(|(path, _)| !is_ours(path));
    let entries = entries.map(|(path, entry)| {
        let modified = (entry.kind != FileKind::Directory).then_some(entry.modified);
        (path, (entry.kind, entry.content, modified))
    });
    entries.collect()
}

/// A job that has run.
pub(crate) struct Ran {
    pub(crate) fs: FakeFs,
    pub(crate) spec: CopySpec,
    /// Newest first.
    pub(crate) items: Vec<DoneItem>,
    pub(crate) made: Vec<(usize, RelPath)>,
    pub(crate) before: BTreeMap<PathBuf, Shown>,
    pub(crate) after: BTreeMap<PathBuf, Shown>,
}

impl Ran {
    /// The scene's job, with what it replaced kept.
    pub(crate) fn of(way: Way) -> Self {
        let fs = scene(way);
        let spec = way.spec(&fs);
        Self::with(fs, spec)
    }

    #[track_caller]
    pub(crate) fn with(fs: FakeFs, mut spec: CopySpec) -> Self {
        let before = shown(&fs);
        spec.keep_replaced = true;
        let (fs, journal) = (Arc::new(fs), Recording::default());
        carry_out_with(&fs, &spec, &journal, &Control::new()).all_ok();
        let facts = journal.facts();
        let fs = fs.as_ref().clone();
        let after = shown(&fs);
        Self { items: done(&facts), made: made(&facts), before, after, fs, spec }
    }

    #[track_caller]
    pub(crate) fn item(&self, path: &str) -> &DoneItem {
        let found =
            self.items.iter().find(|item| item.path.as_path() == std::path::Path::new(path));
        found.unwrap_or_else(|| panic!("no item {path}: {:#?}", self.items))
    }

    /// The path of what is kept of an item.
    #[track_caller]
    pub(crate) fn kept(&self, path: &str) -> PathBuf {
        let name = self.item(path).kept.as_ref().expect("it has replaced something");
        PathBuf::from("/dst").join(path).with_file_name(name)
    }

    /// Every name shows what it did before the job, or what it did after it.
    #[track_caller]
    pub(crate) fn is_whole(&self, fs: &FakeFs, what: &str) {
        let now = shown(fs);
        let names = self.before.keys().chain(self.after.keys()).chain(now.keys());
        for name in names {
            let is = now.get(name);
            let is_whole = is == self.before.get(name) || is == self.after.get(name);
            assert!(is_whole, "{} is neither old nor new: {is:?}; {what}", name.display());
        }
    }
}

/// The items that were copied, newest first.
pub(crate) fn done(facts: &[Fact]) -> Vec<DoneItem> {
    let mut targets = BTreeMap::new();
    let mut items = Vec::new();
    for fact in facts {
        match fact {
            Fact::Publishing { items } => {
                let published = items.iter().map(|item| (item.item, item.clone()));
                targets.extend(published);
            }
            Fact::Ended { item, report } if report.status == ItemStatus::Ok => {
                let publication = &targets[item];
                let kept = report.backup.as_ref().and_then(|path| path.file_name());
                items.push(DoneItem {
                    item: *item,
                    mapping: publication.mapping,
                    path: publication.target.clone(),
                    target_name: None,
                    kind: report.kind,
                    landed: report.landed.expect("what is published is known again"),
                    kept: kept.map(ToOwned::to_owned),
                    digest: report.digest.clone(),
                });
            }
            _ => {}
        }
    }
    items.reverse();
    items
}

pub(crate) fn made(facts: &[Fact]) -> Vec<(usize, RelPath)> {
    let made = facts.iter().filter_map(|fact| match fact {
        Fact::DirectoryMade { mapping, path } => Some((*mapping, path.clone())),
        _ => None,
    });
    made.collect()
}

/// Items that are not yet undone and settled, going by what a journal was told.
pub(crate) fn left(items: &[DoneItem], facts: &[Fact]) -> Vec<DoneItem> {
    let mut undone: Vec<ItemId> = Vec::new();
    let mut settled: Vec<ItemId> = Vec::new();
    for fact in facts {
        match fact {
            Fact::Undone { item } => undone.push(*item),
            Fact::Settled { items } => settled.extend(items),
            _ => {}
        }
    }
    let is_left = |item: &&DoneItem| {
        !undone.contains(&item.item) || (item.kept.is_some() && !settled.contains(&item.item))
    };
    items.iter().filter(is_left).cloned().collect()
}

/// Hands items out, a few at a time.
struct Batches {
    items: std::collections::VecDeque<DoneItem>,
    /// The call that fails, counted from 1.
    fails_at: Option<u64>,
    calls: u64,
}

impl DoneItems for Batches {
    fn next_batch(&mut self) -> Result<Vec<DoneItem>, JournalError> {
        self.calls += 1;
        if self.fails_at == Some(self.calls) {
            return Err(JournalError { message: "the journal cannot be read".to_owned() });
        }
        let count = self.items.len().min(4);
        Ok(self.items.drain(..count).collect())
    }
}

pub(crate) struct StandingStill;

impl Clock for StandingStill {
    fn now(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&self, _duration: Duration) {}
}

#[derive(Default)]
struct Recorder(Mutex<Vec<Event>>);

impl Observer for Recorder {
    fn on_event(&self, event: Event) {
        self.0.lock().expect("no code panics while holding this lock").push(event);
    }
}

/// A history that knows the volumes, and no more.
pub(crate) struct Volumes(pub(crate) Vec<RootIdentity>);

impl History for Volumes {
    fn known(&self, _mapping: usize, _path: &RelPath) -> Result<Known, JournalError> {
        Ok(Known::Nothing)
    }

    fn roots(&self) -> &[RootIdentity] {
        &self.0
    }

    fn unfinished_directories(&self) -> &[(usize, RelPath)] {
        &[]
    }

    fn in_flight(&self) -> &InFlight {
        static NOTHING: LazyLock<InFlight> = LazyLock::new(InFlight::default);
        &NOTHING
    }

    fn is_finished(&self) -> bool {
        true
    }
}

/// How a job is looked at again.
pub(crate) struct Again<'a, F: FileSystem> {
    pub(crate) fs: &'a Arc<F>,
    pub(crate) spec: &'a CopySpec,
    pub(crate) items: &'a [DoneItem],
    pub(crate) journal: &'a dyn Journal,
    pub(crate) control: Control,
    pub(crate) history: Option<&'a dyn History>,
    pub(crate) list_fails_at: Option<u64>,
}

impl<'a, F: FileSystem> Again<'a, F> {
    pub(crate) fn new(
        fs: &'a Arc<F>,
        spec: &'a CopySpec,
        items: &'a [DoneItem],
        journal: &'a dyn Journal,
    ) -> Self {
        let control = Control::new();
        Self { fs, spec, items, journal, control, history: None, list_fails_at: None }
    }

    fn go<T>(
        &self,
        run: impl FnOnce(&Environment<'_, F>, &mut dyn DoneItems) -> T,
    ) -> (T, Vec<Event>) {
        let recorder = Recorder::default();
        let progress = Progress::new();
        let outside = Environment {
            fs: Arc::clone(self.fs),
            clock: &StandingStill,
            journal: self.journal,
            work: &MemoryWorkList::default(),
            history: self.history,
            catalog: None,
            observer: &recorder,
            control: &self.control,
            progress: &progress,
            resolver: None,
            available_memory_bytes: None,
        };
        let items = self.items.iter().cloned().collect();
        let mut batches = Batches { items, fails_at: self.list_fails_at, calls: 0 };
        let report = run(&outside, &mut batches);
        let counters = progress.snapshot();
        assert!(counters.current.is_empty(), "{counters:?}");
        assert!(counters.items_done <= counters.items_total, "{counters:?}");
        let events = recorder.0.into_inner().expect("no code panics while holding this lock");
        (report, events)
    }

    pub(crate) fn undo(&self, made: &[(usize, RelPath)]) -> (UndoReport, Vec<Event>) {
        self.go(|outside, items| undo(self.spec, outside, items, made))
    }

    pub(crate) fn discard(&self) -> (DiscardReport, Vec<Event>) {
        self.go(|outside, items| discard(self.spec, outside, items))
    }

    pub(crate) fn recheck(&self) -> (RecheckReport, Vec<Event>) {
        self.go(|outside, items| recheck(self.spec, outside, items))
    }
}
