//! A preparation by itself: what there is, and how much, without doing anything with it.

use std::path::PathBuf;
use std::sync::Arc;

use surecopy_engine::{
    Clock as _, Control, Environment, ItemError, MemoryWorkList, NoJournal, Observer, Outcome,
    Phase, Progress, SurveyReport, SurveySink, SurveySpec, Surveyed, survey,
};
use surecopy_fs::{FileSystem, MachineClock, NativeFs};

use super::asked::{Asked, PrepareMode, SourceRoot, Unknown};
use super::look::{LookedUp, Watched, look_up};
use super::memory::{Clock, Memory};
use super::report::{Estimated, Prepared, PreparedSource};
use super::timings::Timings;
use crate::clock::SystemClock;
use crate::error::CopyError;
use crate::settings::workers_on_this_machine;

/// So many subtrees of each sort are named.
const NAMED_SUBTREES: usize = 20;

/// A preparation being described; [`prepare`](Self::prepare) makes a [`Preparation`] of it.
#[derive(Debug, Clone)]
pub struct PrepareRequest {
    sources: Vec<PathBuf>,
    index: Option<PathBuf>,
    mode: PrepareMode,
    jobs: u32,
}

impl PrepareRequest {
    /// Finds out what there is in `sources`, written as for [`CopyRequest`](crate::CopyRequest).
    pub fn new<S: Into<PathBuf>>(sources: impl IntoIterator<Item = S>) -> Self {
        Self {
            sources: sources.into_iter().map(Into::into).collect(),
            index: None,
            mode: PrepareMode::default(),
            jobs: 0,
        }
    }

    /// Uses the index of this file, which is made if it is not there. What is found is remembered in it:
    /// a directory that no location of it holds becomes one. Without an index all is scanned.
    pub fn index(mut self, path: impl Into<PathBuf>) -> Self {
        self.index = Some(path.into());
        self
    }

    /// How far what is remembered is used.
    pub fn mode(mut self, mode: PrepareMode) -> Self {
        self.mode = mode;
        self
    }

    /// How many threads look; 0 goes by the number of cores.
    pub fn jobs(mut self, jobs: u32) -> Self {
        self.jobs = jobs;
        self
    }

    /// Looks whether the sources are there.
    ///
    /// # Errors
    ///
    /// One of them is not.
    pub fn prepare(self) -> Result<Preparation<NativeFs>, CopyError> {
        let clock = MachineClock::new();
        self.prepare_on(Arc::new(NativeFs::new()), Arc::new(move || clock.now()))
    }

    pub(super) fn prepare_on<F: FileSystem>(
        self,
        fs: Arc<F>,
        clock: Clock,
    ) -> Result<Preparation<F>, CopyError> {
        let mut spec = SurveySpec::new(fs.as_ref(), &self.sources)?;
        spec.workers = workers_on_this_machine(u64::from(self.jobs));
        spec.open_files = surecopy_fs::open_file_limit();
        let mode = self.mode;
        let asked = |index| Asked {
            index,
            mode,
            unknown: Unknown::Added,
            distrusts_low_confidence: false,
            is_unfiltered: true,
            records: true,
        };
        Ok(Preparation {
            fs,
            clock,
            spec,
            asked: self.index.map(asked),
            sources: self.sources,
            control: Control::new(),
            progress: Arc::new(Progress::new()),
        })
    }
}

/// A preparation that is ready to run. Take [`control`](Self::control) and [`progress`](Self::progress)
/// from it before [`run`](Self::run) consumes it.
pub struct Preparation<F: FileSystem = NativeFs> {
    fs: Arc<F>,
    clock: Clock,
    spec: SurveySpec,
    asked: Option<Asked>,
    sources: Vec<PathBuf>,
    control: Control,
    progress: Arc<Progress>,
}

impl<F: FileSystem> Preparation<F> {
    /// The switch that pauses, resumes and cancels it.
    pub fn control(&self) -> Control {
        self.control.clone()
    }

    /// With a switch that was there before it, in place of its own.
    pub fn controlled_by(self, control: Control) -> Self {
        Self { control, ..self }
    }

    /// Its counters, to be polled from another thread while it runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Finds out what there is. Of what has not changed since it was last looked at, the sums are
    /// remembered, and nothing is listed.
    pub fn run(self, observer: &dyn Observer) -> Prepared {
        self.carry_out(observer, None)
    }

    /// Finds out what there is, and tells the sink of all of it, in the order of paths.
    pub fn run_listing(self, observer: &dyn Observer, sink: &mut dyn SurveySink) -> Prepared {
        self.carry_out(observer, Some(sink))
    }

    fn carry_out(self, observer: &dyn Observer, listing: Option<&mut dyn SurveySink>) -> Prepared {
        let clock = SystemClock::new();
        let timings = Timings::before(observer);
        let mut prepared = Prepared::nothing_yet();
        let watched = Watched {
            observer: &timings,
            clock: &clock,
            control: &self.control,
            progress: &self.progress,
        };
        self.find_out(&mut prepared, listing, watched);
        prepared.duration = clock.now();
        prepared.phases = timings.into_phases();
        prepared
    }

