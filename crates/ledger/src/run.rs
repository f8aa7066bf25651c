//! A run of a job: the engine's seams for truth, in the ledger.

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use surecopy_engine::{
    CopySpec, DoneItems, Fact, History, InFlight, ItemId, Journal, JournalError, Known, Outcome,
    Recording, Report, Rest, RootIdentity, Snapshot,
};
use surecopy_fs::RelPath;

use crate::error::{Fault, LedgerError};
use crate::job::{JobId, ProgressRecord, RunKind, Sums};
use crate::lines::{Lines, locked};
use crate::read::done::{DoneOrder, DoneRows};
use crate::read::failed::{failed_paths, paths_to_retry};
use crate::read::in_flight::{Made, made_directories};
use crate::read::known::Reader;
use crate::state::JobState;
use crate::store::connection::{Access, open};
use crate::store::place::now_ms;
use crate::store::slots::Slot;
use crate::write::answer::{Answer, gone};
use crate::write::change::{Change, Changes};
use crate::write::finish::Ending;
use crate::write::writer::{Failure, Message, Urgent};

/// Whoever looks on sees the counters of at most this long ago.
const TICK: Duration = Duration::from_secs(1);

/// One attempt at a job. As long as it lives, nobody else can begin another one.
///
/// When it is dropped without [`finish`](Self::finish), everything that was noted is still written,
/// and the job counts as interrupted.
pub struct JobRun {
    pub(crate) path: PathBuf,
    pub(crate) job: JobId,
    pub(crate) run: u64,
    pub(crate) kind: RunKind,
    /// What the job was before.
    pub(crate) before: JobState,
    pub(crate) spec: CopySpec,
    pub(crate) first_item: ItemId,
    pub(crate) roots: Vec<RootIdentity>,
    pub(crate) in_flight: InFlight,
    pub(crate) unfinished_directories: Vec<(usize, RelPath)>,
    pub(crate) is_finished: bool,
    pub(crate) changes: Changes,
    pub(crate) reader: Mutex<Reader>,
    pub(crate) lines: Arc<Lines>,
    pub(crate) rest: Mutex<Rest>,
    pub(crate) ticked: Mutex<Option<Instant>>,
    pub(crate) urgent: Urgent,
    pub(crate) failure: Failure,
    /// `None` once it is closed.
    pub(crate) sender: Option<SyncSender<Message>>,
    pub(crate) writer: Option<JoinHandle<()>>,
    /// The last to go, so that nobody begins while something is still being written.
    pub(crate) _slot: Slot,
}

impl JobRun {
    /// The job.
    pub fn job(&self) -> JobId {
        self.job
    }

    /// The number of this run within the job, from 1.
    pub fn run(&self) -> u64 {
        self.run
    }

    /// What it is for.
    pub fn kind(&self) -> RunKind {
        self.kind
    }

    /// No run of the job was before it, so there is nothing to be known.
    pub fn is_first(&self) -> bool {
        self.run == 1
    }

    /// What was asked for. What is of the machine and the moment is at its default.
    pub fn spec(&self) -> &CopySpec {
        &self.spec
    }

    /// Lets others see the counters, and does not keep them waiting for what was read long ago. It may
    /// be called as often as one likes: counters are written once a second.
    pub fn tick(&self, snapshot: &Snapshot) {
        // Whoever asks what is known may be waiting for the user between two questions. When the reader
        // is taken, somebody is asking.
        if let Ok(mut reader) = self.reader.try_lock()
            && let Err(fault) = reader.rest_if_old()
        {
            tracing::debug!(error = %self.fault(fault), "reading the ledger does not end");
        }
        let mut ticked = locked(&self.ticked);
        if ticked.is_some_and(|ticked| ticked.elapsed() < TICK) {
            return;
        }
        *ticked = Some(Instant::now());
        let progress = ProgressRecord::new(now_ms(), snapshot);
        // Only for eyes: when it cannot be written, others will hear of it.
        if let Some(sender) = &self.sender
            && sender.try_send(Message::Progress(progress)).is_err()
        {
            tracing::debug!("the ledger is too busy to be told of progress");
        }
    }

