//! A ledger that is open.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

use rusqlite::Connection;
use surecopy_engine::{CopySpec, ItemId};
use surecopy_fs::RelPath;

use crate::audit::log::{self, AuditCheck, AuditRecord, ExportError};
use crate::begin;
use crate::error::{Fault, LedgerError, Result};
use crate::job::{JobId, JobRecord, RunKind};
use crate::new_job::NewJob;
use crate::prune;
use crate::read::failed::{failed_paths, paths_to_retry};
use crate::read::in_flight::{Made, made_directories};
use crate::read::items::{self, ItemRecord};
use crate::read::jobs;
use crate::read::refused::{Refusal, refusals};
use crate::read::standing::has_given_up;
use crate::run::JobRun;
use crate::state::{ItemState, JobState};
use crate::store::connection::{self, in_snapshot, in_transaction};
use crate::store::schema;
use crate::store::slots::Slots;

/// How many records are in memory while a log is exported; that of a planned batch has some 100 KB.
const EXPORTED_AT_ONCE: usize = 64;

/// A ledger: the jobs of a user, and everything that happened to them. Several programs may have it
/// open, and work on different jobs at once.
#[derive(Debug)]
pub struct Ledger {
    path: PathBuf,
    connection: Mutex<Connection>,
    /// `None` where nobody can be at work, since nothing can be written.
    slots: Option<Slots>,
}

