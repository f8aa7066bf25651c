//! Looking again at what was copied.

use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{
    Check, Control, CopySpec, DoneItem, ErrorCode, Event, Evidence, Fact, ItemError, Outcome,
    ReadBack, RecheckReport, StrategyChoice, VerifyPolicy,
};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, Random, VolumeSettings};

use crate::done::{Again, Ran};
use crate::job::{CHUNK, Recording, spec};
use crate::scene::Way;

const FILES: usize = 6;

/// Some files that were copied with digests, one of several chunks.
fn ran_with(choose: impl Fn(&mut CopySpec)) -> Ran {
    let fake = FakeFs::new();
    for name in ["a", "b", "c", "deep/d", "deep/e"] {
        fake.file(format!("/src/{name}"), format!("a file by the name of {name}"));
    }
    fake.file("/src/big", Random::new(5).bytes(3 * CHUNK + 17));
    fake.mount("/dst", VolumeSettings::of("ext4"));
    let mut spec = spec(&fake, &["/src/"], "/dst");
    spec.strategy = StrategyChoice::Staged;
    choose(&mut spec);
    let ran = Ran::with(fake, spec);
    assert_eq!(ran.items.len(), FILES);
    ran
}

fn ran() -> Ran {
    let ran = ran_with(|_| {});
    assert!(ran.items.iter().all(|item| item.digest.is_some()), "{:#?}", ran.items);
    ran
}

fn look(ran: &Ran, spec: &CopySpec, items: &[DoneItem]) -> (RecheckReport, Vec<Event>, Vec<Fact>) {
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    // Content aside: what the device holds is seen once the cache has been dropped.
    let tree = || -> Vec<_> {
        let entries = ran.fs.tree("/").into_iter();
        entries.map(|(path, entry)| (path, entry.kind, entry.size, entry.modified)).collect()
    };
    let before = tree();
    let (report, events) = Again::new(&fs, spec, items, &journal).recheck();
    assert_eq!(tree(), before, "looking has changed something");
    assert_eq!(ran.fs.open_handles(), 0);
    (report, events, journal.facts())
}

#[test]
fn what_is_the_same_is_verified_from_the_device() {
    for workers in [1, 4] {
        let ran = ran();
        ran.fs.reset_counts();
        let mut spec = ran.spec.clone();
        spec.workers = workers;
        let (report, events, facts) = look(&ran, &spec, &ran.items);
        assert_eq!(report.outcome, Outcome::Finished);
        assert_eq!(report.with_evidence(Evidence::Device), FILES as u64, "{report:#?}");
        assert_eq!((report.same(), report.no_digest, report.damaged), (FILES as u64, 0, 0));
        let bytes: u64 = ran.items.iter().map(|item| item.landed.target.size_bytes).sum();
        assert_eq!(report.bytes_verified, bytes);
        let mut told: Vec<_> = events
            .iter()
            .map(|event| match event {
                Event::ItemSame { target, evidence: Some(Evidence::Device), digest: Some(_) } => {
                    target.clone()
                }
                other => panic!("{other:?}"),
            })
            .collect();
        told.sort();
        told.dedup();
        assert_eq!(told.len(), FILES);
        let mut checked: Vec<_> = facts
            .iter()
            .map(|fact| match fact {
                Fact::Checked { item, found: Check::Same(Evidence::Device) } => *item,
                other => panic!("{other:?}"),
            })
            .collect();
        checked.sort();
        checked.dedup();
        assert_eq!(checked.len(), FILES);
        assert_eq!(ran.fs.bytes_read("/src/big"), 0, "a source was read");
    }
}

#[test]
fn as_much_is_claimed_as_the_volume_can_show() {
    let ran = ran();
    for (read_back, evidence) in [
        (ReadBack::Device, Evidence::Device),
        (ReadBack::Cache, Evidence::Cache),
        (ReadBack::None, Evidence::Cache),
    ] {
        let mut spec = ran.spec.clone();
        spec.read_back = read_back;
        let (report, ..) = look(&ran, &spec, &ran.items);
        assert_eq!(report.with_evidence(evidence), FILES as u64, "{read_back:?}: {report:#?}");
    }
    ran.fs.remount("/dst", |settings| settings.can_drop_cache = false);
    let (report, ..) = look(&ran, &ran.spec, &ran.items);
    assert_eq!(report.with_evidence(Evidence::Cache), FILES as u64, "{report:#?}");
}

