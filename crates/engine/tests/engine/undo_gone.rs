//! Undoing where the copy is not what it was, or gone: the old file is not, and can be had back.

use std::path::Path;
use std::sync::Arc;

use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, FaultFs, FaultPlan};

use crate::done::{Again, Ran, shown};
use crate::job::{Recording, spec};
use crate::oracle::leftovers;
use crate::scene::Way;
use crate::undo::{undo, undone};
use crate::undo_cut_short::{STYLES, ends_well, ran};

/// Nobody would find the old file otherwise.
#[test]
fn a_refusal_says_where_the_old_file_is() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.file("/dst/replaced", "somebody's");
    let (report, ..) = undo(&ran);
    let kept = ran.kept("replaced");
    let details = report.errors[0].details.as_deref().expect("it is kept");
    assert_eq!(details, format!("what it replaced is kept as {}", kept.display()));
    // What stands there is moved away, and it is undone.
    ran.fs.rename("/dst/replaced", "/theirs");
    let (report, ..) = undo(&ran);
    assert_eq!((report.restored, report.refused), (1, 0), "{report:#?}");
    assert_eq!(shown(&ran.fs), ran.before);
    assert!(leftovers(&ran.fs, "/dst").is_empty());
}

#[test]
fn what_was_replaced_is_put_back_where_the_copy_is_gone() {
    for way in Way::ALL {
        let ran = Ran::of(way);
        ran.fs.remove("/dst/replaced");
        let (report, _, facts) = undo(&ran);
        assert_eq!((report.restored, report.refused, report.failed), (3, 0, 0), "{report:#?}");
        assert_eq!(undone(&facts), ran.items.len());
        assert_eq!(shown(&ran.fs), ran.before, "{way:?}");
        assert!(leftovers(&ran.fs, "/dst").is_empty(), "{way:?}");
    }
}

/// Another program takes the name between the look and the rename.
#[test]
fn a_file_that_comes_where_the_copy_is_gone_stays() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.remove("/dst/replaced");
    ran.fs.before(Operation::PublishNew, |fs, _| {
        fs.file("/dst/replaced", "somebody's");
    });
    let (report, ..) = undo(&ran);
    assert_eq!((report.refused, report.failed), (1, 0), "{report:#?}");
    assert_eq!(ran.fs.read("/dst/replaced"), Some(b"somebody's".to_vec()));
    assert!(report.errors[0].details.is_some() && ran.fs.exists(ran.kept("replaced")));
}

/// Where a rename that replaces nothing is a link and a removal, death may come between the two.
#[test]
fn the_second_name_of_what_was_put_back_goes() {
    let ran = Ran::of(Way::Kernel);
    let kept = ran.kept("replaced");
    ran.fs.remove("/dst/replaced").link(&kept, "/dst/replaced");
    let (report, ..) = undo(&ran);
    assert_eq!((report.already, report.refused, report.failed), (1, 0, 0), "{report:#?}");
    assert_eq!(shown(&ran.fs), ran.before);
    assert!(!ran.fs.exists(kept));
}

/// Where such a rename is a link and a removal, the removal may be what fails: then the old file is back.
#[test]
fn what_is_back_and_did_not_lose_its_other_name_is_put_back() {
    let ran = Ran::of(Way::Kernel);
    let kept = ran.kept("replaced");
    ran.fs.remove("/dst/replaced");
    let both = kept.clone();
    ran.fs.before(Operation::PublishNew, move |fs, _| {
        fs.link(&both, "/dst/replaced");
    });
    let (report, events, _) = undo(&ran);
    assert_eq!((report.restored, report.refused, report.failed), (3, 0, 0), "{report:#?}");
    assert_eq!(report.warnings, 0, "{events:#?}");
    assert_eq!(shown(&ran.fs), ran.before);
    assert!(!ran.fs.exists(kept));
}

/// The name that is left of it is then all there is of the old file.
#[test]
fn the_second_name_stays_when_another_program_takes_the_first() {
    let ran = Ran::of(Way::Kernel);
    let kept = ran.kept("replaced");
    let old = ran.fs.read(&kept);
    ran.fs.remove("/dst/replaced").link(&kept, "/dst/replaced");
    ran.fs.before(Operation::FlushDir, |fs, _| {
        fs.remove("/dst/replaced").file("/dst/replaced", "somebody's");
    });
    let (report, ..) = undo(&ran);
    assert_eq!((report.already, report.warnings), (1, 1), "{report:#?}");
    assert_eq!(ran.fs.read("/dst/replaced"), Some(b"somebody's".to_vec()));
    assert_eq!(ran.fs.read(kept), old);
}

