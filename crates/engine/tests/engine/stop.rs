//! Runs that are ended early: by the first failure, by the journal, by the user.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use surecopy_engine::{Control, ErrorCode, Fact, ItemStatus, Outcome, WarningKind};
use surecopy_fs::Operation;
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs};

use crate::job::{CHUNK, Recording, carry_out, carry_out_with, spec};
use crate::oracle::{Before, adds_up, leftovers};
use crate::scene::{Way, scene};

#[test]
fn the_first_failure_ends_the_job_when_that_is_asked_for() {
    let fs = FakeFs::new();
    for name in ["a", "b", "c", "d"] {
        fs.file(format!("/src/{name}"), name);
    }
    fs.dir("/dst");
    fs.before(Operation::OpenSource, |fs, nth| {
        if nth == 2 {
            fs.remove("/src/b");
        }
    });
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.fail_fast = true;
    spec.limits.group_max_files = 1;
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.outcome, Outcome::StoppedAtFailure);
    let tally = &ran.report.tally;
    assert_eq!((tally.ok, tally.failed, tally.cancelled), (1, 1, 2), "{}", ran.in_short());
    assert_eq!(fs.names("/dst"), ["a"]);
    adds_up(&ran);
}

/// The journal fails at its n-th call, for every n: from then on nothing is published and nothing
/// that could be a way back is removed.
#[test]
fn nothing_irreversible_happens_once_the_journal_has_failed() {
    from_each_record(Recording::failing_from);
}

/// A journal that would answer again lacks a fact, so it is not asked.
#[test]
fn nothing_irreversible_happens_once_the_journal_has_failed_a_single_time() {
    from_each_record(Recording::failing_once);
}

fn from_each_record(failing: fn(u64) -> Recording) {
    for way in Way::ALL {
        let mut calls = 0;
        for at in 0.. {
            let fake = scene(way);
            let before = Before::of(&fake);
            let mut spec = way.spec(&fake);
            spec.limits.group_max_files = 3;
            let fs = Arc::new(CrashFs::new(fake));
            let journal = if at == 0 { Recording::default() } else { failing(at) };
            let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
            let what = format!("{way:?}, record {at} of {calls}: {}", ran.in_short());
            let live = fs.live();
            let now = live.tree("/dst");
            before.whole(&now).and_then(|()| before.as_reported(&ran, &now)).expect(&what);
            let durable = fs.after_crash(CrashStyle::OnlyDurable).tree("/dst");
            before.as_reported(&ran, &durable).expect(&what);
            adds_up(&ran);
            let told = ran.warned_of(WarningKind::LeftBehind);
            for left in leftovers(live, "/dst") {
                assert!(told.contains(&std::path::Path::new("/dst").join(&left)), "{what}");
            }
            if at == 0 {
                ran.all_ok();
                calls = journal.calls();
                continue;
            }
            if at > calls {
                break;
            }
            let is_journal = matches!(&ran.report.outcome, Outcome::JournalFailed(message)
                if message == "the journal's disk is full");
            assert!(is_journal, "{what}");
            assert_eq!(journal.calls(), at, "it was asked again: {what}");
            // Whatever is published was announced, and what it replaced is there until its end
            // was recorded.
            let facts = journal.facts();
            for item in ran.items().filter(|item| item.status == ItemStatus::Ok) {
                let is_known = facts.iter().any(|fact| {
                    matches!(fact, Fact::Ended { report, .. } if report.target == item.target)
                });
                if let Some(backup) = item.backup.as_ref().filter(|_| !is_known) {
                    let name = backup.strip_prefix("/dst").expect("it is in /dst");
                    let old = &before.destination[item.target.strip_prefix("/dst").expect("same")];
                    let kept = now.get(name).map(|entry| &entry.content);
                    assert_eq!(kept, Some(&old.content), "the way back is gone: {what}");
                }
            }
            for item in ran.items() {
                if let ItemStatus::Error(error) = &item.status {
                    assert_eq!(error.code, ErrorCode::JournalFailed, "{what}");
                }
            }
        }
        assert!(calls > 8, "only {calls} records");
    }
}

/// The calls that move bytes.
const MOVING: [Operation; 4] =
    [Operation::Read, Operation::Write, Operation::CopyRange, Operation::CompareMapped];

/// How many of them may follow a cancel, with one worker: what was under way, and what the two ends
/// of a stream have in hand.
const MOVED_AFTER_CANCEL: usize = 8;

/// Cancelled before any call: the destination is as it was, or whole, and the end comes soon.
#[test]
fn a_job_may_be_cancelled_at_any_call() {
    const OPERATIONS: [Operation; 14] = [
        Operation::List,
        Operation::Metadata,
        Operation::OpenSource,
        Operation::CreateDir,
        Operation::CreatePartial,
        Operation::Write,
        Operation::CopyRange,
        Operation::FlushVolume,
        Operation::FlushFile,
        Operation::Read,
        Operation::CompareMapped,
        Operation::Exchange,
        Operation::PublishNew,
        Operation::FlushDir,
    ];
    let mut cancelled = 0;
    for way in Way::ALL {
        for operation in OPERATIONS {
            for nth in [1, 2, 5, 9] {
                let fake = scene(way);
                // Copying it to keep it takes many calls.
                fake.file("/dst/big-replaced", vec![b'o'; 20 * CHUNK]);
                let before = Before::of(&fake);
                let mut spec = way.spec(&fake);
                spec.limits.group_max_files = 3;
                let control = Arc::new(Control::new());
                let switch = Arc::clone(&control);
                let calls_before = Arc::new(AtomicUsize::new(usize::MAX));
                let until = Arc::clone(&calls_before);
                fake.before(operation, move |fs, count| {
                    if count == nth {
                        until.store(fs.operations().len(), Ordering::Relaxed);
                        switch.cancel();
                    }
                });
                let fs = Arc::new(fake);
                let ran = carry_out_with(&fs, &spec, &Recording::default(), &control);
                let what = format!("{way:?}, {operation:?} {nth}: {}", ran.in_short());
                let now = fs.tree("/dst");
                before.whole(&now).and_then(|()| before.as_reported(&ran, &now)).expect(&what);
                assert!(leftovers(&fs, "/dst").is_empty(), "{what}");
                assert!(before.idle_directories(&now).is_empty(), "{what}");
                adds_up(&ran);
                assert_eq!(ran.report.tally.failed, 0, "{what}");
                let after = fs.operations().into_iter().skip(calls_before.load(Ordering::Relaxed));
                let moving = after.filter(|(operation, _)| MOVING.contains(operation)).count();
                assert!(moving <= MOVED_AFTER_CANCEL, "{moving} calls: {what}");
                if ran.report.outcome == Outcome::Cancelled {
                    cancelled += 1;
                    if ran.report.tally.ok == 0 {
                        assert_eq!(now, before.destination, "{what}");
                    }
                }
            }
        }
    }
    assert!(cancelled > 100, "only {cancelled} runs were cancelled");
}
