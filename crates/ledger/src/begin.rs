//! The beginning of a run: nobody else is at work on the job, and what a dead run has left is known
//! as such.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, Row};
use surecopy_engine::{CopySpec, InFlight, ItemId, Queue, Rest, RootIdentity, Tally};
use surecopy_fs::{RelPath, VolumeIdentity};

use crate::audit::chain::{BEGINNING, Chain, RecordDigest, chain_of, digest_after};
use crate::error::{Fault, LedgerError, Result};
use crate::job::{JobId, RunKind, Sums};
use crate::ledger::Ledger;
use crate::lines::Lines;
use crate::read::in_flight::{Made, in_flight, made_directories};
use crate::read::known::Reader;
use crate::rows::directory_ids::DirectoryIds;
use crate::rows::plan::{Rows, queue_text};
use crate::rows::records::Records;
use crate::run::JobRun;
use crate::state::{ItemState, JobState};
use crate::store::connection::{Access, in_transaction, open};
use crate::store::place::now_ms;
use crate::store::slots::Slot;
use crate::text::records::{Interrupted, RunBegan};
use crate::text::request;
use crate::text::words::word;
use crate::write::announced::Announced;
use crate::write::book::{Book, set_state};
use crate::write::change::Changes;
use crate::write::ended::Waiting;
use crate::write::handing_out::HandingOut;
use crate::write::writer::{Urgent, WAITING, Writer};

/// What is known of a job when a run of it begins.
struct Begun {
    run: u64,
    before: JobState,
    spec: CopySpec,
    first_item: ItemId,
    roots: Vec<RootIdentity>,
    in_flight: InFlight,
    unfinished_directories: Vec<(usize, RelPath)>,
    is_finished: bool,
    chain: Chain,
}

/// Whoever holds the slot of a job and has no run to be named by is about to write one down, or has
/// just ended: either takes as long as a transaction. It is waited for so that the right process is
/// named, but not for longer than this, since the answer would be the same without a name: it may be
/// forgetting the job, or have to wait for other writers itself.
const PATIENCE: Duration = Duration::from_secs(1);
const STEP: Duration = Duration::from_millis(5);

/// Takes the slot of a job.
pub(crate) fn take(ledger: &Ledger, job: JobId) -> Result<Slot, LedgerError> {
    let slots = ledger.slots()?;
    let begun = Instant::now();
    loop {
        if let Some(slot) = slots.take(job)? {
            return Ok(slot);
        }
        let last = ledger.named(last_run(&ledger.connection(), job))?;
        if let Some((run, pid, host)) = last
            && slots.is_at_work(job, run)?
        {
            return Err(LedgerError::JobIsRunning { job, pid, host });
        }
        if begun.elapsed() >= PATIENCE {
            return Err(LedgerError::JobIsBeginning { job });
        }
        thread::sleep(STEP);
    }
}

