//! Names that few programs get right, and paths that are longer than the kernel takes at once.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use surecopy::{CopyRequest, Outcome, copy_file, copy_tree};

use crate::place::{Place, alongside};
use crate::running::run;
use crate::snapshot::{assert_same, by_handle, tree};

/// The kernel takes paths of at most 4,095 bytes; this is how much longer ours are.
const DEEP_BYTES: usize = 6500;

fn odd_names() -> Vec<OsString> {
    let names: [&[u8]; 16] = [
        b"-rf",
        b"--delete",
        b"new\nline",
        b"tab\tbell\x07",
        b"\x1b[31mred\x1b[0m",
        b"\x1b]0;title\x07",
        b"\x9b31m",
        b"\xff\xfe not text",
        b" leading and trailing ",
        b"...",
        b"back\\slash",
        b"quote'\"`$(x)",
        b"*?[a]{b}",
        "\u{1f680} emoji".as_bytes(),
        "\u{202e}reversed".as_bytes(),
        "e\u{301} and \u{e9}".as_bytes(),
    ];
    let mut names: Vec<OsString> = names.map(|name| OsStr::from_bytes(name).to_owned()).into();
    names.push("n".repeat(255).into());
    names.push(OsStr::from_bytes(&[0xc3; 255]).to_owned());
    names
}

#[test]
fn row_33_odd_names_arrive_as_they_are() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.dir("source");
    for name in odd_names() {
        fs::write(source.join(&name), name.as_bytes()).unwrap();
        let dir = place.dir("source/below").join(&name);
        fs::create_dir(&dir).unwrap();
        fs::write(dir.join(&name), "inside").unwrap();
        std::os::unix::fs::symlink(&name, dir.join("link")).unwrap();
    }
    let report = copy_tree(&source, place.at("copy")).unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
    assert_same(&tree(&source), &tree(&place.at("copy")));
    // Replacing works as well beside names that leave no room for a suffix.
    let again = run(CopyRequest::new([source.join("")], place.at("copy"))
        .exact_target(true)
        .on_conflict(surecopy::ConflictPolicy::Replace));
    assert_eq!(again.codes(), []);
    assert_same(&tree(&source), &tree(&place.at("copy")));
}

#[test]
fn row_33_odd_names_are_taken_from_whoever_asks() {
    let _machine = alongside();
    let place = Place::new();
    for name in odd_names() {
        let source = place.dir("from").join(&name);
        fs::write(&source, name.as_bytes()).unwrap();
        let item = copy_file(&source, place.dir("to").join(&name)).unwrap();
        assert_eq!(item.source, source);
    }
    // The directory's own time is that of the last file.
    let (mut from, mut to) = (tree(&place.at("from")), tree(&place.at("to")));
    let (top, other) = (from.remove(Path::new("")), to.remove(Path::new("")));
    assert!(top.is_some() && other.is_some());
    assert_same(&from, &to);
}

#[test]
fn row_33_a_name_that_is_too_long_is_refused_and_the_destination_stays() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.file("source", 10);
    let before = tree(&place.dir("out"));
    let error = copy_file(&source, place.at("out").join("x".repeat(256))).unwrap_err();
    assert_eq!(error.code(), Some(surecopy::ErrorCode::NameNotAllowed), "{error}");
    assert_same(&before, &tree(&place.at("out")));
}

#[test]
fn row_34_a_tree_deeper_than_any_path_is_copied() {
    let _machine = alongside();
    let place = Place::new();
    let mut dir = File::open(place.dir("source")).unwrap();
    let mut depth_bytes = 0;
    while depth_bytes < DEEP_BYTES {
        let name = "d".repeat(180 + depth_bytes % 50);
        let below = by_handle(&dir).join(&name);
        fs::create_dir(&below).unwrap();
        fs::write(by_handle(&dir).join("file"), depth_bytes.to_string()).unwrap();
        dir = File::open(&below).unwrap();
        depth_bytes += name.len() + 1;
    }
    fs::write(by_handle(&dir).join("last"), "at the very bottom").unwrap();
    let report = copy_tree(place.at("source"), place.at("copy")).unwrap();
    let (source, copy) = (tree(&place.at("source")), tree(&place.at("copy")));
    let longest = copy.keys().map(|path| path.as_os_str().len()).max();
    assert!(longest > Some(6000), "{longest:?}");
    assert_same(&source, &copy);
    println!("{} files, the longest path has {longest:?} bytes", report.tally.ok);
}
