//! The exit status, one test for each row of the table that can be reached from outside. The others
//! (3: the bytes differ, 5: the record cannot be written) need faults; `src/exit.rs` tests them.

use crate::program::Folder;

#[test]
fn zero_when_all_is_done() {
    let folder = Folder::new();
    folder.write("a", "a");
    assert_eq!(folder.run(&["copy", "a", "b"]).code, 0);
    assert_eq!(folder.read("b"), "a");
}

#[test]
fn one_when_some_items_failed_and_the_others_arrived() {
    let folder = Folder::new();
    folder.write("src/a", "new").write("src/b", "b").write("dst/a", "old");
    let ended = folder.run(&["copy", "--on-conflict", "fail", "src/", "dst"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert_eq!((folder.read("dst/a"), folder.read("dst/b")), ("old".to_owned(), "b".to_owned()));
}

#[test]
fn two_when_the_command_line_makes_no_sense() {
    let folder = Folder::new();
    assert_eq!(folder.run(&["copy", "--nonsense", "a", "b"]).code, 2);
    assert_eq!(folder.run(&["nonsense"]).code, 2);
}

#[test]
fn four_when_a_source_is_not_there() {
    let folder = Folder::new();
    folder.write("a", "a");
    let before = folder.listing();
    let ended = folder.run(&["copy", "a", "gone", "new/"]);
    assert_eq!(ended.code, 4);
    insta::assert_snapshot!(ended.stderr, @r#"
    error: the source does not exist: gone
    what to do: check the path; if it was there before, see whether its disk is still connected
    "#);
    assert_eq!(folder.listing(), before);
}

#[test]
fn four_when_the_destination_is_inside_the_source() {
    let folder = Folder::new();
    folder.write("src/a", "a");
    let before = folder.listing();
    let ended = folder.run(&["copy", "src", "src/inside"]);
    assert_eq!(ended.code, 4, "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stderr.contains("DESTINATION_INSIDE_SOURCE"), "{}", ended.stderr);
    // The destination would be inside the source all the same.
    assert!(!ended.stderr.contains("--exclude"), "{}", ended.stderr);
    assert!(ended.stdout.contains("nothing was written"), "{}", ended.stdout);
    assert_eq!(folder.listing(), before);
}
