//! Cases about directories: making, opening, listing and removing them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::ops::ControlFlow;
use std::path::Path;

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, Node, RelPath};

use super::stage::{Stage, fine, os, refused, rel, skip};

const NOT_A_REAL_DIR: &[FsErrorKind] = &[FsErrorKind::LinkInPath, FsErrorKind::NotADirectory];

pub(super) fn a_root_may_be_given_through_a_link<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.has_links() {
        return;
    }
    let real = stage.make_dir("real");
    stage.make_link("link", "real");
    let opened = fine("open the root", stage.fs.open_root(&stage.path.join("link")));
    assert_eq!(stage.dir_id(&opened), stage.dir_id(&real));
    drop(stage.put("file", b""));
    refused(
        "a file as root",
        stage.fs.open_root(&stage.path.join("file")),
        &[FsErrorKind::NotADirectory],
    );
    refused(
        "a root that is not there",
        stage.fs.open_root(&stage.path.join("none")),
        &[FsErrorKind::NotFound],
    );
}

pub(super) fn directories_are_opened_beneath_and_never_through_a_link<F: FileSystem>(
    stage: &Stage<'_, F>,
) {
    let outer = stage.make_dir("outer");
    fine("create", stage.fs.create_dir(&outer, os("inner")));
    let inner = stage.open("outer/inner");
    drop(stage.put_in(&inner, "file", b"x"));
    refused(
        "a missing directory",
        stage.fs.open_dir(&stage.dir, &rel("outer/none")),
        &[FsErrorKind::NotFound],
    );
    refused(
        "a file as directory",
        stage.fs.open_dir(&inner, &rel("file")),
        &[FsErrorKind::NotADirectory],
    );
    refused(
        "a way through a file",
        stage.fs.open_dir(&inner, &rel("file/x")),
        &[FsErrorKind::NotADirectory],
    );
    if !stage.has_links() {
        return;
    }
    stage.make_link("relative", "outer");
    stage.make_link("absolute", &stage.path.join("outer").to_string_lossy());
    stage.make_link("self", ".");
    for path in ["relative", "relative/inner", "absolute", "absolute/inner", "self", "self/outer"] {
        refused(path, stage.fs.open_dir(&stage.dir, &rel(path)), NOT_A_REAL_DIR);
    }
}

pub(super) fn the_empty_path_opens_a_handle_of_its_own<F: FileSystem>(stage: &Stage<'_, F>) {
    let first = stage.make_dir("dir");
    let second = fine("open again", stage.fs.open_dir(&first, &RelPath::root()));
    assert_eq!(stage.dir_id(&first), stage.dir_id(&second));
    drop(first);
    drop(stage.put_in(&second, "file", b""));
    assert_eq!(fine("list", stage.fs.list(&second)), [OsString::from("file")]);
}

pub(super) fn the_parent_of_the_top_is_the_top<F: FileSystem>(stage: &Stage<'_, F>) {
    let child = stage.make_dir("child");
    let parent = fine("open the parent", stage.fs.open_parent(&child));
    assert_eq!(stage.dir_id(&parent), stage.dir_id(&stage.dir));
    let top = fine("open the top", stage.fs.open_root(Path::new("/")));
    let above = fine("open its parent", stage.fs.open_parent(&top));
    assert_eq!(stage.dir_id(&above), stage.dir_id(&top));
}

pub(super) fn a_new_directory_is_private_and_new<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.make_dir("dir"));
    let metadata = stage.stat("dir");
    assert_eq!(metadata.kind, FileKind::Directory);
    if stage.volume().filesystem.has_owners {
        assert_eq!(metadata.mode & 0o777, 0o700);
    }
    drop(stage.put("file", b"kept"));
    for taken in ["dir", "file"] {
        refused(taken, stage.fs.create_dir(&stage.dir, os(taken)), &[FsErrorKind::AlreadyExists]);
    }
    assert_eq!(stage.content("file"), b"kept");
    if stage.has_links() {
        stage.make_link("dangling", "nowhere");
        refused(
            "a name that a link has",
            stage.fs.create_dir(&stage.dir, os("dangling")),
            &[FsErrorKind::AlreadyExists],
        );
        stage.is_missing("nowhere");
    }
}

