//! A job is undone whose process died: what it was publishing at that moment is undone as well.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use surecopy_engine::{
    ConflictPolicy, DoneItem, DoneItems, Environment, ErrorCode, JournalError, MemoryWorkList,
    NoObserver, Outcome, Progress, RecordedEnd, UndoReport, undo,
};
use surecopy_fs::{FileKind, FsErrorKind};
use surecopy_testkit::{CrashFs, FakeFs, FaultPlan, VolumeSettings};

use super::past::Asking;
use super::remembered::Remembered;
use super::story::{Asked, Death, Story, parent_of};
use crate::done::{Shown, StandingStill, done, made, shown};
use crate::oracle::leftovers;
use crate::scene::Way;

/// What was copied, going by what is recorded when that is asked for.
struct WhenAsked<'a>(Option<&'a Remembered>);

impl DoneItems for WhenAsked<'_> {
    fn next_batch(&mut self) -> Result<Vec<DoneItem>, JournalError> {
        Ok(self.0.take().map(|ledger| done(&ledger.facts())).unwrap_or_default())
    }
}

fn story(way: Way) -> Story {
    let mut story = Story::new(way, Asked::Policy(ConflictPolicy::Replace));
    story.spec.keep_replaced = true;
    story
}

/// Without directories: one that was just made, and not noted yet, is not known to be the job's.
fn files(fs: &FakeFs) -> BTreeMap<PathBuf, Shown> {
    let is_file = |(_, (kind, ..)): &(PathBuf, Shown)| *kind != FileKind::Directory;
    shown(fs).into_iter().filter(is_file).collect()
}

fn undo_now(story: &Story) -> UndoReport {
    let fs = Arc::new(CrashFs::new(story.fs.clone()));
    let parent = |item: &surecopy_engine::PlannedItem| parent_of(&story.spec.mappings, item);
    let asking = Asking::of(&story.ledger, &parent);
    story.ledger.begin(&fs, None);
    let outside = Environment {
        fs,
        clock: &StandingStill,
        journal: &story.ledger,
        work: &MemoryWorkList::default(),
        history: Some(&asking),
        catalog: None,
        observer: &NoObserver,
        control: &story.control,
        progress: &Progress::new(),
        resolver: None,
        available_memory_bytes: None,
    };
    let made = made(&story.ledger.facts());
    undo(&story.spec, &outside, &mut WhenAsked(Some(&story.ledger)), &made)
}

#[test]
fn a_job_whose_process_died_at_any_step_is_undone_as_a_whole() {
    for way in [Way::Kernel, Way::NoExchange, Way::Plain] {
        let (before, steps) = {
            let mut story = story(way);
            let before = files(&story.fs);
            (before, story.run(Death::Never).fs.steps())
        };
        let mut in_flight = 0;
        for step in (1..=steps).step_by(5) {
            let mut story = story(way);
            story.run(Death::AtStep(step));
            story.bury(true);
            in_flight += usize::from(!story.past().in_flight.publications.is_empty());
            let report = undo_now(&story);
            let what = format!("{way:?}, killed at {step}: {report:#?}");
            assert_eq!(report.outcome, Outcome::Finished, "{what}");
            assert_eq!((report.refused, report.failed), (0, 0), "{what}");
            assert_eq!(files(&story.fs), before, "{what}");
            let left = leftovers(&story.fs, "/dst");
            assert!(left.is_empty(), "{left:?} are left: {what}");
        }
        assert!(in_flight > 5, "{in_flight}");
    }
}

/// From some moment on nothing can be done on any disk any more, so that nobody can say whether what was
/// just published is durable; and then all is well again.
#[test]
fn row_12_a_job_whose_disk_was_lost_at_any_step_is_undone_as_a_whole() {
    for way in Way::ALL {
        let (before, steps) = {
            let mut story = story(way);
            let before = files(&story.fs);
            (before, story.run(Death::Never).fs.steps())
        };
        let mut in_doubt = 0;
        for step in (1..=steps).step_by(2) {
            let mut story = story(way);
            let lost = FaultPlan::from_then_on(step, FsErrorKind::Io);
            let (ran, _) = story.run_failing(lost);
            in_doubt += ran.coded(ErrorCode::DurabilityUnknown).count();
            let report = undo_now(&story);
            let what = format!("{way:?}, lost at {step}: {report:#?}, {}", ran.in_short());
            assert_eq!(report.outcome, Outcome::Finished, "{what}");
            assert_eq!((report.refused, report.failed), (0, 0), "{what}");
            assert_eq!(files(&story.fs), before, "{what}");
            let left = leftovers(&story.fs, "/dst");
            assert!(left.is_empty(), "{left:?} are left: {what}");
        }
        assert!(in_doubt > 0, "{way:?}: nothing was in doubt");
    }
}

