//! Names of one file: a further name is the source's file, or is left alone. It is never made a
//! name of a file that happened to stand where the first name was to go.

use std::collections::HashSet;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use surecopy_engine::{
    ConflictPolicy, CopySpec, ErrorCode, ItemKind, ItemReport, ItemStatus, MetadataLoss, SkipReason,
};
use surecopy_fs::{FileId, FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::adds_up;

const OURS: &[u8] = b"what the source says";
const STRANGERS: &[u8] = b"somebody's own file here";

const PAST: Timestamp = Timestamp { secs: 1_000, nanos: 0 };
const LATER: Timestamp = Timestamp { secs: 2_000, nanos: 0 };

/// `/src` with `a`, `b` and `c` for one file, and `/dst` with strangers of these names.
fn scene(strangers: &[&str]) -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/a", OURS).link("/src/a", "/src/b").link("/src/a", "/src/c");
    fs.modified("/src/a", PAST).dir("/dst");
    for name in strangers {
        fs.file(format!("/dst/{name}"), STRANGERS).modified(format!("/dst/{name}"), LATER);
    }
    fs
}

fn id(fs: &FakeFs, path: &str) -> FileId {
    fs.stat(path).unwrap_or_else(|| panic!("{path} is not there")).id
}

fn run(fs: &Arc<FakeFs>, change: impl FnOnce(&mut CopySpec)) -> Ran {
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    change(&mut spec);
    carry_out(fs, &spec)
}

#[track_caller]
fn is_skipped(ran: &Ran, target: &str, reason: SkipReason) {
    assert_eq!(ran.item(target).status, ItemStatus::Skipped(reason), "{}", ran.in_short());
}

#[track_caller]
fn is_ours(fs: &FakeFs, path: &str, ran: &Ran) {
    assert_eq!(fs.read(path).as_deref(), Some(OURS), "{path}: {}", ran.in_short());
}

/// The first name is kept from its place, for every reason there is; the others are copied once.
#[test]
fn row_32_further_names_are_not_given_to_a_stranger() {
    let policies = [
        (ConflictPolicy::Skip, SkipReason::TargetExists),
        (ConflictPolicy::Ask, SkipReason::TargetExists),
        (ConflictPolicy::Newer, SkipReason::TargetNewer),
    ];
    for (policy, reason) in policies {
        let fs = Arc::new(scene(&["a"]));
        let stranger = id(&fs, "/dst/a");
        let ran = run(&fs, |spec| spec.conflict = policy);
        is_skipped(&ran, "/dst/a", reason);
        assert_eq!(id(&fs, "/dst/a"), stranger);
        assert_eq!(fs.read("/dst/a").as_deref(), Some(STRANGERS));
        is_ours(&fs, "/dst/b", &ran);
        is_ours(&fs, "/dst/c", &ran);
        assert_eq!(id(&fs, "/dst/b"), id(&fs, "/dst/c"), "{policy:?}: {}", ran.in_short());
        assert!(ran.item("/dst/b").verified(), "{policy:?}: {}", ran.in_short());
    }
}

#[test]
fn further_names_are_not_given_to_a_stranger_when_the_first_fails() {
    let fs = Arc::new(scene(&["a"]));
    let ran = run(&fs, |spec| spec.conflict = ConflictPolicy::Fail);
    assert_eq!(ran.code("/dst/a"), ErrorCode::TargetExists);
    assert_eq!(fs.read("/dst/a").as_deref(), Some(STRANGERS));
    is_ours(&fs, "/dst/b", &ran);
    is_ours(&fs, "/dst/c", &ran);
    assert_eq!(id(&fs, "/dst/b"), id(&fs, "/dst/c"));
}

#[test]
fn row_32_further_names_follow_the_first_to_its_other_name() {
    let fs = Arc::new(scene(&["a"]));
    let ran = run(&fs, |spec| spec.conflict = ConflictPolicy::KeepBoth);
    ran.all_ok();
    assert_eq!(fs.read("/dst/a").as_deref(), Some(STRANGERS));
    for name in ["a (1)", "b", "c"] {
        is_ours(&fs, &format!("/dst/{name}"), &ran);
        assert_eq!(id(&fs, &format!("/dst/{name}")), id(&fs, "/dst/a (1)"));
    }
}

#[test]
fn row_32_further_names_follow_a_first_name_that_was_replaced() {
    for policy in [ConflictPolicy::Update, ConflictPolicy::Replace] {
        let fs = Arc::new(scene(&["a", "c"]));
        let strangers = [id(&fs, "/dst/a"), id(&fs, "/dst/c")];
        let ran = run(&fs, |spec| spec.conflict = policy);
        ran.all_ok();
        for name in ["/dst/a", "/dst/b", "/dst/c"] {
            is_ours(&fs, name, &ran);
            assert_eq!(id(&fs, name), id(&fs, "/dst/a"), "{policy:?}: {name}");
        }
        assert!(!strangers.contains(&id(&fs, "/dst/a")));
    }
}

/// What was kept because it is the same file is a first name like any other.
#[test]
fn further_names_are_given_to_a_first_name_that_was_identical() {
    for (by_content, reason) in
        [(false, SkipReason::Identical), (true, SkipReason::IdenticalContent)]
    {
        let fs = scene(&[]);
        fs.file("/dst/a", OURS).modified("/dst/a", PAST);
        let fs = Arc::new(fs);
        let kept = id(&fs, "/dst/a");
        let ran = run(&fs, |spec| spec.by_content = by_content);
        is_skipped(&ran, "/dst/a", reason);
        for name in ["/dst/a", "/dst/b", "/dst/c"] {
            assert_eq!(id(&fs, name), kept, "{name}: {}", ran.in_short());
        }
        is_ours(&fs, "/dst/a", &ran);
    }
}

