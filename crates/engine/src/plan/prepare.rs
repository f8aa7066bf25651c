//! From the spec to a filled work list: roots are opened, sources scanned, entries planned, and
//! everything that can be known beforehand is checked.

use std::collections::HashMap;

use surecopy_fs::{FileSystem, RelPath};

use super::anew::SourceSight;
use super::collector::Collector;
use super::destination::Sight;
use super::opened::Opened;
use super::room::needs_without_memory;
use crate::control::Cancelled;
use crate::environment::Environment;
use crate::links::{FirstName, LinkTarget};
use crate::plan::{Bounds, PlanSink, PlanState, PlannedItem, Planner, Source, scan, tell_scanned};
use crate::preflight::{Problem, Scope, check_volumes};
use crate::record::{Done, JournalError, RootIdentity};
use crate::report::{Corrected, Outcome, Phase, Planned, ScanShare};
use crate::roots::Root;
use crate::spec::CopySpec;
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
    /// First names that are in place, of files of which further names are planned.
    pub(crate) kept_links: HashMap<FirstName, LinkTarget>,
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
    unproved: HashMap<(usize, RelPath), Done>,
) -> Result<Prepared<F>, Unprepared> {
    let fs = outside.fs.as_ref();
    let mut sink = Collector::new(spec, outside);
    let mut state = PlanState::new(spec, outside.work.first_item());
    state.unproved = unproved;
    let volumes = Volumes::default();
    let roots = phase(outside, Phase::ProgressiveScanning, || {
        let roots = scan_all(spec, outside, &volumes, &mut state, &mut sink);
        sink.flush();
        tell_scanned(outside.catalog, &roots);
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
        kept_links: state.kept_links,
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
            catalog: outside.catalog,
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
                share: ScanShare::of_one_in(spec.mappings.len()),
                control: outside.control,
                bounds: Bounds::of(spec),
            };
            scan(&source, &mut planner)?;
        }
        roots.push(opened.root);
    }
    Ok(roots)
}

/// Goes through a phase of a run.
pub(crate) fn phase<F: FileSystem, T>(
    outside: &Environment<'_, F>,
    phase: Phase,
    work: impl FnOnce() -> T,
) -> T {
    phase.run(outside.observer, outside.clock, outside.progress, work)
}