/// What a job has replaced that was not to keep it is gone when it is done, and not before.
#[test]
fn what_was_not_to_be_kept_is_put_back_as_long_as_it_is_there() {
    let mut put_back = 0;
    for way in Way::ALL {
        let story = || {
            let mut story = story(way);
            story.spec.keep_replaced = false;
            story
        };
        let before = files(&story().fs);
        let steps = story().run(Death::Never).fs.steps();
        for step in (1..=steps).step_by(5) {
            let (mut lost, mut died) = (story(), story());
            lost.run_failing(FaultPlan::from_then_on(step, FsErrorKind::Io));
            died.run(Death::AtStep(step));
            died.bury(true);
            for mut story in [lost, died] {
                let unsettled = story.past().in_flight.publications.into_iter();
                let unsettled = unsettled.filter(|one| one.end != RecordedEnd::Ok);
                let targets: Vec<PathBuf> =
                    unsettled.map(|one| one.publication.report.target.clone()).collect();
                let report = undo_now(&story);
                let what = format!("{way:?}, at {step}: {report:#?}");
                assert_eq!(report.outcome, Outcome::Finished, "{what}");
                let now = files(&story.fs);
                for target in &targets {
                    let name = target.strip_prefix("/dst").expect("targets are in /dst");
                    assert_eq!(now.get(name), before.get(name), "{}: {what}", target.display());
                }
                put_back += targets.len();
                // What was put back is replaced when the job is run once more, and nothing stays.
                story.run(Death::Never).ran.all_done();
                let left = leftovers(&story.fs, "/dst");
                assert!(left.is_empty(), "{left:?} are left: {what}");
            }
        }
    }
    assert!(put_back > 0, "nothing was in flight");
}

#[test]
fn a_cancel_is_heeded_before_anything_is_put_in_order() {
    let (mut story, steps) = (story(Way::Kernel), story(Way::Kernel).run(Death::Never).fs.steps());
    let step = (1..=steps).rev().find(|step| {
        let mut tried = self::story(Way::Kernel);
        tried.run(Death::AtStep(*step));
        tried.bury(true);
        tried.past().in_flight.publications.len() > 2
    });
    story.run(Death::AtStep(step.expect("several are published together")));
    story.bury(true);
    let before = files(&story.fs);
    story.control.cancel();
    assert_eq!(undo_now(&story).outcome, Outcome::Cancelled);
    assert_eq!(story.run(Death::Never).ran.report.outcome, Outcome::Cancelled);
    assert_eq!(files(&story.fs), before);
    assert!(!story.past().in_flight.publications.is_empty(), "nobody knows of them any more");
}

/// Where files have no lasting numbers, a new file that has the size and the time of the one that it
/// replaces looks like it, and so does what is kept of that.
#[test]
fn what_is_to_be_kept_is_kept_though_nothing_tells_it_from_its_successor() {
    for way in [Way::Kernel, Way::NoExchange, Way::Plain] {
        let story = || {
            let story = story(way);
            story.fs.remount("/dst", |settings| {
                settings.filesystem = VolumeSettings::of("fuseblk").filesystem;
            });
            story
        };
        let (steps, mut replaced) = (story().run(Death::Never).fs.steps(), 0);
        for step in (1..=steps).step_by(4) {
            let mut story = story();
            story.run(Death::AtStep(step));
            story.bury(step % 2 == 0);
            let ran = story.run(Death::Never).ran;
            let shows_old = |path: &Path| {
                story
                    .fs
                    .read(Path::new("/dst").join(path))
                    .is_some_and(|found| found == b"old bytes")
            };
            if shows_old(Path::new("same-size")) {
                continue;
            }
            replaced += 1;
            let kept = leftovers(&story.fs, "/dst");
            let is_kept = kept.iter().any(|kept| shows_old(kept));
            let told = ran.in_short();
            assert!(
                is_kept,
                "{way:?}, killed at {step} of {steps}: only {kept:?} are left; {told}"
            );
        }
        assert!(replaced > 25, "{replaced} of {steps}");
    }
}
