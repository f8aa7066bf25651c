//! Wrong usage: exit status 2, one clear message, nothing written.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::time::Duration;

use crate::program::Folder;
use crate::pty::Pty;

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
    insta::assert_snapshot!(message(&[]).lines().next().unwrap_or_default(), @r#"Copy files and trees, and prove what lands"#);
}

/// Moves the cursor, rings, breaks the line, turns the text around.
const HOSTILE: &str = "x\x1b[31m\x07\r\n\u{9b}2J\u{202e}";
const ESCAPED: &str = r"x\x1b[31m\x07\r\n\u{9b}2J\u{202e}";

/// Command lines that make no sense and hold something hostile.
fn hostile_lines() -> Vec<Vec<String>> {
    let long = format!("--{HOSTILE}");
    let jobs = format!("-j{HOSTILE}");
    let value = format!("--json={HOSTILE}");
    let lines: [&[&str]; 8] = [
        &[HOSTILE],
        &[&long],
        &["copy", &long],
        &["copy", "--verify", HOSTILE, "a", "b"],
        &["copy", &jobs, "a", "b"],
        &["copy", &value, "a", "b"],
        &["config", HOSTILE],
        &["completions", HOSTILE],
    ];
    lines.iter().map(|line| line.iter().map(|word| (*word).to_owned()).collect()).collect()
}

/// Everything but the colours of our own, and the end of the line as a terminal has it.
fn without_colours(text: &str) -> String {
    let mut text = text.replace("\r\n", "\n");
    for colour in ["0", "1", "4", "31", "32", "33"] {
        text = text.replace(&format!("\x1b[{colour}m"), "");
    }
    text
}

#[test]
fn what_was_typed_is_escaped() {
    for line in hostile_lines() {
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let text = message(&words);
        assert!(text.contains(ESCAPED), "{line:?}: {text}");
        let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(is_hostile), "{line:?}: {text:?}");
    }
}

#[test]
fn an_unknown_letter_is_escaped() {
    insta::assert_snapshot!(message(&["copy", "-\x1b[31m", "a", "b"]), @r#"
    error: unexpected argument '-\x1b' found

      tip: to pass '-\x1b' as a value, use '-- -\x1b'

    Usage: surecopy copy [OPTIONS] SRC... DST

    For more information, try '--help'.
    "#);
}

#[test]
fn what_was_typed_is_escaped_on_a_terminal() {
    for line in hostile_lines() {
        let (folder, mut pty) = (Folder::new(), Pty::new());
        let words: Vec<&str> = line.iter().map(String::as_str).collect();
        let mut command = folder.command(&words);
        let mut child = command.env("TERM", "xterm").stderr(pty.stdio()).spawn().unwrap();
        pty.read_until("try '");
        assert_eq!(child.wait().unwrap().code(), Some(2));
        pty.read_for(Duration::ZERO);
        let shown = pty.text();
        assert!(shown.contains("\x1b["), "an error is coloured: {shown:?}");
        assert!(shown.contains(ESCAPED), "{line:?}: {shown:?}");
        let is_hostile = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!without_colours(&shown).contains(is_hostile), "{line:?}: {shown:?}");
    }
}

#[test]
fn the_name_under_which_the_program_was_started_is_not_repeated() {
    let folder = Folder::new();
    let mut command = folder.command(&["config", "--nonsense"]);
    command.arg0(OsStr::new("other"));
    let ended = crate::program::ended(&mut command);
    assert!(ended.stderr.contains("Usage: surecopy config"), "{}", ended.stderr);
}
