//! `surecopy index status`.

use surecopy::index::{
    Check, CheckError, Checked, Index, IndexError, KnownLocation, LocationError,
    ValidationProgress, check, known, size_bytes,
};
use surecopy::{Control, ItemError, Timestamp};

use super::args::StatusArgs;
use super::chosen::{chosen, named_without_index};
use crate::amounts::{Bytes, Count};
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::{self, Occasion};
use crate::human::prepared::subtree_lines;
use crate::human::{directories, validated};
use crate::indexed::{FoundIndex, no_index, standing, when, with};
use crate::json::{IndexStatusLine, LocationStatusLine, line};
use crate::shown::{Plain, Shown};

/// A location, and what a look at it has shown.
struct Looked {
    known: KnownLocation,
    check: Result<Check, ItemError>,
}

impl Looked {
    fn checked(&self) -> Option<&Checked> {
        match &self.check {
            Ok(Check::Done(checked)) => Some(checked),
            Ok(Check::NeverScanned | Check::Cancelled) | Err(_) => None,
        }
    }
}

/// All that was looked at.
struct Found {
    /// How many locations there are.
    all: u64,
    looked: Vec<Looked>,
}

impl Found {
    /// Why the index has not been told of everything. One reason is enough.
    fn not_noted(&self) -> Option<&IndexError> {
        self.looked.iter().find_map(|looked| looked.checked()?.not_noted.as_ref())
    }
}

/// Looks how much of what is remembered still holds.
pub(super) fn run(args: &StatusArgs) -> Result<ExitStatus, Failure> {
    let index = match args.index.existing()? {
        FoundIndex::Index(index) => index,
        FoundIndex::None { path } if args.paths.is_empty() => {
            talk(&no_index(&path));
            return Ok(ExitStatus::Done);
        }
        FoundIndex::None { path } => return Err(named_without_index(&args.paths, &path)),
    };
    let path = index.path().to_owned();
    let found = with(index, |index| look(index, args))?;
    let size = size_bytes(&path);
    let mut output = Vec::new();
    for looked in &found.looked {
        let Looked { known, check } = looked;
        let (checked, error) = (looked.checked(), check.as_ref().err());
        if args.json {
            output.extend(line(&LocationStatusLine::new(known, checked, error)));
        } else {
            let lines = told(known, checked, error);
            output.extend(lines.iter().flat_map(|line| format!("{line}\n").into_bytes()));
        }
    }
    if args.json {
        output.extend(line(&IndexStatusLine::new(&path, size, found.all)));
    } else {
        let locations = Count(found.all, "location");
        let told = format!("index {}: {locations}, {}\n", Shown(&path), Bytes(size));
        output.extend(told.into_bytes());
    }
    let status = print(&output)?;
    if let Some(error) = found.not_noted() {
        talk(&format!("warning: what was found is not noted: {}", Plain(&error.to_string())));
    }
    if found.looked.iter().any(|looked| looked.check == Ok(Check::Cancelled)) {
        return Ok(status.or_cancelled());
    }
    let unreachable = found.looked.iter().filter(|looked| looked.check.is_err()).count() as u64;
    if unreachable == 0 {
        return Ok(status);
    }
    talk(&format!("error: {} cannot be reached", Count(unreachable, "location")));
    Ok(ExitStatus::ItemsFailed)
}

fn look(index: &Index, args: &StatusArgs) -> Result<Found, LocationError> {
    let locations = known(index)?;
    let all = locations.len() as u64;
    let mut looked = Vec::new();
    // A signal ends the program at once: nothing is left half done by that.
    let control = Control::new();
    for mut known in chosen(locations, &args.paths)? {
        let check = match check(index, &known.location, &control, &ValidationProgress::default()) {
            Ok(check) => Ok(check),
            Err(CheckError::Unreachable(error)) => Err(error),
            Err(CheckError::Index(error)) => return Err(error.into()),
        };
        if let Ok(Check::Done(checked)) = &check {
            // What was found just now counts, whether it could be noted or not.
            known.location.scan_status = checked.status;
            known.location.last_modification_check = Some(checked.at);
        }
        looked.push(Looked { known, check });
    }
    Ok(Found { all, looked })
}

/// A location in some lines.
fn told(
    known: &KnownLocation,
    checked: Option<&Checked>,
    error: Option<&ItemError>,
) -> Vec<String> {
    let location = &known.location;
    let mut lines = Vec::new();
    match error {
        None => lines.push(format!("{}: {}", Shown(&location.path), standing(known))),
        Some(error) => {
            let code = error.code;
            lines.push(format!("{}: cannot be reached ({code})", Shown(&location.path)));
            lines.push(format!("  {}", Plain(&error.message)));
            lines.push(format!("  what to do: {}", hint::advice_on(error, Occasion::Preparing)));
        }
    }
    if let Some(estimate) = known.estimate {
        let (files, bytes) = (Count(estimate.files, "file"), Bytes(estimate.bytes));
        let mut sums = format!("{files}, {bytes} in {}", directories(estimate.directories));
        if estimate.unknown_directories > 0 {
            sums.push_str(&format!(", {} of these never listed", estimate.unknown_directories));
        }
        lines.push(format!("  {sums}, when they were last listed"));
    }
    if let Some(Checked { fresh, stale, gone, confidence, .. }) = checked {
        lines.push(format!("  {}", validated(*fresh, *stale, *gone, confidence.as_str())));
    }
    let moment = |time: Option<Timestamp>, done: &str, never: &str| match time {
        Some(time) => format!("{done} {}", when(time)),
        None => never.to_owned(),
    };
    lines.push(format!(
        "  {}, {}, {}",
        moment(location.last_full_scan, "full scan", "no full scan yet"),
        moment(location.last_modification_check, "validated", "never validated"),
        moment(location.watched_until, "watched until", "not watched")
    ));
    if let Some(checked) = checked.filter(|checked| checked.stale > 0) {
        lines.extend(subtree_lines(&location.path, &checked.subtrees));
    }
    lines
}
