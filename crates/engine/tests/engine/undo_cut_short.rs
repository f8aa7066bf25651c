//! Undoing, cut short at every step: by a power cut, by failures, by the journal. At every instant a
//! name shows the copy or what it replaced, and undoing again comes to the same end.

use std::sync::Arc;

use surecopy_engine::{Fact, Outcome};
use surecopy_fs::FsErrorKind;
use surecopy_testkit::{
    CrashFs, CrashStyle, FakeFs, FaultFs, FaultPlan, Persistence, VolumeSettings,
};

use crate::done::{Again, Ran, left, shown};
use crate::job::{Recording, spec};
use crate::oracle::leftovers;
use crate::scene::Way;

pub(crate) const STYLES: [CrashStyle; 5] = [
    CrashStyle::OnlyDurable,
    CrashStyle::NamesSurvive,
    CrashStyle::Everything,
    CrashStyle::Seeded(1),
    CrashStyle::Seeded(2),
];

/// The scene's job; with few open files, so that there are several rounds.
pub(crate) fn ran(way: Way) -> Ran {
    let mut ran = Ran::of(way);
    ran.spec.open_files = 8;
    ran
}

/// Undoes what is left going by the journal, and finds everything as it was before the job.
#[track_caller]
pub(crate) fn ends_well(ran: &Ran, fs: &FakeFs, facts: &[Fact], what: &str) {
    let journal = Recording::default();
    let items = left(&ran.items, facts);
    let fs = Arc::new(fs.clone());
    let (report, _) = Again::new(&fs, &ran.spec, &items, &journal).undo(&ran.made);
    assert_eq!(report.outcome, Outcome::Finished, "{what}");
    assert_eq!((report.refused, report.failed), (0, 0), "{what}: {report:#?}");
    assert_eq!(shown(&fs), ran.before, "{what}");
    let left = leftovers(&fs, "/dst");
    assert!(left.is_empty(), "{left:?} is left: {what}");
}

#[track_caller]
fn undone_for_good(ran: &Ran, fs: &FakeFs, facts: &[Fact], what: &str) {
    let now = shown(fs);
    for fact in facts {
        let Fact::Undone { item } = fact else { continue };
        let done = ran.items.iter().find(|done| done.item == *item).expect("one of ours");
        let path = done.path.as_path();
        assert_eq!(now.get(path), ran.before.get(path), "{}: {what}", path.display());
    }
}

#[test]
fn row_17_the_power_may_go_at_any_step() {
    for way in Way::ALL {
        let steps = {
            let ran = ran(way);
            let fs = Arc::new(CrashFs::new(ran.fs.clone()));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            let durable = fs.after_crash(CrashStyle::OnlyDurable);
            assert_eq!(shown(&durable), ran.before, "{way:?}: what was done is not durable");
            assert!(leftovers(&durable, "/dst").is_empty(), "{way:?}");
            fs.steps()
        };
        assert!(steps > 50, "{steps}");
        let mut recorded = 0;
        for step in 1..=steps {
            let ran = ran(way);
            let fs = Arc::new(CrashFs::new(ran.fs.clone()).power_off_at(step));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            assert!(fs.fired(), "the power stayed on");
            let facts = journal.facts();
            recorded += usize::from(!facts.is_empty());
            for style in STYLES {
                let what = format!("{way:?}, power off at {step} of {steps}, {style:?}");
                let found = fs.after_crash(style);
                ran.is_whole(&found, &what);
                undone_for_good(&ran, &found, &facts, &what);
                ends_well(&ran, &found, &facts, &what);
            }
        }
        assert!(recorded > 10, "something was recorded {recorded} times only");
    }
}

/// What a resumed job has copied again replaced what it had copied before: each step back is looked
/// for by what the former one has left, so that it must be recorded before the next is taken.
#[test]
fn the_power_may_go_when_a_file_was_copied_twice() {
    let twice = || {
        let fs = FakeFs::new();
        fs.file("/src/a", "first").file("/src/b", "first of b");
        fs.mount("/dst", VolumeSettings::of("ext4")).file("/dst/a", "what was there");
        let spec = spec(&fs, &["/src/"], "/dst");
        let first = Ran::with(fs, spec);
        first.fs.file("/src/a", "the second").file("/src/b", "the second of b");
        let mut spec = first.spec.clone();
        spec.nonce += 1;
        let mut ran = Ran::with(first.fs.clone(), spec);
        ran.items.iter_mut().for_each(|item| item.item.0 += 100);
        ran.items.extend(first.items);
        (ran.before, ran.made) = (first.before, first.made);
        ran
    };
    let steps = {
        let ran = twice();
        assert_eq!(ran.items.len(), 4);
        let fs = Arc::new(CrashFs::new(ran.fs.clone()));
        let journal = Recording::default();
        Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
        ends_well(&ran, &fs.after_crash(CrashStyle::OnlyDurable), &journal.facts(), "undisturbed");
        fs.steps()
    };
    for step in 1..=steps {
        let ran = twice();
        let fs = Arc::new(CrashFs::new(ran.fs.clone()).power_off_at(step));
        let journal = Recording::default();
        Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
        for style in STYLES {
            let what = format!("power off at {step} of {steps}, {style:?}");
            ends_well(&ran, &fs.after_crash(style), &journal.facts(), &what);
        }
    }
}

