//! Giving up what a job has kept.

use std::sync::Arc;

use surecopy_engine::{DiscardReport, ErrorCode, Event, Fact, Outcome};
use surecopy_fs::FsErrorKind;
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, FaultFs, FaultPlan, Persistence};

use crate::done::{Again, Ran, shown};
use crate::job::Recording;
use crate::oracle::leftovers;
use crate::scene::Way;

fn discard(ran: &Ran, fs: &FakeFs) -> (DiscardReport, Vec<Event>, Vec<Fact>) {
    let (fs, journal) = (Arc::new(fs.clone()), Recording::default());
    let (report, events) = Again::new(&fs, &ran.spec, &ran.items, &journal).discard();
    (report, events, journal.facts())
}

#[test]
fn only_what_was_kept_goes() {
    for way in Way::ALL {
        let ran = Ran::of(way);
        ran.fs.file("/dst/.surecopy-0000000000000007-00000000ff.backup", "somebody's");
        let (report, _, facts) = discard(&ran, &ran.fs);
        let counts = (report.discarded, report.already, report.refused, report.failed);
        assert_eq!(counts, (3, 0, 0, 0), "{way:?}: {report:#?}");
        assert_eq!(shown(&ran.fs), ran.after, "{way:?}");
        assert_eq!(leftovers(&ran.fs, "/dst").len(), 1, "{way:?}");
        assert_eq!(facts.len(), 3);
        let (report, ..) = discard(&ran, &ran.fs);
        assert_eq!((report.discarded, report.already), (0, 3), "{way:?}: {report:#?}");
    }
}

#[test]
fn what_is_not_what_was_kept_stays() {
    let ran = Ran::of(Way::Kernel);
    let kept = ran.kept("replaced");
    ran.fs.write(&kept, 0, "W");
    let (report, events, facts) = discard(&ran, &ran.fs);
    assert_eq!((report.discarded, report.refused), (2, 1), "{report:#?}");
    assert_eq!(report.errors[0].code, ErrorCode::TargetChanged);
    assert!(events.contains(&Event::ItemRefused(report.errors[0].clone())));
    assert_eq!(facts.len(), 2);
    assert!(ran.fs.exists(&kept));
}

/// As after an undo of which the last step is missing.
#[test]
fn what_the_target_shows_is_not_removed() {
    let ran = Ran::of(Way::Kernel);
    let kept = ran.kept("replaced");
    ran.fs.remove("/dst/replaced").link(&kept, "/dst/replaced");
    let (report, ..) = discard(&ran, &ran.fs);
    assert_eq!((report.discarded, report.refused), (2, 1), "{report:#?}");
    assert!(ran.fs.exists(&kept));
}

#[test]
fn the_power_may_go_at_any_step() {
    for way in [Way::Kernel, Way::Plain] {
        let mut step = 0;
        loop {
            step += 1;
            let ran = Ran::of(way);
            let fs = Arc::new(CrashFs::new(ran.fs.clone()).power_off_at(step));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).discard();
            if !fs.fired() {
                break;
            }
            for style in [CrashStyle::OnlyDurable, CrashStyle::Everything, CrashStyle::Seeded(3)] {
                let found = fs.after_crash(style);
                assert_eq!(shown(&found), ran.after, "{way:?}, power off at {step}, {style:?}");
                // What is recorded needs no second time.
                for fact in journal.facts() {
                    let Fact::Discarded { item } = fact else { panic!("{fact:?}") };
                    let done = ran.items.iter().find(|done| done.item == item).expect("ours");
                    assert!(!found.exists(ran.kept(&done.path.as_path().to_string_lossy())));
                }
                let (report, ..) = discard(&ran, &found);
                assert_eq!((report.refused, report.failed), (0, 0), "{report:#?}");
                assert!(leftovers(&found, "/dst").is_empty(), "{way:?}, {step}, {style:?}");
            }
        }
        assert!(step > 10, "{step}");
    }
}

#[test]
fn any_call_and_the_journal_may_fail() {
    let mut at = 0;
    loop {
        at += 1;
        let mut fired = false;
        for persistence in [Persistence::Once, Persistence::FromThenOn] {
            let ran = Ran::of(Way::Kernel);
            let plan = FaultPlan { persistence, ..FaultPlan::once(at, FsErrorKind::Io) };
            let fs = Arc::new(FaultFs::new(ran.fs.clone(), plan));
            let journal = Recording::default();
            let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).discard();
            fired |= fs.fired();
            let ended = report.discarded + report.already + report.refused + report.failed;
            let is_refused = report.outcome == Outcome::Refused;
            assert_eq!(ended, if is_refused { 0 } else { 3 }, "call {at}: {report:#?}");
            assert_eq!(shown(&ran.fs), ran.after, "call {at}");
            let (report, ..) = discard(&ran, &ran.fs);
            assert_eq!(report.discarded + report.already, 3, "call {at}: {report:#?}");
            assert!(leftovers(&ran.fs, "/dst").is_empty(), "call {at}");
        }
        if !fired {
            break;
        }
    }
    assert!(at > 10, "{at}");
    let ran = Ran::of(Way::Kernel);
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::failing_from(1));
    let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).discard();
    assert!(matches!(report.outcome, Outcome::JournalFailed(_)), "{report:#?}");
    assert_eq!(journal.calls(), 1, "it was asked again");
}
