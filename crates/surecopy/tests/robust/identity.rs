//! A tree of thousands of entries arrives identical, and its source is left alone.

use std::fs::{self, File, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, chown, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{XattrFlags, setxattr};
use surecopy::{CopyRequest, ErrorCode, Outcome, Preserve, StrategyChoice, VerifyPolicy};

use crate::place::{Place, alone, alongside, fill, long_ago, set_times, skipped};
use crate::running::run;
use crate::snapshot::{Content, Tree, assert_same, tree};

const FILES: u64 = 3000;
const DIRS: u64 = 60;
const MODES: [u32; 6] = [0o644, 0o600, 0o755, 0o444, 0o640, 0o711];

/// A tree with everything in it that is kept. Returns how many names it has beside directories.
fn build(place: &Place) -> u64 {
    let dirs: Vec<PathBuf> = (0..DIRS)
        .map(|number| match number {
            0 => place.dir("source"),
            _ => place.dir(&format!("source/dir-{}/sub-{number}", number % 7)),
        })
        .collect();
    let mut links = 0;
    for number in 0..FILES {
        let dir = &dirs[usize::try_from(number % DIRS).expect("few")];
        let path = dir.join(format!("file-{number}"));
        make_file(&path, number);
        if number.is_multiple_of(50) {
            fs::hard_link(&path, dir.join(format!("name-{number}"))).expect("a hard link");
            symlink(format!("file-{number}"), dir.join(format!("link-{number}"))).expect("a link");
            links += 2;
        }
    }
    for (number, dir) in dirs.iter().enumerate().rev() {
        let mode = if number % 3 == 0 { 0o750 } else { 0o755 };
        fs::set_permissions(dir, Permissions::from_mode(mode)).expect("permissions");
        set_times(dir, long_ago(number as u64));
    }
    FILES + links
}

fn make_file(path: &Path, number: u64) {
    match number {
        _ if number % 300 == 7 => make_sparse(path),
        _ if number % 500 == 3 => fill(path, (3 << 20) + number),
        _ => fill(path, number * 37 % 9000),
    }
    if number.is_multiple_of(11) {
        let (name, value) = ("user.comment", number.to_string());
        if let Err(error) = setxattr(path, name, value.as_bytes(), XattrFlags::empty()) {
            skipped(&format!("extended attributes: {error}"));
        }
    }
    if rustix::process::geteuid().is_root() && number.is_multiple_of(13) {
        chown(path, Some(1000), Some(1001)).expect("root may do this");
    }
    let index = usize::try_from(number % 6).expect("few");
    let set_id = if number % 101 == 5 { 0o4000 } else { 0 };
    fs::set_permissions(path, Permissions::from_mode(MODES[index] | set_id)).expect("permissions");
    set_times(path, long_ago(number));
}

/// Data in the middle and holes around it.
fn make_sparse(path: &Path) {
    let file = File::create(path).expect("a file");
    file.write_all_at(&[7; 65_536], 1 << 20).expect("room");
    file.write_all_at(&[9; 10], 5 << 20).expect("room");
    file.set_len(8 << 20).expect("a length");
}

fn copy(place: &Place, strategy: StrategyChoice) -> CopyRequest {
    CopyRequest::new([place.at("source/")], place.at("copy"))
        .preserve(Preserve::ALL)
        .strategy(strategy)
        .verify(VerifyPolicy::All)
}

fn access_times(tree: &Tree) -> Vec<(&PathBuf, (i64, i64))> {
    let files = tree.iter().filter(|(_, entry)| matches!(entry.content, Content::File(_)));
    files.map(|(path, entry)| (path, entry.accessed)).collect()
}

#[test]
fn a_tree_arrives_identical_and_is_not_touched() {
    let _machine = alone();
    let place = Place::new();
    let names = build(&place);
    let before = tree(&place.at("source"));
    for strategy in [StrategyChoice::Direct, StrategyChoice::Staged] {
        let ended = run(copy(&place, strategy));
        assert_eq!(ended.report.outcome, Outcome::Finished);
        assert_eq!(ended.codes(), []);
        assert_eq!((ended.report.tally.ok, ended.report.tally.skipped), (names, 0));
        let copied = tree(&place.at("copy"));
        assert_same(&before, &copied);
        // A second run finds nothing to do, and does nothing.
        let again = run(copy(&place, strategy));
        assert_eq!((again.report.tally.ok, again.report.tally.skipped), (0, names));
        assert_same(&copied, &tree(&place.at("copy")));
        let after = tree(&place.at("source"));
        assert_same(&before, &after);
        assert_eq!(access_times(&before), access_times(&after));
        fs::remove_dir_all(place.at("copy")).unwrap();
    }
}

#[test]
fn one_file_that_differs_is_the_one_that_is_copied() {
    let _machine = alone();
    let place = Place::new();
    for number in 0..50 {
        let path = place.file(&format!("source/{number}"), 100 + number);
        set_times(&path, long_ago(number));
    }
    let first = run(copy(&place, StrategyChoice::Auto));
    assert_eq!(first.report.tally.ok, 50);
    fs::write(place.at("source/17"), "something else").unwrap();
    let second = run(copy(&place, StrategyChoice::Auto));
    assert_eq!((second.report.tally.ok, second.report.tally.skipped), (1, 49));
    assert_same(&tree(&place.at("source")), &tree(&place.at("copy")));
}

#[test]
fn read_only_files_that_are_there_already_are_no_obstacle() {
    let _machine = alongside();
    for by_content in [false, true] {
        let place = Place::new();
        for name in ["same", "other"] {
            let path = place.file(&format!("source/{name}"), 5000);
            fs::set_permissions(&path, Permissions::from_mode(0o444)).unwrap();
            set_times(&path, long_ago(1));
        }
        let again = || run(copy(&place, StrategyChoice::Auto).checksum(by_content));
        assert_eq!(again().report.tally.ok, 2);
        let second = again();
        assert_eq!(second.codes(), []);
        assert_eq!(second.report.tally.skipped, 2);
        // Protected against change is what it still is.
        fs::remove_file(place.at("source/other")).unwrap();
        fs::write(place.at("source/other"), [1; 5000]).unwrap();
        let before = tree(&place.at("copy"));
        let third = again();
        assert_eq!(third.codes(), [ErrorCode::TargetReadOnly]);
        assert_eq!(third.report.tally.skipped, 1);
        let (mut before, mut after) = (before, tree(&place.at("copy")));
        assert!(before.remove(Path::new("")).is_some() && after.remove(Path::new("")).is_some());
        assert_same(&before, &after);
    }
}
