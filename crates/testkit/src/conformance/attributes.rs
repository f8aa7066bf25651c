//! Cases about metadata: permissions, owners, times, extended attributes, and the volume.

use std::ffi::OsString;

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, Node, Support, Times, Timestamp, Xattr};

use super::stage::{Stage, fine, os, pattern, refused, skip};

pub(super) fn metadata_tells_the_same_by_name_and_by_handle<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", &pattern(10_000));
    fine("flush", stage.fs.flush_file(&file));
    assert_eq!(fine("by handle", stage.fs.metadata(Node::File(&file))), stage.stat("file"));
    let dir = stage.make_dir("dir");
    assert_eq!(fine("by handle", stage.fs.metadata(Node::Dir(&dir))), stage.stat("dir"));
    let (file, dir) = (stage.stat("file"), stage.stat("dir"));
    assert_eq!((file.kind, file.size, file.link_count), (FileKind::File, 10_000, 1));
    assert_eq!(dir.kind, FileKind::Directory);
    assert_ne!(file.id, dir.id);
    assert!(!file.is_immutable);
    stage.is_missing("none");
}

pub(super) fn permissions_are_kept_bit_for_bit<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.volume().filesystem.has_owners {
        skip("no permissions here");
        return;
    }
    let file = stage.put("file", b"x");
    for mode in [0o644, 0o000, 0o777, 0o4755, 0o2755, 0o1600, 0o600] {
        fine("set permissions", stage.fs.set_permissions(Node::File(&file), mode));
        assert_eq!(stage.stat("file").mode, mode, "{mode:o}");
    }
    let dir = stage.make_dir("dir");
    for mode in [0o1777, 0o500, 0o700] {
        fine("set permissions", stage.fs.set_permissions(Node::Dir(&dir), mode));
        assert_eq!(stage.stat("dir").mode, mode, "{mode:o}");
    }
}

pub(super) fn an_owner_comes_before_permissions<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.volume().filesystem.has_owners {
        skip("no owners here");
        return;
    }
    let file = stage.put("file", b"x");
    let before = stage.stat("file");
    fine("keep", stage.fs.set_owner(Node::File(&file), None, None));
    let (uid, gid) = (Some(before.uid), Some(before.gid));
    fine("set the same", stage.fs.set_owner(Node::File(&file), uid, gid));
    fine("set permissions", stage.fs.set_permissions(Node::File(&file), 0o4711));
    let after = stage.stat("file");
    assert_eq!((after.uid, after.gid, after.mode), (before.uid, before.gid, 0o4711));
    let other = stage.fs.set_owner(Node::File(&file), Some(before.uid.wrapping_add(1)), None);
    match other {
        Ok(()) => assert_eq!(stage.stat("file").uid, before.uid.wrapping_add(1)),
        Err(error) => {
            assert_eq!(error.kind, FsErrorKind::NotPermitted, "{error}");
            assert_eq!(stage.stat("file"), after, "nothing was changed");
        }
    }
}

fn nanos(time: Timestamp) -> i128 {
    i128::from(time.secs) * 1_000_000_000 + i128::from(time.nanos)
}

#[track_caller]
fn same_time(stored: Timestamp, given: Timestamp, step_nanos: u32) {
    let difference = (nanos(stored) - nanos(given)).abs();
    assert!(difference < i128::from(step_nanos), "{stored:?} is not {given:?} (step {step_nanos})");
    assert!(stored.nanos < 1_000_000_000);
}

pub(super) fn times_are_kept_as_precisely_as_promised<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"x");
    let dir = stage.make_dir("dir");
    let step = stage.volume().filesystem.time_step_nanos;
    let mut given = vec![(1_500_000_000, 123_456_789), (0, 1), (2_000_000_000, 999_999_999)];
    if step == 1 {
        given.extend([(-1, 999_999_999), (-100_000_000, 5), (-1, 0)]);
    }
    for (secs, nanos) in given {
        let modified = Timestamp { secs, nanos };
        let accessed = Timestamp { secs: secs + 77, nanos };
        let times = Times { accessed: Some(accessed), modified, created: None };
        fine("set times", stage.fs.set_times(Node::File(&file), times));
        let stored = stage.stat("file");
        same_time(stored.modified, modified, step);
        same_time(stored.accessed, accessed, step);
        fine("set times", stage.fs.set_times(Node::Dir(&dir), times));
        same_time(stage.stat("dir").modified, modified, step);
    }
    let accessed = stage.stat("file").accessed;
    let modified = Timestamp { secs: 1_000_000_000, nanos: 0 };
    let times = Times { accessed: None, modified, created: None };
    fine("set one time", stage.fs.set_times(Node::File(&file), times));
    let stored = stage.stat("file");
    assert_eq!((stored.modified, stored.accessed), (modified, accessed));
}

