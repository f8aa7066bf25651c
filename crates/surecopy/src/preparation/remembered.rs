//! What is remembered of the sources of a copy.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy_engine::{
    Catalog, CopySpec, ErrorCode, Event, ItemError, Outcome, Problem, Report, Scope,
};
use surecopy_fs::{FileSystem, MachineClock};

use super::asked::{Asked, PrepareMode, SourceRoot};
use super::look::{LookedUp, Watched, look_up};
use super::memory::Memory;

/// What is remembered of the sources of a copy, if anything is.
pub(crate) struct Remembered<F: FileSystem> {
    memory: Option<Memory<F>>,
    warnings: u64,
}

impl<F: FileSystem> Remembered<F> {
    /// Goes through the first two phases of the preparation of a copy.
    ///
    /// # Errors
    ///
    /// The report of a copy that is over before it has begun.
    pub(crate) fn look_up(
        fs: &Arc<F>,
        spec: &CopySpec,
        asked: Option<&Asked>,
        watched: Watched<'_>,
    ) -> Result<Self, Box<Report>> {
        let Some(asked) = asked else {
            return Ok(Self { memory: None, warnings: 0 });
        };
        let sources: Vec<_> = spec.mappings.iter().map(SourceRoot::of_mapping).collect();
        let machine = MachineClock::new();
        let clock: super::memory::Clock = Arc::new(move || machine.now());
        let looked_up = look_up(fs, &clock, asked, &sources, spec.workers, watched);
        let LookedUp { memory, warnings } = match looked_up {
            Ok(looked_up) => looked_up,
            Err(_) => return Err(Box::new(Report::of_nothing(Outcome::Cancelled))),
        };
        if asked.mode == PrepareMode::IndexOnly
            && let Some((place, message)) = obstacle(spec, memory.as_ref())
        {
            return Err(Box::new(refusal(place, message, warnings, watched)));
        }
        Ok(Self { memory, warnings })
    }

    /// For the engine.
    pub(crate) fn catalog(&self) -> Option<&dyn Catalog> {
        self.memory.as_ref().map(|memory| memory as &dyn Catalog)
    }

    /// Waits until what was found is written; returns how many warnings were given, all told.
    pub(crate) fn finish(self, watched: Watched<'_>) -> u64 {
        let Some(memory) = self.memory else { return self.warnings };
        self.warnings + watched.tell(memory.finish())
    }
}

/// Why a copy cannot be made from what is remembered alone: of which source, and in words.
fn obstacle<F: FileSystem>(
    spec: &CopySpec,
    memory: Option<&Memory<F>>,
) -> Option<(PathBuf, String)> {
    for (number, mapping) in spec.mappings.iter().enumerate() {
        let found = match memory {
            Some(memory) => memory.obstacle(number),
            None => Some("there is no index to prepare it from".to_owned()),
        };
        if let Some(message) = found {
            return Some((mapping.source_path(), message));
        }
    }
    None
}

fn refusal(source: PathBuf, message: String, warnings: u64, watched: Watched<'_>) -> Report {
    let problem = Problem {
        scope: Scope::Job,
        error: ItemError::new(ErrorCode::SourceNotIndexed, source.clone(), message),
        entry: None,
        source: Some(source),
        target: None,
        size_bytes: 0,
    };
    watched.observer.on_event(Event::ProblemFound(problem.clone()));
    Report { problems: vec![problem], warnings, ..Report::of_nothing(Outcome::Refused) }
}
