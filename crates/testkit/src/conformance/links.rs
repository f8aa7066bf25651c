//! Cases about symbolic and hard links.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, Support, Times, Timestamp};

use super::stage::{Stage, fine, os, refused, skip};

pub(super) fn the_text_of_a_link_is_kept_byte_for_byte<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    let texts: [&[u8]; 6] =
        [b"plain", b"/absolute/x", b"../up", b"\xff\xfe", b"a//b/./c/", &[b'x'; 1000]];
    for (number, text) in texts.iter().enumerate() {
        let (name, text) = (format!("link-{number}"), OsString::from_vec(text.to_vec()));
        fine("create a link", stage.fs.create_symlink(&stage.dir, os(&name), &text));
        assert_eq!(fine("read it", stage.fs.read_link(&stage.dir, os(&name))), text);
        let metadata = stage.stat(&name);
        assert_eq!((metadata.kind, metadata.size), (FileKind::Symlink, text.len() as u64));
    }
    drop(stage.put("file", b""));
    refused(
        "read a file as link",
        stage.fs.read_link(&stage.dir, os("file")),
        &[FsErrorKind::InvalidInput],
    );
    refused(
        "read a link that is not there",
        stage.fs.read_link(&stage.dir, os("none")),
        &[FsErrorKind::NotFound],
    );
}

pub(super) fn a_link_never_takes_a_name_that_is_taken<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    drop(stage.put("file", b"kept"));
    drop(stage.make_dir("dir"));
    stage.make_link("link", "first");
    for taken in ["file", "dir", "link"] {
        let result = stage.fs.create_symlink(&stage.dir, os(taken), os("second"));
        refused(taken, result, &[FsErrorKind::AlreadyExists]);
    }
    assert_eq!(stage.content("file"), b"kept");
    assert_eq!(fine("read", stage.fs.read_link(&stage.dir, os("link"))), "first");
}

pub(super) fn nothing_is_opened_or_made_through_a_link<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    drop(stage.put("secret", b"not for you"));
    stage.make_link("link", "secret");
    stage.make_link("dangling", "nowhere");
    assert_eq!(stage.kind("link"), FileKind::Symlink, "metadata is the link's own");
    for name in ["link", "dangling"] {
        refused(name, stage.fs.open_source(&stage.dir, os(name)), &[FsErrorKind::LinkInPath]);
        match stage.fs.open_direct(&stage.dir, os(name)) {
            Ok(Support::Unsupported) => {}
            result => refused(name, result.map(drop), &[FsErrorKind::LinkInPath]),
        }
        refused(name, stage.fs.create_partial(&stage.dir, os(name)), &[FsErrorKind::AlreadyExists]);
    }
    stage.is_missing("nowhere");
    assert_eq!(stage.content("secret"), b"not for you");
}

pub(super) fn a_hard_link_is_the_same_file<F: FileSystem>(stage: &Stage<'_, F>) {
    let other = stage.make_dir("other");
    drop(stage.put("file", b"shared"));
    drop(stage.put("taken", b"kept"));
    let link = |from: &str, to: &str| stage.fs.hard_link(&stage.dir, os(from), &stage.dir, os(to));
    match fine("link", link("file", "second")) {
        Support::Unsupported => {
            stage.is_missing("second");
            assert_eq!(stage.stat("file").link_count, 1);
            skip("no hard links here");
            return;
        }
        Support::Done(()) => {}
    }
    assert_eq!(stage.id("second"), stage.id("file"));
    assert_eq!(stage.stat("file").link_count, 2);
    refused("a name that is taken", link("file", "taken"), &[FsErrorKind::AlreadyExists]);
    assert_eq!(stage.content("taken"), b"kept");
    refused("a file that is not there", link("none", "third"), &[FsErrorKind::NotFound]);
    let across = stage.fs.hard_link(&stage.dir, os("file"), &other, os("third"));
    assert!(fine("link into another directory", across).is_done());
    assert_eq!(stage.stat("file").link_count, 3);
}

pub(super) fn a_hard_link_to_a_link_is_a_link<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    drop(stage.put("file", b"x"));
    stage.make_link("link", "file");
    stage.make_link("dangling", "nowhere");
    for name in ["link", "dangling"] {
        let new = format!("{name}-2");
        let result = stage.fs.hard_link(&stage.dir, os(name), &stage.dir, os(&new));
        match fine("link a link", result) {
            Support::Unsupported => stage.is_missing(&new),
            Support::Done(()) => assert_eq!(stage.kind(&new), FileKind::Symlink),
        }
    }
    assert_eq!(stage.stat("file").link_count, 1, "what the link points to was not linked");
}

pub(super) fn a_link_has_times_and_an_owner_of_its_own<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    drop(stage.put("file", b"x"));
    stage.make_link("link", "file");
    let (file_before, link_before) = (stage.stat("file"), stage.stat("link"));
    let modified = Timestamp { secs: 1_234_567_890, nanos: 0 };
    let times = Times { accessed: Some(modified), modified, created: None };
    match fine("set times", stage.fs.set_link_times(&stage.dir, os("link"), times)) {
        Support::Done(()) => assert_eq!(stage.stat("link").modified, modified),
        Support::Unsupported => assert_eq!(stage.stat("link"), link_before),
    }
    let (uid, gid) = (Some(link_before.uid), Some(link_before.gid));
    let _done: Support<()> =
        fine("set owner", stage.fs.set_link_owner(&stage.dir, os("link"), uid, gid));
    let link_after = stage.stat("link");
    assert_eq!((link_after.uid, link_after.gid), (link_before.uid, link_before.gid));
    assert_eq!(stage.stat("file"), file_before, "what the link points to is left alone");
}
