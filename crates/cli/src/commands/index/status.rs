//! `surecopy index status`.

use surecopy::index::{
    CheckError, Checked, Index, KnownLocation, LocationError, check, known, size_bytes,
};
use surecopy::{ItemError, Timestamp};

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
    /// `None` when it was never scanned.
    checked: Result<Option<Checked>, ItemError>,
}

/// All that was looked at.
struct Found {
    /// How many locations there are.
    all: u64,
    looked: Vec<Looked>,
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
    for Looked { known, checked } in &found.looked {
        let (found, error) =
            (checked.as_ref().ok().and_then(Option::as_ref), checked.as_ref().err());
        if args.json {
            output.extend(line(&LocationStatusLine::new(known, found, error)));
        } else {
            let lines = told(known, found, error);
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
    let unreachable = found.looked.iter().filter(|looked| looked.checked.is_err()).count() as u64;
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
    for mut known in chosen(locations, &args.paths)? {
        let checked = match check(index, &known.location) {
            Ok(checked) => Ok(checked),
            Err(CheckError::Unreachable(error)) => Err(error),
            Err(CheckError::Index(error)) => return Err(error.into()),
        };
        // It was noted what came of it.
        known.location = index.location(known.location.id)?;
        looked.push(Looked { known, checked });
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
