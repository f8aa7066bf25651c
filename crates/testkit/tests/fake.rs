//! What the fake file system offers beyond the contract: volumes, hooks, lying devices, counters.

#![expect(clippy::unwrap_used, reason = "a failed step is a failed test")]

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use surecopy_fs::{FileSystem, FsErrorKind, Node, Operation, Support, Timestamp};
use surecopy_testkit::{FakeDir, FakeFile, FakeFs, VolumeSettings};

const PAGE: usize = 4096;

fn name(text: &str) -> &OsStr {
    OsStr::new(text)
}

fn root(fs: &FakeFs, path: &str) -> FakeDir {
    fs.open_root(Path::new(path)).unwrap()
}

fn read(fs: &FakeFs, file: &FakeFile, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    assert_eq!(fs.read_at(file, &mut bytes, 0).unwrap(), length);
    bytes
}

/// Reads pages past the cache.
fn read_direct(fs: &FakeFs, dir: &FakeDir, file: &str, pages: usize) -> Vec<u8> {
    let direct = fs.open_direct(dir, name(file)).unwrap().done().unwrap();
    let mut room = vec![0u8; (pages + 1) * PAGE];
    let start = room.as_ptr().align_offset(PAGE);
    let buffer = &mut room[start..start + pages * PAGE];
    let count = fs.read_at(&direct, buffer, 0).unwrap();
    buffer[..count].to_vec()
}

#[test]
fn a_lying_device_is_seen_past_the_cache_and_after_dropping_it() {
    let fs = FakeFs::new();
    fs.dir("/d").corrupt_next_write(5000).drop_next_write(9000);
    let dir = root(&fs, "/d");
    let file = fs.create_partial(&dir, name("f")).unwrap();
    let good = vec![7u8; 3 * PAGE];
    fs.write_at(&file, &good[..2 * PAGE], 0).unwrap();
    fs.write_at(&file, &good[2 * PAGE..], 2 * PAGE as u64).unwrap();
    fs.flush_file(&file).unwrap();
    assert_eq!(read(&fs, &file, 3 * PAGE), good, "memory shows what was written");

    let mut bad = good.clone();
    bad[5000] ^= 1;
    bad[2 * PAGE..].fill(0);
    assert_eq!(read_direct(&fs, &dir, "f", 3), bad);
    assert_eq!(read(&fs, &file, 3 * PAGE), good, "a read past the cache evicts nothing");

    assert!(fs.drop_cache(&file).unwrap().is_done());
    assert_eq!(fs.resident_bytes(&file, 3 * PAGE as u64).unwrap(), Support::Done(0));
    assert_eq!(read(&fs, &file, 3 * PAGE), bad);
    let good_file = fs.create_partial(&dir, name("good")).unwrap();
    fs.write_at(&good_file, &good, 0).unwrap();
    let mut go_on = |_: &[u8]| std::ops::ControlFlow::Continue(());
    let outcome = fs.compare_mapped(&file, &good_file, 0..3 * PAGE as u64, &mut go_on).unwrap();
    assert_eq!(outcome, Support::Done(surecopy_fs::MappedComparison::DiffersAt(5000)));
}

#[test]
fn dirty_pages_are_not_dropped() {
    let fs = FakeFs::new();
    fs.dir("/d").corrupt_next_write(0);
    let file = fs.create_partial(&root(&fs, "/d"), name("f")).unwrap();
    fs.write_at(&file, b"good", 0).unwrap();
    assert!(fs.drop_cache(&file).unwrap().is_done());
    assert_eq!(fs.resident_bytes(&file, 4).unwrap(), Support::Done(PAGE as u64));
    assert_eq!(read(&fs, &file, 4), b"good");
}

