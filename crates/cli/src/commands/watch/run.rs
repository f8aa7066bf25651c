//! Watching.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use surecopy::index::{self, Index, Location, LocationId, WatchFact, Watched};
use surecopy::preparation::PrepareRequest;
use surecopy::{Control, NoObserver, Outcome};

use super::args::WatchArgs;
use super::words::{Said, said};
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{WatchLine, line};
use crate::shown::{Plain, Shown};
use crate::signals::SignalWatch;

/// Watches until it is told to stop, which is how it ends well.
pub(crate) fn run(args: WatchArgs) -> Result<ExitStatus, Failure> {
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let file = args.index.needed_path()?;
    let control = Control::new();
    let _signals = SignalWatch::start(control.clone())
        .map_err(|error| Failure::other(format!("cannot watch for signals: {error}")))?;
    for path in &args.paths {
        prepare(path, &file, &control, &args)?;
        if control.is_cancelled() {
            return Ok(ExitStatus::Done);
        }
    }
    let index = Index::open(&file).map_err(|error| Failure::of_index(&error))?;
    if let Some(notice) = index.notice() {
        talk(&format!("warning: {}", Plain(&notice.to_string())));
    }
    let locations = locations(&index, &args.paths)?;
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

/// Brings what is known of a directory up to date, which makes it a location if it is none.
fn prepare(path: &Path, index: &Path, control: &Control, args: &WatchArgs) -> Result<(), Failure> {
    let request = PrepareRequest::new([path]).index(index);
    let preparation = request.prepare().map_err(|error| Failure::of_copy(&error))?;
    let preparation = preparation.controlled_by(control.clone());
    if !args.quiet && !args.json {
        talk(&format!("looking at what there is in {} …", Shown(path)));
    }
    let prepared = preparation.run(&NoObserver);
    if prepared.sources.iter().all(|source| source.location.is_none())
        && prepared.outcome != Outcome::Cancelled
    {
        let path = Shown(path);
        return Err(Failure::usage(format!("only directories can be watched: {path}")));
    }
    Ok(())
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
