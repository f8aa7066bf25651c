//! `surecopy index scan`, and the scan of what was added.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surecopy::index::{known, reach};
use surecopy::preparation::{PrepareMode, PrepareRequest};
use surecopy::{Event, ItemError, Observer, WarningKind};

use super::args::{ListingArgs, ScanArgs};
use super::chosen::{NO_LOCATIONS, chosen, named_without_index};
use crate::commands::talk;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint::Occasion;
use crate::human::HumanView;
use crate::indexed::{FoundIndex, no_index, with};
use crate::json::PreparationLine;
use crate::running::{Renderer, Scanned, Stage, pulses_per_second};
use crate::terminal::Terminal;

/// Scans locations.
pub(super) fn run(args: &ScanArgs) -> Result<ExitStatus, Failure> {
    let index = match args.listing.index.existing()? {
        FoundIndex::Index(index) => index,
        FoundIndex::None { path } if args.paths.is_empty() => {
            talk(&no_index(&path));
            return Ok(ExitStatus::Done);
        }
        FoundIndex::None { path } => return Err(named_without_index(&args.paths, &path)),
    };
    let path = index.path().to_owned();
    let locations = with(index, |index| chosen(known(index)?, &args.paths))?;
    if locations.is_empty() {
        talk(NO_LOCATIONS);
        return Ok(ExitStatus::Done);
    }
    let (mut paths, mut unreachable) = (Vec::new(), Vec::new());
    for known in locations {
        match reach(&known.location) {
            Ok(()) => paths.push(known.location.path),
            Err(error) => unreachable.push(error),
        }
    }
    scan(&path, paths, unreachable, &args.listing)
}

/// Scans what can be reached, and says at the end what cannot.
pub(super) fn scan(
    index: &Path,
    paths: Vec<PathBuf>,
    unreachable: Vec<ItemError>,
    listing: &ListingArgs,
) -> Result<ExitStatus, Failure> {
    let terminal = Terminal::look();
    let limit = surecopy::raise_open_file_limit();
    tracing::debug!("this process may hold {limit} files open");
    let line = PreparationLine::new(&paths, Some(index), PrepareMode::Scan);
    // With a slash, a location that is a link is what the link leads to.
    let sources = paths.iter().map(|path| path.join(""));
    let request = PrepareRequest::new(sources).index(index).mode(PrepareMode::Scan);
    let preparation =
        request.jobs(listing.jobs).prepare().map_err(|error| Failure::of_copy(&error))?;
    let control = preparation.control();
    let stage = Stage::open(&listing.output, pulses_per_second()?, &control, terminal)?;
    let renderer = if listing.output.json {
        stage.json(Occasion::Preparing, |lines| lines.preparation(&line))
    } else {
        let view = HumanView::of(Arc::clone(stage.screen()), listing.output.verbosity());
        Renderer::Human(Box::new(view))
    };
    let progress = preparation.progress();
    stage.run(
        renderer,
        progress,
        || None,
        move |observer| {
            let noticing = Noticing { observer, has_index_trouble: AtomicBool::new(false) };
            let mut prepared = preparation.run(&noticing);
            for (source, path) in prepared.sources.iter_mut().zip(paths) {
                source.path = path;
            }
            prepared.problem_count += unreachable.len() as u64;
            prepared.problems.splice(0..0, unreachable);
            Scanned { prepared, is_remembered: !noticing.has_index_trouble.into_inner() }
        },
    )
}

/// Passes events on, and notices when the index fails: then not all is remembered.
struct Noticing<'a> {
    observer: &'a dyn Observer,
    has_index_trouble: AtomicBool,
}

impl Observer for Noticing<'_> {
    fn on_event(&self, event: Event) {
        if matches!(&event, Event::Warned(warning) if warning.kind == WarningKind::Index) {
            self.has_index_trouble.store(true, Ordering::Relaxed);
        }
        self.observer.on_event(event);
    }
}
