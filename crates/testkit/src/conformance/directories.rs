//! Cases about directories: making, opening, listing and removing them.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, RelPath};

use super::stage::{Stage, fine, os, refused, rel};

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
