//! Telling what happens, for as long as somebody reads it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::PathBuf;

use surecopy::Control;
use surecopy::index::{Index, Location, LocationId, WatchFact};

use super::args::WatchArgs;
use super::words::{Said, said};
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{WatchLine, line};
use crate::stream::{OnFailure, Stream, StreamEnd};

/// Tells what happens.
pub(super) struct Teller<'a> {
    args: &'a WatchArgs,
    index: &'a Index,
    /// Where the locations are, also those that are none any more.
    paths: RefCell<HashMap<LocationId, PathBuf>>,
    stdout: Stream,
}

impl<'a> Teller<'a> {
    /// Begins with locations that are known. When nobody reads any more, the control is cancelled.
    pub(super) fn start(
        args: &'a WatchArgs,
        index: &'a Index,
        locations: Vec<Location>,
        control: &Control,
    ) -> Result<Self, Failure> {
        let stdout = Stream::start(std::io::stdout(), OnFailure::Cancel, control.clone())
            .map_err(|error| Failure::other(format!("cannot write output: {error}")))?;
        let paths = locations.into_iter().map(|location| (location.id, location.path)).collect();
        Ok(Self { args, index, paths: RefCell::new(paths), stdout })
    }

    pub(super) fn tell(&self, fact: &WatchFact) {
        let path = fact.location().and_then(|location| self.path(location));
        let path = path.as_deref();
        if self.args.json {
            self.stdout.write(&line(&WatchLine::new(fact, path)));
            return;
        }
        match said(fact, path) {
            Said::Warning(text) => talk(&format!("warning: {text}")),
            Said::News(text) if !self.args.quiet => self.out(&text),
            Said::Detail(text) if self.args.verbose => self.out(&text),
            Said::News(_) | Said::Detail(_) => {}
        }
    }

    fn out(&self, text: &str) {
        self.stdout.write(format!("{text}\n").as_bytes());
    }

    fn path(&self, location: LocationId) -> Option<PathBuf> {
        let mut paths = self.paths.borrow_mut();
        if let Some(path) = paths.get(&location) {
            return Some(path.clone());
        }
        // It was added meanwhile.
        let path = self.index.location(location).ok()?.path;
        paths.insert(location, path.clone());
        Some(path)
    }

    /// How the program ends after all was well but, perhaps, with who reads.
    pub(super) fn end(self) -> Result<ExitStatus, Failure> {
        match self.stdout.finish() {
            StreamEnd::Written => Ok(ExitStatus::Done),
            // Who looks on has seen enough; a program has not had all of it.
            StreamEnd::ReaderGone if !self.args.json => Ok(ExitStatus::Done),
            StreamEnd::ReaderGone | StreamEnd::Abandoned => Ok(ExitStatus::Cancelled),
            StreamEnd::Failed(error) => {
                Err(Failure::other(format!("cannot write output: {error}")))
            }
        }
    }
}
