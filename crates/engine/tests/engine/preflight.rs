//! What is known beforehand is refused beforehand, and then nothing at all is written.

use std::sync::Arc;

use surecopy_engine::{CopySpec, ErrorCode, Event, ItemKind, ItemStatus, Outcome, Problem, Scope};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::adds_up;

/// Every operation that changes something.
const CHANGING: [Operation; 19] = [
    Operation::CreateDir,
    Operation::RemoveDir,
    Operation::RemoveFile,
    Operation::CreateSymlink,
    Operation::HardLink,
    Operation::CreatePartial,
    Operation::Write,
    Operation::Clone,
    Operation::CopyRange,
    Operation::Preallocate,
    Operation::SetLength,
    Operation::PublishNew,
    Operation::Exchange,
    Operation::Replace,
    Operation::SetPermissions,
    Operation::SetOwner,
    Operation::SetTimes,
    Operation::SetXattr,
    Operation::FlushVolume,
];

#[track_caller]
fn nothing_written(fs: &FakeFs) {
    for operation in CHANGING {
        assert_eq!(fs.count(operation), 0, "{operation:?} was asked for: {:?}", fs.operations());
    }
}

#[track_caller]
fn refused(fs: FakeFs, spec: &CopySpec, code: ErrorCode) -> Ran {
    let before = (fs.tree("/src"), fs.tree("/dst"));
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, spec);
    assert_eq!(ran.report.outcome, Outcome::Refused, "{}", ran.in_short());
    let found = ran.report.problems.iter().any(|problem| problem.error.code == code);
    assert!(found, "{}", ran.in_short());
    nothing_written(&fs);
    assert_eq!((fs.tree("/src"), fs.tree("/dst")), before);
    assert_eq!(ran.items().count(), 0);
    ran
}

/// `/src/file` of ten pages, `/dst` on a volume of its own.
fn ten_pages(settings: VolumeSettings) -> FakeFs {
    let fs = FakeFs::new();
    fs.file("/src/file", vec![7; 40_960]).mount("/dst", settings);
    fs
}

fn ext4() -> VolumeSettings {
    VolumeSettings::of("ext4")
}

#[test]
fn a_full_volume_is_refused() {
    let fs = ten_pages(ext4().capacity_bytes(9 * 4096));
    let spec = spec(&fs, &["/src/"], "/dst");
    refused(fs, &spec, ErrorCode::DestinationFull);
}

#[test]
fn the_margin_counts() {
    for (margin, fits) in [(0, true), (4096, true), (4097, false)] {
        let fs = ten_pages(ext4().capacity_bytes(11 * 4096));
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.limits.free_disk_space_margin_bytes = margin;
        if fits {
            carry_out(&Arc::new(fs), &spec).all_ok();
        } else {
            refused(fs, &spec, ErrorCode::DestinationFull);
        }
    }
}

/// Old and new exist side by side for a while, so old files never make room for new ones.
#[test]
fn row_22_replaced_files_make_no_room() {
    let fs = ten_pages(ext4().capacity_bytes(15 * 4096));
    fs.file("/dst/file", vec![1; 10 * 4096]);
    let spec = spec(&fs, &["/src/"], "/dst");
    refused(fs, &spec, ErrorCode::DestinationFull);
}

#[test]
fn a_volume_without_room_for_files_is_refused() {
    let fs = ten_pages(ext4().max_files(3));
    fs.file("/src/second", "2").file("/src/third", "3").file("/src/fourth", "4");
    let spec = spec(&fs, &["/src/"], "/dst");
    refused(fs, &spec, ErrorCode::DestinationFull);
}

#[test]
fn directories_count_as_files() {
    // Two directories and a file.
    for (room, fits) in [(2, false), (3, true)] {
        let fs = FakeFs::new();
        fs.dir("/src/one/two").file("/src/one/file", "x").mount("/dst", ext4().max_files(room));
        let spec = spec(&fs, &["/src/"], "/dst");
        if fits {
            carry_out(&Arc::new(fs), &spec).all_ok();
        } else {
            refused(fs, &spec, ErrorCode::DestinationFull);
        }
    }
}

/// Most of what is compared by content turns out to be equal, and needs no room.
#[test]
fn what_may_be_equal_is_not_refused_for_room() {
    let fs = ten_pages(ext4().capacity_bytes(15 * 4096));
    fs.file("/dst/file", vec![7; 40_960]);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.by_content = true;
    let ran = carry_out(&Arc::new(fs), &spec);
    assert!(ran.report.problems.is_empty(), "{}", ran.in_short());
    assert_eq!(ran.report.tally.skipped, 1);
}