/// Directories that were made in different ones.
#[test]
fn what_was_made_is_gone_for_good_wherever_it_was() {
    let fake = FakeFs::new();
    fake.file("/src/old/made/a", "a").file("/src/other/made/b", "b").file("/src/made/c", "c");
    fake.mount("/dst", VolumeSettings::of("ext4")).dir("/dst/old").dir("/dst/other");
    let spec = spec(&fake, &["/src/"], "/dst");
    let ran = Ran::with(fake, spec);
    let fs = Arc::new(CrashFs::new(ran.fs.clone()));
    let journal = Recording::default();
    let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
    assert_eq!((report.directories_removed, report.removed), (3, 3), "{report:#?}");
    assert_eq!(shown(&fs.after_crash(CrashStyle::OnlyDurable)), ran.before);
}

#[test]
fn row_17_any_call_may_fail() {
    for way in Way::ALL {
        let calls = {
            let ran = ran(way);
            let fs = Arc::new(FaultFs::counting(ran.fs.clone()));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            fs.calls()
        };
        for at in 1..=calls {
            for (kind, persistence) in [
                (FsErrorKind::Io, Persistence::Once),
                (FsErrorKind::Io, Persistence::FromThenOn),
                (FsErrorKind::PermissionDenied, Persistence::Once),
                (FsErrorKind::Unreachable, Persistence::Once),
            ] {
                let what = format!("{way:?}, call {at} of {calls}, {kind:?}, {persistence:?}");
                let ran = ran(way);
                let plan = FaultPlan { persistence, ..FaultPlan::once(at, kind) };
                let fs = Arc::new(FaultFs::new(CrashFs::new(ran.fs.clone()), plan));
                let journal = Recording::default();
                let again = Again::new(&fs, &ran.spec, &ran.items, &journal);
                let (report, _) = again.undo(&ran.made);
                assert!(fs.fired(), "the fault did not strike: {what}");
                let (facts, live) = (journal.facts(), fs.inner().live());
                ran.is_whole(live, &what);
                undone_for_good(&ran, live, &facts, &what);
                let durable = fs.inner().after_crash(CrashStyle::OnlyDurable);
                ran.is_whole(&durable, &what);
                undone_for_good(&ran, &durable, &facts, &what);
                let ended = report.restored
                    + report.removed
                    + report.already
                    + report.refused
                    + report.failed;
                let is_whole_list = report.outcome != Outcome::Refused;
                let all = if is_whole_list { ran.items.len() as u64 } else { 0 };
                assert_eq!(ended, all, "{what}: {report:#?}");
                assert_eq!(live.open_handles(), 0, "{what}");
                ends_well(&ran, live, &facts, &what);
            }
        }
    }
}

#[test]
fn the_journal_may_fail_at_any_call() {
    for way in Way::ALL {
        let calls = {
            let ran = ran(way);
            let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            journal.calls()
        };
        assert!(calls > 3, "{calls}");
        for call in 1..=calls {
            for journal in [Recording::failing_from(call), Recording::failing_once(call)] {
                let what = format!("{way:?}, the journal fails at {call} of {calls}");
                let ran = ran(way);
                let fs = Arc::new(ran.fs.clone());
                let again = Again::new(&fs, &ran.spec, &ran.items, &journal);
                let (report, _) = again.undo(&ran.made);
                let has_failed = matches!(report.outcome, Outcome::JournalFailed(_));
                assert!(has_failed, "{what}: {report:#?}");
                assert_eq!(journal.calls(), call, "it was asked again: {what}");
                ran.is_whole(&fs, &what);
                let facts = journal.facts();
                for item in ran.items.iter().filter(|item| item.kept.is_some()) {
                    let is_recorded = facts.contains(&Fact::Undone { item: item.item });
                    let kept = ran.kept(&item.path.as_path().to_string_lossy());
                    // Where names cannot be exchanged, nothing is left under the kept one.
                    let is_exchanged = matches!(way, Way::Kernel | Way::Staged);
                    assert!(is_recorded || !is_exchanged || fs.exists(kept), "removed: {what}");
                }
                ends_well(&ran, &fs, &facts, &what);
            }
        }
    }
}
