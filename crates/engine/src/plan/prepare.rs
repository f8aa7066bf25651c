//! From the spec to a filled work list: roots are opened, sources scanned, entries planned, and
//! everything that can be known beforehand is checked.

use std::collections::HashMap;
use std::sync::Arc;

use surecopy_fs::{FileId, FileSystem, FsError, Metadata, Node, RelPath, Volume};

use super::anew::SourceSight;
use super::destination::Sight;
use super::room::needs_without_memory;
use crate::control::Cancelled;
use crate::environment::Environment;
use crate::error::{ItemError, Side};
use crate::plan::{Bounds, PlanSink, PlanState, PlannedItem, Planner, Source, scan};
use crate::preflight::{
    Problem, Scope, check_job, check_volumes, own_directories, volume_identity,
};
use crate::record::{BATCH, JournalError, Queue, RootIdentity, WorkList};
use crate::report::{Corrected, Event, ItemKind, Outcome, Phase, Planned, Warning};
use crate::roots::Root;
use crate::spec::{CopySpec, Mapping};
use crate::volumes::Volumes;

/// A job that is ready to run, or everything that speaks against it.
pub(crate) struct Prepared<F: FileSystem> {
    pub(crate) roots: Vec<Root<F>>,
    pub(crate) volumes: Volumes,
    pub(crate) problems: Vec<Problem>,
    pub(crate) planned: Planned,
    /// What was remembered, and found to be otherwise.
    pub(crate) corrected: Corrected,
    /// Directories, in the order they were found.
    pub(crate) directories: Vec<PlannedItem>,
    /// Directories of the destination that hold what earlier runs have copied, by mapping.
    pub(crate) kept_in: Vec<(usize, RelPath)>,
    /// The volumes of the mappings' roots.
    pub(crate) identities: Vec<RootIdentity>,
    pub(crate) warnings: u64,
}

impl<F: FileSystem> Prepared<F> {
    /// Whether the job may not begin: something concerns all of it, or nothing is left of it.
    pub(crate) fn is_refused(&self, fail_fast: bool) -> bool {
        let concerns_job = self.problems.iter().any(|problem| problem.scope == Scope::Job);
        let Planned { items, kept, .. } = self.planned;
        let nothing_left = items == 0 && kept == 0 && self.directories.is_empty();
        concerns_job || (!self.problems.is_empty() && (fail_fast || nothing_left))
    }
}

/// Why a job could not be prepared.
#[derive(Debug)]
pub(crate) enum Unprepared {
    /// The user ended it.
    Cancelled,
    /// What was planned could not be kept, or what is known could not be read.
    Journal(JournalError),
}

impl Unprepared {
    /// What that means for the run.
    pub(crate) fn outcome(self) -> Outcome {
        match self {
            Unprepared::Cancelled => Outcome::Cancelled,
            Unprepared::Journal(error) => Outcome::JournalFailed(error.message),
        }
    }
}

impl From<JournalError> for Unprepared {
    fn from(error: JournalError) -> Self {
        Unprepared::Journal(error)
    }
}

impl From<Cancelled> for Unprepared {
    fn from(_: Cancelled) -> Self {
        Unprepared::Cancelled
    }
}

/// Prepares a job.
pub(crate) fn prepare<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
) -> Result<Prepared<F>, Unprepared> {
    let fs = outside.fs.as_ref();
    let mut sink = Collector::new(spec, outside);
    let mut state = PlanState::new(spec, outside.work.first_item());
    let volumes = Volumes::default();
    let roots = phase(outside, Phase::ProgressiveScanning, || {
        let roots = scan_all(spec, outside, &volumes, &mut state, &mut sink);
        sink.flush();
        roots
    })?;
    if let Some(error) = sink.failed.take() {
        return Err(Unprepared::Journal(error));
    }
    phase(outside, Phase::Ready, || ());
    phase(outside, Phase::Preflight, || {
        // When one source could not be opened, what is in it is not known.
        if roots.len() == spec.mappings.len() {
            let mut say = |problem| sink.problem(problem);
            state.listed.look_for_rest(fs, spec, &roots, outside.control, &mut say)?;
        }
        let margin_bytes = spec.limits.free_disk_space_margin_bytes;
        let (mut errors, mut warnings) = state.needs.check(margin_bytes);
        if !errors.is_empty() && state.has_remembered_needs {
            let needs = needs_without_memory(spec, outside, &volumes)?;
            (errors, warnings) = needs.check(margin_bytes);
        }
        warnings.into_iter().for_each(|warning| sink.warning(warning));
        errors.into_iter().for_each(|error| sink.job_problem(error, None));
        Ok::<_, Unprepared>(())
    })?;
    Ok(Prepared {
        roots,
        volumes,
        problems: sink.problems,
        planned: state.planned,
        corrected: state.corrected,
        directories: sink.directories,
        kept_in: state.kept_in,
        identities: state.identities,
        warnings: sink.warnings,
    })
}