impl Ledger {
    /// Opens the ledger at a path, to work with it. It is made if it is not there, for nobody else to
    /// read; an older one is brought up to date.
    ///
    /// # Errors
    /// When it cannot be used; the error says what to do.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        let (path, connection) = connection::create(path)?;
        let slots = Some(Slots::open(&path)?);
        Ok(Self { path, connection: Mutex::new(connection), slots })
    }

    /// Opens a ledger to look at it. Nothing is made; one that cannot be written is read as it is.
    ///
    /// # Errors
    /// When there is none, or it cannot be read; the error says what to do.
    pub fn open_existing(path: &Path) -> Result<Self, LedgerError> {
        let (path, connection) = connection::open_existing(path)?;
        let is_frozen = connection.is_readonly("main").unwrap_or(true);
        let slots = match Slots::open(&path) {
            Ok(slots) => Some(slots),
            Err(_) if is_frozen => None,
            Err(error) => return Err(error),
        };
        Ok(Self { path, connection: Mutex::new(connection), slots })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes down what is asked for, as a new job, which only the caller can begin.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn create_job(&self, spec: &CopySpec) -> Result<NewJob<'_>, LedgerError> {
        let slots = self.slots()?;
        let connection = self.connection();
        let slot = in_transaction(&connection, || {
            // A later program may have brought it up to date since it was opened.
            schema::check(&connection, &self.path)?;
            let job = jobs::create(&connection, spec)?;
            // Before others see it: a job whose slot is free was interrupted, and is there to be resumed.
            Ok(slots.take(job)?.ok_or(LedgerError::JobIsBeginning { job })?)
        });
        Ok(NewJob { ledger: self, slot: self.named(slot)? })
    }

    /// Begins a run of a job. `nonce` is the number that the names of its partial files will carry.
    ///
    /// What an earlier run has left that did not come to an end is marked as interrupted.
    ///
    /// # Errors
    /// When there is no such job, when somebody is at work on it, or when it cannot be written.
    pub fn begin_run(&self, job: JobId, kind: RunKind, nonce: u64) -> Result<JobRun, LedgerError> {
        begin::begin_run(&self.path, begin::take(self, job)?, kind, nonce)
    }

    /// Every job, oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn jobs(&self) -> Result<Vec<JobRecord>, LedgerError> {
        let jobs = self.named(jobs::all(&self.connection()))?;
        jobs.into_iter().map(|job| self.job(job)).collect()
    }

    /// A job.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn job(&self, job: JobId) -> Result<JobRecord, LedgerError> {
        let read =
            |is_running| self.named(jobs::read(&self.connection(), job, &self.path, is_running));
        // Looked at before the state is read: a run that ends in between has written its state.
        let mut record = read(self.is_running(job)?)?;
        while record.state == JobState::Interrupted && !record.is_running {
            // One that begins in between holds the slot by now, ...
            if self.is_running(job)? {
                return read(true);
            }
            // ... or has ended already, and left more in the log.
            let again = read(false)?;
            if again.audit_records == record.audit_records {
                break;
            }
            record = again;
        }
        Ok(record)
    }

    /// Which job is gone on with when nobody says which: the latest that was interrupted, or else the
    /// latest that was ended before it was done. To undo a job is to want nothing more of it.
    ///
    /// # Errors
    /// When that cannot be read.
    pub fn latest_to_resume(&self) -> Result<Option<JobRecord>, LedgerError> {
        // Not in the head of the loop, which would hold the connection until its end.
        let jobs = self.named(jobs::all(&self.connection()))?;
        let mut ended_early = None;
        for job in jobs.into_iter().rev() {
            let job = self.job(job)?;
            if job.is_given_up() {
                continue;
            }
            if job.state == JobState::Interrupted {
                return Ok(Some(job));
            }
            if matches!(job.state, JobState::Cancelled | JobState::Stopped) {
                ended_early.get_or_insert(job);
            }
        }
        Ok(ended_early)
    }

    /// What of a job is to be tried again, for each mapping, as paths beneath its source: what failed, or was
    /// copied without all that could have been kept of it, and was not dealt with since.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn paths_to_retry(&self, job: JobId) -> Result<Vec<Vec<RelPath>>, LedgerError> {
        let connection = self.connection();
        let found = jobs::request(&connection, job)
            .and_then(|spec| paths_to_retry(&connection, job, &spec.mappings));
        self.named(found)
    }

    /// What of a job failed and was not dealt with since, for each mapping: paths beneath its source.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn failed_paths(&self, job: JobId) -> Result<Vec<Vec<RelPath>>, LedgerError> {
        let connection = self.connection();
        let found = jobs::request(&connection, job)
            .and_then(|spec| failed_paths(&connection, job, &spec.mappings));
        self.named(found)
    }

    /// What happened to the files of a job: those after the one with this number, at most `limit`,
    /// those in one state if one is given.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn items(
        &self,
        job: JobId,
        state: Option<ItemState>,
        after: Option<ItemId>,
        limit: usize,
    ) -> Result<Vec<ItemRecord>, LedgerError> {
        let connection = self.connection();
        let found = jobs::request(&connection, job)
            .and_then(|spec| items::items(&connection, job, &spec.mappings, state, after, limit));
        self.named(found)
    }

    /// Whether replaced files that a job kept were given up, so that it cannot be undone any more.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn has_given_up(&self, job: JobId) -> Result<bool, LedgerError> {
        let runs = self.job(job)?.runs;
        self.named(has_given_up(&self.connection(), job, &runs))
    }

    /// Directories that a job made, with their mappings and their paths beneath the destination roots,
    /// the first that stand in others.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn made_directories(&self, job: JobId) -> Result<Vec<(usize, RelPath)>, LedgerError> {
        let connection = self.connection();
        let found = jobs::request(&connection, job)
            .and_then(|spec| made_directories(&connection, job, &spec.mappings, Made::All));
        self.named(found)
    }

    /// Entries of a job that were refused before they could be planned: those after the one of which
    /// this record of the audit log tells, at most `limit`.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read.
    pub fn refusals(
        &self,
        job: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Refusal>, LedgerError> {
        let connection = self.connection();
        let found = jobs::request(&connection, job)
            .and_then(|spec| refusals(&connection, job, &spec.mappings, after, limit));
        self.named(found)
    }

    /// Records of the audit log of a job: those after the one with this number, at most `limit`.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn audit_records(
        &self,
        job: JobId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<AuditRecord>, LedgerError> {
        self.named(log::records(&self.connection(), job, after, limit))
    }

    /// Checks that the audit log of a job is what was written: no record altered, removed, added or
    /// put elsewhere; and that the items of the job have ended as it says, with those digests.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read. A log that does not fit is no error.
    pub fn check_audit(&self, job: JobId) -> Result<AuditCheck, LedgerError> {
        let connection = self.connection();
        // Of a job that is at work, the log goes on growing.
        self.named(in_snapshot(&connection, || log::check(&connection, job)))
    }

    /// Writes the audit log of a job so that anybody can check it: for each record a line with its
    /// digest, a space, and its body. Returns how many there are. Of a job that is at work, these are the
    /// records that it had in the beginning.
    ///
    /// # Errors
    /// When there is no such job, or it cannot be read or written.
    pub fn export_audit(&self, job: JobId, to: &mut dyn io::Write) -> Result<u64, ExportError> {
        // In batches: a reader of the output may be slow, and nothing of the database is held up for it.
        let last = self.named(log::last(&self.connection(), job))?;
        let (mut after, mut written) = (0, 0);
        while after < last {
            let records = self.audit_records(job, after, EXPORTED_AT_ONCE)?;
            for record in records.iter().take_while(|record| record.record <= last) {
                writeln!(to, "{} {}", record.digest, record.body).map_err(ExportError::Write)?;
                written += 1;
            }
            after = records.last().map_or(last, |record| record.record);
        }
        // One that was pruned meanwhile was not exported whole.
        self.named(log::last(&self.connection(), job))?;
        Ok(written)
    }

    /// Looks whether the database is whole: every page of it, and that its indexes have what its tables
    /// have. That takes the longer, the more jobs are in it.
    ///
    /// # Errors
    /// [`LedgerError::Damaged`] says what is wrong with it.
    pub fn check_database(&self) -> Result<(), LedgerError> {
        let found = self.connection().query_row("PRAGMA integrity_check(1)", (), |row| row.get(0));
        match self.named(found.map_err(Fault::from))? {
            message if message == "ok" => Ok(()),
            message => Err(LedgerError::Damaged { path: self.path.clone(), message }),
        }
    }

    /// Forgets jobs of which nothing was heard since a moment, in milliseconds since 1970, and returns
    /// their numbers. Those that can be resumed, retried or undone, of which an undo has left some or
    /// damage stands, whose record of that cannot be read, or that somebody is at work on, stay.
    ///
    /// # Errors
    /// When they cannot be read or written.
    pub fn prune(&self, before_ms: i64) -> Result<Vec<JobId>, LedgerError> {
        let slots = self.slots()?;
        let mut pruned = Vec::new();
        for job in self.prunable(before_ms)? {
            let taken = slots.take(job)?;
            let connection = self.connection();
            if let Some(_slot) = taken
                && self.named(prune::forget(&connection, &self.path, job, before_ms))?
            {
                pruned.push(job);
            }
        }
        if !pruned.is_empty() {
            self.named(prune::forget_directories(&self.connection()))?;
        }
        Ok(pruned)
    }

    /// The jobs that [`prune`](Self::prune) would forget.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn prunable(&self, before_ms: i64) -> Result<Vec<JobId>, LedgerError> {
        let found =
            self.named(prune::candidates(&self.connection(), &self.path, before_ms, None))?;
        let mut jobs = Vec::with_capacity(found.len());
        for job in found {
            if !self.is_running(job)? {
                jobs.push(job);
            }
        }
        Ok(jobs)
    }

    fn is_running(&self, job: JobId) -> Result<bool, LedgerError> {
        self.slots.as_ref().map_or(Ok(false), |slots| slots.is_taken(job))
    }

    /// The slots of its jobs, to take one.
    pub(crate) fn slots(&self) -> Result<&Slots, LedgerError> {
        self.slots.as_ref().ok_or_else(|| LedgerError::ReadOnly { path: self.path.clone() })
    }

    pub(crate) fn connection(&self) -> MutexGuard<'_, Connection> {
        self.connection.lock().expect("no code panics while holding this lock")
    }

    pub(crate) fn named<T>(&self, outcome: Result<T>) -> Result<T, LedgerError> {
        outcome.map_err(|fault: Fault| fault.in_ledger(&self.path))
    }
}