#[test]
fn a_hook_changes_things_just_before_an_operation() {
    let fs = FakeFs::new();
    fs.file("/d/f", b"before");
    let calls = Arc::new(AtomicU64::new(0));
    let seen = calls.clone();
    fs.before(Operation::Read, move |fs, nth| {
        seen.fetch_add(1, Ordering::Relaxed);
        if nth == 2 {
            fs.write("/d/f", 0, b"AFTER!");
        }
    });
    let dir = root(&fs, "/d");
    let file = fs.open_source(&dir, name("f")).unwrap();
    assert_eq!(read(&fs, &file, 6), b"before");
    assert_eq!(read(&fs, &file, 6), b"AFTER!");
    assert_eq!(calls.load(Ordering::Relaxed), 2);
    assert_eq!(fs.count(Operation::Read), 2);
    assert_eq!(fs.bytes_read("/d/f"), 12);
    let last = fs.operations().pop().unwrap();
    assert_eq!(last, (Operation::Read, "f".to_owned()));
}

#[test]
fn a_full_volume_takes_what_fits() {
    let fs = FakeFs::new();
    fs.mount("/small", VolumeSettings::default().capacity_bytes(2 * PAGE as u64).max_files(3));
    let dir = root(&fs, "/small");
    let file = fs.create_partial(&dir, name("a")).unwrap();
    assert_eq!(fs.write_at(&file, &[1; 3 * PAGE], 0).unwrap(), 2 * PAGE, "a short write first");
    let error = fs.write_at(&file, b"x", 2 * PAGE as u64).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::NoSpace);
    assert_eq!(fs.preallocate(&file, 3 * PAGE as u64).unwrap_err().kind, FsErrorKind::NoSpace);
    assert_eq!(fs.volume(&dir).unwrap().space.free_bytes, Some(0));
    for (more, kind) in [("b", None), ("c", None), ("d", Some(FsErrorKind::NoSpace))] {
        assert_eq!(fs.create_dir(&dir, name(more)).err().map(|error| error.kind), kind, "{more}");
    }
    drop(file);
    fs.remove_file(&dir, name("a")).unwrap();
    assert_eq!(fs.volume(&dir).unwrap().space.free_bytes, Some(2 * PAGE as u64));
}

#[test]
fn volumes_keep_apart() {
    let fs = FakeFs::new();
    fs.mount("/a", VolumeSettings::of("btrfs")).mount("/b", VolumeSettings::of("btrfs"));
    fs.file("/a/f", [1; 10_000]);
    let (a, b) = (root(&fs, "/a"), root(&fs, "/b"));
    assert_ne!(fs.volume(&a).unwrap().id, fs.volume(&b).unwrap().id);
    let source = fs.open_source(&a, name("f")).unwrap();
    let near = fs.create_partial(&a, name("near")).unwrap();
    let far = fs.create_partial(&b, name("far")).unwrap();
    assert!(fs.clone_file(&source, &near).unwrap().is_done());
    assert_eq!(fs.used_bytes("/a"), 3 * PAGE as u64, "a clone takes no room");
    assert_eq!(fs.clone_file(&source, &far).unwrap(), Support::Unsupported);
    assert_eq!(fs.copy_range(&source, &far, 0, 10_000).unwrap(), Support::Unsupported);
    let error = fs.hard_link(&a, name("f"), &b, name("g")).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::CrossesVolumes);
    assert_eq!(fs.read("/b/far"), Some(Vec::new()));
}

#[test]
fn volumes_differ_as_their_kinds_do() {
    let fs = FakeFs::new();
    fs.mount("/fat", VolumeSettings::of("vfat"))
        .mount("/ro", VolumeSettings::of("ext4").read_only());
    let fat = root(&fs, "/fat");
    drop(fs.create_partial(&fat, name("Name")).unwrap());
    let error = fs.create_partial(&fat, name("nAME")).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::AlreadyExists);
    assert_eq!(fs.create_dir(&fat, name("a:b")).unwrap_err().kind, FsErrorKind::InvalidInput);
    fs.modified("/fat/Name", Timestamp { secs: 33, nanos: 5 });
    assert_eq!(fs.stat("/fat/Name").unwrap().modified, Timestamp { secs: 32, nanos: 0 });
    let error = fs.create_dir(&root(&fs, "/ro"), name("x")).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::ReadOnlyVolume);
}