    /// The copied items of the job.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn done_items(&self, order: DoneOrder) -> Result<impl DoneItems + use<>, LedgerError> {
        let connection = open(&self.path, Access::Read)?;
        let mappings = &self.spec.mappings;
        Ok(DoneRows::new(connection, &self.path, self.job, mappings, order))
    }

    /// Directories that the job has made, beneath the destination roots of their mappings: those
    /// first that stand in others.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn made_directories(&self) -> Result<Vec<(usize, RelPath)>, LedgerError> {
        let connection = open(&self.path, Access::Read)?;
        let made = made_directories(&connection, self.job, &self.spec.mappings, Made::All);
        made.map_err(|fault| self.fault(fault))
    }

    /// What is to be tried again, for each mapping, as paths beneath its source: what failed, or was copied
    /// without all that could have been kept of it, and was not dealt with since.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn paths_to_retry(&self) -> Result<Vec<Vec<RelPath>>, LedgerError> {
        let connection = open(&self.path, Access::Read)?;
        let paths = paths_to_retry(&connection, self.job, &self.spec.mappings);
        paths.map_err(|fault| self.fault(fault))
    }

    /// What failed and was not dealt with since, for each mapping: paths beneath its source.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn failed_paths(&self) -> Result<Vec<Vec<RelPath>>, LedgerError> {
        let connection = open(&self.path, Access::Read)?;
        let failed = failed_paths(&connection, self.job, &self.spec.mappings);
        failed.map_err(|fault| self.fault(fault))
    }

    /// Records how a run ended that copies, and ends it.
    ///
    /// # Errors
    /// When that cannot be recorded; then the job counts as interrupted.
    pub fn finish(self, report: &Report) -> Result<(), LedgerError> {
        self.finish_as(report.outcome.clone(), Sums::of(&report.tally))
    }

    /// Records how any run ended, and ends it. A job counts as undone when the run was to undo it, is
    /// finished, and nothing has failed.
    ///
    /// # Errors
    /// When that cannot be recorded; then the run counts as interrupted.
    pub fn finish_as(mut self, outcome: Outcome, sums: Sums) -> Result<(), LedgerError> {
        let ending = Box::new(Ending::new(self.kind, self.before, outcome, sums));
        let finished = self.ask(|reply| Message::Finish(ending, reply));
        self.close();
        finished
    }

    fn sender(&self) -> Result<&SyncSender<Message>, LedgerError> {
        if let Some(error) = self.failure.get() {
            return Err(error.clone());
        }
        self.sender.as_ref().ok_or_else(|| self.gone())
    }

    pub(crate) fn tell(&self, message: Message) -> Result<(), LedgerError> {
        self.sender()?.send(message).map_err(|_| self.gone())
    }

    /// Sends and waits for the answer.
    fn ask<T>(
        &self,
        message: impl FnOnce(SyncSender<Result<T, LedgerError>>) -> Message,
    ) -> Result<T, LedgerError> {
        let (reply, answer) = sync_channel(1);
        self.tell(message(reply))?;
        answer.recv().map_err(|_| self.gone())?
    }

    /// Sends facts. The answer comes when they are durable.
    fn send(&self, facts: Vec<Fact>) -> Result<Answer, LedgerError> {
        let changes = self.changes.of(facts).map_err(|fault| self.fault(fault))?;
        let (reply, coming) = sync_channel(1);
        self.tell(Message::Facts(changes, Some(reply)))?;
        Ok(Answer::new(coming, Arc::clone(&self.failure)))
    }

    pub(crate) fn fault(&self, fault: Fault) -> LedgerError {
        fault.in_ledger(&self.path)
    }

    /// Why there is nobody who writes.
    pub(crate) fn gone(&self) -> LedgerError {
        gone(&self.failure)
    }

    /// Lets everything that was noted be written, and waits for it.
    fn close(&mut self) {
        drop(self.sender.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the thread that writes the ledger has panicked");
        }
    }
}

impl Drop for JobRun {
    fn drop(&mut self) {
        self.close();
    }
}

impl Journal for JobRun {
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.begin_record(facts).wait()
    }

    fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
        match self.send(facts) {
            Ok(answer) => Box::new(answer),
            Err(error) => Box::new(Err(JournalError::from(error))),
        }
    }

    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        if facts.is_empty() {
            return Ok(());
        }
        let changes = self.changes.of(facts).map_err(|fault| self.fault(fault))?;
        // Items are handed out once the roots are written down, and all of the plan may be waiting.
        let is_urgent = |change: &Change| matches!(change, Change::Fact(Fact::Opened { .. }));
        let (urgent, others) = changes.into_iter().partition(is_urgent);
        locked(&self.urgent).append(&mut { urgent });
        Ok(self.tell(Message::Facts(others, None))?)
    }

    fn remembers_directories(&self) -> bool {
        true
    }
}

impl History for JobRun {
    fn known(&self, mapping: usize, path: &RelPath) -> Result<Known, JournalError> {
        let known = locked(&self.reader).known(mapping, path);
        known.map_err(|fault| JournalError::from(self.fault(fault)))
    }

    fn roots(&self) -> &[RootIdentity] {
        &self.roots
    }

    fn unfinished_directories(&self) -> &[(usize, RelPath)] {
        &self.unfinished_directories
    }

    fn in_flight(&self) -> &InFlight {
        &self.in_flight
    }

    fn is_finished(&self) -> bool {
        self.is_finished
    }
}

impl fmt::Debug for JobRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobRun")
            .field("job", &self.job)
            .field("run", &self.run)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