/// A stranger in the place of a further name is what the policy says of it, too.
#[test]
fn a_stranger_in_the_place_of_a_further_name_is_kept() {
    let skipped = [
        (ConflictPolicy::Skip, SkipReason::TargetExists),
        (ConflictPolicy::Newer, SkipReason::TargetNewer),
    ];
    for (policy, reason) in skipped {
        let fs = Arc::new(scene(&["b"]));
        let stranger = id(&fs, "/dst/b");
        let ran = run(&fs, |spec| spec.conflict = policy);
        is_skipped(&ran, "/dst/b", reason);
        assert_eq!(id(&fs, "/dst/b"), stranger);
        assert_eq!(fs.read("/dst/b").as_deref(), Some(STRANGERS));
        assert_eq!(id(&fs, "/dst/a"), id(&fs, "/dst/c"), "{}", ran.in_short());
        is_ours(&fs, "/dst/c", &ran);
    }
    let fs = Arc::new(scene(&["b"]));
    let ran = run(&fs, |spec| spec.conflict = ConflictPolicy::KeepBoth);
    ran.all_ok();
    assert_eq!(fs.read("/dst/b").as_deref(), Some(STRANGERS));
    assert_eq!(id(&fs, "/dst/b (1)"), id(&fs, "/dst/a"), "{}", ran.in_short());
}

/// Comparing by content decides late whether a target goes; one that is protected stays.
#[test]
fn a_protected_target_is_not_replaced_by_a_further_name() {
    let fs = scene(&[]);
    let other = vec![b'x'; OURS.len()];
    fs.file("/dst/b", &other).modified("/dst/b", PAST).mode("/dst/b", 0o444);
    let mut kept = fs.stat("/src/a").expect("it is there");
    kept.mode = 0o444;
    fs.mode("/src/a", kept.mode);
    let fs = Arc::new(fs);
    let ran = run(&fs, |spec| spec.by_content = true);
    assert_eq!(ran.code("/dst/b"), ErrorCode::TargetReadOnly, "{}", ran.in_short());
    assert_eq!(fs.read("/dst/b"), Some(other));
}

fn has_lost_link(item: &ItemReport) -> bool {
    item.metadata_warnings.iter().any(|warning| warning.loss == MetadataLoss::HardLink)
}

/// A volume without hard links, whose disk lies once about the copy that is made instead of one.
#[test]
fn a_link_that_is_lost_is_told_of_however_often_it_takes() {
    let fs = FakeFs::new();
    fs.mount("/dst", VolumeSettings { can_hard_link: false, ..VolumeSettings::of("ext4") });
    fs.file("/src/a", OURS).link("/src/a", "/src/b");
    fs.before(Operation::HardLink, |fs, nth| {
        if nth == 1 {
            fs.corrupt_next_write(0);
        }
    });
    let fs = Arc::new(fs);
    let ran = run(&fs, |_| ());
    ran.all_ok();
    is_ours(&fs, "/dst/b", &ran);
    let item = ran.item("/dst/b");
    let reasons: Vec<_> = item.retries.iter().map(|retry| retry.code).collect();
    assert_eq!(reasons, [ErrorCode::VerifyMismatch], "{}", ran.in_short());
    assert!(has_lost_link(item), "{item:#?}");
    assert_eq!(item.kind, ItemKind::File);
    assert!(item.verified(), "{item:#?}");
    adds_up(&ran);
}

/// Waits until two threads have come.
#[derive(Default)]
struct Both {
    threads: Mutex<HashSet<thread::ThreadId>>,
    came: Condvar,
}

impl Both {
    fn meet(&self) {
        let mut threads = self.threads.lock().expect("no code panics while holding this lock");
        threads.insert(thread::current().id());
        self.came.notify_all();
        let is_alone = |threads: &mut HashSet<_>| threads.len() < 2;
        let waited = self
            .came
            .wait_timeout_while(threads, Duration::from_secs(60), is_alone)
            .expect("no code panics while holding this lock");
        assert!(!waited.1.timed_out(), "no second worker came");
    }
}

/// The first name fails, and two workers each begin to copy one of the others.
#[test]
fn names_that_two_workers_copy_are_told_to_be_no_links() {
    let fs = scene(&[]);
    // More than one worker takes at once.
    for nth in 0..80 {
        fs.link("/src/a", format!("/src/x{nth:02}"));
    }
    let both = Both::default();
    fs.before(Operation::CreatePartial, move |_, _| both.meet());
    let mut job = spec(&fs, &["/src/"], "/dst");
    job.workers = 2;
    let first_fails = FaultPlan::once(1, FsErrorKind::Io).only(Operation::OpenSource);
    let faulty = Arc::new(FaultFs::new(fs.clone(), first_fails));
    let ran = carry_out(&faulty, &job);
    assert_eq!(ran.code("/dst/a"), ErrorCode::SourceIoError);
    let names = fs.names("/dst");
    let inodes: HashSet<_> =
        names.iter().map(|name| id(&fs, &format!("/dst/{}", name.display()))).collect();
    assert_eq!((names.len(), inodes.len()), (82, 2), "{}", ran.in_short());
    let lost: Vec<_> = ran.items().filter(|item| has_lost_link(item)).collect();
    assert_eq!(lost.len(), 1, "{}", ran.in_short());
    assert_eq!(lost[0].kind, ItemKind::File);
    adds_up(&ran);
}
