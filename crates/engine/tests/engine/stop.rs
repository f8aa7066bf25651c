//! Runs that are ended early: by the first failure, by the journal, by the user.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use surecopy_engine::{
    Clock, Control, Environment, ErrorCode, Event, Fact, ItemStatus, Journal, JournalError,
    MemoryWorkList, Observer, Outcome, Progress, WarningKind, run,
};
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

/// A journal whose job can be resumed, or not.
struct Remembering(bool);

impl Journal for Remembering {
    fn note(&self, _facts: Vec<Fact>) -> Result<(), JournalError> {
        Ok(())
    }

    fn record(&self, _facts: Vec<Fact>) -> Result<(), JournalError> {
        Ok(())
    }

    fn remembers_directories(&self) -> bool {
        self.0
    }
}

/// Each look at this clock takes ten milliseconds.
#[derive(Default)]
struct Slow(AtomicU64);

impl Clock for Slow {
    fn now(&self) -> Duration {
        Duration::from_millis(10 * self.0.fetch_add(1, Ordering::Relaxed))
    }

    fn wait(&self, _duration: Duration) {}
}

/// Counts warnings about directories.
#[derive(Default)]
struct OfDirectories(AtomicUsize);

impl Observer for OfDirectories {
    fn on_event(&self, event: Event) {
        if matches!(event, Event::Warned(warning) if warning.kind == WarningKind::Directory) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Whoever cancels does not wait until thousands of new directories look as they are to look, if the
/// job can be resumed. What nothing was published in goes all the same.
#[test]
fn many_new_directories_are_left_to_who_resumes_the_cancelled_job() {
    const DIRECTORIES: u64 = 100;
    for (is_remembered, is_cancelled) in [(true, true), (false, true), (true, false)] {
        let fs = FakeFs::new();
        for number in 0..DIRECTORIES {
            fs.file(format!("/src/{number:03}/file"), "x");
            fs.mode(format!("/src/{number:03}"), 0o755);
        }
        fs.dir("/dst");
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.limits.group_max_files = 2;
        let control = Control::new();
        let switch = control.clone();
        fs.before(Operation::PublishNew, move |_, nth| {
            if is_cancelled && nth == DIRECTORIES - 10 {
                switch.cancel();
            }
        });
        let fs = Arc::new(fs);
        let (progress, work) = (Progress::new(), MemoryWorkList::default());
        let told = OfDirectories::default();
        let report = run(
            &spec,
            &Environment {
                fs: Arc::clone(&fs),
                clock: &Slow::default(),
                journal: &Remembering(is_remembered),
                work: &work,
                history: None,
                catalog: None,
                observer: &told,
                control: &control,
                progress: &progress,
                resolver: None,
                available_memory_bytes: None,
            },
        );
        let what = format!("{is_remembered}, {is_cancelled}: {report:?}");
        assert_eq!(report.outcome == Outcome::Cancelled, is_cancelled, "{what}");
        let modes: Vec<u32> = fs
            .names("/dst")
            .iter()
            .map(|name| {
                let dir = std::path::Path::new("/dst").join(name);
                assert_eq!(fs.names(&dir), ["file"], "an empty one was left: {what}");
                fs.stat(&dir).expect("it is there").mode
            })
            .collect();
        let left = modes.iter().filter(|mode| **mode == 0o700).count();
        let finished = modes.iter().filter(|mode| **mode == 0o755).count();
        assert_eq!(left + finished, modes.len(), "{what}");
        assert!(modes.len() as u64 > DIRECTORIES / 2, "{what}");
        if is_remembered && is_cancelled {
            assert!(left > modes.len() / 2 && finished > 5, "{left} of {}: {what}", modes.len());
            assert_eq!(told.0.load(Ordering::Relaxed), 1, "{what}");
        } else {
            assert_eq!((left, told.0.load(Ordering::Relaxed)), (0, 0), "{what}");
        }
    }
}
