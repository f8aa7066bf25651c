//! A job as people see it: mapping first, then what happens, then what went wrong and the sums.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use surecopy::jobs::JobId;
use surecopy::{
    Action, Digest, ErrorCode, Event, Evidence, ItemError, ItemKind, ItemReport, ItemStatus, Job,
    Lost, Mapping, Outcome, Phase, PlannedItem, Problem, Report, Undone, Warning,
};

use super::failures::Failures;
use super::items::{
    damaged_line, digest_line, item_details, item_line, mapping_line, planned_line, same_line,
    undone_line, warning_line,
};
use super::phases::phase_name;
use super::screen::Screen;
use super::summary::{self, Kinds};
use super::validated::validated;
use crate::amounts::{Bytes, Count, Span};
use crate::hint::Occasion;
use crate::recorded::NextStep;
use crate::shown::{Plain, Shown};

/// How much is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verbosity {
    /// Errors (`-q`).
    Quiet,
    /// Mapping, errors and sums.
    Normal,
    /// Each item too (`-v`).
    Items,
    /// Everything known of each item, and the phases (`-vv`).
    Details,
}

/// Metadata warnings that are shown with the sums; the rest is counted.
const SHOWN_LOSSES: usize = 5;

/// Warnings that are shown without `-v`; the rest is counted.
const SHOWN_WARNINGS: u64 = 10;

/// The renderer for people.
pub(crate) struct HumanView {
    screen: Arc<Screen>,
    verbosity: Verbosity,
    /// Its number, when it is recorded.
    job: Option<JobId>,
    /// It is not its first run.
    is_again: bool,
    occasion: Occasion,
    failures: Failures,
    losses: Vec<String>,
    warnings: u64,
    kinds: Kinds,
}

impl HumanView {
    /// Says what is going to be done.
    pub(crate) fn begin(screen: Arc<Screen>, verbosity: Verbosity, job: &Job) -> Self {
        let view = Self::new(screen, verbosity, job.id(), Occasion::Copying);
        if view.verbosity != Verbosity::Quiet {
            for mapping in job.mappings() {
                view.screen.out(&mapping_line(mapping));
            }
            if let Some(job) = view.job {
                view.screen.out(&format!("job {job}"));
            }
        }
        view
    }

    /// Of something that is no job.
    pub(crate) fn of(screen: Arc<Screen>, verbosity: Verbosity) -> Self {
        Self::new(screen, verbosity, None, Occasion::Preparing)
    }

    /// Says which job is gone on with, or looked back at.
    pub(crate) fn begin_again(
        screen: Arc<Screen>,
        verbosity: Verbosity,
        headline: &str,
        (job, occasion): (JobId, Occasion),
        mappings: &[Mapping],
    ) -> Self {
        let view = Self { is_again: true, ..Self::new(screen, verbosity, Some(job), occasion) };
        if verbosity != Verbosity::Quiet {
            match mappings {
                [only] => view.screen.out(&format!("{headline}: {}", mapping_line(only))),
                mappings => {
                    view.screen.out(headline);
                    for mapping in mappings {
                        view.screen.out(&mapping_line(mapping));
                    }
                }
            }
        }
        view
    }

    fn new(
        screen: Arc<Screen>,
        verbosity: Verbosity,
        job: Option<JobId>,
        occasion: Occasion,
    ) -> Self {
        Self {
            screen,
            verbosity,
            job,
            is_again: false,
            occasion,
            failures: Failures::of(occasion),
            losses: Vec::new(),
            warnings: 0,
            kinds: Kinds::default(),
        }
    }