/// Changes one thing, and says what is found to be wrong.
#[track_caller]
fn damaged(ran: &Ran, target: &str) -> ItemError {
    let (report, events, facts) = look(ran, &ran.spec, &ran.items);
    assert_eq!(report.outcome, Outcome::Finished, "{report:#?}");
    assert_eq!((report.damaged, report.same()), (1, FILES as u64 - 1), "{report:#?}");
    let [error] = &report.errors[..] else { panic!("{report:#?}") };
    assert_eq!(error.path, Path::new(target));
    let is_same = |event: &&Event| matches!(event, Event::ItemSame { evidence: Some(_), .. });
    assert_eq!(events.iter().filter(is_same).count(), FILES - 1, "{events:?}");
    let others: Vec<_> = events.iter().filter(|event| !is_same(event)).cloned().collect();
    assert_eq!(others, [Event::ItemDamaged(error.clone())]);
    let told = facts.iter().any(
        |fact| matches!(fact, Fact::Checked { found: Check::Damaged(told), .. } if told == error),
    );
    assert!(told, "{facts:#?}");
    error.clone()
}

#[test]
fn a_bit_that_the_device_has_flipped_is_found() {
    for target in ["/dst/a", "/dst/big"] {
        let ran = ran();
        ran.fs.corrupt_device(target, if target == "/dst/big" { 2 * CHUNK as u64 } else { 3 });
        let error = damaged(&ran, target);
        assert_eq!(error.code, ErrorCode::VerifyMismatch);
        let details = error.details.expect("it is told how it can have come about");
        assert!(details.contains("no program has written"), "{details}");
    }
}

#[test]
fn what_was_written_to_or_cut_short_is_found() {
    let ran_it = ran();
    ran_it.fs.write("/dst/deep/d", 0, "W");
    let error = damaged(&ran_it, "/dst/deep/d");
    assert_eq!(error.code, ErrorCode::TargetChanged);
    assert!(error.details.expect("why").contains("written to"));
    let ran_it = ran();
    ran_it.fs.truncate("/dst/big", CHUNK as u64);
    let error = damaged(&ran_it, "/dst/big");
    assert_eq!(error.code, ErrorCode::TargetChanged);
    assert!(error.details.expect("why").contains("has 65536 now"));
}

/// Somebody has put another file of the same size and time in its place.
#[test]
fn another_file_that_looks_the_same_is_no_edit() {
    let ran = ran();
    let then = ran.item("b").landed.target;
    let other = "x".repeat(usize::try_from(then.size_bytes).expect("it is small"));
    ran.fs.remove("/dst/b").file("/dst/b", &other).modified("/dst/b", then.modified);
    let error = damaged(&ran, "/dst/b");
    assert_eq!(error.code, ErrorCode::VerifyMismatch);
    assert!(error.details.expect("why").contains("another file"));
}

#[test]
fn what_is_gone_or_something_else_is_found() {
    let ran_it = ran();
    ran_it.fs.remove("/dst/b");
    let error = damaged(&ran_it, "/dst/b");
    assert_eq!(error.code, ErrorCode::TargetChanged);
    assert!(error.message.contains("not there"), "{error}");
    let ran_it = ran();
    ran_it.fs.remove("/dst/b").symlink("/dst/b", "a");
    let error = damaged(&ran_it, "/dst/b");
    assert_eq!(error.code, ErrorCode::TargetChanged);
    assert!(error.details.expect("why").contains("a symbolic link"));
    let ran_it = ran();
    ran_it.fs.remove("/dst/b").dir("/dst/b");
    assert!(damaged(&ran_it, "/dst/b").details.expect("why").contains("a directory"));
}

#[test]
fn a_directory_that_is_gone_takes_all_of_it_along() {
    let ran = ran();
    ran.fs.rename("/dst/deep", "/dst/moved").symlink("/dst/deep", "moved");
    let (report, ..) = look(&ran, &ran.spec, &ran.items);
    assert_eq!((report.damaged, report.same()), (2, FILES as u64 - 2), "{report:#?}");
    ran.fs.remove("/dst/deep");
    let (report, ..) = look(&ran, &ran.spec, &ran.items);
    assert_eq!((report.damaged, report.same()), (2, FILES as u64 - 2), "{report:#?}");
}

#[test]
fn what_cannot_be_read_is_told_of_as_such() {
    let ran = ran();
    ran.fs.mode("/dst/c", 0);
    let error = damaged(&ran, "/dst/c");
    assert_eq!(error.code, ErrorCode::DestinationDenied);
}

#[test]
fn any_call_may_fail_and_is_never_taken_for_success() {
    let mut at = 0;
    loop {
        at += 1;
        let ran = ran();
        let plan = FaultPlan::once(at, FsErrorKind::Io);
        let (fs, journal) = (Arc::new(FaultFs::new(ran.fs.clone(), plan)), Recording::default());
        let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).recheck();
        if !fs.fired() {
            break;
        }
        if report.outcome == Outcome::Refused {
            continue;
        }
        let counts = (report.same() + report.damaged, report.no_digest);
        assert_eq!(counts, (FILES as u64, 0), "call {at}: {report:#?}");
        assert!(report.damaged <= 1, "call {at}: {report:#?}");
        assert_eq!(report.errors.len() as u64, report.damaged);
        assert_eq!(ran.fs.open_handles(), 0);
    }
    assert!(at > 30, "{at}");
}

