//! What becomes of directories: their permissions and times, whatever becomes of what is in them.

use std::sync::Arc;

use surecopy_engine::{
    Control, ErrorCode, ItemKind, ItemStatus, Outcome, VerifyPolicy, WarningKind,
};
use surecopy_fs::{FsErrorKind, Operation, RelPath, Timestamp};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, Recording, carry_out, carry_out_with, copy, spec};

/// When everything at the destination was last changed, before the run.
const OLD: Timestamp = Timestamp { secs: 500, nanos: 3 };

fn time(secs: i64) -> Timestamp {
    Timestamp { secs, nanos: 1 }
}

#[track_caller]
fn modified(fs: &FakeFs, path: &str) -> Timestamp {
    fs.stat(path).unwrap_or_else(|| panic!("{path} is not there")).modified
}

#[track_caller]
fn looks_like_source(fs: &FakeFs, path: &str, ran: &Ran) {
    let source = fs.stat(format!("/src{path}")).expect("a source");
    let Some(found) = fs.stat(format!("/dst{path}")) else {
        panic!("{path} is not there: {}", ran.in_short());
    };
    assert_eq!(format!("{:o}", found.mode), format!("{:o}", source.mode), "{path}");
    assert_eq!(found.modified, source.modified, "{path}: {}", ran.in_short());
}

#[test]
fn directories_look_like_their_source_whatever_fails_beside_it() {
    let fs = FakeFs::new();
    for name in ["top/good", "mixed/bad", "mixed/good", "deep/er/good", "deep/bad", "lost/bad"] {
        fs.file(format!("/src/{name}"), name);
    }
    fs.dir("/dst/mixed").mode("/dst/mixed", 0o700).modified("/dst/mixed", OLD);
    fs.modified("/dst", OLD);
    let directories = ["/mixed", "/deep/er", "/deep", "/top", "/lost", ""];
    for (nth, path) in (0_u32..).zip(directories) {
        let path = format!("/src{path}");
        fs.mode(&path, 0o711 + nth).modified(&path, time(1_000 + i64::from(nth)));
    }
    fs.before(Operation::OpenSource, |fs, _| {
        for name in ["mixed", "deep", "lost"] {
            fs.mode(format!("/src/{name}/bad"), 0);
        }
    });
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/", "/dst");
    assert_eq!(ran.report.tally.failed, 3, "{}", ran.in_short());
    for path in ["/mixed", "/deep/er", "/deep", "/top", ""] {
        looks_like_source(&fs, path, &ran);
    }
    assert!(!fs.exists("/dst/lost"), "{:?}", fs.names("/dst"));
}

/// The directory that came to nothing goes, and is made again for the empty one beneath it.
#[test]
fn a_directory_with_a_failure_and_an_empty_directory_looks_like_its_source() {
    let fs = FakeFs::new();
    fs.file("/src/p/bad", "x").dir("/src/p/empty").file("/src/good", "x").dir("/dst");
    fs.mode("/src/p/empty", 0o750).modified("/src/p/empty", time(10));
    fs.mode("/src/p", 0o755).modified("/src/p", time(20)).modified("/src", time(30));
    fs.before(Operation::Read, |fs, _| {
        // The partial file, and with it the directory, is there already.
        if fs.exists("/dst/p") {
            fs.write("/src/p/bad", 0, "y");
        }
    });
    let fs = Arc::new(fs);
    let mut job = spec(fs.as_ref(), &["/src/"], "/dst");
    job.retries = 0;
    let ran = carry_out(&fs, &job);
    assert_eq!(ran.code("/dst/p/bad"), ErrorCode::SourceChanged);
    for path in ["/p/empty", "/p", ""] {
        looks_like_source(&fs, path, &ran);
    }
}

#[test]
fn a_directory_that_got_a_file_has_a_new_time() {
    let fs = FakeFs::new();
    fs.file("/f", "x").dir("/dst").modified("/dst", OLD);
    let fs = Arc::new(fs);
    copy(&fs, "/f", "/dst").all_ok();
    assert!(modified(&fs, "/dst") > OLD);
}

/// Two mappings, one directory: what the one published there, the other must not undo.
#[test]
fn a_directory_that_got_one_of_two_files_has_a_new_time() {
    for bad in ["/a", "/b"] {
        let fs = FakeFs::new();
        fs.file("/a", "x").file("/b", "x").dir("/dst").modified("/dst", OLD);
        fs.before(Operation::OpenSource, move |fs, _| {
            fs.mode(bad, 0);
        });
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec(fs.as_ref(), &["/a", "/b"], "/dst"));
        assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (1, 1), "{}", ran.in_short());
        assert!(modified(&fs, "/dst") > OLD, "{bad} failed");
    }
}