    /// Takes notice of a fact.
    pub(crate) fn event(&mut self, event: Event) {
        match event {
            Event::PhaseStarted { .. } => {}
            Event::Validated { fresh, stale, gone, confidence } => {
                self.validated(fresh, (stale, gone), confidence);
            }
            Event::PhaseFinished { phase, entries, bytes, duration } => {
                self.phase(phase, entries, bytes, duration);
            }
            // Of the problems that end an item, the item tells; of the others, the report.
            Event::ProblemFound(_) => {}
            Event::ItemPlanned { target, item, .. } => {
                self.planned(&item, &target);
            }
            Event::Warned(warning) => self.warned(&warning),
            Event::ItemFinished(item) => self.item(*item),
            Event::ItemUndone { target, how } => self.undone(&target, how),
            Event::ItemSame { target, evidence, digest } => self.same(&target, evidence, digest),
            Event::ItemRefused(error) => self.failures.add(error.path.clone(), error),
            Event::ItemDamaged(error) => {
                if self.is_listing() {
                    self.screen.out(&damaged_line(&error));
                }
                self.failures.add(error.path.clone(), error);
            }
        }
    }

    /// Says what went wrong and what was done.
    pub(crate) fn end(&mut self, report: &Report) {
        if matches!(report.outcome, Outcome::Refused | Outcome::Planned) {
            for problem in &report.problems {
                self.problem(problem);
            }
        }
        let unrecorded = self.unrecorded(&report.outcome);
        let failures = self.failures.lines();
        if !failures.is_empty() {
            let problems = report.problems.len() as u64;
            let what = match &report.outcome {
                Outcome::Refused => format!("{} in the way", Count(problems, "problem")),
                Outcome::Planned => format!("{} would fail", Count(problems, "item")),
                _ => format!("{} failed", Count(report.tally.failed - unrecorded, "item")),
            };
            self.screen.alert("error", &what);
            for line in failures {
                self.screen.talk(&line);
            }
        }
        self.journal_failed(&report.outcome, unrecorded);
        self.lost(&report.outcome);
        if self.verbosity != Verbosity::Quiet {
            match self.job.filter(|_| self.is_again && summary::is_nothing(report, &self.kinds)) {
                Some(job) => self.screen.out(&summary::nothing_to_do(job, report)),
                None => {
                    let doubtful = self.failures.count(ErrorCode::DurabilityUnknown);
                    let is_recorded = self.job.is_some();
                    let lines =
                        summary::lines(report, &self.kinds, &self.losses, doubtful, is_recorded);
                    for line in lines {
                        self.screen.out(&line);
                    }
                }
            }
        }
    }

    /// Says what went wrong with what was looked at again, and what came of it.
    pub(crate) fn end_again(
        &mut self,
        headline: Option<String>,
        outcome: &Outcome,
        sums: &[String],
    ) {
        let unrecorded = self.unrecorded(outcome);
        let failures = self.failures.lines();
        if let Some(headline) = headline {
            self.screen.alert("error", &headline);
        }
        for line in failures {
            self.screen.talk(&line);
        }
        self.journal_failed(outcome, unrecorded);
        if matches!(outcome, Outcome::JournalFailed(_)) {
            let advice = self.failures.advice(ErrorCode::JournalFailed);
            self.screen.talk(&format!("what to do: {advice}"));
        }
        if self.verbosity != Verbosity::Quiet {
            for line in sums {
                self.screen.out(line);
            }
        }
    }

    /// How much is said.
    pub(super) fn verbosity(&self) -> Verbosity {
        self.verbosity
    }

    /// Takes note of something that failed.
    pub(super) fn failure(&mut self, error: &ItemError) {
        self.failures.add(error.path.clone(), error.clone());
    }

    /// Takes note of a problem that nobody was told of yet.
    pub(crate) fn problem(&mut self, problem: &Problem) {
        self.failures.add_problem(problem);
    }

    /// Says that something is wrong.
    pub(super) fn alert(&self, what: &str) {
        self.screen.alert("error", what);
    }

    /// Says what to do with the job now.
    pub(crate) fn advise(&self, (why, command): &NextStep) {
        self.screen.talk(&format!("{why}: {command}"));
    }

    /// Items that only failed because the ledger did: that is said once, not of each of them.
    fn unrecorded(&mut self, outcome: &Outcome) -> u64 {
        match outcome {
            Outcome::JournalFailed(_) => self.failures.take(ErrorCode::JournalFailed),
            _ => 0,
        }
    }

