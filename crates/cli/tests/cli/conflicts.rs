//! What happens to targets that exist.

use std::process::Stdio;
use std::time::{Duration, SystemTime};

use crate::program::{Folder, Started, ended, of_type};
use crate::pty::Pty;
use crate::signals::end;

/// A source and a target that differ; the source is older when `age` is given.
fn folder(age: Option<Duration>) -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "the new text").write("dst/a", "the old one");
    if let Some(age) = age {
        let file = std::fs::File::options().write(true).open(folder.path("src/a")).unwrap();
        file.set_modified(SystemTime::now() - age).unwrap();
    }
    folder
}

#[test]
fn every_policy() {
    let hour = Some(Duration::from_secs(3600));
    let (new, old) = ("the new text", "the old one");
    let rows = [
        // policy, age of the source, exit status, what the target is then
        ("update", None, 0, new),
        ("update", hour, 0, new),
        ("replace", hour, 0, new),
        ("newer", hour, 0, old),
        ("skip", None, 0, old),
        ("keep-both", None, 0, old),
        ("fail", None, 1, old),
    ];
    for (policy, age, code, expected) in rows {
        let folder = folder(age);
        let ended = folder.run(&["copy", "--on-conflict", policy, "src/", "dst"]);
        assert_eq!(ended.code, code, "{policy}: {}{}", ended.stdout, ended.stderr);
        assert_eq!(folder.read("dst/a"), expected, "{policy}");
        let files = std::fs::read_dir(folder.path("dst")).unwrap().count();
        assert_eq!(files, if policy == "keep-both" { 2 } else { 1 }, "{policy}");
    }
}

#[test]
fn a_second_run_does_nothing() {
    let folder = folder(None);
    folder.run(&["copy", "src/", "dst"]).all_done();
    let (code, objects) = folder.run_json(&["src/", "dst"]);
    assert_eq!(code, 0);
    let item = of_type(&objects, "item").into_iter().find(|item| item["kind"] == "file").unwrap();
    assert_eq!(item["status"], "skipped");
    assert_eq!(item["skip_reason"], "identical");
}

#[test]
fn update_is_newer_only() {
    let folder = folder(Some(Duration::from_secs(3600)));
    folder.run(&["copy", "-u", "src/", "dst"]).all_done();
    assert_eq!(folder.read("dst/a"), "the old one");
}

#[test]
fn checksum_looks_at_the_content() {
    let folder = Folder::new();
    folder.write("src/a", "same size 1").write("dst/a", "same size 2");
    let moment = SystemTime::now() - Duration::from_secs(60);
    for name in ["src/a", "dst/a"] {
        let file = std::fs::File::options().write(true).open(folder.path(name)).unwrap();
        file.set_modified(moment).unwrap();
    }
    folder.run(&["copy", "src/", "dst"]).all_done();
    assert_eq!(folder.read("dst/a"), "same size 2");
    folder.run(&["copy", "-c", "src/", "dst"]).all_done();
    assert_eq!(folder.read("dst/a"), "same size 1");
}

#[test]
fn an_answer_on_the_terminal_decides() {
    for (keys, expected) in [("r\n", "the new text"), ("s\n", "the old one")] {
        let (folder, mut pty) = (folder(None), Pty::new());
        let mut command = folder.command(&["copy", "--on-conflict", "ask", "src/", "dst"]);
        command.stdin(pty.stdio()).stderr(pty.stdio()).stdout(Stdio::null());
        let mut child = Started::new(&mut command);
        pty.read_until("a capital letter for all that follow: ");
        pty.types(keys);
        assert_eq!(end(&mut child).code(), Some(0));
        assert_eq!(folder.read("dst/a"), expected);
    }
}

#[test]
fn no_answer_is_said_and_keeps_the_target() {
    let (folder, mut pty) = (folder(None), Pty::new());
    let mut command = folder.command(&["copy", "--on-conflict", "ask", "src/", "dst"]);
    command.stdin(pty.stdio()).stderr(pty.stdio()).stdout(Stdio::null());
    let mut child = Started::new(&mut command);
    pty.read_until("a capital letter for all that follow: ");
    pty.types("\x04");
    pty.read_until("no answer: the rest is skipped");
    assert_eq!(end(&mut child).code(), Some(0));
    assert_eq!(folder.read("dst/a"), "the old one");
}

#[test]
fn a_question_that_nobody_would_see_is_refused() {
    let (folder, mut pty) = (folder(None), Pty::new());
    let mut command = folder.command(&["copy", "--on-conflict", "ask", "src/", "dst"]);
    // Typed by somebody who knows what would be asked.
    pty.types("r\n");
    let ended = ended(command.stdin(pty.stdio()));
    assert_eq!(ended.code, 2, "{}", ended.stderr);
    insta::assert_snapshot!(ended.stderr, @"error: nobody can be asked: stderr is not a terminal; choose another policy with --on-conflict");
    assert_eq!(folder.read("dst/a"), "the old one");
}

#[test]
fn a_job_that_asks_can_be_gone_on_with_where_somebody_can_answer() {
    let (folder, mut pty) = (folder(None), Pty::new());
    let mut command = folder.command(&["copy", "--on-conflict", "ask", "src/", "dst"]);
    command.stdin(pty.stdio()).stderr(pty.stdio()).stdout(Stdio::null());
    let mut child = Started::new(&mut command);
    pty.read_until("a capital letter for all that follow: ");
    pty.types("s\n");
    assert_eq!(end(&mut child).code(), Some(0));
    let refused = |arguments: &[&str]| {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        ended.stderr
    };
    insta::assert_snapshot!(refused(&["resume", "1"]), @r"
    error: the job asks what to do about targets that exist, and nobody can be asked: stdin is not a terminal
    what to do: run it in a terminal, or copy again with another --on-conflict
    ");
    insta::assert_snapshot!(refused(&["resume", "--reverify", "--json", "1"]), @r"
    error: the job asks what to do about targets that exist, and nobody can be asked: --json is for programs
    what to do: run it in a terminal without --json, or copy again with another --on-conflict
    ");
    let told = folder.run(&["status", "--json"]).all_done().objects().remove(0);
    assert_eq!((&told["state"], told["runs"].as_array().unwrap().len()), (&"finished".into(), 1));
}