    fn find_out(
        &self,
        prepared: &mut Prepared,
        listing: Option<&mut dyn SurveySink>,
        watched: Watched<'_>,
    ) {
        let roots = self.spec.sources.iter();
        let roots: Vec<_> =
            roots.map(|source| SourceRoot { root: &source.root, below: &source.below }).collect();
        let memory = match &self.asked {
            None => None,
            Some(asked) => {
                let workers = self.spec.workers;
                match look_up(&self.fs, &self.clock, asked, &roots, workers, watched) {
                    Ok(LookedUp { memory, warnings }) => {
                        prepared.warnings += warnings;
                        memory
                    }
                    Err(_) => {
                        prepared.outcome = Outcome::Cancelled;
                        return;
                    }
                }
            }
        };
        self.note(prepared, memory.as_ref());
        let mode = self.asked.as_ref().map_or(PrepareMode::Scan, |asked| asked.mode);
        let is_all_fresh = memory.as_ref().is_some_and(Memory::is_all_fresh);
        let is_told = memory.as_ref().is_none_or(Memory::is_told_of_changes);
        let is_known = listing.is_none() && is_all_fresh;
        if is_known || mode == PrepareMode::IndexOnly {
            prepared.is_exact = is_all_fresh && is_told;
            let sums = memory.as_ref().filter(|_| is_all_fresh).and_then(Memory::sums);
            prepared.take(sums.or(prepared.estimate));
            if let Some(sums) = sums {
                self.progress.expect(sums.expected());
                self.progress.find_all_expected();
                watched.run(Phase::Ready, || ());
            }
        } else {
            self.scan(prepared, memory.as_ref(), listing, watched);
            prepared.is_exact &= is_told;
        }
        if let Some(memory) = memory {
            prepared.warnings += watched.tell(memory.finish());
        }
    }

    /// Notes what was known before anything is scanned.
    fn note(&self, prepared: &mut Prepared, memory: Option<&Memory<F>>) {
        let sources = self.sources.iter().enumerate();
        prepared.sources = sources
            .map(|(number, path)| PreparedSource {
                path: path.clone(),
                location: memory.and_then(|memory| memory.location(number)),
                subtrees: memory.and_then(|memory| memory.subtrees(number, NAMED_SUBTREES)),
            })
            .collect();
        prepared.unknown_sources =
            memory.map_or(self.sources.len() as u64, Memory::unknown_sources);
        let Some(memory) = memory else { return };
        prepared.estimate = memory.estimate();
        if let Some(found) = memory.validated() {
            prepared.fresh_directories = found.fresh;
            prepared.stale_directories = found.stale;
            prepared.gone_directories = found.gone;
            prepared.confidence = Some(found.confidence);
        }
    }

    fn scan(
        &self,
        prepared: &mut Prepared,
        memory: Option<&Memory<F>>,
        listing: Option<&mut dyn SurveySink>,
        watched: Watched<'_>,
    ) {
        let mut sink = Sink { prepared, listing };
        let environment = Environment {
            fs: Arc::clone(&self.fs),
            clock: watched.clock,
            journal: &NoJournal,
            work: &MemoryWorkList::default(),
            history: None,
            catalog: memory.map(|memory| memory as &dyn surecopy_engine::Catalog),
            observer: watched.observer,
            control: &self.control,
            progress: &self.progress,
            resolver: None,
            available_memory_bytes: None,
        };
        let spec = SurveySpec { is_counting: sink.listing.is_none(), ..self.spec.clone() };
        let report = survey(&spec, &environment, &mut sink);
        prepared.take_report(report);
        prepared.listed_directories =
            memory.map_or(prepared.directories, |memory| memory.listed_directories());
    }
}

impl Prepared {
    fn take(&mut self, sums: Option<Estimated>) {
        let Some(Estimated { files, bytes, directories, others, .. }) = sums else {
            return;
        };
        (self.files, self.bytes, self.directories, self.others) =
            (files, bytes, directories, others);
    }

    fn take_report(&mut self, report: SurveyReport) {
        let SurveyReport { outcome, files, bytes, directories, others, problems, .. } = report;
        (self.files, self.bytes, self.directories, self.others) =
            (files, bytes, directories, others);
        self.is_exact = outcome == Outcome::Finished && problems == 0;
        self.outcome = outcome;
        self.problem_count = problems;
    }
}

/// Passes on what is found, and keeps what could not be looked at.
struct Sink<'a, 'b> {
    prepared: &'a mut Prepared,
    listing: Option<&'b mut dyn SurveySink>,
}

impl SurveySink for Sink<'_, '_> {
    fn found(&mut self, batch: &[Surveyed]) {
        if let Some(listing) = &mut self.listing {
            listing.found(batch);
        }
    }

    fn problem(&mut self, error: ItemError) {
        if self.prepared.problems.len() < Prepared::MOST_PROBLEMS {
            self.prepared.problems.push(error.clone());
        }
        if let Some(listing) = &mut self.listing {
            listing.problem(error);
        }
    }
}