/// Room is a guess; a volume that fills up on the way leaves nothing behind.
#[test]
fn row_18_a_volume_that_fills_up_on_the_way_is_left_as_it_was() {
    for pages in 0..10 {
        let fs = ten_pages(ext4().capacity_bytes(20 * 4096));
        fs.file("/dst/file", "old");
        let spec = spec(&fs, &["/src/"], "/dst");
        let used = fs.used_bytes("/dst");
        fs.before(Operation::CreatePartial, move |fs, _| {
            fs.remount("/dst", |settings| settings.capacity_bytes = Some(used + pages * 4096));
        });
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec);
        assert_eq!(ran.code("/dst/file"), ErrorCode::DestinationFull, "{pages} pages");
        assert_eq!(fs.names("/dst"), ["file"]);
        assert_eq!(fs.read("/dst/file").as_deref(), Some(&b"old"[..]));
        assert_eq!(fs.used_bytes("/dst"), used, "room was not given back");
    }
}

#[test]
fn a_read_only_volume_is_refused() {
    let fs = ten_pages(ext4().read_only());
    let spec = spec(&fs, &["/src/"], "/dst");
    refused(fs, &spec, ErrorCode::DestinationReadOnly);
}

#[test]
fn protected_targets_are_refused() {
    type Protect = fn(&FakeFs);
    let read_only: Protect = |fs| {
        fs.mode("/dst/file", 0o444);
    };
    let immutable: Protect = |fs| {
        fs.immutable("/dst/file", true);
    };
    for protect in [read_only, immutable] {
        let fs = ten_pages(ext4());
        fs.file("/dst/file", "old");
        protect(&fs);
        let spec = spec(&fs, &["/src/"], "/dst");
        // The directory remains to be done, so the rest of the job goes on.
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec);
        assert_eq!(ran.code("/dst/file"), ErrorCode::TargetReadOnly);
        assert_eq!(fs.read("/dst/file").as_deref(), Some(&b"old"[..]));
        assert_eq!(fs.count(Operation::CreatePartial), 0);
    }
}

#[test]
fn a_read_only_target_is_replaced_when_that_is_asked_for() {
    let fs = ten_pages(ext4());
    fs.file("/dst/file", "old").mode("/dst/file", 0o444);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.replace_read_only = true;
    carry_out(&Arc::new(fs), &spec).all_ok();
}

#[test]
fn row_31_a_destination_inside_its_source_is_refused() {
    let fs = FakeFs::new();
    fs.file("/src/file", "x").dir("/src/deep/down");
    for destination in ["/src/deep", "/src/deep/down", "/src/deep/new", "/src"] {
        let spec = spec(&fs, &["/src"], destination);
        let before = fs.tree("/");
        let shared = Arc::new(fs.clone());
        shared.reset_counts();
        let ran = carry_out(&shared, &spec);
        let codes: Vec<_> = ran.report.problems.iter().map(|p| p.error.code).collect();
        assert_eq!(codes, [ErrorCode::DestinationInsideSource], "{destination}");
        nothing_written(&shared);
        assert_eq!(shared.tree("/"), before);
    }
}

#[test]
fn row_31_a_file_is_not_copied_onto_itself() {
    let fs = FakeFs::new();
    fs.file("/dir/file", "x").symlink("/alias", "/dir");
    for (source, destination) in [("/dir/file", "/dir"), ("/dir/", "/dir"), ("/alias/", "/dir")] {
        let spec = spec(&fs, &[source], destination);
        let shared = Arc::new(fs.clone());
        shared.reset_counts();
        let ran = carry_out(&shared, &spec);
        let codes: Vec<_> = ran.report.problems.iter().map(|p| p.error.code).collect();
        assert!(codes.contains(&ErrorCode::SameFile), "{source}: {}", ran.in_short());
        nothing_written(&shared);
    }
}

#[test]
fn files_beyond_the_limit_are_refused() {
    let fs = ten_pages(ext4());
    let mut spec = spec(&fs, &["/src/file"], "/dst");
    spec.limits.maximum_copy_file_size_bytes = Some(40_959);
    refused(fs, &spec, ErrorCode::FileTooLarge);
}

