//! Looking over sources, one after another.

use std::path::PathBuf;

use surecopy_fs::{FileSystem, RelPath};

use super::report::SurveyReport;
use super::sink::{Gather, SurveySink};
use crate::control::Cancelled;
use crate::environment::Environment;
use crate::error::{ItemError, Side};
use crate::plan::{Bounds, MappingError, Source, phase, resolve_source, scan, tell_scanned};
use crate::policy::Filter;
use crate::report::{Outcome, Phase, ScanShare};
use crate::spec::joined;

/// What is looked over.
#[derive(Debug, Clone)]
pub struct SurveySpec {
    /// The sources.
    pub sources: Vec<SurveySource>,
    /// Which entries take part.
    pub filter: Filter,
    /// Only the sums are wanted: the sink need not be told of what the catalog knows the sums of.
    pub is_counting: bool,
    /// How many threads list.
    pub workers: usize,
    /// How many files the process may hold open.
    pub open_files: u64,
}

/// One source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SurveySource {
    /// A directory that exists, as the user spelled it.
    pub root: PathBuf,
    /// What is looked over, beneath `root`; the root itself for "the contents of".
    pub below: RelPath,
}

impl SurveySource {
    /// A path beneath it, for people.
    pub(super) fn show(&self, path: &RelPath) -> PathBuf {
        joined(&self.root, &self.below.join_path(path))
    }
}

impl SurveySpec {
    /// Sources as written, resolved as a copy would, with every choice at its default.
    pub fn new<F: FileSystem>(fs: &F, sources: &[PathBuf]) -> Result<Self, MappingError> {
        let source = |path: &PathBuf| {
            let (root, below) = resolve_source(fs, path)?;
            Ok(SurveySource { root, below })
        };
        Ok(Self {
            sources: sources.iter().map(source).collect::<Result<_, _>>()?,
            filter: Filter::default(),
            is_counting: false,
            workers: 2,
            open_files: 1024,
        })
    }
}

/// Looks over sources, and says what there is.
///
/// Counters grow with every entry, and the sink is handed batches. Of the environment, the journal, the
/// work list and the history are not used. A cancel ends it; what was found by then has been handed on.
pub fn survey<F: FileSystem>(
    spec: &SurveySpec,
    outside: &Environment<'_, F>,
    sink: &mut dyn SurveySink,
) -> SurveyReport {
    let begun = outside.clock.now();
    let mut report = SurveyReport::default();
    let surveyed = phase(outside, Phase::ProgressiveScanning, || {
        let surveyed = survey_all(spec, outside, &mut report, sink);
        tell_scanned(outside.catalog, &surveyed);
        surveyed
    });
    if let Err(Cancelled) = surveyed {
        report.outcome = Outcome::Cancelled;
    } else {
        phase(outside, Phase::Ready, || ());
    }
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

fn survey_all<F: FileSystem>(
    spec: &SurveySpec,
    outside: &Environment<'_, F>,
    report: &mut SurveyReport,
    sink: &mut dyn SurveySink,
) -> Result<(), Cancelled> {
    let fs = outside.fs.as_ref();
    let mut batch = Vec::new();
    for (number, source) in spec.sources.iter().enumerate() {
        outside.control.checkpoint()?;
        let root = match fs.open_root(&source.root) {
            Ok(root) => root,
            Err(error) => {
                report.problems += 1;
                let path = source.show(&RelPath::root());
                sink.problem(ItemError::from_fs(&error, Side::Source, path));
                continue;
            }
        };
        let progress = outside.progress;
        // A filter may leave something of a subtree out.
        let is_all = spec.filter.rules().is_empty() && spec.filter.listed().is_none();
        let summed = outside.catalog.filter(|_| spec.is_counting && is_all);
        let mut gather =
            Gather { number, source, progress, summed, report, batch: &mut batch, sink };
        let scanned = scan(
            &Source {
                fs,
                root: &root,
                mapping: number,
                top: &source.below,
                filter: &spec.filter,
                catalog: outside.catalog,
                progress: outside.progress,
                share: ScanShare::of_one_in(spec.sources.len()),
                control: outside.control,
                bounds: Bounds::within(spec.workers, spec.open_files),
            },
            &mut gather,
        );
        gather.flush();
        scanned?;
    }
    Ok(())
}
