//! `surecopy undo -n`. It goes by the ledger alone: whether something was changed since is found out
//! when it is done.

use std::cmp::Reverse;
use std::collections::HashSet;
use std::io::{self, BufWriter, Write, stdout};

use surecopy::CopyError;
use surecopy::jobs::{
    ItemRecord, JobRecord, JobState, Ledger, LedgerError, RunKind, can_be_undone,
};

use super::twice::{each, gone_before};
use crate::amounts::Count;
use crate::commands::written;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::human::look_back::undone_before;
use crate::json::{JobLine, UndoPlanLine, UndoPlanReportLine, line};
use crate::shown::Shown;

/// The action for a directory, which goes if it is empty by then.
const DIRECTORY: &str = "remove_if_empty";

/// What is to be done with all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// Undo what was copied.
    Undo,
    /// Give up what is kept.
    Discard,
}

/// For whom it is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Words,
    Json,
}

/// What would be done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Planned {
    /// What it replaced gets its name back.
    Restore,
    /// It goes: it replaced nothing.
    Remove,
    /// What it replaced is given up.
    Discard,
}

/// How many would be dealt with in which way.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    restored: u64,
    removed: u64,
    discarded: u64,
    /// Directories that the job made; those that are empty then would go.
    directories: u64,
}

/// Says what would be done with each item.
pub(super) fn tell(
    ledger: &Ledger,
    job: &JobRecord,
    wanted: Wanted,
    form: Form,
) -> Result<ExitStatus, Failure> {
    let mut out = BufWriter::new(stdout().lock());
    match write(ledger, job, wanted, form, &mut out) {
        Ok(()) => Ok(ExitStatus::Done),
        Err(Stop::Output(error)) => written(Err(error)),
        Err(Stop::Failure(failure)) => Err(failure),
    }
}

/// Why there is no more output.
enum Stop {
    Output(io::Error),
    Failure(Failure),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Stop::Output(error)
    }
}

impl From<LedgerError> for Stop {
    fn from(error: LedgerError) -> Self {
        Stop::Failure(Failure::of_ledger(&error))
    }
}

fn write(
    ledger: &Ledger,
    job: &JobRecord,
    wanted: Wanted,
    form: Form,
    out: &mut impl Write,
) -> Result<(), Stop> {
    let spec = job.request.as_ref().map_err(Clone::clone)?;
    if !spec.keep_replaced {
        return Err(Stop::Failure(Failure::of_copy(&CopyError::NothingKept { job: job.id })));
    }
    if wanted == Wanted::Undo {
        let possible = can_be_undone(ledger, job.id);
        possible.map_err(|error| Stop::Failure(Failure::of_copy(&error)))?;
    }
    if form == Form::Json {
        let kind = if wanted == Wanted::Undo { RunKind::Undo } else { RunKind::Discard };
        let spec = surecopy::CopySpec { dry_run: true, ..spec.clone() };
        out.write_all(&line(&JobLine::new(&spec, Some(job.id), kind, Some(ledger))))?;
    }
    let mut counts = Counts::default();
    let gone = match wanted {
        Wanted::Undo => gone_before(ledger, job)?,
        Wanted::Discard => HashSet::new(),
    };
    each::<Stop>(ledger, job, |item| {
        let Some(planned) = wanted.of(item).filter(|_| !gone.contains(&item.item)) else {
            return Ok(());
        };
        counts.add(planned);
        match form {
            Form::Json => {
                out.write_all(&line(&UndoPlanLine::new(planned.as_str(), &item.target)))?;
            }
            Form::Words => writeln!(out, "{}", planned.line(item))?,
        }
        Ok(())
    })?;
    if wanted == Wanted::Undo && job.state != JobState::Undone {
        let mut made = ledger.made_directories(job.id)?;
        // Those that stand in others first, as they would go.
        made.sort_by_cached_key(|(mapping, path)| (Reverse(path.depth()), *mapping, path.clone()));
        made.dedup();
        for (mapping, path) in made {
            let Some(mapping) = spec.mappings.get(mapping) else { continue };
            let path = mapping.destination_root.join(path.as_path());
            counts.directories += 1;
            match form {
                Form::Json => out.write_all(&line(&UndoPlanLine::new(DIRECTORY, &path)))?,
                Form::Words => writeln!(out, "remove, empty {}", Shown(&path))?,
            }
        }
    }
    if counts.is_nothing() && job.state == JobState::Undone && form == Form::Words {
        writeln!(out, "{}", undone_before(job.id))?;
        out.flush()?;
        return Ok(());
    }
    match form {
        Form::Json => out.write_all(&line(&counts.object()))?,
        Form::Words => writeln!(out, "{}\ndry run: nothing was touched", counts.sums(wanted))?,
    }
    out.flush()?;
    Ok(())
}

impl Wanted {
    /// What would become of an item, if anything would.
    fn of(self, item: &ItemRecord) -> Option<Planned> {
        let landed = item.report.as_ref()?.landed?;
        match self {
            Wanted::Discard => item.is_kept.then_some(Planned::Discard),
            Wanted::Undo if landed.replaced.is_some() => item.is_kept.then_some(Planned::Restore),
            Wanted::Undo => Some(Planned::Remove),
        }
    }
}

impl Planned {
    /// Stable text.
    fn as_str(self) -> &'static str {
        match self {
            Planned::Restore => "restore",
            Planned::Remove => "remove",
            Planned::Discard => "discard",
        }
    }

    fn line(self, item: &ItemRecord) -> String {
        let target = Shown(&item.target);
        match self {
            Planned::Restore => format!("put back      what {target} replaced"),
            Planned::Remove => format!("remove        {target}"),
            Planned::Discard => format!("give up       what {target} replaced"),
        }
    }
}

impl Counts {
    fn add(&mut self, planned: Planned) {
        match planned {
            Planned::Restore => self.restored += 1,
            Planned::Remove => self.removed += 1,
            Planned::Discard => self.discarded += 1,
        }
    }

    fn object(&self) -> UndoPlanReportLine {
        UndoPlanReportLine {
            r#type: "undo_plan_report",
            restore: self.restored,
            remove: self.removed,
            remove_if_empty: self.directories,
            discard: self.discarded,
        }
    }

    fn is_nothing(&self) -> bool {
        self.restored + self.removed + self.discarded + self.directories == 0
    }

    fn sums(&self, wanted: Wanted) -> String {
        if wanted == Wanted::Discard {
            return format!("would remove {}", Count(self.discarded, "kept file"));
        }
        let restored = Count(self.restored, "replaced file");
        let line = format!("would put back {restored} and remove {}", Count(self.removed, "file"));
        match self.directories {
            0 => line,
            1 => format!("{line}, and 1 directory if it is empty then"),
            count => format!("{line}, and those of {count} directories that are empty then"),
        }
    }
}