pub(super) fn a_change_moves_the_times<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"x");
    let old = Timestamp { secs: 1_000_000_000, nanos: 0 };
    let times = Times { accessed: None, modified: old, created: None };
    fine("set times", stage.fs.set_times(Node::File(&file), times));
    let before = stage.stat("file");
    assert!(stage.stat("file").is_unchanged_since(&before));
    stage.write_all(&file, b"y", 0);
    let after = stage.stat("file");
    assert!(after.modified > old, "writing sets the time of modification");
    assert!(!after.is_unchanged_since(&before));
}

pub(super) fn attributes_come_back_sorted_and_whole<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"x");
    let dir = stage.make_dir("dir");
    for is_dir in [false, true] {
        attributes_of(stage, &file, &dir, is_dir);
    }
}

fn attributes_of<F: FileSystem>(stage: &Stage<'_, F>, file: &F::File, dir: &F::Dir, is_dir: bool) {
    let node = || if is_dir { Node::Dir(dir) } else { Node::File(file) };
    let listed = || match fine("list attributes", stage.fs.xattrs(node())) {
        Support::Unsupported => None,
        Support::Done(mut all) => {
            assert!(all.is_sorted(), "{all:?}");
            all.retain(|xattr| xattr.name.to_string_lossy().starts_with("user."));
            Some(all)
        }
    };
    let xattr =
        |name: &str, value: &[u8]| Xattr { name: OsString::from(name), value: value.into() };
    let first = xattr("user.surecopy.z", b"\0\xffbinary");
    match fine("set an attribute", stage.fs.set_xattr(node(), &first)) {
        Support::Unsupported => {
            assert!(listed().is_none_or(|all| all.is_empty()), "nothing was changed");
            let _done: Support<()> =
                fine("remove an attribute", stage.fs.remove_xattr(node(), &first.name));
            skip("no attributes of users here");
            return;
        }
        Support::Done(()) => {}
    }
    let others = [
        xattr("user.surecopy.a", b""),
        xattr("user.surecopy.m", &[b'v'; 500]),
        xattr("user.surecopy.z", b"replaced"),
    ];
    for other in &others {
        assert!(fine("set an attribute", stage.fs.set_xattr(node(), other)).is_done());
    }
    assert_eq!(listed(), Some(others.to_vec()), "set can be listed");
    for _ in 0..2 {
        let removed = fine("remove", stage.fs.remove_xattr(node(), &others[1].name));
        assert!(removed.is_done(), "one that is gone is no error");
        assert_eq!(listed(), Some(vec![others[0].clone(), others[2].clone()]));
    }
}

pub(super) fn a_volume_knows_itself<F: FileSystem>(stage: &Stage<'_, F>) {
    let volume = stage.volume();
    assert_eq!(volume.id, stage.dir_id(&stage.dir).volume);
    let again = fine("open again", stage.fs.open_root(&stage.path));
    let identity = fine("query the volume", stage.fs.volume(&again)).identity;
    assert_eq!(volume.identity, identity, "it is the same volume whenever it is asked");
    let beneath = stage.make_dir("beneath");
    let identity = fine("query the volume", stage.fs.volume(&beneath)).identity;
    assert_eq!(volume.identity, identity, "and wherever on it");
    assert!(!volume.is_read_only);
    drop(stage.put("Case", b"upper"));
    let other = stage.fs.metadata_at(&stage.dir, os("cASE"));
    if volume.is_case_insensitive {
        assert_eq!(fine("look up in another case", other).id, stage.id("Case"));
    } else {
        refused("another case", other, &[FsErrorKind::NotFound]);
    }
    let file = stage.put("file", &pattern(1 << 20));
    fine("flush", stage.fs.flush_file(&file));
    let _may_be: bool = fine("ask about inline data", stage.fs.may_be_inline(&file));
    if let Some(free) = stage.volume().space.free_bytes {
        assert!(free < u64::MAX / 2, "no disk is that large: {free}");
    }
}