pub(super) fn only_empty_directories_are_removed<F: FileSystem>(stage: &Stage<'_, F>) {
    let dir = stage.make_dir("dir");
    drop(stage.put_in(&dir, "file", b""));
    let remove = |name: &str| stage.fs.remove_dir(&stage.dir, os(name));
    refused("a directory with entries", remove("dir"), &[FsErrorKind::DirectoryNotEmpty]);
    drop(stage.put("file", b""));
    refused("a file", remove("file"), &[FsErrorKind::NotADirectory]);
    refused("nothing", remove("none"), &[FsErrorKind::NotFound]);
    fine("remove the file inside", stage.fs.remove_file(&dir, os("file")));
    if stage.has_links() {
        stage.make_link("link", "dir");
        refused("a link to a directory", remove("link"), &[FsErrorKind::NotADirectory]);
        assert_eq!(stage.kind("dir"), FileKind::Directory);
    }
    fine("remove an empty directory", remove("dir"));
    stage.is_missing("dir");
}

pub(super) fn only_what_is_no_directory_is_removed_as_file<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.make_dir("dir"));
    drop(stage.put("file", b"x"));
    let remove = |name: &str| stage.fs.remove_file(&stage.dir, os(name));
    refused("a directory", remove("dir"), &[FsErrorKind::IsADirectory, FsErrorKind::NotPermitted]);
    refused("nothing", remove("none"), &[FsErrorKind::NotFound]);
    if stage.has_links() {
        stage.make_link("link", "file");
        fine("remove a link", remove("link"));
        stage.is_missing("link");
        assert_eq!(stage.content("file"), b"x");
    }
    fine("remove a file", remove("file"));
    assert_eq!(stage.names(), ["dir"]);
}

pub(super) fn a_removed_file_stays_readable_while_it_is_open<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("file", b"still here"));
    let open = fine("open", stage.fs.open_source(&stage.dir, os("file")));
    fine("remove", stage.fs.remove_file(&stage.dir, os("file")));
    assert_eq!(stage.read_all(&open), b"still here");
}

pub(super) fn a_listing_is_complete_every_time<F: FileSystem>(stage: &Stage<'_, F>) {
    assert_eq!(stage.names(), Vec::<String>::new());
    let expected: BTreeSet<OsString> =
        (0..3000).map(|number| OsString::from(format!("entry-{number:05}"))).collect();
    for name in &expected {
        drop(fine("create", stage.fs.create_partial(&stage.dir, name)));
    }
    for _ in 0..2 {
        let listed = fine("list", stage.fs.list(&stage.dir));
        assert_eq!(listed.len(), expected.len(), "each name once, without `.` and `..`");
        assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), expected);
    }
}

pub(super) fn a_listing_ends_when_enough_was_seen<F: FileSystem>(stage: &Stage<'_, F>) {
    for number in 0..100 {
        drop(stage.put(&format!("entry-{number:03}"), b"x"));
    }
    let mut seen = Vec::new();
    let listed = stage.fs.list_each(&stage.dir, &mut |name| {
        // Other questions may be asked meanwhile.
        seen.push((name.to_owned(), fine("look", stage.fs.metadata_at(&stage.dir, name)).size));
        if seen.len() < 10 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    fine("list", listed);
    assert_eq!(seen.len(), 10);
    assert!(seen.iter().all(|(_, size)| *size == 1));
    assert_eq!(stage.names().len(), 100, "the next listing begins at the beginning");
}

pub(super) fn directories_are_listed_without_anything_else<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.make_dir("one"));
    drop(stage.make_dir("two"));
    drop(stage.put("file", b"x"));
    if stage.has_links() {
        stage.make_link("link", "one");
    }
    for _ in 0..2 {
        let mut listed = fine("list directories", stage.fs.list_directories(&stage.dir));
        listed.sort();
        assert_eq!(listed, ["one", "two"]);
    }
    let empty = fine("open", stage.fs.open_dir(&stage.dir, &rel("one")));
    assert_eq!(fine("list directories", stage.fs.list_directories(&empty)), [""; 0]);
}

pub(super) fn one_directory_is_listed_by_several_threads<F: FileSystem>(stage: &Stage<'_, F>) {
    let expected: Vec<String> = (0..500).map(|number| format!("entry-{number:03}")).collect();
    for name in &expected {
        drop(stage.put(name, b""));
    }
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(stage.names(), expected, "no thread takes names from another");
                }
            });
        }
    });
}

