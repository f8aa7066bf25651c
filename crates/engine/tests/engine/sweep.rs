//! What dead processes have left goes when its directory is written in again; nothing else does.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use surecopy_engine::{Action, Event, ItemStatus, SkipReason, WarningKind};
use surecopy_fs::{FileSystem, FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{carry_out, spec};

/// A name as another run makes it.
fn stale(number: u32) -> String {
    format!(".surecopy-00000000deadbeef-{number:010x}.partial")
}

fn in_dst(name: &str) -> PathBuf {
    Path::new("/dst").join(name)
}

fn in_src(name: &str) -> PathBuf {
    Path::new("/src").join(name)
}

fn scene() -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/file", "new").file("/src/sub/file", "new");
    fs.mount("/dst", VolumeSettings::of("ext4")).dir("/dst/sub");
    fs
}

#[test]
fn what_dead_processes_have_left_goes() {
    let fs = scene();
    fs.file(in_dst(&stale(0)), "half of it").file(in_dst(&stale(0xab)), "");
    fs.file(in_dst("sub").join(stale(1)), "another");
    fs.file(in_dst("elsewhere").join(stale(2)), "not concerned");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    ran.all_ok();
    assert_eq!(fs.names("/dst"), ["elsewhere", "file", "sub"]);
    assert_eq!(fs.names("/dst/sub"), ["file"]);
    assert_eq!(fs.names("/dst/elsewhere").len(), 1, "nothing was written there");
    assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{}", ran.in_short());
}

#[test]
fn what_is_somebodys_stays() {
    let fs = scene();
    let backup = stale(0).replace(".partial", ".backup");
    let names = [
        stale(0) + "~",
        stale(0).to_uppercase(),
        stale(0).replace("deadbeef", "DEADBEEF"),
        stale(0).replace("deadbeef", "deadbee"),
        stale(0).replace("deadbeef", "deadbeef0"),
        stale(0).replace("-0000000000.", "-000000000."),
        stale(0).replace("-0000000000.", "-00000000000."),
        stale(0).replace(".surecopy", "surecopy"),
        backup,
    ];
    for name in &names {
        fs.file(in_dst(name), "somebody's");
    }
    fs.dir(in_dst(&stale(1)));
    fs.file("/elsewhere", "").symlink(in_dst(&stale(2)), "/elsewhere");
    fs.file("/dst/kept", "linked").link("/dst/kept", in_dst(&stale(3)));
    fs.fifo(in_dst(&stale(4)));
    let mut others: Vec<PathBuf> = names.iter().map(|name| in_dst(name)).collect();
    others.extend((1..=4).map(|number| in_dst(&stale(number))));
    let fs = Arc::new(fs);
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
    for path in others {
        assert!(fs.exists(&path), "{} is gone", path.display());
    }
    assert!(fs.exists("/elsewhere"));
}

#[test]
fn what_is_being_written_stays() {
    let fs = Arc::new(scene());
    let dir = fs.open_root(Path::new("/dst")).unwrap();
    let held = fs.create_partial(&dir, stale(0).as_ref()).unwrap();
    fs.write_at(&held, b"half", 0).unwrap();
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
    assert!(fs.exists(in_dst(&stale(0))));
    drop(held);
    // There must be something to write, or the directory is left alone.
    fs.file("/src/more", "new");
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    assert_eq!((ran.report.tally.ok, ran.report.tally.skipped), (1, 2), "{}", ran.in_short());
    assert!(!fs.exists(in_dst(&stale(0))));
}

#[test]
fn where_there_are_no_locks_everything_stays() {
    let fs = FakeFs::new();
    let settings = VolumeSettings { can_lock: false, ..VolumeSettings::of("ext4") };
    fs.file("/src/file", "new").mount("/dst", settings).file(in_dst(&stale(0)), "whose?");
    let fs = Arc::new(fs);
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
    assert!(fs.exists(in_dst(&stale(0))));
}

/// The run's own files are tidied up by itself, and of an earlier run with the same number, which
/// cannot be, nothing is known.
#[test]
fn names_of_the_run_itself_stay() {
    let fs = scene();
    let own = ".surecopy-0000000000000007-00000000ff.partial";
    fs.file(in_dst(own), "mine");
    let fs = Arc::new(fs);
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
    assert!(fs.exists(in_dst(own)));
}

#[test]
fn each_directory_is_searched_once() {
    let fs = scene();
    for number in 0..20 {
        fs.file(format!("/src/a{number}"), "new").file(format!("/src/sub/a{number}"), "new");
        fs.file(format!("/src/new/a{number}"), "new");
    }
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.limits.group_max_files = 3;
    spec.workers = 3;
    fs.reset_counts();
    let begun = Arc::new(AtomicBool::new(false));
    let lists = Arc::new(AtomicU64::new(0));
    let (flag, counter) = (Arc::clone(&begun), Arc::clone(&lists));
    fs.before(Operation::OpenSource, move |_, _| {
        flag.store(true, Ordering::Relaxed);
    });
    fs.before(Operation::List, move |_, _| {
        if begun.load(Ordering::Relaxed) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    });
    carry_out(&Arc::new(fs), &spec).all_ok();
    let lists = lists.load(Ordering::Relaxed);
    assert!(lists <= 2, "{lists} listings of two directories that were there");
}