    fn journal_failed(&self, outcome: &Outcome, unrecorded: u64) {
        let Outcome::JournalFailed(message) = outcome else { return };
        self.screen.alert("error", &Plain(message).to_string());
        if unrecorded > 0 {
            let code = ErrorCode::JournalFailed;
            self.screen
                .talk(&format!("  {} failed because of that ({code})", Count(unrecorded, "item")));
        }
    }

    fn lost(&self, outcome: &Outcome) {
        let Outcome::Lost(Lost { side, root, message }) = outcome else { return };
        let end = side.as_str();
        let what =
            format!("the file system of the {end} {} is lost: {}", Shown(root), Plain(message));
        self.screen.alert("error", &what);
        let again = match self.job {
            Some(job) => format!("surecopy resume {job}"),
            None => "the same command".to_owned(),
        };
        let what =
            format!("what to do: check the disk, mount it again as it was, then run {again}");
        self.screen.talk(&what);
    }

    fn phase(&self, phase: Phase, entries: u64, bytes: u64, duration: std::time::Duration) {
        // Being ready takes no time.
        if self.verbosity == Verbosity::Details && phase != Phase::Ready {
            let what = format!("{}, {}", Count(entries, "item"), Bytes(bytes));
            self.screen.out(&format!("{}: {what} in {}", phase_name(phase), Span(duration)));
        }
    }

    /// A copy says what has changed. A preparation says it with its sums.
    fn validated(&self, fresh: u64, (stale, gone): (u64, u64), confidence: &str) {
        let is_news = match self.verbosity {
            Verbosity::Quiet => false,
            Verbosity::Normal => stale + gone > 0,
            Verbosity::Items | Verbosity::Details => true,
        };
        if is_news && self.occasion == Occasion::Copying {
            self.screen.out(&validated(fresh, stale, gone, confidence));
        }
    }

    fn warned(&mut self, warning: &Warning) {
        self.warnings += 1;
        let most = match self.verbosity {
            Verbosity::Quiet => return,
            Verbosity::Normal => SHOWN_WARNINGS,
            Verbosity::Items | Verbosity::Details => u64::MAX,
        };
        match self.warnings.cmp(&(most.saturating_add(1))) {
            Ordering::Less => self.screen.talk(&format!("warning: {}", warning_line(warning))),
            Ordering::Equal => self.screen.talk("more warnings are shown with -v"),
            Ordering::Greater => {}
        }
    }

    fn is_listing(&self) -> bool {
        matches!(self.verbosity, Verbosity::Items | Verbosity::Details)
    }

    /// A dry run lists what it would copy without being asked to.
    fn planned(&self, item: &PlannedItem, target: &Path) {
        let is_copied = !matches!(item.action, Action::Skip(_)) && item.kind != ItemKind::Directory;
        let is_asked_for = match self.verbosity {
            Verbosity::Quiet => false,
            Verbosity::Normal => is_copied,
            Verbosity::Items | Verbosity::Details => true,
        };
        if is_asked_for {
            self.screen.out(&planned_line(item, target));
        }
    }

    fn undone(&self, target: &Path, how: Undone) {
        if self.is_listing() {
            self.screen.out(&undone_line(target, how));
        }
    }

    fn same(&self, target: &Path, evidence: Option<Evidence>, digest: Option<Digest>) {
        if self.is_listing() {
            self.screen.out(&same_line(target, evidence));
        }
        if let (Verbosity::Details, Some(digest)) = (self.verbosity, digest) {
            self.screen.out(&digest_line(&digest));
        }
    }

    fn item(&mut self, item: ItemReport) {
        if self.is_listing() {
            self.screen.out(&item_line(&item));
            if self.verbosity == Verbosity::Details {
                for line in item_details(&item) {
                    self.screen.out(&line);
                }
            }
        }
        self.kinds.add(&item);
        for warning in &item.metadata_warnings {
            if self.losses.len() < SHOWN_LOSSES {
                let loss = warning.loss.as_str();
                let message = Plain(&warning.message);
                self.losses.push(format!("{}: {loss}: {message}", Shown(&item.target)));
            }
        }
        if let ItemStatus::Error(error) = item.status {
            self.failures.add(item.source, error);
        }
    }
}

#[cfg(test)]
mod tests;
