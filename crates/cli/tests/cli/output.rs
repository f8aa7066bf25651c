//! What people read: stdout for data, stderr for talk.

use crate::program::{Folder, ended};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second");
    folder
}

/// Times and speeds differ from run to run.
fn without_times(text: &str) -> String {
    let line = |line: &str| match line.split_once(" in ") {
        Some((before, _)) if line.starts_with("copied: ") => format!("{before} in …"),
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_copy_that_went_well() {
    let ended = folder().run(&["copy", "--read-back", "cache", "src", "dst"]).all_done();
    insta::assert_snapshot!(without_times(&ended.stdout), @r#"
    src -> dst
    job 1
    copied: 2 files, 11 B in …
    verified: 2 files read back through the page cache (memory may have answered)
    source read: 11 B, 11 B of second reads saved
    "#);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_copy_that_was_not_verified_says_so() {
    let ended = folder().run(&["copy", "--verify", "none", "src", "dst"]).all_done();
    insta::assert_snapshot!(without_times(&ended.stdout), @r#"
    src -> dst
    job 1
    copied: 2 files, 11 B in …
    NOT verified: 2 files (2 because verification is off); use --verify all to verify every file
    source read: 11 B
    "#);
    assert!(!ended.stdout.contains("\nverified"), "{}", ended.stdout);
}

#[test]
fn quiet_shows_errors_only() {
    let folder = folder();
    let ended = folder.run(&["copy", "-q", "src", "dst"]).all_done();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
    let ended = folder.run(&["copy", "-q", "--on-conflict", "fail", "src/", "dst"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert!(ended.stderr.contains("TARGET_EXISTS (2 items):"), "{}", ended.stderr);
}

#[test]
fn failures_are_told_at_the_end_with_what_to_do() {
    let folder = folder();
    folder.write("dst/a", "other");
    let arguments = ["copy", "--read-back", "cache", "--on-conflict", "fail", "src/", "dst"];
    let ended = folder.run(&arguments);
    insta::assert_snapshot!(ended.stderr, @r#"
    error: 1 item failed
    TARGET_EXISTS (1 item):
      src/a: the target exists
        at dst/a
      what to do: choose another policy with --on-conflict, or another destination
    to try the failed ones again: surecopy retry 1
    "#);
    insta::assert_snapshot!(without_times(&ended.stdout), @r#"
    src/ -> dst
    job 1
    copied: 1 file, 6 B in …
    failed: 1
    verified: 1 file read back through the page cache (memory may have answered)
    source read: 6 B, 6 B of second reads saved
    "#);
}

#[test]
fn verbose_shows_each_item_and_how() {
    let ended = folder().run(&["copy", "-v", "--strategy", "staged", "src/", "dst"]).all_done();
    let files: Vec<&str> =
        ended.stdout.lines().filter(|l| l.contains("staged/read_write")).collect();
    assert_eq!(files.len(), 2, "{}", ended.stdout);
    let ended = folder().run(&["copy", "-vv", "--strategy", "staged", "src/", "dst"]).all_done();
    assert!(ended.stdout.contains("blake3 "), "{}", ended.stdout);
    assert!(ended.stdout.contains("\nscan: "), "{}", ended.stdout);
}

#[test]
fn there_are_no_bars_and_no_colours_where_there_is_no_terminal() {
    for progress in ["auto", "always", "never"] {
        let ended = folder().run(&["copy", "--progress", progress, "src", "dst"]).all_done();
        assert!(!ended.stdout.contains('\x1b') && !ended.stderr.contains('\x1b'), "{progress}");
    }
}

#[test]
fn nobody_reading_does_not_stop_a_copy_for_people() {
    let folder = folder();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = folder.command(&["copy", "-v", "src", "dst"]);
    let status = command.stdout(writer).status().unwrap();
    assert_eq!(status.code(), Some(0));
    assert_eq!(folder.read("dst/b"), "second");
}

/// Every write to it fails as on a full disk.
fn full() -> std::fs::File {
    std::fs::File::options().write(true).open("/dev/full").unwrap()
}

#[test]
fn output_that_cannot_be_written_is_said_and_the_copy_goes_on() {
    let folder = folder();
    let ended = ended(folder.command(&["copy", "-v", "src", "dst"]).stdout(full()));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error: cannot write output: No space"), "{}", ended.stderr);
    assert_eq!(folder.read("dst/b"), "second");
}

#[test]
fn a_job_that_was_run_for_a_program_ends_when_its_output_cannot_be_written() {
    let folder = folder();
    let ended = ended(folder.command(&["copy", "--json", "src", "dst"]).stdout(full()));
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.contains("error: cannot write output: No space"), "{}", ended.stderr);
}

#[test]
fn help_that_cannot_be_written_is_no_help() {
    for arguments in [&["--help"][..], &["--version"], &["config", "show"]] {
        let ended = ended(folder().command(arguments).stdout(full()));
        assert_eq!(ended.code, 1, "{arguments:?}");
        assert!(ended.stderr.contains("error: cannot write output: No space"), "{}", ended.stderr);
    }
}

#[test]
fn an_error_that_nobody_reads_is_still_an_exit_status() {
    let folder = folder();
    for (arguments, code) in [(&["copy", "gone", "dst"][..], 4), (&["copy", "--nonsense"], 2)] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = folder.command(arguments).stderr(writer).status().unwrap();
        assert_eq!(status.code(), Some(code), "{arguments:?}");
    }
}

#[test]
fn many_warnings_do_not_bury_the_rest() {
    let folder = folder();
    let sockets: Vec<_> = (0..12)
        .map(|n| std::os::unix::net::UnixListener::bind(folder.path(format!("src/{n}"))).unwrap())
        .collect();
    let warnings = |arguments: &[&str]| {
        let ended = folder.run(arguments).all_done();
        ended.stderr.lines().filter(|line| line.starts_with("warning: ")).count()
    };
    assert_eq!(warnings(&["copy", "-n", "src", "dst"]), 10);
    assert_eq!(warnings(&["copy", "-n", "-v", "src", "dst"]), sockets.len());
    assert_eq!(warnings(&["copy", "-n", "-q", "src", "dst"]), 0);
}