/// Opens, scans and plans every mapping.
pub(super) fn scan_all<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    volumes: &Volumes,
    state: &mut PlanState,
    sink: &mut Collector<'_>,
) -> Result<Vec<Root<F>>, Cancelled> {
    let fs = outside.fs.as_ref();
    let mut roots = Vec::new();
    for (index, mapping) in spec.mappings.iter().enumerate() {
        let Some(opened) = Opened::open(fs, mapping, volumes, sink) else { continue };
        if !spec.accept_volume
            && let Some(known) = outside.history.and_then(|history| history.roots().get(index))
        {
            let errors = check_volumes(mapping, known, &opened.identity);
            errors.into_iter().for_each(|error| sink.job_problem(error, Some(mapping)));
        }
        state.identities.push(opened.identity);
        let mut planner = Planner {
            fs,
            spec,
            root: &opened.root,
            // The same as its root's: when one cannot be opened, the job is refused.
            mapping: index,
            source_volume: opened.source_volume,
            destination_volume: opened.destination_volume,
            volumes,
            resolver: outside.resolver,
            history: outside.history,
            state,
            sink,
            sight: Sight::default(),
            source_sight: SourceSight::default(),
            refused: HashMap::new(),
            is_denied: false,
            own_directories: opened.own_directories,
        };
        let filter = spec.filter_of(index);
        let is_left_out = !spec.own_filters.is_empty() && filter.lists_nothing();
        if !is_left_out {
            let source = Source {
                fs,
                root: &opened.root.source,
                mapping: index,
                top: &mapping.source,
                filter,
                catalog: outside.catalog,
                progress: outside.progress,
                control: outside.control,
                bounds: Bounds::of(spec),
            };
            scan(&source, &mut planner)?;
        }
        roots.push(opened.root);
    }
    Ok(roots)
}

struct Opened<F: FileSystem> {
    root: Root<F>,
    own_directories: Vec<FileId>,
    source_volume: Arc<Volume>,
    destination_volume: Arc<Volume>,
    identity: RootIdentity,
}

impl<F: FileSystem> Opened<F> {
    fn open(
        fs: &F,
        mapping: &Mapping,
        volumes: &Volumes,
        sink: &mut Collector<'_>,
    ) -> Option<Self> {
        let opened = match Root::<F>::open(fs, mapping) {
            (Ok(source), Ok(destination)) => (source, destination),
            (source, destination) => {
                if let Err(error) = source {
                    sink.root_problem(&error, Side::Source, mapping);
                }
                if let Err(error) = destination {
                    sink.root_problem(&error, Side::Destination, mapping);
                }
                return None;
            }
        };
        let (source, destination) = opened;
        let facts = Facts::gather(fs, mapping, volumes, &source, &destination);
        let Facts { source_volume, destination_volume, identity, metadata, mut own_directories } =
            match facts {
                Ok(facts) => facts,
                Err((side, error)) => {
                    sink.root_problem(&error, side, mapping);
                    return None;
                }
            };
        let errors = check_job(fs, mapping, &metadata, &destination, &destination_volume);
        if !errors.is_empty() {
            // What the scan would say of them has been said.
            own_directories.clear();
        }
        errors.into_iter().for_each(|error| sink.job_problem(error, Some(mapping)));
        let root = Root {
            mapping: mapping.clone(),
            source: source.into(),
            destination: destination.into(),
        };
        Some(Self { root, own_directories, source_volume, destination_volume, identity })
    }
}

/// What is asked about a mapping's roots before anything is scanned.
struct Facts {
    source_volume: Arc<Volume>,
    destination_volume: Arc<Volume>,
    identity: RootIdentity,
    /// Of the mapping's source.
    metadata: Metadata,
    own_directories: Vec<FileId>,
}

