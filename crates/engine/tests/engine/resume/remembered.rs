//! A ledger in memory: what a run wrote down is what the next one is told.
//!
//! What is noted keeps its order and becomes durable with what is recorded next. When the process
//! dies, what was only noted may be there or not. What is begun to be recorded takes its time, like all
//! that a thread of its own writes.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard};

use surecopy_engine::{
    Digest, Fact, ItemId, ItemReport, Journal, JournalError, PlannedItem, Queue, Recording, Rest,
    WorkList,
};
use surecopy_fs::RelPath;
use surecopy_testkit::CrashFs;

use crate::announced::Announced;

/// Items handed out at once, so that few are ever begun and not ended.
const CLAIM: usize = 4;

/// So often somebody has to look whether something is recorded, unless they wait.
const LOOKS: u64 = 3;

/// One thing that is known, in the order of learning it.
#[derive(Debug, Clone)]
pub(super) enum Line {
    /// A run began; its partial files carry this number.
    Begun(u64),
    Planned(Vec<PlannedItem>),
    /// Items up to this one may have been begun.
    Claimed(ItemId),
    Fact(Fact),
    /// A run came to its end.
    Over(Over),
}

/// What of a run that came to its end is known to be done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Over {
    pub(super) are_directories_finished: bool,
    /// Nothing of its own can be left.
    pub(super) has_cleared: bool,
}

#[derive(Default)]
struct Pages {
    lines: Vec<Line>,
    /// How many of them are durable.
    durable: usize,
    queues: [VecDeque<PlannedItem>; 2],
    first_item: u64,
    calls: u64,
    dies_at_call: Option<u64>,
    is_dead: bool,
    /// The process that writes: dead as soon as its file system is.
    process: Option<Arc<CrashFs>>,
    announced: Announced,
}

/// The ledger of one job.
#[derive(Default)]
pub(super) struct Remembered {
    pages: Arc<Mutex<Pages>>,
    /// What earlier jobs have copied, by the names of the sources.
    pub(super) digests: HashMap<String, Digest>,
    /// What was found to be damaged when it was looked at again.
    pub(super) damaged: HashSet<RelPath>,
}

impl Remembered {
    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().expect("no code panics while holding this lock")
    }

    /// A run begins, which may have this number.
    pub(super) fn begin(&self, process: &Arc<CrashFs>, dies_at_call: Option<u64>) -> u64 {
        let mut pages = self.pages();
        let pages = &mut *pages;
        let nonce = 0x1000 + pages.lines.len() as u64;
        pages.lines.push(Line::Begun(nonce));
        pages.durable = pages.lines.len();
        pages.queues = Default::default();
        let planned = pages.lines.iter().filter_map(|line| match line {
            Line::Planned(items) => items.iter().map(|item| item.id.0).max(),
            _ => None,
        });
        pages.first_item = planned.max().map_or(0, |last| last + 1);
        (pages.calls, pages.dies_at_call, pages.is_dead) = (0, dies_at_call, false);
        pages.process = Some(Arc::clone(process));
        nonce
    }

    /// The run came to its end.
    pub(super) fn end(&self, over: Over) {
        let mut pages = self.pages();
        pages.lines.push(Line::Over(over));
        pages.durable = pages.lines.len();
    }

    /// The process is gone, and with it, perhaps, what was only noted.
    pub(super) fn lose(&self, are_notes_kept: bool) {
        let mut pages = self.pages();
        if !are_notes_kept {
            let durable = pages.durable;
            pages.lines.truncate(durable);
        }
        pages.durable = pages.lines.len();
        pages.process = None;
    }

    /// Whether something is noted that is not durable.
    pub(super) fn has_notes(&self) -> bool {
        let pages = self.pages();
        pages.durable < pages.lines.len()
    }

    /// Forgets the last facts, and that a run came to its end; what was planned stays known.
    pub(super) fn forget_last(&self, count: usize) {
        let mut pages = self.pages();
        pages.lines.retain(|line| !matches!(line, Line::Over(_)));
        for _ in 0..count {
            let is_fact = |line: &Line| matches!(line, Line::Fact(_));
            let last = pages.lines.iter().rposition(is_fact).expect("there are that many facts");
            pages.lines.remove(last);
        }
        pages.durable = pages.lines.len();
    }

    /// The same once more, for another course of events.
    pub(super) fn copy(&self) -> Self {
        let pages = self.pages();
        let (lines, durable) = (pages.lines.clone(), pages.durable);
        let pages = Mutex::new(Pages { lines, durable, ..Pages::default() });
        Self {
            pages: Arc::new(pages),
            digests: self.digests.clone(),
            damaged: self.damaged.clone(),
        }
    }

    /// Calls that were to be answered since the run began.
    pub(super) fn calls(&self) -> u64 {
        self.pages().calls
    }

    pub(super) fn has_died(&self) -> bool {
        self.pages().is_dead
    }

    pub(super) fn lines(&self) -> Vec<Line> {
        self.pages().lines.clone()
    }

    pub(super) fn facts(&self) -> Vec<Fact> {
        let facts = self.lines().into_iter().filter_map(|line| match line {
            Line::Fact(fact) => Some(fact),
            _ => None,
        });
        facts.collect()
    }

    /// The ends of items, in order, those that did not end well included.
    pub(super) fn ends(&self) -> Vec<ItemReport> {
        let ends = self.facts().into_iter().filter_map(|fact| match fact {
            Fact::Ended { report, .. } => Some(*report),
            _ => None,
        });
        ends.collect()
    }

    /// The pages, if the process still lives to write on them.
    fn alive(&self) -> Result<MutexGuard<'_, Pages>, JournalError> {
        let mut pages = self.pages();
        pages.call().map(|()| pages)
    }
}