/// The mapping that made the directory failed in it; the other one still needs it.
#[test]
fn a_new_directory_is_opened_up_whichever_file_fails() {
    for bad in ["/a", "/b"] {
        let fs = FakeFs::new();
        fs.file("/a", "x").file("/b", "x").dir("/dst");
        fs.before(Operation::Read, move |fs, _| {
            fs.write(bad, 0, "y");
        });
        let mut job = spec(&fs, &["/a", "/b"], "/dst");
        for (mapping, name) in job.mappings.iter_mut().zip(["a", "b"]) {
            mapping.target = RelPath::new(format!("new/{name}")).expect("a plain path");
        }
        job.retries = 0;
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &job);
        assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (1, 1), "{}", ran.in_short());
        let mode = fs.stat("/dst/new").expect("something is in it").mode;
        assert_eq!(mode, 0o755, "{bad} failed: {mode:o}");
    }
}

#[test]
fn a_directory_keeps_its_new_time_when_the_job_is_cancelled() {
    let fs = FakeFs::new();
    for name in ["a", "b", "c"] {
        fs.file(format!("/src/{name}"), name);
    }
    fs.modified("/src", time(9)).dir("/dst").modified("/dst", OLD);
    let control = Arc::new(Control::new());
    let switch = Arc::clone(&control);
    fs.before(Operation::OpenSource, move |_, nth| {
        if nth == 2 {
            switch.cancel();
        }
    });
    let mut job = spec(&fs, &["/src/"], "/dst");
    job.limits.group_max_files = 1;
    let fs = Arc::new(fs);
    let ran = carry_out_with(&fs, &job, &Recording::default(), &control);
    assert_eq!(ran.report.outcome, Outcome::Cancelled);
    assert_eq!(fs.names("/dst"), ["a"], "{}", ran.in_short());
    assert!(modified(&fs, "/dst") > OLD);
    assert_ne!(modified(&fs, "/dst"), time(9));
}

#[test]
fn a_directory_in_which_nothing_was_published_has_its_old_time() {
    let fake = FakeFs::new();
    fake.file("/src/sub/f", "x").file("/src/g", "x").modified("/src", time(9));
    fake.mount("/dst", VolumeSettings::of("ext4"));
    fake.dir("/dst/sub").modified("/dst/sub", OLD).modified("/dst", OLD).mode("/dst/sub", 0o700);
    let plan = FaultPlan::from_then_on(1, FsErrorKind::NoSpace).only(Operation::Write);
    let fs = Arc::new(FaultFs::new(fake.clone(), plan));
    let ran = copy(&fs, "/src/", "/dst");
    assert_eq!(ran.report.tally.failed, 2, "{}", ran.in_short());
    assert!(fs.count(Operation::CreatePartial) > 1, "nothing was tried");
    for path in ["/dst", "/dst/sub"] {
        assert_eq!(modified(&fake, path), OLD, "{path}");
    }
    assert_eq!(fake.stat("/dst/sub").expect("it was there").mode, 0o700);
}

/// Files that are there already keep a directory in use, and those above it.
#[test]
fn a_directory_looks_like_its_source_though_all_that_is_new_in_it_failed() {
    let fake = FakeFs::new();
    fake.file("/src/top/sub/same", "x").dir("/dst");
    let fs = Arc::new(fake.clone());
    copy(&fs, "/src/", "/dst").all_ok();
    fake.file("/src/top/sub/new", "y").file("/src/top/other", "z");
    fake.mode("/src/top", 0o750).mode("/src/top/sub", 0o700);
    let plan = FaultPlan::from_then_on(1, FsErrorKind::NoSpace).only(Operation::Write);
    let ran = copy(&Arc::new(FaultFs::new(fake.clone(), plan)), "/src/", "/dst");
    assert_eq!((ran.report.tally.failed, ran.report.tally.skipped), (2, 1), "{}", ran.in_short());
    for path in ["/top/sub", "/top"] {
        looks_like_source(&fake, path, &ran);
    }
}

/// A run that put nothing into a directory has no times of it to set back.
#[test]
fn a_directory_that_was_only_looked_at_keeps_what_others_did_in_it() {
    let fs = FakeFs::new();
    for name in ["a", "b"] {
        fs.file(format!("/src/{name}"), name).file(format!("/dst/{name}"), name);
        fs.modified(format!("/src/{name}"), time(9));
    }
    fs.modified("/dst", OLD);
    fs.before(Operation::OpenSource, |fs, nth| {
        // The directory has been opened by then.
        if nth == 2 {
            fs.file("/dst/theirs", "somebody's").modified("/dst", time(77));
        }
    });
    let mut job = spec(&fs, &["/src/a", "/src/b"], "/dst");
    job.by_content = true;
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &job);
    assert_eq!(ran.report.tally.skipped, 2, "{}", ran.in_short());
    assert_eq!(fs.names("/dst"), ["a", "b", "theirs"]);
    assert_eq!(modified(&fs, "/dst"), time(77));
}

