//! Watching.

use std::path::PathBuf;

use surecopy::Control;
use surecopy::index::{self, Index, Location, LocationId, Watched};

use super::args::WatchArgs;
use super::prepare::{directories, prepare};
use super::teller::Teller;
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::indexed::{warn, with};
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
    let teller = Teller::start(&args, &index, locations, &control)?;
    let ended = index::watch(&index, watched, &control, &|fact| teller.tell(fact));
    if ended.is_ok() && !control.is_cancelled() {
        talk("nothing is left to watch: no location is in the index any more");
    }
    let status = teller.end();
    ended.map_err(|error| Failure::of_index(&error))?;
    status
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
