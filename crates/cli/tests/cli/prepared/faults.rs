//! An index that cannot be used costs a line and a scan, and never a copy.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use rusqlite::Connection;

use super::{copy_of_index, index, tree};
use crate::program::{Ended, Folder, ended, of_type};

/// What a preparation of it says first.
const FOUND: &str = "60 files, 1.7 KiB in 36 directories";

fn indexed() -> Folder {
    let folder = Folder::new();
    for number in 0..60 {
        folder.write(format!("src/{}/{}/{number}", number % 5, number % 6), &"x".repeat(number));
    }
    index(&folder, &["src"]);
    folder
}

/// The lines of it. A copy that takes its time may say how far it is besides.
fn warnings(ended: &Ended) -> Vec<&str> {
    ended.stderr.lines().filter(|line| !line.starts_with("copied ")).collect()
}

/// Prepares and copies with an index that is made so; returns what was said by both.
#[track_caller]
fn goes_on(folder: &Folder, name: &str, damage: impl Fn(&Path), line: &str) -> [Ended; 2] {
    let target = format!("{name}-copy");
    let index = folder.path(name);
    let mut runs = Vec::new();
    for arguments in [
        &["prepare", "--index", name, "src/"][..],
        &["copy", "--verify", "none", "--index", name, "src/", &target],
    ] {
        fs::remove_file(&index).ok();
        copy_of_index(folder, name);
        damage(&index);
        let ended = folder.run(arguments).all_done();
        let told = warnings(&ended);
        // Who only adds up sums does not come upon what is wrong with a listing.
        let may_be_silent = name == "listings.db" && arguments[0] == "prepare";
        assert!(told.len() == 1 || (may_be_silent && told.is_empty()), "{name}: {told:?}");
        let is_told = |told: &str| told.starts_with("warning: ") && told.contains(line);
        assert!(told.iter().all(|told| is_told(told)), "{name}: {told:?}");
        runs.push(ended);
    }
    assert!(runs[0].stdout.starts_with(FOUND), "{}", runs[0].stdout);
    let source = tree(&folder.path("src"));
    assert_eq!(tree(&folder.path(&target)), source, "{name}");
    runs.try_into().unwrap()
}

/// A copy says nothing more, and the next preparation finds all it needs.
#[track_caller]
fn is_well(folder: &Folder, name: &str) {
    for arguments in [
        &["prepare", "--index", name, "src/"][..],
        &["prepare", "--index", name, "--prepare", "index-only", "src/"],
        &[
            "copy",
            "--verify",
            "none",
            "--prepare",
            "index-only",
            "--index",
            name,
            "src/",
            &format!("{name}-copy"),
        ],
    ] {
        let ended = folder.run(arguments).all_done();
        assert_eq!(warnings(&ended), [""; 0], "{name}");
    }
}

#[test]
fn an_index_that_is_damaged_or_older_is_begun_anew() {
    let folder = indexed();
    let sql = |text: &'static str| {
        move |path: &Path| Connection::open(path).unwrap().execute_batch(text).unwrap()
    };
    let pages = |path: &Path| {
        let mut bytes = fs::read(path).unwrap();
        bytes[4096..].iter_mut().for_each(|byte| *byte = !*byte);
        fs::write(path, bytes).unwrap();
    };
    let half = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let text = |path: &Path| fs::write(path, "no database any more").unwrap();
    let aside = "the index was damaged; it is now ";
    let earlier = "the index was of an earlier version (0), and is built anew";
    type Damage<'a> = &'a dyn Fn(&Path);
    for (name, damage, line) in [
        ("pages.db", &pages as Damage<'_>, aside),
        ("half.db", &half, aside),
        ("text.db", &text, aside),
        ("listings.db", &sql("UPDATE listings SET entries = x'01'"), aside),
        ("directories.db", &sql("UPDATE directories SET seen = x'01'"), aside),
        ("older.db", &sql("PRAGMA user_version = 0"), earlier),
    ] {
        goes_on(&folder, name, damage, line);
        is_well(&folder, name);
    }
}