/// One that got a directory of ours, which went again, has its old time.
#[test]
fn a_directory_in_which_one_came_to_nothing_has_its_old_time() {
    let fs = FakeFs::new();
    fs.file("/src/sub/f", "x").dir("/dst").modified("/dst", OLD);
    fs.before(Operation::CreatePartial, |fs, _| {
        fs.mode("/dst/sub", 0o500);
    });
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/sub", "/dst");
    assert_eq!(ran.code("/dst/sub/f"), ErrorCode::DestinationDenied, "{}", ran.in_short());
    assert!(fs.names("/dst").is_empty(), "{}", ran.in_short());
    assert_eq!(modified(&fs, "/dst"), OLD);
}

/// The last flush is the one that makes directories durable.
#[test]
fn directories_that_cannot_be_flushed_are_a_failure() {
    let with_names_only = VolumeSettings { can_flush_group: false, ..VolumeSettings::of("ext4") };
    let volumes = [
        (VolumeSettings::of("ext4"), Operation::FlushVolume),
        (with_names_only, Operation::FlushDir),
        (VolumeSettings::of("f2fs"), Operation::FlushDir),
    ];
    for (settings, operation) in volumes {
        let name = settings.filesystem.name;
        let make = || {
            let fake = FakeFs::new();
            fake.mount("/dst", settings.clone()).file("/src/sub/f", "x").dir("/src/empty");
            fake
        };
        let counting = Arc::new(FaultFs::counting(make()));
        let ran = copy(&counting, "/src/", "/dst");
        ran.all_ok();
        let last = counting.count(operation);
        // Where there is no common flush, each directory has one, when all of them look as they should.
        let log = counting.log();
        let changed = log.iter().rposition(|call| call.operation == Operation::SetTimes);
        let after = log[changed.expect("directories get their times")..].iter();
        let flushes = after.filter(|call| call.operation == operation).count();
        let wanted = if operation == Operation::FlushDir { 3 } else { 1 };
        assert!(flushes >= wanted, "{name}: {flushes} of {operation:?}");
        let plan = FaultPlan::once(last, FsErrorKind::Io).only(operation);
        let fs = Arc::new(FaultFs::new(make(), plan));
        let ran = copy(&fs, "/src/", "/dst");
        assert!(fs.fired());
        assert_eq!(ran.report.tally.failed, 1, "{name}, {operation:?}: {}", ran.in_short());
        let failed = ran.items().find(|item| matches!(item.status, ItemStatus::Error(_)));
        assert_eq!(failed.map(|item| item.kind), Some(ItemKind::Directory), "{name}");
    }
}

/// Nothing is published in them that would make their names durable.
#[test]
fn empty_directories_survive_a_power_cut() {
    let with_names_only = VolumeSettings { can_flush_group: false, ..VolumeSettings::of("ext4") };
    for settings in [VolumeSettings::of("ext4"), with_names_only, VolumeSettings::of("f2fs")] {
        let name = settings.filesystem.name;
        let fake = FakeFs::new();
        fake.mount("/dst", settings).dir("/src/empty/deep").dir("/src/other");
        let fs = Arc::new(CrashFs::new(fake));
        let ran = copy(&fs, "/src", "/dst");
        assert_eq!(ran.report.outcome, Outcome::Finished, "{name}: {}", ran.in_short());
        let durable = fs.after_crash(CrashStyle::OnlyDurable);
        for path in ["/dst/src/empty/deep", "/dst/src/other"] {
            assert!(durable.exists(path), "{name}: {path}");
        }
    }
}

/// Another program changes it at this moment, say. Who does not want anything verified is not told.
#[test]
fn what_a_directory_did_not_keep_is_told() {
    for (verify, is_told) in [(VerifyPolicy::None, false), (VerifyPolicy::All, true)] {
        let fs = FakeFs::new();
        fs.file("/src/sub/file", "x").mode("/src/sub", 0o750);
        fs.before(Operation::SetTimes, |fs, _| {
            if fs.exists("/dst/sub") {
                fs.mode("/dst/sub", 0o700);
            }
        });
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.verify = verify;
        let ran = carry_out(&Arc::new(fs), &spec);
        let told = ran.warned_of(WarningKind::Loss);
        let told = told.iter().any(|path| path.ends_with("sub"));
        assert_eq!(told, is_told, "{verify:?}: {}", ran.in_short());
    }
}
