//! Cases about names and paths: lengths, bytes, and what is no name.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use surecopy_fs::{FileSystem, FsErrorKind, FsResult, NameRules, RelPath, Times, Timestamp};

use super::stage::{Stage, fine, os, refused, skip};

pub(super) fn names_of_255_bytes_are_the_longest<F: FileSystem>(stage: &Stage<'_, F>) {
    let longest = "n".repeat(255);
    drop(stage.put(&longest, b"long"));
    assert_eq!(stage.content(&longest), b"long");
    assert_eq!(stage.names(), [longest.as_str()]);
    let too_long = "n".repeat(256);
    let kinds = &[FsErrorKind::NameTooLong];
    let name = os(&too_long);
    refused("create a file", stage.fs.create_partial(&stage.dir, name), kinds);
    refused("create a directory", stage.fs.create_dir(&stage.dir, name), kinds);
    refused("read metadata", stage.fs.metadata_at(&stage.dir, name), kinds);
    refused("publish", stage.fs.publish_new(&stage.dir, os(&longest), name), kinds);
    if stage.has_links() {
        refused("create a link", stage.fs.create_symlink(&stage.dir, name, os("x")), kinds);
    }
    assert_eq!(stage.names(), [longest.as_str()], "nothing has changed");
}

pub(super) fn any_bytes_are_a_name<F: FileSystem>(stage: &Stage<'_, F>) {
    if stage.volume().filesystem.name_rules != NameRules::Posix {
        skip("this volume does not take any bytes as a name");
        return;
    }
    let mut names: Vec<OsString> = [
        &b"\xff\xfe not UTF-8"[..],
        b"new\nline",
        b"\x1b[31mescape",
        b"-rf",
        b" spaces ",
        b"...",
        b"back\\slash",
        "\u{1f980} \u{202e}".as_bytes(),
    ]
    .into_iter()
    .map(|bytes| OsString::from_vec(bytes.to_vec()))
    .collect();
    for name in &names {
        let file = fine("create", stage.fs.create_partial(&stage.dir, name));
        stage.write_all(&file, name.as_bytes(), 0);
    }
    let mut listed = fine("list", stage.fs.list(&stage.dir));
    listed.sort();
    names.sort();
    assert_eq!(listed, names);
    for name in &names {
        let file = fine("open", stage.fs.open_source(&stage.dir, name));
        assert_eq!(stage.read_all(&file), name.as_bytes());
    }
}

pub(super) fn paths_may_be_longer_than_any_limit<F: FileSystem>(stage: &Stage<'_, F>) {
    let name = "d".repeat(200);
    let mut path = RelPath::root();
    let mut deepest = fine("open", stage.fs.open_dir(&stage.dir, &path));
    for _ in 0..25 {
        fine("create", stage.fs.create_dir(&deepest, os(&name)));
        path = path.join(os(&name));
        deepest = fine("open from the top", stage.fs.open_dir(&stage.dir, &path));
    }
    assert!(path.as_encoded_bytes().len() > 4096);
    drop(stage.put_in(&deepest, "file", b"deep"));
    let file = fine("open", stage.fs.open_source(&deepest, os("file")));
    assert_eq!(stage.read_all(&file), b"deep");
    if stage.volume().filesystem.has_symlinks {
        let middle = RelPath::new(path.as_path().ancestors().nth(2).expect("25 levels"));
        let middle = fine("open", stage.fs.open_dir(&stage.dir, &middle.expect("plain names")));
        fine("link", stage.fs.create_symlink(&middle, os("link"), os(&name)));
        let through = path.parent().and_then(|path| path.parent()).expect("25 levels");
        let through = through.join(os("link")).join(os(&name));
        refused(
            "a link deep in the path",
            stage.fs.open_dir(&stage.dir, &through),
            &[FsErrorKind::LinkInPath, FsErrorKind::NotADirectory],
        );
    }
}

/// Every operation that takes a name, applied to one: whether it was carried out.
fn by_name<F: FileSystem>(
    stage: &Stage<'_, F>,
    name: &OsStr,
) -> Vec<(&'static str, FsResult<bool>)> {
    let (fs, dir) = (stage.fs, &stage.dir);
    let times = Times { accessed: None, modified: Timestamp { secs: 1, nanos: 0 }, created: None };
    vec![
        ("create a directory", fs.create_dir(dir, name).map(|()| true)),
        ("remove a directory", fs.remove_dir(dir, name).map(|()| true)),
        ("remove a file", fs.remove_file(dir, name).map(|()| true)),
        ("read metadata", fs.metadata_at(dir, name).map(|_| true)),
        ("check read access", fs.check_readable(dir, name).map(|()| true)),
        ("read a link", fs.read_link(dir, name).map(|_| true)),
        ("create a link", fs.create_symlink(dir, name, os("x")).map(|()| true)),
        ("link from", fs.hard_link(dir, name, dir, os("new")).map(|done| done.is_done())),
        ("link to", fs.hard_link(dir, os("file"), dir, name).map(|done| done.is_done())),
        ("open", fs.open_source(dir, name).map(|_| true)),
        ("create", fs.create_partial(dir, name).map(|_| true)),
        ("ask for a lock", fs.is_locked(dir, name).map(|done| done.is_done())),
        ("open past the cache", fs.open_direct(dir, name).map(|done| done.is_done())),
        ("publish from", fs.publish_new(dir, name, os("new")).map(|()| true)),
        ("publish to", fs.publish_new(dir, os("file"), name).map(|()| true)),
        ("exchange from", fs.exchange(dir, name, os("file")).map(|done| done.is_done())),
        ("exchange to", fs.exchange(dir, os("file"), name).map(|done| done.is_done())),
        ("replace from", fs.replace(dir, name, os("new")).map(|()| true)),
        ("replace to", fs.replace(dir, os("file"), name).map(|()| true)),
        ("set times", fs.set_link_times(dir, name, times).map(|done| done.is_done())),
        ("set owner", fs.set_link_owner(dir, name, None, None).map(|done| done.is_done())),
    ]
}

pub(super) fn what_is_no_plain_name_leads_nowhere<F: FileSystem>(stage: &Stage<'_, F>) {
    let inner = stage.make_dir("inner");
    drop(stage.put_in(&inner, "target", b"inside"));
    drop(stage.put("file", b"kept"));
    let before = stage.names();
    for name in ["inner/target", "inner/new", "./file", "../x", "..", ".", "", "/", "/etc"] {
        for (operation, result) in by_name(stage, os(name)) {
            let is_done = result.unwrap_or(false);
            assert!(!is_done, "{operation} went through with {name:?} as the name");
        }
    }
    assert_eq!(stage.names(), before);
    assert_eq!(stage.content("file"), b"kept");
    assert_eq!(fine("list", stage.fs.list(&inner)), [OsString::from("target")]);
}
