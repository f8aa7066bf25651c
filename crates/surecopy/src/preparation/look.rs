//! The first two phases: what the index says, and how much of that still holds.

use std::sync::Arc;

use surecopy_engine::{Cancelled, Control, Event, Observer, Phase, Progress, Warning, WarningKind};
use surecopy_fs::FileSystem;

use super::asked::{Asked, PrepareMode, SourceRoot};
use super::memory::{Clock, Memory};
use super::troubles::Notices;
use crate::clock::SystemClock;

/// Who watches a run, and who may end it.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    pub(crate) observer: &'a dyn Observer,
    pub(crate) clock: &'a SystemClock,
    pub(crate) control: &'a Control,
    pub(crate) progress: &'a Arc<Progress>,
}

impl Watched<'_> {
    pub(super) fn run<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        phase.run(self.observer, self.clock, self.progress, work)
    }

    /// Tells what there is to say of the use of an index; returns how much that was.
    pub(crate) fn tell(&self, notices: Notices) -> u64 {
        let told = notices.len() as u64;
        for (path, message) in notices {
            let warning = Warning { kind: WarningKind::Index, path, message };
            self.observer.on_event(Event::Warned(warning));
        }
        told
    }
}

/// What is remembered of the sources, and how many warnings were given.
pub(crate) struct LookedUp<F: FileSystem> {
    pub(crate) memory: Option<Memory<F>>,
    pub(crate) warnings: u64,
}

/// Goes through the first two phases.
pub(crate) fn look_up<F: FileSystem>(
    fs: &Arc<F>,
    clock: &Clock,
    asked: &Asked,
    sources: &[SourceRoot<'_>],
    threads: usize,
    watched: Watched<'_>,
) -> Result<LookedUp<F>, Cancelled> {
    watched.control.checkpoint()?;
    let (mut memory, notices) = watched.run(Phase::QuickAssessment, || {
        let (memory, notices) = Memory::assess(fs, clock, asked, sources);
        if let Some(expected) = memory.as_ref().and_then(Memory::expected) {
            watched.progress.expect(expected);
        }
        (memory, notices)
    });
    let warnings = watched.tell(notices);
    let has_news =
        |memory: &&mut Memory<F>| asked.mode != PrepareMode::Scan && memory.knows_something();
    if let Some(memory) = memory.as_mut().filter(has_news) {
        watched.run(Phase::StalenessValidation, || {
            memory.validate(threads, watched.control, watched.progress)
        })?;
        if let Some(found) = memory.validated() {
            watched.observer.on_event(Event::Validated {
                fresh: found.fresh,
                stale: found.stale,
                gone: found.gone,
                confidence: found.confidence.as_str(),
            });
        }
    }
    Ok(LookedUp { memory, warnings })
}