/// The last run of a job that has not ended, be it that it died: its number, process and machine.
fn last_run(connection: &Connection, job: JobId) -> Result<Option<(u64, u32, String)>> {
    let sql = "SELECT run, pid, host FROM runs WHERE job = ? AND ended_at IS NULL
               ORDER BY run DESC LIMIT 1";
    let found =
        connection.query_row(sql, (job.0,), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
    Ok(found.optional()?)
}

/// Begins a run of the job whose slot is held.
pub(crate) fn begin_run(
    path: &Path,
    mut slot: Slot,
    kind: RunKind,
    nonce: u64,
) -> Result<JobRun, LedgerError> {
    let job = slot.job();
    let connection = open(path, Access::Append)?;
    let named = |fault: Fault| fault.in_ledger(path);
    let begun = in_transaction(&connection, || begin(&connection, &mut slot, kind, nonce));
    let begun = begun.map_err(named)?;
    let Begun { run, spec, first_item, chain, .. } = begun;
    let mappings = spec.mappings.clone();
    let mut announced = Announced::default();
    announced.restore(&connection, job).map_err(named)?;
    let lines = Arc::new(Lines::new(first_item));
    let book = Book {
        job,
        run,
        kind,
        keep_replaced: spec.keep_replaced,
        algorithm: spec.digest,
        ids: DirectoryIds::new(&connection, &mappings).map_err(named)?,
        rows: Rows::new(&mappings, spec.digest),
        mappings: mappings.clone(),
        chain,
        tally: Tally::default(),
        is_planned: false,
        handing_out: HandingOut::new(Arc::clone(&lines)),
        announced,
        ends: Waiting::default(),
        next_item: first_item,
        records: Records::default(),
        at: 0,
    };
    let changes = Changes::new(mappings.clone());
    let reader = Reader::new(open(path, Access::Read)?, (job, kind), first_item, mappings);
    let failure = Arc::new(OnceLock::new());
    let urgent = Urgent::default();
    let writer = Writer {
        connection,
        path: path.to_owned(),
        book,
        urgent: Arc::clone(&urgent),
        failure: Arc::clone(&failure),
    };
    let (sender, receiver) = sync_channel(WAITING);
    let thread = thread::Builder::new().name("ledger".to_owned());
    let writer = thread.spawn(move || writer.run(&receiver)).map_err(|error| LedgerError::Io {
        path: path.to_owned(),
        message: format!("no thread to write it: {error}"),
    })?;
    Ok(JobRun {
        path: path.to_owned(),
        job,
        run,
        kind,
        before: begun.before,
        spec,
        first_item,
        roots: begun.roots,
        in_flight: begun.in_flight,
        unfinished_directories: begun.unfinished_directories,
        is_finished: begun.is_finished,
        changes,
        reader: Mutex::new(reader),
        lines,
        rest: Mutex::new(Rest::default()),
        ticked: Mutex::new(None),
        urgent,
        failure,
        sender: Some(sender),
        writer: Some(writer),
        _slot: slot,
    })
}

fn begin(connection: &Connection, slot: &mut Slot, kind: RunKind, nonce: u64) -> Result<Begun> {
    let (at, job) = (now_ms(), slot.job());
    let sql = "SELECT state, request, next_item FROM jobs WHERE job = ?";
    let found = connection
        .query_row(sql, (job.0,), |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get(2)?))
        })
        .optional()?;
    let (state, request, next_item) = found.ok_or(LedgerError::NoSuchJob { job })?;
    let mut before = word(JobState::from_text, &state)?;
    let mut chain = chain_of(connection, job)?;
    bury(connection, job, &mut chain, at)?;
    if matches!(before, JobState::Planning | JobState::Running) {
        set_state(connection, job, JobState::Interrupted)?;
        before = JobState::Interrupted;
    }
    if kind.copies() {
        set_state(connection, job, JobState::Planning)?;
    }
    let spec = request::from_text(&request)?;
    ensure_is_asked_for(connection, job, &request)?;
    let in_flight = in_flight(connection, job, &spec.mappings)?;
    let unfinished_directories =
        made_directories(connection, job, &spec.mappings, Made::Unfinished)?;
    let is_finished = has_finished(connection, job)?;
    let sql = "SELECT coalesce(max(run), 0) + 1 FROM runs WHERE job = ?";
    let run: u64 = connection.query_row(sql, (job.0,), |row| row.get(0))?;
    slot.show(run)?;
    let (host, pid) = (surecopy_fs::host_name(), surecopy_fs::process_id());
    connection.execute(
        "INSERT INTO runs (job, run, kind, nonce, host, pid, started_at, first_item, claimed_items,
             claimed_further)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8, ?8)",
        (job.0, run, kind.as_str(), nonce.cast_signed(), &host, pid, at, next_item),
    )?;
    let body = RunBegan {
        run,
        kind: kind.as_str(),
        nonce: format!("{nonce:016x}"),
        host: &host,
        pid,
        version: env!("CARGO_PKG_VERSION"),
    };
    chain.append(connection, at, "run_began", &body)?;
    chain.save(connection, at)?;
    Ok(Begun {
        run,
        before,
        spec,
        first_item: ItemId(next_item),
        roots: roots(connection, job)?,
        in_flight,
        unfinished_directories,
        is_finished,
        chain,
    })
}

