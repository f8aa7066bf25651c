//! What undoing, and giving up what was kept, tell of what they could not do.

use std::sync::Arc;

use surecopy_engine::{Control, DiscardReport, Event, Fact, Outcome, UndoReport, WarningKind};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, Persistence};

use crate::done::{Again, Ran};
use crate::job::{Recording, carry_out_with, spec};
use crate::oracle::leftovers;
use crate::scene::Way;
use crate::undo::undo;

fn undo_failing(ran: &Ran, plan: FaultPlan) -> (UndoReport, Vec<Event>, bool) {
    let fs = Arc::new(FaultFs::new(ran.fs.clone(), plan));
    let journal = Recording::default();
    let (report, events) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
    let warnings = events.iter().filter(|event| matches!(event, Event::Warned(_))).count();
    assert_eq!(report.warnings, warnings as u64, "{report:#?}");
    (report, events, fs.fired())
}

fn discard(ran: &Ran) -> DiscardReport {
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    Again::new(&fs, &ran.spec, &ran.items, &journal).discard().0
}

/// Something was replaced in each of two directories.
fn in_two_directories() -> Ran {
    let fs = FakeFs::new();
    for name in ["one/a", "two/b"] {
        fs.file(format!("/src/{name}"), "new").file(format!("/dst/{name}"), "what was there");
    }
    let spec = spec(&fs, &["/src/"], "/dst");
    Ran::with(fs, spec)
}

/// Otherwise whoever goes on with the job looks at each of them again.
#[test]
fn what_is_replaced_and_kept_is_settled() {
    let fs = FakeFs::new();
    for name in ["a", "b"] {
        fs.file(format!("/src/{name}"), "new").file(format!("/dst/{name}"), "what was there");
    }
    fs.file("/src/c", "replaces nothing");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.keep_replaced = true;
    let journal = Recording::default();
    carry_out_with(&Arc::new(fs), &spec, &journal, &Control::new()).all_ok();
    let facts = journal.facts();
    let settled = facts.iter().filter_map(|fact| match fact {
        Fact::Settled { items } => Some(items.len()),
        _ => None,
    });
    assert_eq!(settled.sum::<usize>(), 3, "{facts:#?}");
}

#[test]
fn a_directory_that_is_not_the_jobs_any_more_is_left_in_silence() {
    type Change = fn(&FakeFs) -> &FakeFs;
    let changes: [(u64, u64, Change); 4] = [
        (2, 0, |fs| fs.file("/dst/two/deep/theirs", "somebody's")),
        (1, 0, |fs| fs.rename("/dst/one", "/moved").symlink("/dst/one", "/moved")),
        (2, 0, |fs| fs.rename("/dst/two", "/moved").symlink("/dst/two", "/moved")),
        (0, 1, |fs| fs.rename("/dst/one", "/moved")),
    ];
    for (at, (left, gone, change)) in changes.into_iter().enumerate() {
        let ran = Ran::of(Way::Kernel);
        change(&ran.fs);
        let (report, ..) = undo(&ran);
        assert_eq!((report.directories_left, report.warnings), (left, 0), "{at}: {report:#?}");
        let removed = ran.made.len() as u64 - left - gone;
        assert_eq!(report.directories_removed, removed, "{at}: {report:#?}");
    }
}

#[test]
fn a_directory_that_cannot_be_removed_is_told() {
    let ran = Ran::of(Way::Kernel);
    let plan = FaultPlan::once(1, FsErrorKind::PermissionDenied).only(Operation::RemoveDir);
    let plan = FaultPlan { persistence: Persistence::FromThenOn, ..plan };
    let (report, events, fired) = undo_failing(&ran, plan);
    assert!(fired);
    let left = ran.made.len() as u64;
    assert_eq!((report.directories_left, report.warnings), (left, left), "{report:#?}");
    let is_told = |event: &Event| matches!(event, Event::Warned(warning) if warning.kind == WarningKind::Directory);
    assert!(events.iter().any(is_told));
}

#[test]
fn a_directory_that_cannot_be_reached_is_told() {
    let mut left = 0;
    for nth in 1..40 {
        let ran = Ran::of(Way::Kernel);
        let plan = FaultPlan::once(nth, FsErrorKind::PermissionDenied).only(Operation::OpenDir);
        let (report, _, fired) = undo_failing(&ran, plan);
        if fired && report.outcome == Outcome::Finished && report.failed + report.refused == 0 {
            assert_eq!(report.warnings, 1, "{nth}: {report:#?}");
            left += report.directories_left;
        }
    }
    assert!(left > 0, "it was never a directory that the job had made");
}

#[test]
fn a_copy_whose_removal_may_not_last_is_told() {
    let mut told = 0;
    for nth in 1..20 {
        let ran = Ran::of(Way::Kernel);
        let plan = FaultPlan::once(nth, FsErrorKind::Io).only(Operation::FlushDir);
        let (_, events, _) = undo_failing(&ran, plan);
        let is_told = |event: &&Event| matches!(event, Event::Warned(warning) if warning.kind == WarningKind::LeftBehind);
        told += events.iter().filter(is_told).count();
    }
    assert!(told > 0, "no such flush has failed");
}

/// All of them are counted.
#[test]
fn of_many_failures_so_many_are_told_of() {
    const MANY: usize = 105;
    let mut ran = Ran::of(Way::Kernel);
    ran.fs.write(ran.kept("replaced"), 0, "W").write("/dst/replaced", 0, "W");
    ran.items = vec![ran.item("replaced").clone(); MANY];
    let (report, ..) = undo(&ran);
    assert_eq!((report.refused, report.errors.len()), (MANY as u64, KEPT_ERRORS), "of an undo");
    let report = discard(&ran);
    assert_eq!(
        (report.refused, report.errors.len()),
        (MANY as u64, KEPT_ERRORS),
        "of what was kept"
    );
}

/// So many errors of one run are kept.
const KEPT_ERRORS: usize = 100;

#[test]
fn what_was_kept_goes_in_every_directory() {
    let ran = in_two_directories();
    let report = discard(&ran);
    assert_eq!((report.discarded, report.already), (2, 0), "{report:#?}");
    assert!(leftovers(&ran.fs, "/dst").is_empty());
}

#[test]
fn what_was_kept_and_is_gone_with_its_directory_is_told() {
    let ran = in_two_directories();
    ran.fs.rename("/dst/two", "/moved");
    let (report, ..) = undo(&ran);
    assert_eq!((report.restored, report.refused), (1, 1), "{report:#?}");
}

#[test]
fn what_is_told_to_be_given_up_is_gone() {
    let ran = in_two_directories();
    let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::RemoveFile);
    let (fs, journal) = (Arc::new(FaultFs::new(ran.fs.clone(), plan)), Recording::default());
    let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).discard();
    assert!(fs.fired());
    assert_eq!((report.discarded, report.failed), (1, 1), "{report:#?}");
    assert_eq!(leftovers(&ran.fs, "/dst").len(), 1);
    // Somebody else removes the other one at the same moment.
    let left = leftovers(&ran.fs, "/dst").into_iter().next().expect("it is there");
    let left = std::path::Path::new("/dst").join(left);
    ran.fs.before(Operation::RemoveFile, move |fs, _| {
        if fs.exists(&left) {
            fs.remove(&left);
        }
    });
    let report = discard(&ran);
    assert_eq!((report.discarded, report.already, report.failed), (1, 1, 0), "{report:#?}");
}