impl Facts {
    /// Errors come with the side that they are about.
    fn gather<F: FileSystem>(
        fs: &F,
        mapping: &Mapping,
        volumes: &Volumes,
        source: &F::Dir,
        destination: &F::Dir,
    ) -> Result<Self, (Side, FsError)> {
        let at_source = |error| (Side::Source, error);
        let at_destination = |error| (Side::Destination, error);
        let metadata = match mapping.source.split() {
            None => fs.metadata(Node::Dir(source)),
            Some((parent, name)) => {
                fs.open_dir(source, &parent).and_then(|dir| fs.metadata_at(&dir, &name))
            }
        };
        let identity = RootIdentity {
            source: volume_identity(fs, source, &mapping.source).map_err(at_source)?,
            destination: volume_identity(fs, destination, &mapping.target)
                .map_err(at_destination)?,
        };
        Ok(Self {
            identity,
            metadata: metadata.map_err(at_source)?,
            source_volume: volumes.of_root(fs, source).map_err(at_source)?,
            destination_volume: volumes.of_root(fs, destination).map_err(at_destination)?,
            own_directories: own_directories(fs, destination, mapping).map_err(at_destination)?,
        })
    }
}

/// Gathers what planning finds, and fills the work list in batches.
pub(super) struct Collector<'a> {
    spec: &'a CopySpec,
    observer: &'a dyn crate::report::Observer,
    progress: &'a crate::report::Progress,
    work: &'a dyn WorkList,
    batch: Vec<PlannedItem>,
    further_batch: Vec<PlannedItem>,
    directories: Vec<PlannedItem>,
    problems: Vec<Problem>,
    warnings: u64,
    /// The record could not be written or read, so what is planned is not all there is.
    pub(super) failed: Option<JournalError>,
}

impl<'a> Collector<'a> {
    pub(super) fn new<F: FileSystem>(spec: &'a CopySpec, outside: &'a Environment<'_, F>) -> Self {
        Self {
            spec,
            observer: outside.observer,
            progress: outside.progress,
            work: outside.work,
            batch: Vec::new(),
            further_batch: Vec::new(),
            directories: Vec::new(),
            problems: Vec::new(),
            warnings: 0,
            failed: None,
        }
    }

    fn root_problem(&mut self, error: &FsError, side: Side, mapping: &Mapping) {
        let path = match side {
            Side::Source => mapping.source_path(),
            Side::Destination => mapping.target_path(),
        };
        self.job_problem(ItemError::from_fs(error, side, path), Some(mapping));
    }

    fn job_problem(&mut self, error: ItemError, mapping: Option<&Mapping>) {
        self.problem(Problem {
            scope: Scope::Job,
            error,
            entry: None,
            source: mapping.map(Mapping::source_path),
            target: mapping.map(Mapping::target_path),
            size_bytes: 0,
        });
    }

    fn flush(&mut self) {
        for (queue, batch) in
            [(Queue::Items, &mut self.batch), (Queue::FurtherNames, &mut self.further_batch)]
        {
            let batch = std::mem::take(batch);
            if !batch.is_empty()
                && self.failed.is_none()
                && let Err(error) = self.work.append(queue, batch)
            {
                self.failed = Some(error);
            }
        }
    }
}

impl PlanSink for Collector<'_> {
    fn item(&mut self, item: PlannedItem) {
        match item.kind {
            ItemKind::Directory => self.directories.push(item),
            kind => {
                self.progress.plan(self.spec, &item);
                let is_further = kind == ItemKind::HardLink;
                if is_further { &mut self.further_batch } else { &mut self.batch }.push(item);
                if self.batch.len() >= BATCH || self.further_batch.len() >= BATCH {
                    self.flush();
                }
            }
        }
    }

    fn problem(&mut self, problem: Problem) {
        self.observer.on_event(Event::ProblemFound(problem.clone()));
        self.problems.push(problem);
    }

    fn warning(&mut self, warning: Warning) {
        self.warnings += 1;
        self.observer.on_event(Event::Warned(warning));
    }

    fn journal_failed(&mut self, error: JournalError) {
        self.failed.get_or_insert(error);
    }

    fn has_failed(&self) -> bool {
        self.failed.is_some()
    }
}

/// Goes through a phase of a run.
pub(crate) fn phase<F: FileSystem, T>(
    outside: &Environment<'_, F>,
    phase: Phase,
    work: impl FnOnce() -> T,
) -> T {
    phase.run(outside.observer, outside.clock, outside.progress, work)
}
