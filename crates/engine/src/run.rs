//! One run, from the first look at the sources to the report.

use surecopy_fs::FileSystem;

use crate::context::{Context, Stop};
use crate::environment::Environment;
use crate::finish::finish_directories;
use crate::plan::{Action, PlannedItem, Prepared, phase, prepare};
use crate::preflight::{Problem, RefusedEntry};
use crate::record::{BATCH, Fact, Queue};
use crate::recover::{Recovered, Toward, recover};
use crate::report::{Event, ItemKind, ItemReport, ItemStatus, Outcome, Phase, Report, Tally};
use crate::spec::CopySpec;
use crate::worker::Worker;

/// Carries out a job: scans, checks, copies, proves and publishes, and says what came of it.
///
/// Failures of items and of the job are values in the report. The call returns when every worker
/// has ended.
pub fn run<F: FileSystem>(spec: &CopySpec, outside: &Environment<'_, F>) -> Report {
    let begun = outside.clock.now();
    let mut report = Report::of_nothing(Outcome::Finished);
    // Planning looks at what is there, so that must be in order first.
    let recovered = match outside.history {
        Some(history) if !spec.dry_run => recover(spec, outside, history, Toward::Copied),
        Some(_) | None => Ok(Recovered::default()),
    };
    let prepared = recovered.and_then(|mut recovered| {
        report.warnings = recovered.warnings;
        let unproved = std::mem::take(&mut recovered.unproved);
        Ok((prepare(spec, outside, unproved)?, recovered))
    });
    match prepared {
        Err(unprepared) => report.outcome = unprepared.outcome(),
        Ok((prepared, recovered)) => {
            report.planned = prepared.planned;
            report.corrected = prepared.corrected;
            report.warnings += prepared.warnings;
            report.problems.clone_from(&prepared.problems);
            carry_out(spec, outside, prepared, recovered, &mut report);
        }
    }
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

fn carry_out<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    prepared: Prepared<F>,
    recovered: Recovered,
    report: &mut Report,
) {
    if prepared.is_refused(spec.fail_fast) {
        report.outcome = Outcome::Refused;
        return;
    }
    if spec.dry_run {
        show_plan(outside, &prepared);
        report.outcome = Outcome::Planned;
        return;
    }
    let Prepared { roots, volumes, problems, directories, planned, identities, .. } = prepared;
    let context = Context::new(spec, outside, roots, volumes);
    if outside.history.is_some_and(|history| !history.is_finished()) {
        context.directories.follow_a_run_that_did_not_end();
    }
    let unfinished = outside.history.map_or(&[][..], |history| history.unfinished_directories());
    for (mapping, path) in unfinished {
        context.directories.made_before(*mapping, path);
    }
    for (mapping, path) in prepared.kept_in {
        context.directories.kept_in(mapping, &path);
    }
    for (first, target) in prepared.kept_links {
        context.links.put(first, target);
    }
    // What goes into these may be copied all the same, and they be made for it.
    let is_directory = |problem: &&Problem| {
        problem.entry.as_ref().is_some_and(|entry| entry.kind == ItemKind::Directory)
    };
    let refused_directories = problems.iter().filter(is_directory).count() as u64;
    for problem in problems {
        report_problem(&context, problem);
    }
    // Nobody waits for that: it comes before all that workers tell, and nothing becomes visible before
    // that is recorded. When it fails, they find that the run is ending.
    context.note(vec![Fact::Opened { roots: identities }, Fact::Planned { planned }]);
    phase(outside, Phase::Copy, || {
        work_through(&context, Queue::Items);
        work_through(&context, Queue::FurtherNames);
    });
    let rest = outside.work.rest();
    if rest.items > 0 && !context.is_ending() {
        // Whatever became of them, nobody may hear that all is done.
        let message = format!("{} planned items were never handed out", rest.items);
        context.stop(Stop::Journal(message));
    }
    context.leave(rest);
    // Of a job that had come to its end, directories have what they are to have already.
    let was_finished = outside.history.is_some_and(|history| history.is_finished());
    let are_new = directories.iter().any(|directory| directory.action == Action::Create);
    let mut unfinished_directories = refused_directories;
    let is_all_done = was_finished && !recovered.has_changed;
    if !is_all_done || are_new || context.tally() != Tally::default() {
        phase(outside, Phase::Finish, || {
            unfinished_directories +=
                finish_directories(&context, &directories, context.is_ending());
        });
    }
    // What was made last.
    context.note(Vec::new());
    let left_behind = recovered.left_behind + context.left_behind();
    let tally = context.tally();
    report.tally = Tally { unfinished_directories, left_behind, ..tally };
    report.corrected.add(context.corrected());
    report.warnings += context.warnings.load(std::sync::atomic::Ordering::Relaxed);
    report.outcome = match context.stopped() {
        Some(Stop::Journal(message)) => Outcome::JournalFailed(message),
        Some(Stop::Lost(lost)) => Outcome::Lost(lost),
        _ if outside.control.is_cancelled() => Outcome::Cancelled,
        Some(Stop::Failure) => Outcome::StoppedAtFailure,
        None => Outcome::Finished,
    };
}

fn work_through<F: FileSystem>(context: &Context<'_, F>, queue: Queue) {
    std::thread::scope(|scope| {
        for index in 1..context.bounds.workers {
            let work = move || Worker::new(context, index).run(queue);
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, work) {
                tracing::debug!(%error, "{index} workers do it, as there are no more threads");
                break;
            }
        }
        // The first works on this thread: there is one, however few threads there are.
        Worker::new(context, 0).run(queue);
    });
}

/// What preflight found against an item is how the item ended.
fn report_problem<F: FileSystem>(context: &Context<'_, F>, problem: Problem) {
    let path = problem.error.path.clone();
    let source = problem.source.unwrap_or_else(|| path.clone());
    let target = problem.target.unwrap_or(path);
    let mut kind = ItemKind::File;
    if let Some(entry) = problem.entry {
        let RefusedEntry { mapping, path, .. } = entry;
        kind = entry.kind;
        let below = context.roots[mapping].mapping.target.join_path(&path);
        // Neither a directory that cannot be read nor one above is made for nothing.
        context.directories.failed_in(mapping, &below.parent().unwrap_or_default());
        context.directories.failed_in(mapping, &below);
    }
    let mut report = ItemReport::new(kind, source, target, problem.size_bytes);
    report.policy = context.spec.verify;
    report.status = ItemStatus::Error(problem.error);
    context.finish_unplanned(report);
}

/// What cannot be read of the plan is as if it were not there: nothing is done by it.
fn show_plan<F: FileSystem>(outside: &Environment<'_, F>, prepared: &Prepared<F>) {
    let show = |item: &PlannedItem| {
        let root = &prepared.roots[item.mapping];
        outside.observer.on_event(Event::ItemPlanned {
            source: root.show_source(&root.source_below(&item.path)),
            target: root.show_target(&root.target_below(item)),
            item: Box::new(item.clone()),
        });
    };
    prepared.directories.iter().for_each(show);
    for queue in [Queue::Items, Queue::FurtherNames] {
        while let Ok(batch) = outside.work.claim(queue, BATCH)
            && !batch.is_empty()
        {
            batch.iter().for_each(show);
        }
    }
}