#[test]
fn row_39_files_beyond_the_volumes_limit_are_refused() {
    let fs = FakeFs::new();
    // Five gigabytes of hole.
    fs.file("/src/file", "x").truncate("/src/file", 5 << 30);
    fs.mount("/dst", VolumeSettings::of("vfat"));
    let spec = spec(&fs, &["/src/file"], "/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.outcome, Outcome::Refused);
    assert_eq!(ran.report.problems[0].error.code, ErrorCode::FileTooLargeForVolume);
    nothing_written(&fs);
}

#[test]
fn one_refused_item_refuses_all_when_the_first_failure_is_to_end_the_job() {
    let fs = ten_pages(ext4());
    fs.file("/src/second", "2");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.limits.maximum_copy_file_size_bytes = Some(100);
    spec.fail_fast = true;
    let ran = refused(fs, &spec, ErrorCode::FileTooLarge);
    assert!(ran.report.problems.iter().all(|problem| problem.scope == Scope::Item));
}

#[test]
fn no_directory_is_made_for_what_is_refused() {
    let fs = ten_pages(VolumeSettings::of("vfat"));
    fs.file("/src/bad/deep/a:b", "x").file("/src/bad/c?", "x");
    fs.file("/src/half/d?", "x").file("/src/half/good", "x").dir("/src/empty");
    fs.file("/src/locked/file", "x").mode("/src/locked", 0o000);
    let spec = spec(&fs, &["/src/"], "/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (2, 4), "{}", ran.in_short());
    assert_eq!(fs.names("/dst"), ["empty", "file", "half"]);
    assert_eq!(fs.names("/dst/half"), ["good"]);
}

/// However the roots are spelled: what is written without its `.` is not told by its path.
#[test]
fn no_directory_is_made_for_what_is_refused_beneath_the_current_directory() {
    // The current directory of the file system in memory is its root.
    for (source, destination) in
        [("/src/", "dst"), ("/src/", "./dst"), ("src/", "dst/"), ("src/", "/dst")]
    {
        let fs = FakeFs::new();
        for name in ["only/unreadable", "locked/file", "good"] {
            fs.file(format!("/src/{name}"), "x");
        }
        fs.mode("/src/only/unreadable", 0).mode("/src/locked", 0);
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec(fs.as_ref(), &[source], destination));
        assert_eq!(fs.names("/dst"), ["good"], "{source} {destination}: {}", ran.in_short());
        for problem in &ran.report.problems {
            let target = problem.target.as_ref().expect("an item has a target");
            assert_eq!(Some(&ran.item(target).source), problem.source.as_ref());
        }
    }
}

#[test]
fn what_cannot_be_read_is_told_with_its_target_however_the_source_is_spelled() {
    for source in [".", "/", "./"] {
        let fs = FakeFs::new();
        fs.file("/src/locked/file", "x").mode("/src/locked", 0).dir("/dst");
        let spec = spec(&fs, &[source], "/dst");
        // The destination lies in there too, so nothing is done, but everything is told.
        let ran = refused(fs, &spec, ErrorCode::SourceUnreadable);
        let is_locked = |problem: &&Problem| problem.error.code == ErrorCode::SourceUnreadable;
        let problem = ran.report.problems.iter().find(is_locked).expect("it was found");
        let target = problem.target.as_deref();
        assert_eq!(target, Some("/dst/src/locked".as_ref()), "{source}: {}", ran.in_short());
        assert_eq!(problem.source.as_ref(), Some(&problem.error.path));
    }
}

/// What is asked about the two roots fails once each; whoever reads that must look at the right disk.
#[test]
fn what_fails_at_one_end_is_not_reported_of_the_other() {
    let make = || {
        let fs = FakeFs::new();
        fs.file("/src/file", "x").mount("/dst", ext4());
        fs
    };
    let counting = Arc::new(FaultFs::counting(make()));
    let job = spec(counting.as_ref(), &["/src/"], "/dst");
    let before = counting.calls();
    carry_out(&counting, &job).all_ok();
    let log = counting.log();
    let asked = log.iter().skip(usize::try_from(before).expect("few calls"));
    let listed = asked.clone().position(|call| call.operation == Operation::List);
    let calls: Vec<_> = asked.take(listed.expect("the source is listed")).copied().collect();
    let mut codes = Vec::new();
    for call in calls {
        let fs = Arc::new(FaultFs::new(make(), FaultPlan::once(call.ordinal, FsErrorKind::Io)));
        let job = spec(fs.as_ref(), &["/src/"], "/dst");
        let ran = carry_out(&fs, &job);
        assert!(fs.fired(), "{call:?}");
        for problem in &ran.report.problems {
            let side = match problem.error.code {
                ErrorCode::SourceIoError => "/src",
                ErrorCode::DestinationIoError => "/dst",
                other => panic!("{call:?}: {other:?}"),
            };
            assert!(problem.error.path.starts_with(side), "{call:?}: {problem:?}");
            codes.push((call.operation, problem.error.code));
        }
    }
    for operation in [Operation::OpenRoot, Operation::Volume] {
        for code in [ErrorCode::SourceIoError, ErrorCode::DestinationIoError] {
            assert!(codes.contains(&(operation, code)), "{operation:?} {code:?}: {codes:?}");
        }
    }
}

#[test]
fn what_is_refused_is_told_with_its_kind() {
    let fs = FakeFs::new();
    fs.mount("/dst", VolumeSettings::of("vfat"));
    fs.file("/src/good", "x").file("/src/bad?", "bad").symlink("/src/link", "good");
    fs.file("/src/con/file", "xx").file("/src/locked/file", "x").mode("/src/locked", 0);
    let spec = spec(&fs, &["/src/"], "/dst");
    let ran = carry_out(&Arc::new(fs), &spec);
    for (name, kind, size) in [
        ("bad?", ItemKind::File, 3),
        ("link", ItemKind::Symlink, 0),
        ("con", ItemKind::Directory, 0),
        ("con/file", ItemKind::File, 2),
        ("locked", ItemKind::Directory, 0),
    ] {
        let item = ran.item(format!("/dst/{name}"));
        assert_eq!((item.kind, item.size_bytes), (kind, size), "{name}: {}", ran.in_short());
    }
    adds_up(&ran);
}

#[test]
fn a_dry_run_plans_and_writes_nothing() {
    let fs = ten_pages(ext4());
    fs.file("/src/dir/b", "b").file("/dst/dir/b", "old b").file("/src/link-to-be", "x");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.dry_run = true;
    let before = fs.tree("/");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.outcome, Outcome::Planned);
    nothing_written(&fs);
    assert_eq!(fs.tree("/"), before);
    let planned = ran.events.iter().filter(|e| matches!(e, Event::ItemPlanned { .. })).count();
    assert_eq!(planned, 5, "three files, two directories: {:#?}", ran.events);
    spec.dry_run = false;
    let done = carry_out(&fs, &spec);
    done.all_ok();
    assert_eq!(done.report.planned, ran.report.planned);
    assert_eq!(done.report.tally.ok, ran.report.planned.to_copy);
    assert!(done.items().all(|item| item.status == ItemStatus::Ok));
}

