//! Watching.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;

use surecopy::Control;
use surecopy::index::{self, Index, Location, LocationId, WatchFact, Watched};

use super::args::WatchArgs;
use super::prepare::{directories, prepare};
use super::words::{Said, said};
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::indexed::{warn, with};
use crate::json::{WatchLine, line};
use crate::shown::Shown;
use crate::signals::SignalWatch;

/// Watches until it is told to stop, which is how it ends well.
pub(crate) fn run(args: WatchArgs) -> Result<ExitStatus, Failure> {
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let directories = directories(&args.paths)?;
    // A preparation would do without an index that cannot be used.
    let index = args.index.create()?;
    let file = index.path().to_owned();
    with(index, |index| Ok(index.locations()?))?;
    let control = Control::new();
    let _signals = SignalWatch::start(control.clone())
        .map_err(|error| Failure::other(format!("cannot watch for signals: {error}")))?;
    for directory in &directories {
        prepare(directory, &file, &control, &args)?;
        if control.is_cancelled() {
            return Ok(ExitStatus::Done);
        }
    }
    let index = Index::open(&file).map_err(|error| Failure::of_index(&error))?;
    warn(&index);
    let locations = locations(&index, &directories)?;
    let ids: Vec<LocationId> = locations.iter().map(|location| location.id).collect();
    let watched = if args.paths.is_empty() { Watched::All } else { Watched::These(&ids) };
    let paths = locations.into_iter().map(|location| (location.id, location.path)).collect();
    let teller =
        Teller { args: &args, index: &index, paths: RefCell::new(paths), control: &control };
    index::watch(&index, watched, &control, &|fact| teller.tell(fact))
        .map_err(|error| Failure::of_index(&error))?;
    if !control.is_cancelled() {
        talk("nothing is left to watch: no location is in the index any more");
    }
    Ok(ExitStatus::Done)
}

/// What is to be watched.
fn locations(index: &Index, paths: &[PathBuf]) -> Result<Vec<Location>, Failure> {
    if paths.is_empty() {
        let all = index.locations().map_err(|error| Failure::of_index(&error))?;
        if all.is_empty() {
            let message = "the index has no locations yet: say which directory to watch";
            return Err(Failure::usage(message));
        }
        return Ok(all);
    }
    let mut found: Vec<Location> = Vec::new();
    for path in paths {
        let location =
            index::location_of(index, path).map_err(|error| Failure::of_index(&error))?;
        let location = location
            .ok_or_else(|| Failure::other(format!("{} is not in the index", Shown(path))))?;
        if !found.iter().any(|known| known.id == location.id) {
            found.push(location);
        }
    }
    Ok(found)
}

/// Tells what happens.
struct Teller<'a> {
    args: &'a WatchArgs,
    index: &'a Index,
    /// Where the locations are, also those that are none any more.
    paths: RefCell<HashMap<LocationId, PathBuf>>,
    control: &'a Control,
}

impl Teller<'_> {
    fn tell(&self, fact: &WatchFact) {
        let path = fact.location().and_then(|location| self.path(location));
        let path = path.as_deref();
        if self.args.json {
            self.out(&line(&WatchLine::new(fact, path)));
            return;
        }
        match said(fact, path) {
            Said::Warning(text) => talk(&format!("warning: {text}")),
            Said::News(text) if !self.args.quiet => self.out(format!("{text}\n").as_bytes()),
            Said::Detail(text) if self.args.verbose => self.out(format!("{text}\n").as_bytes()),
            Said::News(_) | Said::Detail(_) => {}
        }
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

    /// A program that does not read any more does not want it any more. For people, what matters goes on.
    fn out(&self, bytes: &[u8]) {
        let mut stdout = std::io::stdout().lock();
        if let Err(error) = stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            tracing::debug!(%error, "nobody reads what is told");
            if self.args.json {
                self.control.cancel();
            }
        }
    }
}
