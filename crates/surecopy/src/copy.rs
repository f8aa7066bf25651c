//! Asking for a copy: two functions for the common cases, a builder for all of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use surecopy_engine::{
    ConflictPolicy, CopySpec, DigestAlgorithm, Filter, ItemReport, ItemStatus, MappingError,
    Preserve, ReadBack, ReflinkMode, Report, Request, StrategyChoice, VerifyPolicy,
    resolve_mappings,
};
use surecopy_fs::NativeFs;
use surecopy_ledger::Ledger;

use crate::collector::Collector;
use crate::error::CopyError;
use crate::job::Job;
use crate::jobs::pruning::Pruning;
use crate::machine;
use crate::preparation::{Asked, PrepareMode, Unknown};
use crate::settings::{Origin, SettingError, Settings};

/// Copies one file to exactly this target, and proves the copy by reading it back; where the volume
/// shares blocks, nothing was written that could differ, and the item's evidence says
/// [`Shared`](crate::Evidence::Shared).
///
/// A target that exists is replaced at once and as a whole when its content differs, and left alone
/// when it is the same (the item's status is then [`Skipped`](crate::ItemStatus::Skipped)). A
/// symbolic link is copied as a link.
///
/// # Errors
///
/// Whatever goes wrong, the target is what it was before.
pub fn copy_file(
    source: impl AsRef<Path>,
    target: impl AsRef<Path>,
) -> Result<ItemReport, CopyError> {
    let source = source.as_ref();
    let job = CopyRequest::new([source], target.as_ref())
        .exact_target(true)
        .verify(VerifyPolicy::All)
        .checksum(true)
        .prepare()?;
    if job.has_directory_source()? {
        return Err(CopyError::NotAFile { path: source.to_owned() });
    }
    let collector = Collector::default();
    let report = job.run(&collector);
    let item = collector.finish(&report)?.item;
    let item = item.ok_or_else(|| CopyError::NoResult { path: source.to_owned() })?;
    match item.status {
        ItemStatus::Ok | ItemStatus::Skipped(_) => Ok(item),
        ItemStatus::Cancelled => Err(CopyError::Cancelled),
        ItemStatus::Error(error) => Err(CopyError::Failed(error)),
    }
}

/// Copies the contents of a directory, which become the target, and proves every file that it
/// copies as [`copy_file`] does.
///
/// What is at the target already stays and is not read, except where a file of the same name has
/// another size, modification time or permissions: that is replaced. Timestamps, permissions, extended attributes, access
/// control lists, symbolic links and holes are kept.
///
/// # Errors
///
/// `Ok` means that every file, link and directory is there; pipes, sockets and devices are left out
/// and counted as skipped. When some items fail, the others are still copied, and the
/// error is [`CopyError::Incomplete`].
pub fn copy_tree(source: impl AsRef<Path>, target: impl AsRef<Path>) -> Result<Report, CopyError> {
    // With a slash at its end a source means its contents.
    let source = source.as_ref().join("");
    let job = CopyRequest::new([source], target.as_ref())
        .exact_target(true)
        .verify(VerifyPolicy::All)
        .prepare();
    let job = job.map_err(|error| match error {
        CopyError::Mapping(MappingError::SourceNotADirectory { path }) => {
            CopyError::NotADirectory { path: path.components().collect() }
        }
        other => other,
    })?;
    let collector = Collector::default();
    let report = job.run(&collector);
    let failures = collector.finish(&report)?.failures;
    if report.tally.failed > 0 {
        return Err(CopyError::Incomplete { report: Box::new(report), failures });
    }
    Ok(report)
}

/// A copy being described; [`CopyRequest::prepare`] makes a [`Job`] of it.
#[derive(Debug, Clone)]
pub struct CopyRequest {
    request: Request,
    settings: Settings,
    filter: Filter,
    is_dry_run: bool,
    is_fail_fast: bool,
    by_content: bool,
    may_replace_read_only: bool,
    keeps_replaced: bool,
    accepts_changed_content: bool,
    ledger: Option<Arc<Ledger>>,
    index: Option<PathBuf>,
    prepare_mode: PrepareMode,
}

impl CopyRequest {
    /// Copies `sources` to `destination`.
    ///
    /// A source directory written with a slash at its end means its contents; without one it means
    /// itself. The sources go into a destination that is a directory; one source becomes the
    /// destination when that does not exist and is written without a slash at its end.
    pub fn new<S: Into<PathBuf>>(
        sources: impl IntoIterator<Item = S>,
        destination: impl Into<PathBuf>,
    ) -> Self {
        Self {
            request: Request {
                sources: sources.into_iter().map(Into::into).collect(),
                destination: destination.into(),
                exact_target: false,
            },
            settings: Settings::default(),
            filter: Filter::default(),
            is_dry_run: false,
            is_fail_fast: false,
            by_content: false,
            may_replace_read_only: false,
            keeps_replaced: false,
            accepts_changed_content: false,
            ledger: None,
            index: None,
            prepare_mode: PrepareMode::default(),
        }
    }

    /// The destination is the target itself, never a directory to put the source into.
    pub fn exact_target(mut self, yes: bool) -> Self {
        self.request.exact_target = yes;
        self
    }

    /// Takes all settings from here. What was chosen on this builder before is replaced, what is
    /// chosen after counts.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Changes any setting by its name; see [`settings::SETTINGS`](crate::settings::SETTINGS).
    ///
    /// # Errors
    ///
    /// There is no such setting, or the text is not a value of it.
    pub fn set(mut self, name: &str, text: &str) -> Result<Self, SettingError> {
        self.settings.set(name, text, Origin::Flag)?;
        Ok(self)
    }

    /// Which entries take part; all of them otherwise.
    pub fn filter(mut self, filter: Filter) -> Self {
        self.filter = filter;
        self
    }

