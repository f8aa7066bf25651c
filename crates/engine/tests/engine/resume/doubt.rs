//! What was published when its disk was lost, so that nobody could say whether that is durable.

use std::path::{Path, PathBuf};

use surecopy_engine::{
    ConflictPolicy, ErrorCode, ItemKind, ItemReport, ItemStatus, SkipReason, WarningKind,
};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{EntryContent, FaultPlan};

use super::story::{Asked, Death, End, Story};
use crate::job::Ran;
use crate::scene::Way;

const UPDATE: Asked = Asked::Policy(ConflictPolicy::Update);

/// From some moment on, nothing can be done on any disk any more, not even to take back what was done; and then
/// all is well again.
#[test]
fn row_12_what_a_lost_disk_kept_from_being_taken_back_is_put_in_order_by_the_next_run() {
    for way in Way::ALL {
        let (end, steps, _) = End::undisturbed(Story::new(way, UPDATE));
        let mut unknown = 0;
        for step in 1..=steps {
            let mut story = Story::new(way, UPDATE);
            let (ran, fired) = story.run_failing(FaultPlan::from_then_on(step, FsErrorKind::Io));
            assert!(fired, "{way:?}: {step} of {steps}");
            unknown += ran.coded(ErrorCode::DurabilityUnknown).count();
            let what = format!("{way:?}, lost at {step}: {}", ran.in_short());
            if way == Way::Plain || way == Way::NoExchange {
                // A copy that has the backup's name there goes when another one is in place.
                story.run(Death::Never);
            }
            story.resume(&end, &what);
            story.rests(&what);
        }
        assert!(unknown > 0, "{way:?}: nothing was in doubt");
    }
}

/// A run in which the disk is gone from a step on, when something was in doubt then.
fn lost_at(way: Way, step: u64) -> Option<(Story, Ran)> {
    let mut story = Story::new(way, UPDATE);
    let (ran, fired) = story.run_failing(FaultPlan::from_then_on(step, FsErrorKind::Io));
    assert!(fired, "{way:?}: {step}");
    let is_any = ran.coded(ErrorCode::DurabilityUnknown).next().is_some();
    is_any.then_some((story, ran))
}

/// Every step at which the disk may go so that something is in doubt.
fn every_doubt(mut check: impl FnMut(Way, &End, Story, &Ran, &str)) {
    for way in Way::ALL {
        let (end, steps, _) = End::undisturbed(Story::new(way, UPDATE));
        let mut doubts = 0;
        for step in 1..=steps {
            if let Some((story, ran)) = lost_at(way, step) {
                doubts += 1;
                let what = format!("{way:?}, lost at {step}: {}", ran.in_short());
                check(way, &end, story, &ran, &what);
            }
        }
        assert!(doubts > 0, "{way:?}: nothing was in doubt");
    }
}

/// What is beneath the destination under visible names, or that of a backup.
fn contents(story: &Story) -> Vec<EntryContent> {
    let is_partial = |path: &Path| path.extension().is_some_and(|end| end == "partial");
    let tree = story.fs.tree("/dst").into_iter().filter(|(path, _)| !is_partial(path));
    tree.map(|(_, entry)| entry.content).collect()
}

fn content_of(story: &Story, path: &Path) -> EntryContent {
    let name = path.file_name().expect("it has a name");
    let mut tree = story.fs.tree(path.parent().expect("it is in a directory"));
    tree.remove(Path::new(name)).expect("it is there").content
}

/// The copy may be the only one by then.
#[test]
fn a_copy_in_doubt_is_not_lost_when_its_source_has_gone() {
    every_doubt(|_, _, mut story, ran, what| {
        let targets: Vec<&ItemReport> = ran.coded(ErrorCode::DurabilityUnknown).collect();
        let wanted = targets.iter().map(|item| content_of(&story, &item.source));
        let there = contents(&story);
        let wanted: Vec<EntryContent> = wanted.filter(|one| there.contains(one)).collect();
        for item in &targets {
            story.fs.remove(&item.source);
        }
        story.source_changed();
        let ran = story.run(Death::Never).ran;
        let there = contents(&story);
        for content in wanted {
            assert!(there.contains(&content), "{content:?} is lost: {what}, {}", ran.in_short());
        }
    });
}