impl Pages {
    /// Something is asked of the process that writes.
    fn call(&mut self) -> Result<(), JournalError> {
        self.calls += 1;
        let process = self.process.clone().expect("a run has begun");
        if self.dies_at_call.is_some_and(|at| self.calls >= at) {
            process.power_off();
            self.is_dead = true;
        }
        if self.is_dead || process.fired() {
            return Err(JournalError { message: "the process is dead".to_owned() });
        }
        Ok(())
    }
}

/// Lines that are written, and durable when somebody has looked often enough or waits.
struct Slow {
    pages: Arc<Mutex<Pages>>,
    lines: usize,
    looks: u64,
}

impl Recording for Slow {
    fn is_over(&mut self) -> bool {
        self.looks += 1;
        self.looks >= LOOKS
    }

    fn wait(self: Box<Self>) -> Result<(), JournalError> {
        let mut pages = self.pages.lock().expect("no code panics while holding this lock");
        pages.call()?;
        pages.durable = pages.durable.max(self.lines);
        Ok(())
    }
}

impl Journal for Remembered {
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut pages = self.alive()?;
        let facts = pages.announced.in_full(facts);
        pages.lines.extend(facts.into_iter().map(Line::Fact));
        pages.durable = pages.lines.len();
        Ok(())
    }

    fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
        if let Err(error) = self.note(facts) {
            return Box::new(Err(error));
        }
        let (pages, lines) = (Arc::clone(&self.pages), self.pages().lines.len());
        Box::new(Slow { pages, lines, looks: 0 })
    }

    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut pages = self.alive()?;
        let facts = pages.announced.in_full(facts);
        pages.lines.extend(facts.into_iter().map(Line::Fact));
        Ok(())
    }
}

impl WorkList for Remembered {
    fn first_item(&self) -> ItemId {
        ItemId(self.pages().first_item)
    }

    fn append(&self, queue: Queue, batch: Vec<PlannedItem>) -> Result<(), JournalError> {
        let mut pages = self.alive()?;
        pages.queues[at(queue)].extend(batch.clone());
        pages.lines.push(Line::Planned(batch));
        Ok(())
    }

    fn claim(&self, queue: Queue, limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        let mut pages = self.alive()?;
        let waiting = &mut pages.queues[at(queue)];
        let count = limit.min(CLAIM).min(waiting.len());
        let mut claimed: Vec<_> = waiting.drain(..count).collect();
        for item in &mut claimed {
            item.known_digest = item.path.name().and_then(|name| {
                self.digests.get(name.to_str().expect("names in tests are text")).cloned()
            });
        }
        if let Some(last) = claimed.iter().map(|item| item.id).max() {
            pages.lines.push(Line::Claimed(last));
            pages.durable = pages.lines.len();
        }
        Ok(claimed)
    }

    fn rest(&self) -> Rest {
        let pages = self.pages();
        let waiting = || pages.queues.iter().flatten();
        let bytes = waiting().map(PlannedItem::file_bytes).sum();
        Rest { items: waiting().count() as u64, bytes }
    }
}

fn at(queue: Queue) -> usize {
    match queue {
        Queue::Items => 0,
        Queue::FurtherNames => 1,
    }
}
