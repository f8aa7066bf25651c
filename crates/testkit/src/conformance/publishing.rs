//! Cases about giving a finished file its name.

use std::sync::atomic::{AtomicBool, Ordering};

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, Support};

use super::stage::{Stage, fine, os, refused, skip};

pub(super) fn a_new_name_is_only_published_when_free<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("partial", b"new"));
    drop(stage.put("file", b"old"));
    drop(stage.make_dir("dir"));
    let id = stage.id("partial");
    let publish = |from: &str, to: &str| stage.fs.publish_new(&stage.dir, os(from), os(to));
    let mut taken = vec!["file", "dir"];
    if stage.has_links() {
        stage.make_link("dangling", "nowhere");
        taken.push("dangling");
    }
    for name in taken {
        let before = stage.id(name);
        refused(name, publish("partial", name), &[FsErrorKind::AlreadyExists]);
        assert_eq!((stage.id(name), stage.id("partial")), (before, id), "nothing was changed");
    }
    stage.is_missing("nowhere");
    assert_eq!(stage.content("file"), b"old");
    refused("nothing", publish("none", "target"), &[FsErrorKind::NotFound]);
    fine("publish", publish("partial", "target"));
    assert_eq!(stage.id("target"), id);
    assert_eq!(stage.stat("target").link_count, 1);
    assert_eq!(stage.content("target"), b"new");
    stage.is_missing("partial");
}

pub(super) fn an_exchange_keeps_both<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("left", b"L"));
    drop(stage.put("right", b"R"));
    let (left, right) = (stage.id("left"), stage.id("right"));
    let exchange = |a: &str, b: &str| stage.fs.exchange(&stage.dir, os(a), os(b));
    match fine("exchange", exchange("left", "right")) {
        Support::Unsupported => {
            assert_eq!((stage.id("left"), stage.id("right")), (left, right), "nothing was changed");
            skip("no exchange of names here");
            return;
        }
        Support::Done(()) => {}
    }
    assert_eq!((stage.id("left"), stage.id("right")), (right, left));
    assert_eq!((stage.content("left"), stage.content("right")), (b"R".to_vec(), b"L".to_vec()));
    refused("with nothing", exchange("left", "none"), &[FsErrorKind::NotFound]);
    refused("with nothing", exchange("none", "left"), &[FsErrorKind::NotFound]);
    stage.is_missing("none");
    if stage.has_links() {
        stage.make_link("link", "right");
        let link = stage.id("link");
        assert!(fine("exchange with a link", exchange("left", "link")).is_done());
        assert_eq!((stage.id("left"), stage.id("link")), (link, right));
        assert_eq!(stage.id("right"), left, "what the link points to is left alone");
    }
}

pub(super) fn a_replacement_takes_the_name_over<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("target", b"old"));
    drop(stage.put("partial", b"new"));
    let old = fine("open", stage.fs.open_source(&stage.dir, os("target")));
    let id = stage.id("partial");
    let replace = |from: &str, to: &str| stage.fs.replace(&stage.dir, os(from), os(to));
    refused("by nothing", replace("none", "target"), &[FsErrorKind::NotFound]);
    assert_eq!(stage.content("target"), b"old");
    fine("replace", replace("partial", "target"));
    assert_eq!((stage.id("target"), stage.content("target")), (id, b"new".to_vec()));
    stage.is_missing("partial");
    assert_eq!(stage.read_all(&old), b"old", "who has the old file open keeps it");
    drop(stage.make_dir("dir"));
    refused(
        "a directory",
        replace("target", "dir"),
        &[FsErrorKind::IsADirectory, FsErrorKind::AlreadyExists, FsErrorKind::DirectoryNotEmpty],
    );
    assert_eq!((stage.kind("dir"), stage.id("target")), (FileKind::Directory, id));
    fine("replace what is not there", replace("target", "fresh"));
    assert_eq!(stage.id("fresh"), id);
}

pub(super) fn a_link_is_replaced_itself<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    drop(stage.put("precious", b"untouched"));
    drop(stage.put("partial", b"new"));
    stage.make_link("target", "precious");
    fine("replace", stage.fs.replace(&stage.dir, os("partial"), os("target")));
    assert_eq!(stage.kind("target"), FileKind::File);
    assert_eq!(stage.content("precious"), b"untouched");
    stage.make_link("new-link", "elsewhere");
    fine("publish a link", stage.fs.publish_new(&stage.dir, os("new-link"), os("link")));
    assert_eq!(fine("read", stage.fs.read_link(&stage.dir, os("link"))), "elsewhere");
}

pub(super) fn a_name_is_never_missing_while_replaced<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("target", b"complete"));
    let is_done = AtomicBool::new(false);
    let looks = std::thread::scope(|scope| {
        let poller = scope.spawn(|| {
            let mut looks = 0u64;
            while !is_done.load(Ordering::Acquire) || looks == 0 {
                assert_eq!(stage.content("target"), b"complete");
                looks += 1;
            }
            looks
        });
        let writer = scope.spawn(|| {
            for round in 0..200 {
                drop(stage.put("partial", b"complete"));
                if round % 2 == 0 {
                    fine("replace", stage.fs.replace(&stage.dir, os("partial"), os("target")));
                } else {
                    let _done: Support<()> = fine(
                        "exchange",
                        stage.fs.exchange(&stage.dir, os("partial"), os("target")),
                    );
                    fine("remove", stage.fs.remove_file(&stage.dir, os("partial")));
                }
            }
        });
        let written = writer.join();
        is_done.store(true, Ordering::Release);
        assert!(written.is_ok(), "the writer failed");
        poller.join().expect("the name was missing, short or mixed")
    });
    assert!(looks > 0);
}