    /// Stop after planning: [`Report::planned`] says what would be done, and nothing is written.
    pub fn dry_run(mut self, yes: bool) -> Self {
        self.is_dry_run = yes;
        self
    }

    /// End the job at the first failure.
    pub fn fail_fast(mut self, yes: bool) -> Self {
        self.is_fail_fast = yes;
        self
    }

    /// Compare targets that exist by their content, not by size and modification time.
    pub fn checksum(mut self, yes: bool) -> Self {
        self.by_content = yes;
        self
    }

    /// Targets that nobody may write to may be replaced all the same.
    pub fn replace_read_only(mut self, yes: bool) -> Self {
        self.may_replace_read_only = yes;
        self
    }

    /// Records the job there, so that it can be gone on with after its process has died. Nothing is
    /// recorded otherwise, nor of a dry run. When the job has finished, jobs that did so longer ago
    /// than `ledger_keep_days` are forgotten.
    pub fn ledger(mut self, ledger: Arc<Ledger>) -> Self {
        self.ledger = Some(ledger);
        self
    }

    /// Uses the index of this file, if there is one: where a source lies in one of its locations, directories
    /// that have not changed are not listed, and what is found of others is remembered. Without an index,
    /// all is scanned.
    pub fn index(mut self, path: impl Into<PathBuf>) -> Self {
        self.index = Some(path.into());
        self
    }

    /// How far what is remembered in the index is used. With [`PrepareMode::IndexOnly`], nothing is copied
    /// when something is not as it is remembered.
    pub fn prepare_mode(mut self, mode: PrepareMode) -> Self {
        self.prepare_mode = mode;
        self
    }

    /// What is replaced is kept beside its successor, under a name of ours, so that the job can be
    /// undone. Needs a [`ledger`](Self::ledger), which knows what was kept.
    pub fn keep_replaced(mut self, yes: bool) -> Self {
        self.keeps_replaced = yes;
        self
    }

    /// Files may be replaced by others of the same path, size and modification time that have another
    /// content than when they were copied before.
    pub fn accept_changed_content(mut self, yes: bool) -> Self {
        self.accepts_changed_content = yes;
        self
    }

    /// What is kept besides content.
    pub fn preserve(mut self, preserve: Preserve) -> Self {
        self.settings.change("preserve", |values| values.preserve = preserve);
        self
    }

    /// Which files are verified.
    pub fn verify(mut self, policy: VerifyPolicy) -> Self {
        self.settings.change("verify_policy", |values| values.verify_policy = policy);
        self
    }

    /// How files are read back.
    pub fn read_back(mut self, read_back: ReadBack) -> Self {
        self.settings.change("read_back", |values| values.read_back = read_back);
        self
    }

    /// The digest algorithm.
    pub fn digest(mut self, algorithm: DigestAlgorithm) -> Self {
        self.settings.change("digest", |values| values.digest = algorithm);
        self
    }

    /// How strategies are chosen.
    pub fn strategy(mut self, choice: StrategyChoice) -> Self {
        self.settings.change("strategy", |values| values.strategy = choice);
        self
    }

    /// Whether blocks may be shared with the source.
    pub fn reflink(mut self, mode: ReflinkMode) -> Self {
        self.settings.change("reflink", |values| values.reflink = mode);
        self
    }

    /// What happens to targets that exist.
    pub fn on_conflict(mut self, policy: ConflictPolicy) -> Self {
        self.settings.change("on_conflict", |values| values.on_conflict = policy);
        self
    }

    /// How often an item is begun again after a failure that may pass.
    pub fn retries(mut self, retries: u32) -> Self {
        self.settings.change("retries", |values| values.retries = u64::from(retries));
        self
    }

    /// How many items are worked on at once; 0 goes by the number of cores. More than
    /// [`MAX_WORKERS`](crate::MAX_WORKERS) is as many as that.
    pub fn jobs(mut self, jobs: u32) -> Self {
        self.settings.change("jobs", |values| values.jobs = u64::from(jobs));
        self
    }

    /// Looks at sources and destination and resolves what goes where. Nothing is written.
    ///
    /// # Errors
    ///
    /// A source is missing, or sources and destination do not fit together.
    pub fn prepare(self) -> Result<Job, CopyError> {
        let fs = NativeFs::new();
        let mut spec = CopySpec::new(resolve_mappings(&fs, &self.request)?);
        self.settings.fill(&mut spec);
        spec.filter = self.filter;
        spec.dry_run = self.is_dry_run;
        spec.fail_fast = self.is_fail_fast;
        spec.by_content = self.by_content;
        spec.replace_read_only = self.may_replace_read_only;
        spec.keep_replaced = self.keeps_replaced;
        spec.accept_changed_content = self.accepts_changed_content;
        spec.nonce = machine::new_nonce();
        machine::fill(&mut spec);
        let asked = self.index.map(|index| Asked {
            index,
            mode: self.prepare_mode,
            unknown: Unknown::LeftOut,
            distrusts_low_confidence: true,
            is_unfiltered: spec.filter.rules().is_empty() && spec.filter.listed().is_none(),
            records: !spec.dry_run,
        });
        let job = match self.ledger {
            Some(ledger) if !spec.dry_run => {
                let job = ledger.create_job(&machine::with_absolute_paths(&spec)?)?;
                let run = job.begin(spec.nonce)?;
                let keep_days = self.settings.ledger_keep_days();
                Job::recorded(fs, spec, run).pruning(Pruning::new(ledger, keep_days))
            }
            None if spec.keep_replaced && !spec.dry_run => {
                return Err(CopyError::NothingToUndoBy);
            }
            Some(_) | None => Job::new(fs, spec),
        };
        Ok(job.prepared_from(asked))
    }
}