/// A directory with a file and a directory in it, and these permissions while `look` looks at it.
/// `None`, with the reason said, where permissions do not bind.
fn with_mode<F: FileSystem, T>(
    stage: &Stage<'_, F>,
    mode: u32,
    look: impl FnOnce(&F::Dir) -> T,
) -> Option<T> {
    if !stage.volume().filesystem.has_owners {
        skip("no permissions here");
        return None;
    }
    let dir = stage.make_dir("dir");
    drop(stage.put_in(&dir, "file", b"content"));
    fine("create a directory", stage.fs.create_dir(&dir, os("inner")));
    let set = |mode| fine("set permissions", stage.fs.set_permissions(Node::Dir(&dir), mode));
    set(0);
    let is_privileged = stage.fs.open_dir(&stage.dir, &rel("dir")).is_ok();
    set(mode);
    let seen = look(&dir);
    // Whoever gave the root is to be able to remove it.
    set(0o700);
    if is_privileged {
        skip("run by a privileged user: permissions do not bind");
        return None;
    }
    Some(seen)
}

pub(super) fn a_directory_that_may_not_be_listed_says_so<F: FileSystem>(stage: &Stage<'_, F>) {
    let denied = &[FsErrorKind::PermissionDenied];
    let has_links = stage.has_links();
    if has_links {
        stage.make_link("link", "dir");
    }
    let (fs, path) = (stage.fs, stage.path.join(if has_links { "link" } else { "dir" }));
    let seen = with_mode(stage, 0o300, |_| {
        let passed = fs.open_root(&path).and_then(|root| {
            let again = fs.open_dir(&root, &RelPath::root())?;
            Ok((root, again))
        });
        let read = passed.as_ref().ok().map(|(root, again)| {
            let content = |dir| {
                let metadata = fs.metadata_at(dir, os("file"))?;
                fs.open_source(dir, os("file")).map(|file| (metadata.size, stage.read_all(&file)))
            };
            let refused = |dir| {
                [
                    ("list", fs.list(dir).map(drop)),
                    ("check write access", fs.check_writable(dir)),
                    ("flush the directory", fs.flush_dir(dir)),
                ]
            };
            let inner = fs.open_dir(root, &rel("inner")).and_then(|inner| fs.list(&inner));
            let flushed = |dir| fs.flush_volume(dir).is_ok_and(|done| done.is_done());
            let is_flushed = flushed(root) || flushed(again);
            ([content(root), content(again)], [refused(root), refused(again)], inner, is_flushed)
        });
        (fs.open_dir(&stage.dir, &rel("dir")).map(drop), passed.map(drop), read)
    });
    let Some((opened, passed, read)) = seen else { return };
    refused("open", opened, denied);
    fine("open as a root", passed);
    let (contents, attempts, inner, is_flushed) = read.expect("it was opened");
    for content in contents {
        assert_eq!(fine("read what stands in it", content), (7, b"content".to_vec()));
    }
    for (operation, result) in attempts.into_iter().flatten() {
        refused(operation, result, denied);
    }
    assert!(!is_flushed, "the volume was flushed");
    assert_eq!(fine("list what stands in it", inner), Vec::<OsString>::new());
}

pub(super) fn a_directory_that_may_not_be_searched_says_so<F: FileSystem>(stage: &Stage<'_, F>) {
    let (fs, path) = (stage.fs, stage.path.join("dir"));
    let seen = with_mode(stage, 0o600, |dir| {
        vec![
            ("open again", fs.open_dir(dir, &RelPath::root()).map(drop)),
            ("open beneath", fs.open_dir(&stage.dir, &rel("dir/inner")).map(drop)),
            ("open as a root", fs.open_root(&path.join("inner")).map(drop)),
            ("go up", fs.open_parent(dir).map(drop)),
            ("read metadata", fs.metadata_at(dir, os("file")).map(drop)),
            ("check read access", fs.check_readable(dir, os("file"))),
            ("open a source", fs.open_source(dir, os("file")).map(drop)),
            ("create", fs.create_partial(dir, os("new")).map(drop)),
            ("create a directory", fs.create_dir(dir, os("new"))),
            ("remove", fs.remove_file(dir, os("file"))),
            ("replace", fs.replace(dir, os("file"), os("new"))),
        ]
    });
    for (operation, result) in seen.into_iter().flatten() {
        refused(operation, result, &[FsErrorKind::PermissionDenied]);
    }
}
