//! The slots of jobs, beside the ledger: whoever holds that of a job is the only one at work on it. The
//! kernel takes them away from a program that has died.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use surecopy_fs::{LockTable, SlotLock};

use crate::error::LedgerError;
use crate::job::JobId;
use crate::store::place;

/// From here on, a slot is that of one run. It is held from before the run can be seen in the ledger, so
/// whether the process that a run names is still there does not have to be guessed from its number.
const RUNS: u64 = 1 << 62;

/// So many runs of a job have a slot.
const RUNS_OF_A_JOB: u64 = 1 << 22;

/// The slots of the jobs in one ledger.
#[derive(Debug, Clone)]
pub(crate) struct Slots {
    table: Arc<LockTable>,
    ledger: PathBuf,
}

/// A slot that is held, until this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    slots: Slots,
    job: JobId,
    run: Option<SlotLock>,
    _job: SlotLock,
}

impl Slots {
    pub(crate) fn open(ledger: &Path) -> Result<Self, LedgerError> {
        let table = Arc::new(place::locks(ledger)?);
        Ok(Self { table, ledger: ledger.to_owned() })
    }

    /// Takes the slot of a job, unless somebody holds it.
    pub(crate) fn take(&self, job: JobId) -> Result<Option<Slot>, LedgerError> {
        let lock = self.lock(of_job(job)?)?;
        Ok(lock.map(|lock| Slot { slots: self.clone(), job, run: None, _job: lock }))
    }

    /// Whether somebody holds the slot of a job.
    pub(crate) fn is_taken(&self, job: JobId) -> Result<bool, LedgerError> {
        self.is_locked(of_job(job)?)
    }

    /// Whether the process of a run is still at work.
    pub(crate) fn is_at_work(&self, job: JobId, run: u64) -> Result<bool, LedgerError> {
        of_run(job, run).map_or(Ok(false), |slot| self.is_locked(slot))
    }

    fn is_locked(&self, slot: u64) -> Result<bool, LedgerError> {
        self.table.is_locked(slot).map_err(|error| self.failed(&error))
    }

    fn lock(&self, slot: u64) -> Result<Option<SlotLock>, LedgerError> {
        self.table.try_lock(slot).map_err(|error| self.failed(&error))
    }

    fn failed(&self, error: &std::io::Error) -> LedgerError {
        LedgerError::Io { path: self.ledger.clone(), message: format!("its lock file: {error}") }
    }
}

impl Slot {
    pub(crate) fn job(&self) -> JobId {
        self.job
    }

    /// Says which run it is that works; before that run can be seen in the ledger.
    pub(crate) fn show(&mut self, run: u64) -> Result<(), LedgerError> {
        // Nobody else who holds the job's slot can have it. Without it, only the number is not told.
        if let Some(slot) = of_run(self.job, run) {
            self.run = self.slots.lock(slot)?;
        }
        Ok(())
    }
}

fn of_job(job: JobId) -> Result<u64, LedgerError> {
    u64::try_from(job.0).ok().filter(|slot| *slot < RUNS).ok_or(LedgerError::NoSuchJob { job })
}

fn of_run(job: JobId, run: u64) -> Option<u64> {
    let slot = of_job(job).ok()?.checked_mul(RUNS_OF_A_JOB)?.checked_add(run)?;
    (run < RUNS_OF_A_JOB && slot < RUNS).then_some(RUNS + slot)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_share_a_slot() {
        let numbers = [1, 2, 3, 1 << 22, (1 << 22) + 1, (1 << 40) - 1, 1 << 40, 1 << 61];
        let runs = [1, 2, RUNS_OF_A_JOB - 1, RUNS_OF_A_JOB, 1 << 40];
        let mut slots = Vec::new();
        for job in numbers.map(JobId) {
            slots.push(of_job(job).unwrap());
            slots.extend(runs.into_iter().filter_map(|run| of_run(job, run)));
        }
        assert!(slots.iter().all(|slot| i64::try_from(*slot).is_ok()), "they are offsets");
        assert_eq!(slots.len(), numbers.len() + 6 * 3);
        slots.sort_unstable();
        slots.dedup();
        assert_eq!(slots.len(), numbers.len() + 6 * 3);
        // The next number is no offset any more.
        assert_eq!(of_run(JobId(1 << 40), 0), None);
        for none in [-1, 1 << 62].map(JobId) {
            assert!(of_job(none).is_err() && of_run(none, 1).is_none(), "{none}");
        }
    }
}