#[test]
fn permissions_bind_the_user_who_asks() {
    let fs = FakeFs::new();
    fs.file("/d/mine", b"x").mode("/d/mine", 0);
    fs.file("/d/theirs", b"x").owner("/d/theirs", 5, 5);
    let dir = root(&fs, "/d");
    let denied = |error: surecopy_fs::FsError| error.kind == FsErrorKind::PermissionDenied;
    assert!(denied(fs.check_readable(&dir, name("mine")).unwrap_err()));
    assert!(denied(fs.open_source(&dir, name("mine")).unwrap_err()));
    let theirs = fs.open_source(&dir, name("theirs")).unwrap();
    let error = fs.set_permissions(Node::File(&theirs), 0o777).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::NotPermitted);
    fs.privileged(true);
    assert!(fs.check_readable(&dir, name("mine")).is_ok());
    fs.immutable("/d/mine", true);
    let error = fs.remove_file(&dir, name("mine")).unwrap_err();
    assert_eq!(error.kind, FsErrorKind::NotPermitted);
    fs.mode("/d", 0o555).privileged(false);
    assert!(denied(fs.create_dir(&dir, name("new")).unwrap_err()));
    assert!(denied(fs.check_writable(&dir).unwrap_err()));
}

#[test]
fn locks_and_handles_end_with_their_owner() {
    let fs = FakeFs::new();
    fs.dir("/d");
    let dir = root(&fs, "/d");
    let file = fs.create_partial(&dir, name("f")).unwrap();
    assert!(fs.is_lock_held("/d/f"));
    fs.remove("/d/f");
    fs.write_at(&file, b"still open", 0).unwrap();
    assert_eq!(fs.open_handles(), 2);
    drop((file, dir));
    assert_eq!((fs.open_handles(), fs.used_bytes("/")), (0, 0));
}

#[test]
fn trees_compare_by_what_a_copy_should_keep() {
    let fs = FakeFs::new();
    let time = Timestamp { secs: 1, nanos: 2 };
    for top in ["/a", "/b"] {
        fs.file(format!("{top}/sub/f"), b"same").symlink(format!("{top}/l"), "sub/f");
        for entry in ["", "/sub", "/sub/f", "/l"] {
            fs.modified(format!("{top}{entry}"), time);
        }
    }
    assert_eq!(fs.tree("/a"), fs.tree("/b"));
    assert_eq!(
        fs.tree("/a").into_keys().collect::<Vec<_>>(),
        ["", "l", "sub", "sub/f"].map(PathBuf::from)
    );
    fs.write("/b/sub/f", 0, b"S").modified("/b/sub/f", time);
    assert_ne!(fs.tree("/a"), fs.tree("/b"));
    assert_eq!(fs.names("/a"), ["l", "sub"]);
    assert!(fs.tree("/none").is_empty());
}

#[test]
fn roots_are_resolved_as_typed() {
    let fs = FakeFs::new();
    fs.file("/real/f", b"x").symlink("/link", "/real").symlink("/loop", "loop");
    assert_eq!(fs.list(&root(&fs, "/link/../link")).unwrap(), ["f"]);
    assert!(fs.open_root(Path::new("/loop")).is_err());
}

#[test]
fn every_volume_has_an_identity_that_outlives_a_remount() {
    let fs = FakeFs::new();
    fs.dir("/a").mount("/b", VolumeSettings::of("xfs"));
    fs.mount("/c", VolumeSettings::of("xfs").identity("uuid:c"));
    let identity = |path: &str| {
        let volume = fs.volume(&fs.open_root(Path::new(path)).unwrap()).unwrap();
        volume.identity.map(|identity| identity.to_string())
    };
    assert_eq!(identity("/"), identity("/a"));
    assert_ne!(identity("/a"), identity("/b"));
    assert_eq!(identity("/c").as_deref(), Some("uuid:c"));
    let before = identity("/b");
    assert!(before.is_some());
    fs.remount("/b", |settings| settings.is_read_only = true);
    assert_eq!(identity("/b"), before);
    fs.remount("/b", |settings| settings.identity = None);
    assert_eq!(identity("/b"), None);
}