/// Where names cannot be exchanged, or nothing tells the copy from what it was to replace, the copy keeps the
/// name that it has.
#[test]
fn a_copy_in_doubt_that_stays_is_told_of() {
    let mut stayed = 0;
    every_doubt(|_, _, mut story, _, what| {
        let doubts = story.past().in_flight.publications.into_iter();
        let hidden = doubts.map(|doubt| doubt.publication);
        let hidden = hidden.map(|doubt| doubt.report.target.with_file_name(&doubt.backup));
        let hidden: Vec<PathBuf> = hidden.filter(|path| story.fs.stat(path).is_some()).collect();
        let ran = story.run(Death::Never).ran;
        for path in hidden.iter().filter(|path| story.fs.stat(path).is_some()) {
            let told = ran.warned_of(WarningKind::LeftBehind);
            assert!(told.contains(path), "{} is not told: {what}", path.display());
            stayed += 1;
        }
    });
    assert!(stayed > 0, "nothing stayed");
}

/// As long as they cannot be read, neither of two files is removed; later all is put in order.
#[test]
fn what_is_in_doubt_and_cannot_be_read_stays() {
    let mut left = 0;
    every_doubt(|_, end, mut story, _, what| {
        let doubts = story.past().in_flight.publications.into_iter();
        let doubts = doubts.map(|doubt| doubt.publication);
        // A name of a file that is in place is given without reading anything.
        let doubts = doubts.filter(|doubt| doubt.report.kind == ItemKind::File);
        let names = doubts.flat_map(|doubt| {
            let target = doubt.report.target.clone();
            [target.with_file_name(&doubt.backup), target]
        });
        let names: Vec<PathBuf> = names.filter(|name| story.fs.stat(name).is_some()).collect();
        let before: Vec<EntryContent> = names.iter().map(|name| content_of(&story, name)).collect();
        // Whatever was to be copied from there cannot be read either.
        let unreadable = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::OpenSource);
        let ran = story.run_failing(unreadable).0;
        let what = format!("{what}, {}", ran.in_short());
        for content in before {
            assert!(contents(&story).contains(&content), "{content:?} is lost: {what}");
        }
        // None of them is taken for what it may be.
        let identical = ItemStatus::Skipped(SkipReason::Identical);
        for name in &names {
            let is_taken = ran.items().any(|item| item.target == *name && item.status == identical);
            assert!(!is_taken, "{} is taken for identical: {what}", name.display());
        }
        left += ran.report.tally.left_behind;
        story.run(Death::Never);
        story.resume(end, &what);
    });
    assert!(left > 0, "nothing was left");
}

/// What turns out not to be what was written is copied again, although by size and time it is the same.
#[test]
fn a_copy_in_doubt_that_is_not_right_is_copied_again() {
    let mut copied = 0;
    every_doubt(|way, end, mut story, ran, what| {
        if way == Way::Plain {
            // Of such a volume nothing is known to be read from the device.
            return;
        }
        let is_copy = |item: &&ItemReport| {
            let is_file = item.kind == ItemKind::File && item.size_bytes > 0;
            is_file
                && story.fs.exists(&item.target)
                && content_of(&story, &item.target) == content_of(&story, &item.source)
        };
        let wrong: Vec<&ItemReport> =
            ran.coded(ErrorCode::DurabilityUnknown).filter(is_copy).collect();
        for item in &wrong {
            story.fs.corrupt_device(&item.target, 0);
        }
        let ran = story.run(Death::Never).ran;
        let what = format!("{what}, {}", ran.in_short());
        for item in &wrong {
            // It stays, hidden where what it had replaced can have the name, until the entry is copied.
            let told = ran.warned_of(WarningKind::LeftBehind);
            let is_told = told.contains(&item.target)
                || item.backup.as_ref().is_some_and(|backup| told.contains(backup));
            assert!(is_told, "{} is not told: {what}", item.target.display());
            assert_eq!(ran.item(&item.target).status, ItemStatus::Ok, "{what}");
            copied += 1;
        }
        story.run(Death::Never);
        story.resume(end, &what);
        story.rests(&what);
    });
    assert!(copied > 0, "all was right");
}
