//! Wrong usage: exit status 2, one clear message, nothing written.

use crate::program::Folder;

fn message(arguments: &[&str]) -> String {
    let folder = Folder::new();
    folder.write("a", "a").write("list", "../up\n");
    let before = folder.listing();
    let ended = folder.run(arguments);
    assert_eq!(ended.code, 2, "{arguments:?}: {}", ended.stderr);
    assert_eq!(ended.stdout, "", "{arguments:?}");
    assert_eq!(folder.listing(), before, "{arguments:?}");
    ended.stderr
}

#[test]
fn options_that_contradict_each_other() {
    insta::assert_snapshot!(message(&["copy", "--json", "-v", "a", "b"]), @r#"
    error: the argument '--json' cannot be used with '--verbose...'

    Usage: surecopy copy [OPTIONS] SRC... DST

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(message(&["copy", "-q", "-v", "a", "b"]), @r#"
    error: the argument '--quiet' cannot be used with '--verbose...'

    Usage: surecopy copy [OPTIONS] SRC... DST

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(message(&["copy", "-u", "--on-conflict", "skip", "a", "b"]), @r#"
    error: the argument '--update' cannot be used with '--on-conflict <POLICY>'

    Usage: surecopy copy [OPTIONS] SRC... DST

    For more information, try '--help'.
    "#);
}

#[test]
fn a_comparison_that_no_policy_asks_for() {
    insta::assert_snapshot!(message(&["copy", "-c", "-u", "a", "b"]), @r#"error: --checksum applies only to --on-conflict update, and `newer` is in force (from the command line)"#);
    insta::assert_snapshot!(message(&["copy", "-c", "--on-conflict", "skip", "a", "b"]), @r#"error: --checksum applies only to --on-conflict update, and `skip` is in force (from the command line)"#);
}

#[test]
fn values_that_are_not_there() {
    insta::assert_snapshot!(message(&["copy", "--verify", "some", "a", "b"]), @r#"
    error: invalid value 'some' for '--verify <WHICH>'
      [possible values: none, lt_threshold, all]

    For more information, try '--help'.
    "#);
    insta::assert_snapshot!(message(&["copy", "--preserve", "mode", "a", "b"]), @r#"error: --preserve knows no `mode`: there are timestamps, permissions, xattrs, acls, links, holes, owner, group, hard-links, set-id, and default, all, none"#);
    insta::assert_snapshot!(message(&["copy", "--profile", "fast", "a", "b"]), @r#"error: `fast` is no value of `profile` (from the command line): expected none, low-memory, fast-ssd, slow-network, fast-network or limited-cpu"#);
}

#[test]
fn settings_that_are_not_right() {
    insta::assert_snapshot!(message(&["copy", "--set", "retries", "a", "b"]), @r#"error: --set takes KEY=VALUE, not `retries`"#);
    insta::assert_snapshot!(message(&["copy", "--set", "retrys=3", "a", "b"]), @r#"error: there is no setting `retrys` (from the command line); did you mean `retries`?"#);
    insta::assert_snapshot!(message(&["copy", "--set", "staged_chunk_bytes=9GiB", "a", "b"]), @r#"error: `staged_chunk_bytes` cannot be 9GiB (from the command line): it goes from 1MiB to 8MiB"#);
    insta::assert_snapshot!(message(&["copy", "-j", "65", "a", "b"]), @r#"error: `jobs` cannot be 65 (from the command line): it goes from 0 to 64"#);
}

#[test]
fn patterns_and_lists_that_make_no_sense() {
    insta::assert_snapshot!(message(&["copy", "--exclude", "a[b", "a", "b"]), @r#"error: invalid pattern "a[b": unclosed character class; missing ']'"#);
    insta::assert_snapshot!(message(&["copy", "--files-from", "list", ".", "b"]), @r#"error: list lists ../up, which is not a path beneath the source"#);
    insta::assert_snapshot!(message(&["copy", "--exclude-from", "gone", ".", "b"]), @r#"error: cannot read gone: No such file or directory (os error 2)"#);
}

#[test]
fn nobody_to_ask() {
    insta::assert_snapshot!(message(&["copy", "--on-conflict", "ask", "a", "b"]), @r#"error: nobody can be asked: stdin is not a terminal; choose another policy with --on-conflict"#);
}

#[test]
fn paths_that_are_missing_or_empty() {
    insta::assert_snapshot!(message(&["copy", "a"]), @r#"error: say what to copy and where to: surecopy copy SRC... DST"#);
    insta::assert_snapshot!(message(&["copy", "a", ""]), @r#"error: a path is empty; the current directory is written as ."#);
    insta::assert_snapshot!(message(&[]).lines().next().unwrap_or_default(), @r#"Copy files and trees so that every byte that lands is proved"#);
}