#[test]
fn without_a_digest_nothing_is_called_the_same() {
    let ran = ran_with(|spec| {
        spec.strategy = StrategyChoice::Direct;
        spec.verify = VerifyPolicy::None;
    });
    let mut ran = ran;
    // Whether a digest was made on the way is not what this is about.
    ran.items.iter_mut().for_each(|item| item.digest = None);
    let (report, events, facts) = look(&ran, &ran.spec, &ran.items);
    assert_eq!((report.same(), report.no_digest), (0, FILES as u64), "{report:#?}");
    assert_eq!((events.len(), report.bytes_verified), (FILES, 0));
    let is_claimed = |event: &Event| !matches!(event, Event::ItemSame { evidence: None, .. });
    assert!(!events.iter().any(is_claimed), "{events:#?}");
    let is_told = |fact: &Fact| matches!(fact, Fact::Checked { found: Check::NoDigest, .. });
    assert!(facts.iter().all(is_told), "{facts:#?}");
    ran.fs.write("/dst/a", 0, "W");
    let (report, ..) = look(&ran, &ran.spec, &ran.items);
    assert_eq!((report.no_digest, report.damaged), (FILES as u64 - 1, 1), "{report:#?}");
    assert_eq!(report.errors[0].code, ErrorCode::TargetChanged);
}

#[test]
fn links_are_looked_at_and_their_files_read() {
    for way in Way::ALL {
        let ran = Ran::of(way);
        let (report, ..) = look(&ran, &ran.spec, &ran.items);
        assert_eq!((&report.outcome, report.damaged), (&Outcome::Finished, 0), "{report:#?}");
        // The two symbolic links.
        assert_eq!(report.no_digest, 2, "{way:?}: {report:#?}");
        assert_eq!(report.same() + 2, ran.items.len() as u64, "{way:?}: {report:#?}");
        ran.fs.remove("/dst/link").symlink("/dst/link", "elsewhere");
        ran.fs.write("/dst/twin", 0, "W");
        let (report, ..) = look(&ran, &ran.spec, &ran.items);
        // Where links can be made, `new` is the same file.
        let more = u64::from(way != Way::Plain);
        assert_eq!(report.damaged, 2 + more, "{way:?}: {report:#?}");
    }
}

#[test]
fn a_cancel_is_heeded_within_a_chunk() {
    let ran = ran();
    let items: Vec<_> = ran.items.iter().filter(|item| item.path.depth() == 1).cloned().collect();
    let control = Control::new();
    let switch = control.clone();
    ran.fs.reset_counts();
    ran.fs.before(Operation::Read, move |fs, _| {
        if fs.bytes_read("/dst/big") > 0 {
            switch.cancel();
        }
    });
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let mut again = Again::new(&fs, &ran.spec, &items, &journal);
    again.control = control;
    let (report, _) = again.recheck();
    assert_eq!(report.outcome, Outcome::Cancelled, "{report:#?}");
    assert!(ran.fs.bytes_read("/dst/big") <= 2 * CHUNK as u64);
    assert_eq!(report.damaged, 0, "{report:#?}");
    assert_eq!(report.same() as usize, journal.facts().len());
    assert!(report.same() < items.len() as u64);
}

#[test]
fn a_journal_that_fails_ends_it() {
    for workers in [1, 4] {
        let ran = ran();
        let mut spec = ran.spec.clone();
        spec.workers = workers;
        let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::failing_from(2));
        let (report, _) = Again::new(&fs, &spec, &ran.items, &journal).recheck();
        assert!(matches!(report.outcome, Outcome::JournalFailed(_)), "{report:#?}");
        assert!(journal.calls() <= 2 + workers as u64);
        let unread = Recording::default();
        let mut again = Again::new(&fs, &spec, &ran.items, &unread);
        again.list_fails_at = Some(2);
        let (report, _) = again.recheck();
        assert!(matches!(report.outcome, Outcome::JournalFailed(_)), "{report:#?}");
        assert!(report.same() <= 4, "{report:#?}");
    }
}

/// More items than one batch has, and more threads than items at the end.
#[test]
fn many_workers_look_at_every_item_once() {
    let fake = FakeFs::new();
    for nth in 0..57 {
        fake.file(format!("/src/{nth:02}"), format!("number {nth}"));
    }
    fake.mount("/dst", VolumeSettings::of("ext4"));
    let spec = spec(&fake, &["/src/"], "/dst");
    let mut ran = Ran::with(fake, spec);
    ran.spec.workers = 8;
    ran.fs.corrupt_device("/dst/33", 0);
    let (report, _, facts) = look(&ran, &ran.spec, &ran.items);
    assert_eq!((report.same(), report.damaged), (56, 1), "{report:#?}");
    assert_eq!(facts.len(), 57);
}