/// Somebody else may remove it as well.
#[test]
fn a_copy_that_was_exchanged_out_and_is_gone_is_not_missed() {
    let fs = FakeFs::new();
    fs.file("/src/a", "new").file("/dst/a", "what was there");
    let spec = spec(&fs, &["/src/"], "/dst");
    let ran = Ran::with(fs, spec);
    let kept = ran.kept("a");
    ran.fs.reset_counts();
    ran.fs.before(Operation::RemoveFile, move |fs, count| {
        assert_eq!((count, fs.read(&kept)), (1, Some(b"new".to_vec())));
        fs.remove(&kept);
    });
    let (report, ..) = undo(&ran);
    assert_eq!(ran.fs.count(Operation::RemoveFile), 1, "it was never about to be removed");
    assert_eq!((report.restored, report.warnings), (1, 0), "{report:#?}");
    assert_eq!(shown(&ran.fs), ran.before);
    assert!(leftovers(&ran.fs, "/dst").is_empty());
}

/// Only a file that is there is another program's.
#[test]
fn another_program_is_not_blamed_for_a_name_that_cannot_be_given_back() {
    for (kind, told) in [(FsErrorKind::Io, (0, 1)), (FsErrorKind::AlreadyExists, (1, 0))] {
        let ran = gone(Way::Kernel);
        let plan = FaultPlan::once(1, kind).only(Operation::PublishNew);
        let fs = Arc::new(FaultFs::new(ran.fs.clone(), plan));
        let journal = Recording::default();
        let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
        assert!(fs.fired());
        assert_eq!((report.refused, report.failed), told, "{kind:?}: {report:#?}");
        assert!(ran.fs.exists(ran.kept("replaced")));
    }
}

fn gone(way: Way) -> Ran {
    let ran = ran(way);
    ran.fs.remove("/dst/replaced");
    ran
}

#[track_caller]
fn is_gone_or_back(ran: &Ran, fs: &FakeFs, what: &str) {
    let name = Path::new("replaced");
    let now = shown(fs);
    let is_there = now.get(name);
    assert!(is_there.is_none() || is_there == ran.before.get(name), "{is_there:?}; {what}");
}

/// A copy that somebody removed has left its name free for what it replaced.
#[test]
fn the_power_may_go_when_a_copy_is_gone() {
    for way in Way::ALL {
        let steps = {
            let ran = gone(way);
            let fs = Arc::new(CrashFs::new(ran.fs.clone()));
            let journal = Recording::default();
            let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            assert_eq!((report.restored, report.refused), (3, 0), "{way:?}: {report:#?}");
            assert_eq!(shown(&fs.after_crash(CrashStyle::OnlyDurable)), ran.before, "{way:?}");
            fs.steps()
        };
        for step in 1..=steps {
            let ran = gone(way);
            let fs = Arc::new(CrashFs::new(ran.fs.clone()).power_off_at(step));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            assert!(fs.fired(), "the power stayed on");
            for style in STYLES {
                let what = format!("{way:?}, power off at {step} of {steps}, {style:?}");
                let found = fs.after_crash(style);
                is_gone_or_back(&ran, &found, &what);
                ends_well(&ran, &found, &journal.facts(), &what);
            }
        }
    }
}

#[test]
fn any_call_may_fail_when_a_copy_is_gone() {
    for way in Way::ALL {
        let calls = {
            let ran = gone(way);
            let fs = Arc::new(FaultFs::counting(ran.fs.clone()));
            let journal = Recording::default();
            Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
            fs.calls()
        };
        for at in 1..=calls {
            for kind in [FsErrorKind::Io, FsErrorKind::AlreadyExists, FsErrorKind::Unreachable] {
                let what = format!("{way:?}, call {at} of {calls}, {kind:?}");
                let ran = gone(way);
                let plan = FaultPlan::once(at, kind);
                let fs = Arc::new(FaultFs::new(CrashFs::new(ran.fs.clone()), plan));
                let journal = Recording::default();
                Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
                assert!(fs.fired(), "the fault did not strike: {what}");
                let live = fs.inner().live();
                is_gone_or_back(&ran, live, &what);
                ends_well(&ran, live, &journal.facts(), &what);
            }
        }
    }
}
