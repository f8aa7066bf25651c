//! One run, from the first look at the sources to the report.

use surecopy_fs::FileSystem;

use crate::context::{Context, Stop};
use crate::environment::Environment;
use crate::finish::finish_directories;
use crate::plan::{BATCH, MemoryWorkList, PlannedItem, Prepared, WorkList, phase, prepare};
use crate::preflight::{Problem, RefusedEntry};
use crate::report::{
    Event, ItemKind, ItemReport, ItemStatus, Outcome, Phase, Report, Share, Tally,
};
use crate::spec::CopySpec;
use crate::worker::Worker;

/// Carries out a job: scans, checks, copies, proves and publishes, and says what came of it.
///
/// Failures of items and of the job are values in the report. The call returns when every worker
/// has ended.
pub fn run<F: FileSystem>(spec: &CopySpec, outside: &Environment<'_, F>) -> Report {
    let begun = outside.clock.now();
    let list = MemoryWorkList::default();
    let further_names = MemoryWorkList::default();
    let mut report = Report {
        outcome: Outcome::Finished,
        tally: Tally::default(),
        problems: Vec::new(),
        planned: crate::report::Planned::default(),
        warnings: 0,
        duration: std::time::Duration::ZERO,
    };
    let prepared = prepare(spec, outside, &list, &further_names);
    match prepared {
        Err(crate::control::Cancelled) => report.outcome = Outcome::Cancelled,
        Ok(prepared) => {
            report.planned = prepared.planned;
            report.warnings = prepared.warnings;
            report.problems.clone_from(&prepared.problems);
            carry_out(spec, outside, prepared, &list, &further_names, &mut report);
        }
    }
    report.duration = outside.clock.now().saturating_sub(begun);
    report
}

fn carry_out<F: FileSystem>(
    spec: &CopySpec,
    outside: &Environment<'_, F>,
    prepared: Prepared<F>,
    list: &MemoryWorkList,
    further_names: &MemoryWorkList,
    report: &mut Report,
) {
    if prepared.is_refused(spec.fail_fast) {
        report.outcome = Outcome::Refused;
        return;
    }
    if spec.dry_run {
        show_plan(outside, &prepared, [list, further_names]);
        report.outcome = Outcome::Planned;
        return;
    }
    let Prepared { roots, volumes, problems, directories, .. } = prepared;
    let context = Context::new(spec, outside, roots, volumes);
    for problem in problems {
        report_problem(&context, problem);
    }
    phase(outside, Phase::Copy, || {
        work_through(&context, list);
        // Names of files that now are in place.
        work_through(&context, further_names);
    });
    cancel_the_rest(&context, [list, further_names]);
    phase(outside, Phase::Finish, || {
        finish_directories(&context, &directories, context.is_ending());
    });
    report.tally = context.tally();
    report.warnings += context.warnings.load(std::sync::atomic::Ordering::Relaxed);
    report.outcome = match context.stopped() {
        Some(Stop::Journal(message)) => Outcome::JournalFailed(message),
        _ if outside.control.is_cancelled() => Outcome::Cancelled,
        Some(Stop::Failure) => Outcome::StoppedAtFailure,
        None => Outcome::Finished,
    };
}

fn work_through<F: FileSystem>(context: &Context<'_, F>, list: &MemoryWorkList) {
    std::thread::scope(|scope| {
        for index in 1..context.bounds.workers {
            let work = move || Worker::new(context, index).run(list);
            if let Err(error) = std::thread::Builder::new().spawn_scoped(scope, work) {
                tracing::debug!(%error, "{index} workers do it, as there are no more threads");
                break;
            }
        }
        // The first works on this thread: there is one, however few threads there are.
        Worker::new(context, 0).run(list);
    });
}

/// Items that no worker got to have ended too: requested = done + skipped + failed + cancelled.
fn cancel_the_rest<F: FileSystem>(context: &Context<'_, F>, lists: [&MemoryWorkList; 2]) {
    let worker = Worker::new(context, 0);
    for list in lists {
        while let Ok(batch) = list.claim(BATCH)
            && !batch.is_empty()
        {
            for item in batch {
                context.finish(&item, worker.cancelled(&item), Share::default());
            }
        }
    }
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

fn show_plan<F: FileSystem>(
    outside: &Environment<'_, F>,
    prepared: &Prepared<F>,
    lists: [&MemoryWorkList; 2],
) {
    let show = |item: &PlannedItem| {
        let root = &prepared.roots[item.mapping];
        outside.observer.on_event(Event::ItemPlanned {
            source: root.show_source(&root.source_below(&item.path)),
            target: root.show_target(&root.target_below(item)),
            item: Box::new(item.clone()),
        });
    };
    prepared.directories.iter().for_each(show);
    for list in lists {
        while let Ok(batch) = list.claim(BATCH)
            && !batch.is_empty()
        {
            batch.iter().for_each(show);
        }
    }
}
