//! Taking items one at a time, in order, on as many threads as the job has workers.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use surecopy_fs::FileSystem;

use super::look::{Look, Remembered};
use super::report::RecheckReport;
use crate::buffers::AlignedBuffer;
use crate::control::Cancelled;
use crate::destinations::Destinations;
use crate::environment::Environment;
use crate::record::{Check, DoneItem, DoneItems, Fact, JournalError};
use crate::report::{Event, Outcome, Step, WorkerProgress};
use crate::spec::CopySpec;

/// What all threads share.
pub(super) struct Shared<'a, F: FileSystem> {
    pub(super) spec: &'a CopySpec,
    pub(super) outside: &'a Environment<'a, F>,
    pub(super) destinations: Destinations<'a, F>,
    pub(super) buffer_bytes: usize,
    pub(super) list: Mutex<List<'a>>,
    pub(super) report: Mutex<RecheckReport>,
    pub(super) is_stopped: AtomicBool,
}

/// What is left to look at.
pub(super) struct List<'a> {
    pub(super) items: &'a mut dyn DoneItems,
    pub(super) batch: VecDeque<DoneItem>,
    pub(super) is_at_end: bool,
}

impl<F: FileSystem> Shared<'_, F> {
    /// One thread's part.
    pub(super) fn work(&self, index: usize) {
        let mut buffer = AlignedBuffer::new(self.buffer_bytes);
        let mut remembered: Remembered<F> = None;
        let progress = self.outside.progress.worker(index);
        while let Some(item) = self.next() {
            let looked = self.look_at(&item, &mut remembered, &mut buffer, progress);
            progress.idle();
            match looked {
                Ok((found, bytes)) => self.found(&item, found, bytes),
                Err(Cancelled) => self.end(Outcome::Cancelled),
            }
        }
    }

    fn next(&self) -> Option<DoneItem> {
        if self.is_stopped.load(Ordering::Acquire) {
            return None;
        }
        if self.outside.control.checkpoint().is_err() {
            self.end(Outcome::Cancelled);
            return None;
        }
        let mut list = self.list.lock().expect("no code panics while holding this lock");
        if list.batch.is_empty() && !list.is_at_end {
            match list.items.next_batch() {
                Ok(batch) => {
                    list.is_at_end = batch.is_empty();
                    let progress = self.outside.progress;
                    progress.items_total.fetch_add(batch.len() as u64, Ordering::Relaxed);
                    list.batch = batch.into();
                }
                Err(error) => {
                    list.is_at_end = true;
                    self.journal_failed(error);
                }
            }
        }
        list.batch.pop_front()
    }

    fn look_at(
        &self,
        item: &DoneItem,
        remembered: &mut Remembered<F>,
        buffer: &mut [u8],
        progress: WorkerProgress<'_>,
    ) -> Result<(Check, u64), Cancelled> {
        let target = match self.destinations.target(item) {
            Ok(target) => target,
            Err(error) => return Ok((Check::Damaged(error), 0)),
        };
        progress.begin(target.shown.clone(), item.landed.target.size_bytes, None);
        progress.step(Step::Verifying);
        let look = Look {
            destinations: &self.destinations,
            read_back: self.spec.read_back,
            control: self.outside.control,
        };
        let mut bytes = 0;
        let mut verified = |count| {
            bytes += count;
            progress.verified(count);
        };
        let found = look.at(item, &target, remembered, buffer, &mut verified)?;
        Ok((found, bytes))
    }

    fn found(&self, item: &DoneItem, found: Check, bytes: u64) {
        let progress = self.outside.progress;
        progress.items_done.fetch_add(1, Ordering::Relaxed);
        self.report.lock().expect("no code panics while holding this lock").add(&found, bytes);
        if matches!(found, Check::Damaged(_)) {
            progress.items_failed.fetch_add(1, Ordering::Relaxed);
        }
        self.tell(item, &found);
        if self.is_stopped.load(Ordering::Acquire) {
            return;
        }
        let noted = self.outside.journal.note(vec![Fact::Checked { item: item.item, found }]);
        if let Err(error) = noted {
            self.journal_failed(error);
        }
    }

    fn tell(&self, item: &DoneItem, found: &Check) {
        let evidence = match found {
            Check::Same(evidence) => Some(*evidence),
            Check::NoDigest => None,
            Check::Damaged(error) => {
                self.outside.observer.on_event(Event::ItemDamaged(error.clone()));
                return;
            }
        };
        // What has no target is damaged.
        let Ok(target) = self.destinations.target(item) else { return };
        let digest = item.digest.clone();
        let same = Event::ItemSame { target: target.shown, evidence, digest };
        self.outside.observer.on_event(same);
    }

    fn journal_failed(&self, error: JournalError) {
        self.end(Outcome::JournalFailed(error.message));
    }

    /// No further item is taken. The first reason is the one that is told.
    fn end(&self, outcome: Outcome) {
        let mut report = self.report.lock().expect("no code panics while holding this lock");
        if report.outcome == Outcome::Finished {
            report.outcome = outcome;
        }
        self.is_stopped.store(true, Ordering::Release);
    }
}