/// Makes sure that a request is what was asked for when the job was made. It says what is read and what is
/// written, and SQLite does not notice when a bit of it has changed; the first record of the audit log has it
/// too, with a digest.
fn ensure_is_asked_for(connection: &Connection, job: JobId, request: &str) -> Result<()> {
    let sql = "SELECT body, digest FROM audit WHERE job = ? AND record = 1";
    let read = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, RecordDigest>(1)?));
    let found = connection.query_row(sql, (job.0,), read).optional()?;
    let is_asked_for = found.is_some_and(|(body, digest)| {
        let told = body.strip_suffix('}').and_then(|body| body.strip_suffix(request));
        told.is_some_and(|told| told.ends_with("\"request\":"))
            && digest == digest_after(&BEGINNING, &body)
    });
    if is_asked_for { Ok(()) } else { Err(LedgerError::RequestChanged { job }.into()) }
}

/// Takes note of runs that did not come to an end: nobody is at work on the job, so they are dead.
/// Of their items, those that somebody had taken may have been begun.
fn bury(connection: &Connection, job: JobId, chain: &mut Chain, at: i64) -> Result<()> {
    let sql = "SELECT run, first_item, claimed_items, claimed_further FROM runs
               WHERE job = ? AND ended_at IS NULL ORDER BY run";
    let mut statement = connection.prepare(sql)?;
    let dead = statement
        .query_map((job.0,), |row| Ok((row.get(0)?, [row.get(1)?, row.get(2)?, row.get(3)?])))?
        .collect::<Result<Vec<(u64, [u64; 3])>, _>>()?;
    if dead.is_empty() {
        return Ok(());
    }
    // Of all states only this one: what has ended stays as it ended.
    debug_assert_eq!(ItemState::Interrupted.may_come_after(), "'planned'");
    let sql = "INSERT INTO ends (job, item, state)
               SELECT job, item, 'interrupted' FROM item_states
               WHERE job = ? AND item >= ? AND item < ? AND queue = ? AND state = 'planned'
               RETURNING item";
    let mut items: Vec<u64> = Vec::new();
    for (run, [first, claimed_items, claimed_further]) in &dead {
        for (queue, claimed) in
            [(Queue::Items, claimed_items), (Queue::FurtherNames, claimed_further)]
        {
            let key = (job.0, first, claimed, queue_text(queue));
            let mut statement = connection.prepare(sql)?;
            let found = statement.query_map(key, |row| row.get(0))?;
            items.extend(found.collect::<Result<Vec<u64>, _>>()?);
        }
        connection.execute(
            "UPDATE runs SET ended_at = ?, outcome = 'interrupted' WHERE job = ? AND run = ?",
            (at, job.0, run),
        )?;
    }
    items.sort_unstable();
    let runs = dead.into_iter().map(|(run, _)| run).collect();
    chain.append(connection, at, "interrupted", &Interrupted { runs, items })?;
    Ok(())
}

/// Whether the last run that went through the whole job has come to its end, with all directories.
fn has_finished(connection: &Connection, job: JobId) -> Result<bool> {
    let sql = "SELECT outcome IS 'finished', sums FROM runs
               WHERE job = ? AND kind IN ('copy', 'resume') ORDER BY run DESC LIMIT 1";
    let read = |row: &Row<'_>| Ok((row.get::<_, bool>(0)?, row.get::<_, Option<String>>(1)?));
    let Some((true, sums)) = connection.query_row(sql, (job.0,), read).optional()? else {
        return Ok(false);
    };
    let sums: Sums = sums.map(|sums| serde_json::from_str(&sums)).transpose()?.unwrap_or_default();
    Ok(sums.unfinished_directories == 0)
}

/// The volumes that the roots of a job were on.
fn roots(connection: &Connection, job: JobId) -> Result<Vec<RootIdentity>> {
    let sql = "SELECT source, destination FROM roots WHERE job = ? ORDER BY mapping";
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query((job.0,))?;
    let mut roots = Vec::new();
    while let Some(row) = rows.next()? {
        let identity = |at: usize| -> Result<Option<VolumeIdentity>> {
            let text: Option<String> = row.get(at)?;
            text.map(|text| text.parse().map_err(|_| Fault::content(format!("volume {text:?}"))))
                .transpose()
        };
        roots.push(RootIdentity { source: identity(0)?, destination: identity(1)? });
    }
    Ok(roots)
}
