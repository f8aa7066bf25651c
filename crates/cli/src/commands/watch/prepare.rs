//! What is done before a directory is watched: what is known of it is brought up to date. What goes wrong
//! with that is said on stderr.

use std::path::{Path, PathBuf};

use surecopy::index::{self, LocationError};
use surecopy::preparation::{PrepareRequest, Prepared};
use surecopy::{Control, Event, Observer, Outcome};

use super::args::WatchArgs;
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::human::{fragment, warning_line};
use crate::shown::Shown;

/// The directories that are named, by paths that can be locations.
pub(super) fn directories(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let directory = |path: &PathBuf| {
        index::directory_at(path).map_err(|error| match error {
            LocationError::NotADirectory { path } => {
                let path = Shown(&path);
                Failure::usage(format!("only directories can be watched: {path}"))
            }
            error => Failure::of_location(&error),
        })
    };
    paths.iter().map(directory).collect()
}

/// Brings what is known of a directory up to date, which makes it a location if it is none.
pub(super) fn prepare(
    directory: &Path,
    index: &Path,
    control: &Control,
    args: &WatchArgs,
) -> Result<(), Failure> {
    // With a slash, what a link leads to.
    let request = PrepareRequest::new([directory.join("")]).index(index);
    let preparation = request.prepare().map_err(|error| Failure::of_copy(&error))?;
    let preparation = preparation.controlled_by(control.clone());
    if !args.quiet && !args.json {
        talk(&format!("looking at what there is in {} …", Shown(directory)));
    }
    let prepared = preparation.run(&Warnings);
    tell_problems(&prepared);
    let is_location = prepared.sources.iter().any(|source| source.location.is_some());
    if is_location || prepared.outcome == Outcome::Cancelled {
        return Ok(());
    }
    // Why, a warning has said.
    let message = format!("{} is not remembered in the index", Shown(directory));
    Err(Failure { status: ExitStatus::RecordFailed, message, hint: None })
}

fn tell_problems(prepared: &Prepared) {
    for error in &prepared.problems {
        talk(&format!("warning: {}: {}", Shown(&error.path), fragment(error)));
    }
    let more = prepared.problem_count.saturating_sub(prepared.problems.len() as u64);
    if more > 0 {
        talk(&format!("warning: and {more} more that could not be looked at"));
    }
}

/// Says what a preparation warns of.
struct Warnings;

impl Observer for Warnings {
    fn on_event(&self, event: Event) {
        if let Event::Warned(warning) = event {
            talk(&format!("warning: {}", warning_line(&warning)));
        }
    }
}
