//! What happened to each file, in pages: a job may have millions.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write, stdout};

use surecopy::ItemStatus;
use surecopy::jobs::{ItemRecord, ItemState, JobRecord, Ledger};

use super::args::{AuditArgs, REFUSED, StateArg};
use crate::amounts::{Bytes, Count};
use crate::commands::written;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::human::fragment;
use crate::json::{AuditItemLine, AuditSummaryLine, JobStatus, RefusedLine, line, reason};
use crate::recorded::kept_path;
use crate::shown::Shown;

/// Items that are read at once.
const PAGE: usize = 1000;

/// How many items there are in each state.
pub(crate) type States = BTreeMap<&'static str, u64>;

/// Shows the items of a job, and how many there are in each state.
pub(super) fn list(
    ledger: &Ledger,
    record: &JobRecord,
    args: &AuditArgs,
) -> Result<ExitStatus, Failure> {
    let mut out = BufWriter::new(stdout().lock());
    match write(ledger, record, args, &mut out) {
        Ok(()) => Ok(ExitStatus::Done),
        Err(Stop::Output(error)) => written(Err(error)),
        Err(Stop::Ledger(failure)) => Err(failure),
    }
}

/// Why there is no more output.
enum Stop {
    Output(io::Error),
    Ledger(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

fn write(
    ledger: &Ledger,
    record: &JobRecord,
    args: &AuditArgs,
    out: &mut impl Write,
) -> Result<(), Stop> {
    if args.json {
        out.write_all(&line(&JobStatus::new(ledger, record)))?;
    }
    // Programs get all that there is, unless they ask for what is in one state now.
    let with_past = args.verbose || (args.json && args.state.is_none());
    let mut states = States::new();
    if args.state != Some(StateArg::Refused) {
        write_items(ledger, record, args, with_past, &mut states, out)?;
    }
    let refused = match args.state {
        None | Some(StateArg::Refused | StateArg::Item(ItemState::Failed)) => {
            write_refused(ledger, record, args.json, with_past, out)?
        }
        Some(StateArg::Item(_)) => 0,
    };
    if args.json {
        out.write_all(&line(&AuditSummaryLine::new(record.id, states, refused)))?;
    } else {
        writeln!(out, "{}", summary(record, &states, refused))?;
    }
    out.flush()?;
    Ok(())
}

/// Counts the items by their states, those that are not superseded.
fn write_items(
    ledger: &Ledger,
    record: &JobRecord,
    args: &AuditArgs,
    with_past: bool,
    states: &mut States,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let state = match args.state {
        Some(StateArg::Item(state)) => Some(state),
        Some(StateArg::Refused) | None => None,
    };
    let mut after = None;
    loop {
        let page = ledger
            .items(record.id, state, after, PAGE)
            .map_err(|error| Stop::Ledger(Failure::of_ledger(&error)))?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(last.item);
        for item in page.iter().filter(|item| with_past || !item.is_superseded) {
            if !item.is_superseded {
                *states.entry(item.state.as_str()).or_default() += 1;
            }
            if args.json {
                out.write_all(&line(&AuditItemLine::new(item)))?;
            } else {
                write_words(item, args.verbose, out)?;
            }
        }
    }
}

fn write_words(item: &ItemRecord, is_verbose: bool, out: &mut impl Write) -> io::Result<()> {
    let state = item.state.as_str();
    let report = item.report.as_ref();
    let evidence = report.map_or("", |report| report.evidence.as_str());
    let size = Bytes(item.size_bytes).to_string();
    write!(out, "{state:<11} {evidence:<6} {size:>10}  {}", Shown(&item.target))?;
    match report.map(|report| &report.status) {
        Some(ItemStatus::Error(error)) => write!(out, ": {}", fragment(error))?,
        Some(ItemStatus::Skipped(reason)) => write!(out, ": {}", reason.as_str())?,
        _ => {}
    }
    writeln!(out, "{}", past(item.is_superseded, item.run))?;
    if let (true, Some(digest)) = (is_verbose, report.and_then(|report| report.digest.as_ref())) {
        writeln!(out, "            {} {}", digest.algorithm, digest.to_hex())?;
    }
    if let (true, Some(kept)) = (is_verbose, kept_path(item)) {
        writeln!(out, "            what it replaced is kept as {}", Shown(&kept))?;
    }
    Ok(())
}

/// What stands behind what is not so any more.
fn past(is_superseded: bool, run: u64) -> String {
    if is_superseded { format!(" (in run {run}, superseded)") } else { String::new() }
}

/// Entries that failed before they could be planned are in the log only. Returns how many there are.
fn write_refused(
    ledger: &Ledger,
    record: &JobRecord,
    is_json: bool,
    with_past: bool,
    out: &mut impl Write,
) -> Result<u64, Stop> {
    let mut count = 0;
    let mut after = 0;
    loop {
        let page = ledger
            .refusals(record.id, after, PAGE)
            .map_err(|error| Stop::Ledger(Failure::of_ledger(&error)))?;
        let Some(last) = page.last() else { return Ok(count) };
        after = last.record;
        for refused in page.iter().filter(|refused| with_past || !refused.is_superseded) {
            let Some(error) = reason(&refused.report) else { continue };
            count += u64::from(!refused.is_superseded);
            if is_json {
                out.write_all(&line(&RefusedLine::new(refused, error)))?;
                continue;
            }
            let path = Shown(&refused.report.source);
            let (why, past) = (fragment(error), past(refused.is_superseded, refused.run));
            writeln!(out, "{REFUSED:<11} {:<6} {:>10}  {path}: {why}{past}", "", "")?;
        }
    }
}

fn summary(record: &JobRecord, states: &States, refused: u64) -> String {
    let total: u64 = states.values().sum();
    let rows = states.iter().map(|(state, count)| (*state, *count));
    let rows = rows.chain((refused > 0).then_some((REFUSED, refused)));
    let parts: Vec<String> = rows.map(|(state, count)| format!("{state}: {count}")).collect();
    let mut line = format!("job {}: {}", record.id, Count(total + refused, "item"));
    if !parts.is_empty() {
        line.push_str(&format!(" ({})", parts.join(", ")));
    }
    line
}
