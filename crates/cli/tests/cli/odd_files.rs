//! Files that are the same one by another name, and files that are larger than any disk.

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt as _, symlink};

use crate::program::Folder;

#[test]
fn row_31_a_file_is_not_copied_onto_another_name_of_itself() {
    let folder = Folder::new();
    folder.write("a", "content").write("dir/x", "other");
    fs::hard_link(folder.path("a"), folder.path("b")).unwrap();
    symlink("dir", folder.path("link")).unwrap();
    let before = fs::metadata(folder.path("a")).unwrap();
    let listing = folder.listing();
    let rows: &[&[&str]] = &[
        &["-T", "a", "a"],
        &["-T", "a", "b"],
        &["-T", "a", "./dir/../a"],
        &["dir", "dir"],
        &["-T", "dir", "link/in"],
        &["dir/", "link/"],
        &["--on-conflict", "replace", "-T", "dir/x", "link/x"],
    ];
    for row in rows {
        let ended = folder.run(&[&["copy", "--no-ledger"], *row].concat());
        // Another name of the same file is identical to it, and is left alone.
        let is_left = ended.code != 0 || ended.stdout.contains("copied: 0 files");
        assert!(is_left, "{row:?}: {}{}", ended.stdout, ended.stderr);
        assert_eq!((folder.read("a"), folder.read("dir/x")), ("content".into(), "other".into()));
        assert_eq!(folder.listing(), listing, "{row:?}");
    }
    let after = fs::metadata(folder.path("a")).unwrap();
    assert_eq!((after.ino(), after.nlink()), (before.ino(), before.nlink()));
}

#[test]
fn row_32_another_name_of_a_target_keeps_its_content() {
    let folder = Folder::new();
    folder.write("src/a", "new").write("dst/a", "old");
    fs::hard_link(folder.path("dst/a"), folder.path("theirs")).unwrap();
    folder.run(&["copy", "--no-ledger", "--on-conflict", "replace", "src/", "dst"]).all_done();
    assert_eq!((folder.read("dst/a"), folder.read("theirs")), ("new".into(), "old".into()));
    // Two names of one source are two files, unless hard links are kept.
    fs::hard_link(folder.path("src/a"), folder.path("src/b")).unwrap();
    for (option, links) in [("--preserve=default", 1), ("--preserve=+hard-links", 2)] {
        let target = format!("to{links}");
        folder.run(&["copy", "--no-ledger", option, "-T", "src", &target]).all_done();
        let target = fs::metadata(folder.path(format!("{target}/b"))).unwrap();
        assert_eq!(target.nlink(), links, "{option}");
    }
}

#[test]
fn row_28_eight_tebibytes_of_holes_are_refused_before_anything_is_written() {
    let folder = Folder::new();
    let big = File::create(folder.path("big")).unwrap();
    if let Err(error) = big.set_len(8 << 40) {
        eprintln!("no such file can be here: {error}");
        return;
    }
    let ended = folder.run(&["copy", "--no-ledger", "-T", "big", "dst"]);
    assert!(matches!(ended.code, 1 | 4), "{} {}", ended.code, ended.stderr);
    assert_eq!(folder.listing(), ["big"]);
}