#[test]
fn what_cannot_be_removed_is_told_of_and_does_no_harm() {
    for (operation, is_told) in
        [(Operation::RemoveFile, true), (Operation::CheckLock, false), (Operation::List, false)]
    {
        let fake = scene();
        fake.file(in_dst(&stale(0)), "half of it");
        let nth = if operation == Operation::List { number_of_listing() } else { 1 };
        let plan = FaultPlan::once(nth, FsErrorKind::Io).only(operation);
        let fs = Arc::new(FaultFs::new(fake.clone(), plan));
        let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
        assert!(fs.fired(), "{operation:?}");
        ran.all_ok();
        assert!(fake.exists(in_dst(&stale(0))));
        let told = ran.warned_of(WarningKind::LeftBehind);
        let expected = if is_told { vec![in_dst(&stale(0))] } else { Vec::new() };
        assert_eq!(told, expected, "{operation:?} {}", ran.in_short());
    }
}

/// The number of the first listing that is made to look for what was left in `/dst`.
fn number_of_listing() -> u64 {
    let fs = Arc::new(scene());
    let before_copy = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&before_copy);
    fs.before(Operation::OpenSource, move |fs, nth| {
        if nth == 1 {
            count.store(fs.count(Operation::List), Ordering::Relaxed);
        }
    });
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
    before_copy.load(Ordering::Relaxed)
}

/// What was removed is no trace of the run, and neither is that it was removed.
#[test]
fn a_directory_that_was_swept_in_vain_has_its_time_back() {
    let fs = FakeFs::new();
    fs.file("/src/file", "new").mount("/dst", VolumeSettings::of("ext4"));
    fs.file(in_dst(&stale(0)), "half of it");
    let before = Timestamp { secs: 500, nanos: 9 };
    fs.modified("/dst", before);
    let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::OpenSource);
    let fake = fs.clone();
    let fs = Arc::new(FaultFs::new(fs, plan));
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    spec.retries = 0;
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.tally.failed, 1, "{}", ran.in_short());
    assert!(!fake.exists(in_dst(&stale(0))));
    assert_eq!(fake.stat("/dst").expect("it is there").modified, before);
}

/// What a dead run has left in a source would be removed from the copy by the next run, although it
/// was told as copied. So it is not copied, and that is told.
#[test]
fn what_is_named_like_a_partial_file_is_not_copied_at_all() {
    let fs = scene();
    let backup = stale(1).replace(".partial", ".backup");
    fs.file(in_src(&stale(0)), "half of it").file(in_src("sub").join(stale(0)), "another");
    fs.file(in_src(&backup), "kept").file(in_src(&(stale(2) + "~")), "another's");
    fs.symlink(in_src(&stale(3)), "file").dir(in_src(&stale(4)));
    fs.file(in_src(&stale(4)).join("in"), "in it");
    let fs = Arc::new(fs);
    let dry = dry_run(&fs);
    assert_eq!(dry, [in_src(&stale(0)), in_src("sub").join(stale(0))]);
    let ran = carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    let left = [in_src(&stale(0)), in_src("sub").join(stale(0))];
    assert_eq!(ran.warned_of(WarningKind::OurPartialFile), left, "{}", ran.in_short());
    for target in [in_dst(&stale(0)), in_dst("sub").join(stale(0))] {
        let expected = ItemStatus::Skipped(SkipReason::OurPartialFile);
        assert_eq!(ran.item(&target).status, expected);
        assert!(!fs.exists(target));
    }
    // More to write, so that the directory is looked through again.
    fs.file("/src/more", "new");
    carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst"));
    for name in [&backup, &(stale(2) + "~"), &stale(3), &format!("{}/in", stale(4)), "more"] {
        assert!(fs.exists(in_dst(name)), "{name} is gone");
    }
}

/// The name that counts is the one that the copy would get.
#[test]
fn a_single_file_is_left_out_only_if_its_copy_would_be_named_so() {
    for (source, target, is_copied) in [
        (stale(0), "as it is".to_owned(), true),
        ("file".to_owned(), stale(0), false),
        (stale(0), String::new(), false),
    ] {
        let fs = scene();
        fs.file(in_src(&stale(0)), "half of it");
        let fs = Arc::new(fs);
        let source = in_src(&source);
        let source = source.to_str().expect("it is text");
        let target = in_dst(&target);
        let spec = spec(fs.as_ref(), &[source], target.to_str().expect("it is text"));
        let ran = carry_out(&fs, &spec);
        let tally = &ran.report.tally;
        let expected = if is_copied { (1, 0) } else { (0, 1) };
        assert_eq!((tally.ok, tally.skipped), expected, "{}", ran.in_short());
        assert_eq!(fs.exists(in_dst("as it is")), is_copied);
        assert!(!fs.exists(in_dst(&stale(0))));
    }
}

/// The sources that a dry run says are left out because of their names.
fn dry_run(fs: &Arc<FakeFs>) -> Vec<PathBuf> {
    let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
    spec.dry_run = true;
    let ran = carry_out(fs, &spec);
    let left_out = |event: &Event| match event {
        Event::ItemPlanned { source, item, .. }
            if item.action == Action::Skip(SkipReason::OurPartialFile) =>
        {
            Some(source.clone())
        }
        _ => None,
    };
    ran.events.iter().filter_map(left_out).collect()
}