/// One finding, not one for each of the files.
#[test]
fn a_destination_that_may_not_be_written_to_is_refused_once() {
    for (source, target) in [("/src/", "/dst"), ("/src", "/dst"), ("/src/", "/dst/new")] {
        let fs = FakeFs::new();
        fs.file("/src/a", "a").file("/src/b", "b").file("/src/deep/c", "c");
        fs.dir("/dst").owner("/dst", 0, 0).mode("/dst", 0o755);
        let spec = spec(&fs, &[source], target);
        let ran = refused(fs, &spec, ErrorCode::DestinationDenied);
        assert_eq!(ran.report.problems.len(), 1, "{source} {target}: {}", ran.in_short());
        assert_eq!(ran.report.problems[0].scope, Scope::Job);
    }
}

#[test]
fn a_destination_that_may_not_be_written_to_is_no_matter_when_nothing_is_written_there() {
    let fs = FakeFs::new();
    fs.file("/src/a", "a").file("/src/sub/b", "b").dir("/dst/sub");
    let mut first = spec(&fs, &["/src/"], "/dst");
    let fs = Arc::new(fs);
    carry_out(&fs, &first).all_ok();
    fs.file("/src/sub/new", "new").file("/src/locked/c", "c").dir("/dst/locked");
    fs.file("/src/locked/below/d", "d");
    for locked in ["/dst", "/dst/locked"] {
        fs.owner(locked, 0, 0).mode(locked, 0o755);
    }
    first.preserve.timestamps = false;
    let ran = carry_out(&fs, &first);
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.item("/dst/sub/new").status, ItemStatus::Ok);
    for target in ["/dst/locked/c", "/dst/locked/below/d"] {
        assert_eq!(ran.code(target), ErrorCode::DestinationDenied);
    }
    assert_eq!(fs.names("/dst/locked").len(), 0);
}

/// As in `/tmp`: anybody may add files, but replace only their own.
#[test]
fn another_users_file_in_a_sticky_directory_is_refused() {
    const ME: u32 = 1000;
    const OTHER: u32 = 5;
    for (directory, file, user, is_refused) in [
        (OTHER, OTHER, Some(ME), true),
        (OTHER, ME, Some(ME), false),
        (ME, OTHER, Some(ME), false),
        (OTHER, OTHER, None, false),
    ] {
        for mode in [0o1777, 0o777] {
            let fs = FakeFs::new();
            fs.file("/src/file", "new one").file("/dst/file", "old");
            fs.mode("/dst", mode).owner("/dst", directory, 7).owner("/dst/file", file, 7);
            let mut spec = spec(&fs, &["/src/file"], "/dst");
            spec.user = user;
            if is_refused && mode == 0o1777 {
                refused(fs, &spec, ErrorCode::TargetReadOnly);
            } else {
                let fs = Arc::new(fs);
                carry_out(&fs, &spec).all_ok();
                assert_eq!(fs.read("/dst/file").as_deref(), Some(&b"new one"[..]));
            }
        }
    }
}