#[test]
fn an_index_that_cannot_be_used_is_left_alone() {
    let folder = indexed();
    let newer = |path: &Path| {
        Connection::open(path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    };
    goes_on(&folder, "newer.db", newer, "was written by a later surecopy");
    for (name, make) in [
        ("folder", (|path| fs::create_dir(path).unwrap()) as fn(&Path)),
        ("link", |path| std::os::unix::fs::symlink("src/1", path).unwrap()),
        ("letter", |path| fs::write(path, "Dear Sir or Madam").unwrap()),
    ] {
        make(&folder.path(name));
        let before = folder.listing();
        for arguments in [
            &["prepare", "--index", name, "src/"][..],
            &["copy", "-n", "--index", name, "src/", "copy"],
        ] {
            let ended = folder.run(arguments).all_done();
            assert_eq!(warnings(&ended).len(), 1, "{}", ended.stderr);
            assert!(ended.stderr.contains("is not an index of surecopy"), "{}", ended.stderr);
        }
        assert_eq!(folder.listing(), before);
    }
}

#[test]
fn an_index_that_another_program_holds_costs_a_line() {
    let folder = indexed();
    folder.write("src/1/new", "new").let_age();
    let held = Connection::open(folder.path("index.db")).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    for arguments in [
        &["prepare", "--index", "index.db", "src/"][..],
        &["copy", "--verify", "none", "--index", "index.db", "src/", "dst"],
    ] {
        let ended = folder.run(arguments).all_done();
        assert_eq!(warnings(&ended).len(), 1, "{}", ended.stderr);
        assert!(ended.stderr.contains("another program holds the index"), "{}", ended.stderr);
    }
    assert_eq!(tree(&folder.path("dst")), tree(&folder.path("src")));
    drop(held);
    is_well(&folder, "index.db");
}

#[test]
fn an_index_for_which_there_is_no_room_costs_a_line() {
    let folder = indexed();
    let source = tree(&folder.path("src"));
    // The index cannot grow, and everything is listed again.
    for (number, blocks) in [8, 64].into_iter().enumerate() {
        let name = format!("{number}.db");
        let all = ["prepare", "--index", &name, "src/"];
        let ended = folder.run_with_small_files(blocks, &all).all_done();
        assert!(ended.stdout.starts_with(FOUND), "{}", ended.stdout);
        assert!(warnings(&ended).len() <= 1, "{}", ended.stderr);
        assert!(number > 0 || warnings(&ended).len() == 1, "{}", ended.stderr);
        let (copy, all) = (format!("{number}-copy"), folder.path(format!("{number}-copy")));
        let arguments =
            ["copy", "--no-ledger", "--prepare", "scan", "--index", &name, "src/", &copy];
        let ended = folder.run_with_small_files(blocks, &arguments).all_done();
        assert!(warnings(&ended).len() <= 1, "{}", ended.stderr);
        assert_eq!(tree(&all), source);
        is_well(&folder, &name);
    }
}

#[test]
fn an_index_that_may_not_be_written_costs_a_line() {
    let folder = indexed();
    folder.write("locked/empty", "");
    fs::rename(folder.path("index.db"), folder.path("locked/index.db")).unwrap();
    fs::rename(folder.path("index.db.lock"), folder.path("locked/index.db.lock")).unwrap();
    let read_only = std::os::unix::fs::PermissionsExt::from_mode(0o555);
    fs::set_permissions(folder.path("locked"), read_only).unwrap();
    for arguments in [
        &["prepare", "--index", "locked/index.db", "src/"][..],
        &["copy", "--verify", "none", "--index", "locked/index.db", "src/", "dst"],
        &["prepare", "--index", "locked/new/index.db", "src/"],
        &["prepare", "--index", "/proc/none/index.db", "src/"],
    ] {
        let mut command = folder.command(arguments);
        match folder.act_without_privileges(&mut command) {
            Err(error) if error.kind() == ErrorKind::PermissionDenied => {
                eprintln!("not tested: nothing can be given away here");
                return;
            }
            given => given.unwrap(),
        }
        let ended = ended(&mut command).all_done();
        assert_eq!(warnings(&ended).len(), 1, "{arguments:?}: {}", ended.stderr);
    }
    assert_eq!(tree(&folder.path("dst")), tree(&folder.path("src")));
    // So that it can be removed.
    let writable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(folder.path("locked"), writable).unwrap();
}

#[test]
fn programs_are_told_in_one_object() {
    let folder = indexed();
    fs::write(folder.path("index.db"), "no database any more").unwrap();
    let (code, objects) = folder.run_json(&["--index", "index.db", "src/", "dst"]);
    let warnings = of_type(&objects, "warning");
    assert_eq!((code, warnings.len()), (0, 1), "{warnings:?}");
    assert_eq!(warnings[0]["kind"], "index");
    assert_eq!(of_type(&objects, "report")[0]["warnings"], 1);
}

/// Whoever writes nothing leaves an index as it is, whatever state that is in.
#[test]
fn a_dry_run_mends_no_index() {
    let folder = Folder::new();
    folder.write("src/a", "first");
    folder.run(&["prepare", "--index", "i.db", "src"]).all_done();
    let index = folder.path("i.db");
    let mut bytes = fs::read(&index).unwrap();
    bytes[5_000..].fill(0xa5);
    fs::write(&index, &bytes).unwrap();
    let ended = folder.run(&["copy", "-n", "--index", "i.db", "src", "dst"]).all_done();
    assert_eq!(ended.stderr.lines().count(), 1, "{}", ended.stderr);
    assert!(ended.stderr.ends_with("the sources are scanned\n"), "{}", ended.stderr);
    assert_eq!(fs::read(&index).unwrap(), bytes);
    // A copy that is made does.
    folder.run(&["copy", "-q", "--index", "i.db", "src", "dst"]).all_done();
    assert_ne!(fs::read(&index).unwrap(), bytes);
}

/// A question makes nothing.
#[test]
fn only_to_ask_the_index_makes_no_location() {
    let folder = Folder::new();
    folder.write("src/a", "first").write("other/b", "second");
    let ask = ["prepare", "--index", "i.db", "--prepare", "index-only", "src"];
    let asked = folder.run(&ask).all_done();
    assert!(asked.stdout.contains("nothing is known of 1 source\n"), "{}", asked.stdout);
    assert!(!folder.path("i.db").exists());
    folder.run(&["prepare", "--index", "i.db", "other"]).all_done();
    folder.run(&ask).all_done();
    let listed = folder.run(&["index", "list", "--index", "i.db", "--json"]).all_done().objects();
    assert_eq!(listed.len(), 1, "{listed:?}");
}
