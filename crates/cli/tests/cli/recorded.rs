//! Jobs in the ledger: what is said of them, going on with them, and looking back at them.

use std::process::Stdio;

use serde_json::Value;

use crate::program::{Folder, ended};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/sub/b", "second");
    folder
}

/// Text without what differs from run to run: the folder, moments, processes, spans.
fn plain(folder: &Folder, text: &str) -> String {
    let root = folder.path("");
    let text = text.replace(root.to_str().unwrap(), "/work/").replace("//", "/");
    text.lines().map(without_times).collect::<Vec<_>>().join("\n")
}

fn without_times(line: &str) -> String {
    let mut line = line.to_owned();
    // 2026-11-21 14:03
    while let Some(at) = moment(&line) {
        line.replace_range(at..at + 16, "<moment>");
    }
    // The heading above moments.
    line = line.replace("STARTED         ", "STARTED ");
    match line.rsplit_once(" in ") {
        Some((before, span)) if span.ends_with(" s") || span.contains("/s)") => {
            format!("{before} in …")
        }
        _ => line,
    }
}

fn moment(line: &str) -> Option<usize> {
    let is_moment = |bytes: &[u8]| {
        bytes.iter().zip(b"0000-00-00 00:00").all(|(found, pattern)| match pattern {
            b'0' => found.is_ascii_digit(),
            other => found == other,
        })
    };
    line.as_bytes().windows(16).position(is_moment)
}

#[test]
fn before_the_first_job_there_is_nothing_to_tell() {
    let folder = Folder::new();
    for arguments in [&["jobs"][..], &["status"], &["resume"], &["jobs", "--json"]] {
        let ended = folder.run(arguments).all_done();
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert!(ended.stderr.starts_with("no jobs yet: there is no ledger at "), "{arguments:?}");
    }
    for arguments in [&["status", "3"][..], &["resume", "3"], &["retry", "3"], &["verify", "3"]] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        let start = "error: there is no job 3: there is no ledger at ";
        assert!(ended.stderr.starts_with(start), "{arguments:?}: {}", ended.stderr);
    }
    // To look at a ledger does not make one.
    assert!(!folder.ledger().exists());
}

#[test]
fn a_number_that_is_no_job_is_a_mistake() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    for command in ["status", "resume", "retry", "verify", "undo", "audit"] {
        let ended = folder.run(&[command, "7"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{command}");
        let ledger = folder.ledger();
        let expected = format!(
            "error: there is no job 7 in the ledger {}\n\
             what to do: surecopy jobs lists those of a ledger\n",
            ledger.display()
        );
        assert_eq!(ended.stderr, expected, "{command}");
        for text in ["0", "-1", "last", "99999999999999999999"] {
            assert_eq!(folder.run(&[command, "--", text]).code, 2, "{command} {text}");
        }
    }
}

#[test]
fn jobs_are_listed_with_what_they_came_to() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    folder.run(&["copy", "src/a", "src/sub", "many/"]).all_done();
    let ended = folder.run(&["jobs"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    JOB  STARTED   STATE     FILES  SIZE  WHAT
      1  <moment>  finished    2/2  11 B  /work/src -> /work/dst
      2  <moment>  finished    2/2  11 B  /work/src/a and 1 more -> /work/many
    "#);
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_dry_run_and_a_copy_without_a_ledger_leave_no_job() {
    let folder = folder();
    let ended = folder.run(&["copy", "-n", "src", "dst"]).all_done();
    assert!(!ended.stdout.contains("job"), "{}", ended.stdout);
    let (_, objects) = folder.run_json(&["--no-ledger", "src", "dst"]);
    assert_eq!((&objects[0]["job"], &objects[0]["ledger"]), (&Value::Null, &Value::Null));
    assert!(!folder.ledger().exists());
    let kept = folder.run(&["copy", "--no-ledger", "--keep-replaced", "src", "dst"]);
    assert_eq!(kept.code, 2);
}

#[test]
fn the_ledger_that_is_named_is_the_one_that_is_used() {
    let folder = folder();
    let (_, objects) = folder.run_json(&["--ledger", "mine.db", "src", "dst"]);
    assert_eq!(objects[0]["job"], 1);
    assert!(objects[0]["ledger"].as_str().unwrap().ends_with("/work/mine.db"));
    assert!(folder.path("mine.db").exists() && !folder.ledger().exists());
    let listed = folder.run(&["jobs", "--json", "--ledger", "mine.db"]).all_done();
    assert_eq!(listed.objects().len(), 1);
}

#[test]
fn a_ledger_that_cannot_be_used_stops_a_copy_before_anything_is_written() {
    let folder = folder();
    folder.write("notes.txt", "no database, but long enough to be taken for one by its size alone");
    let ended = folder.run(&["copy", "--ledger", "notes.txt", "src", "dst"]);
    assert_eq!(ended.code, 5, "{}", ended.stderr);
    assert!(ended.stderr.contains("is not a ledger of surecopy"), "{}", ended.stderr);
    let advice = "what to do: put that right, or copy without a ledger: --no-ledger\n";
    assert!(ended.stderr.ends_with(advice), "{}", ended.stderr);
    let ended = folder.run(&["copy", "--keep-replaced", "--ledger", "notes.txt", "src", "dst"]);
    assert!(ended.code == 5 && !ended.stderr.contains("--no-ledger"), "{}", ended.stderr);
    assert!(!folder.path("dst").exists());
    assert_eq!(folder.run(&["jobs", "--ledger", "notes.txt"]).code, 5);
}

#[test]
fn status_tells_of_one_job() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    let ended = folder.run(&["status"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    job 1: finished since <moment>
      /work/src -> /work/dst
      begun <moment>, 1 run
      2 of 2 items, 11 B of 11 B
    "#);
    let followed = folder.run(&["status", "--follow", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &followed.stdout), @r#"
    job 1: finished since <moment>
      /work/src -> /work/dst
      begun <moment>, 1 run
    job 1: finished since <moment>
      2 of 2 items, 11 B of 11 B
    "#);
    let told = folder.run(&["status", "--json"]).all_done().objects();
    assert_eq!(told.len(), 1);
    assert_eq!((&told[0]["state"], &told[0]["next"]), (&Value::from("finished"), &Value::Null));
    let figures =
        serde_json::json!({"total":2,"done":2,"failed":0,"damaged":0,"undone":0,"incomplete":0});
    assert_eq!(told[0]["items"], figures);
}

#[test]
fn what_is_done_is_left_alone_and_what_is_gone_is_copied_again() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    let ended = folder.run(&["resume", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    resuming job 1 of <moment>: /work/src -> /work/dst
    job 1: nothing to do: 2 items, 11 B, are as they were left
    "#);
    std::fs::remove_file(folder.path("dst/a")).unwrap();
    let ended = folder.run(&["resume", "1", "--read-back", "cache"]);
    assert_eq!(ended.code, 2, "the options are those of the job");
    folder.run(&["resume", "1"]).all_done();
    assert_eq!(folder.read("dst/a"), "first");
    let ended = folder.run(&["resume"]).all_done();
    insta::assert_snapshot!(ended.stderr, @"nothing to resume: no job was interrupted, cancelled or stopped");
}

#[test]
fn a_setting_that_makes_no_sense_leaves_a_job_as_it_was() {
    let folder = folder();
    folder.write("dst/a", "old");
    folder.run(&["copy", "--keep-replaced", "src/", "dst"]).all_done();
    for arguments in [
        &["resume", "1"][..],
        &["resume", "--reverify", "1"],
        &["verify", "1"],
        &["undo", "1"],
        &["undo", "--discard", "1"],
    ] {
        let mut command = folder.command(arguments);
        let ended = ended(command.env("SURECOPY_PROGRESS_UPDATES_PER_SECOND", "abc"));
        assert_eq!((ended.code, ended.stdout.as_str()), (2, ""), "{arguments:?}");
        let told = folder.run(&["status", "--json"]).all_done().objects().remove(0);
        assert_eq!(told["state"], "finished", "{arguments:?}");
        assert_eq!(told["runs"].as_array().unwrap().len(), 1, "{arguments:?}");
    }
}

#[test]
fn what_failed_is_tried_again() {
    let folder = folder();
    let ended = folder.run(&["retry"]);
    assert_eq!(ended.code, 2, "which job must be said");
    folder.run(&["copy", "src", "dst"]).all_done();
    let ended = folder.run(&["retry", "1"]).all_done();
    assert_eq!(ended.stdout, "nothing of job 1 has failed\n");
    let ended = folder.run(&["retry", "--json", "1"]).all_done();
    assert_eq!(
        (ended.stdout.as_str(), ended.stderr.as_str()),
        ("", "nothing of job 1 has failed\n")
    );
    folder.write("taken/a", "taken");
    let (source, target) = (folder.path("src/"), folder.path("taken"));
    let (source, target) = (source.to_str().unwrap(), target.to_str().unwrap());
    let failed = folder.run(&["copy", "--on-conflict", "fail", source, target]);
    assert_eq!(failed.code, 1);
    assert!(failed.stderr.ends_with("again: surecopy retry 2\n"), "{}", failed.stderr);
    assert_eq!(folder.run(&["retry", "2"]).code, 1, "it is as it was");
    std::fs::remove_file(folder.path("taken/a")).unwrap();
    folder.write("src/new", "not there when it failed");
    let ended = folder.run(&["retry", "2"]).all_done();
    assert!(ended.stdout.starts_with("retrying job 2 of "), "{}", ended.stdout);
    assert_eq!(folder.read("taken/a"), "first");
    assert!(!folder.path("taken/new").exists());
    let told = folder.run(&["status", "--json", "2"]).all_done().objects();
    assert_eq!(told[0]["items"]["failed"], 0);
}

#[test]
fn a_job_that_was_cancelled_says_how_to_go_on() {
    let folder = folder();
    for index in 0..3000 {
        folder.write(format!("src/many/{index}"), "");
    }
    let mut command = folder.command(&["copy", "--json", "src", "dst"]);
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    // Its reader is gone already, so it is cancelled at once.
    let status = command.stdout(writer).stderr(Stdio::null()).status().unwrap();
    assert_eq!(status.code(), Some(130));
    let told = folder.run(&["status", "--json"]).all_done().objects();
    assert_eq!(
        (&told[0]["state"], &told[0]["next"]),
        (&"cancelled".into(), &"surecopy resume 1".into())
    );
    assert_eq!(folder.run(&["status", "--follow"]).code, 130);
    let ended = folder.run(&["resume"]).all_done();
    assert!(ended.stdout.starts_with("resuming job 1 of "), "{}", ended.stdout);
    assert_eq!(std::fs::read_dir(folder.path("dst/many")).unwrap().count(), 3000);
    assert_eq!(folder.run(&["status", "--follow"]).code, 0);
}

#[test]
fn what_was_copied_is_read_again() {
    let folder = folder();
    folder.run(&["copy", "--strategy", "staged", "src", "dst"]).all_done();
    let ended = folder.run(&["verify", "1"]).all_done();
    assert!(ended.stdout.contains("\nthe same: 2 files, 11 B read"), "{}", ended.stdout);
    folder.write("dst/a", "other");
    let ended = folder.run(&["verify", "1"]);
    assert_eq!(ended.code, 3, "{}", ended.stdout);
    assert!(ended.stderr.contains("error: 1 item is not what was copied\n"), "{}", ended.stderr);
    let advice = "to copy the damaged ones again: surecopy resume 1";
    assert!(ended.stderr.ends_with(&format!("{advice}\n")), "{}", ended.stderr);
    let status = folder.run(&["status"]).all_done();
    assert!(status.stdout.contains("  damaged: 1 item\n"), "{}", status.stdout);
    assert!(status.stdout.contains(advice), "{}", status.stdout);
    assert_eq!(folder.run(&["status", "--follow"]).code, 3);
    folder.run(&["resume", "1"]).all_done();
    assert_eq!(folder.read("dst/a"), "first");
    let told = folder.run(&["verify", "--json", "1"]).all_done().objects();
    assert_eq!((&told[0]["type"], &told[0]["run"]), (&"job".into(), &"verify".into()));
    let report = told.last().unwrap();
    assert_eq!((&report["type"], &report["damaged"]), (&"verify_report".into(), &0.into()));
}

#[test]
fn damage_is_not_forgotten_before_it_is_mended() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    folder.write("dst/a", "other");
    assert_eq!(folder.run(&["verify", "1"]).code, 3);
    std::fs::rename(folder.path("src"), folder.path("away")).unwrap();
    assert_eq!(folder.run(&["resume", "1"]).code, 4);
    let status = folder.run(&["status", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &status.stdout), @r#"
    job 1: finished since <moment>
      /work/src -> /work/dst
      begun <moment>, 3 runs
      2 of 2 items, 11 B of 11 B
      damaged: 1 item
      /work/dst/a: damaged
    to copy the damaged ones again: surecopy resume 1
    "#);
    let told = folder.run(&["status", "--json", "1"]).all_done().objects();
    assert_eq!(told[0]["items"]["damaged"], 1);
    assert_eq!(told[0]["next"], "surecopy resume 1");
    assert_eq!(folder.run(&["status", "--follow", "1"]).code, 3);
    let jobs = folder.run(&["jobs"]).all_done();
    assert!(jobs.stdout.contains("  finished, 1 damaged  "), "{}", jobs.stdout);
    std::fs::rename(folder.path("away"), folder.path("src")).unwrap();
    folder.run(&["resume", "1"]).all_done();
    let told = folder.run(&["status", "--json", "1"]).all_done().objects();
    assert_eq!((&told[0]["items"]["damaged"], &told[0]["next"]), (&0.into(), &Value::Null));
    assert_eq!(folder.run(&["status", "--follow", "1"]).code, 0);
}

#[test]
fn what_was_replaced_is_put_back() {
    let folder = folder();
    folder.write("dst/a", "old");
    folder.run(&["copy", "--keep-replaced", "src/", "dst"]).all_done();
    assert_eq!(folder.read("dst/a"), "first");
    let ended = folder.run(&["undo", "-v", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    undoing job 1 of <moment>: /work/src/ -> /work/dst
    removed       /work/dst/sub/b
    restored      /work/dst/a
    put back: 1 replaced file, removed: 1 in …
    directories that the job made: 1 removed, 0 left
    "#);
    assert_eq!(folder.listing(), ["dst", "dst/a", "src", "src/a", "src/sub", "src/sub/b"]);
    assert_eq!(folder.read("dst/a"), "old");
}

#[test]
fn what_is_done_can_be_read_again_before_going_on() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    // Of the same size and age, so that nothing but its content tells.
    let modified = std::fs::metadata(folder.path("dst/a")).unwrap().modified().unwrap();
    folder.write("dst/a", "wrong");
    let file = std::fs::File::options().write(true).open(folder.path("dst/a")).unwrap();
    file.set_modified(modified).unwrap();
    let trusting = folder.run(&["resume", "1"]).all_done();
    assert!(trusting.stdout.contains("nothing to do"), "{}", trusting.stdout);
    let ended = folder.run(&["resume", "--reverify", "1"]).all_done();
    assert!(ended.stderr.contains("1 item is not what was copied"), "{}", ended.stderr);
    // That is what is done next.
    assert!(!ended.stderr.contains("surecopy resume"), "{}", ended.stderr);
    assert!(ended.stdout.contains("\nresuming job 1 of "), "{}", ended.stdout);
    assert_eq!(folder.read("dst/a"), "first");
}

#[test]
fn what_an_undo_would_do_is_told_and_not_done() {
    let folder = folder();
    folder.write("dst/a", "old");
    folder.run(&["copy", "--keep-replaced", "src/", "dst"]).all_done();
    let before = folder.listing();
    let ended = folder.run(&["undo", "-n", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    put back      what /work/dst/a replaced
    remove        /work/dst/sub/b
    remove, empty /work/dst/sub
    would put back 1 replaced file and remove 1 file, and 1 directory if it is empty then
    dry run: nothing was touched
    "#);
    let ended = folder.run(&["undo", "-n", "--discard", "1"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r#"
    give up       what /work/dst/a replaced
    would remove 1 kept file
    dry run: nothing was touched
    "#);
    assert_eq!((folder.listing(), folder.read("dst/a").as_str()), (before, "first"));
}

#[test]
fn what_is_kept_can_be_given_up() {
    let folder = folder();
    folder.write("dst/a", "old");
    folder.run(&["copy", "--keep-replaced", "src/", "dst"]).all_done();
    let ended = folder.run(&["undo", "--discard", "--json", "1"]).all_done();
    let report = ended.objects().pop().unwrap();
    assert_eq!((&report["type"], &report["discarded"]), (&"discard_report".into(), &1.into()));
    assert_eq!(folder.read("dst/a"), "first");
    let names = folder.listing();
    assert!(!names.iter().any(|name| name.contains("surecopy")), "{names:?}");
}

#[test]
fn a_job_that_kept_nothing_cannot_be_undone() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    let ended = folder.run(&["undo", "1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
    assert!(ended.stderr.contains("--keep-replaced"), "{}", ended.stderr);
    assert_eq!(folder.read("dst/a"), "first");
}

#[test]
fn names_cannot_disturb_a_list() {
    let folder = Folder::new();
    folder.write("new\nline/🦀\x1b[31m", "text");
    folder.run(&["copy", "new\nline", "ziel 鳥"]).all_done();
    let jobs = folder.run(&["jobs"]).all_done().stdout;
    assert_eq!(jobs.lines().count(), 2, "{jobs}");
    assert!(jobs.contains(r#"new\nline" -> ""#), "{jobs}");
    let told = folder.run(&["status"]).all_done().stdout;
    assert!(told.lines().nth(1).unwrap().ends_with(r#"ziel 鳥""#), "{told}");
    let listed = folder.run(&["jobs", "--json"]).all_done().objects();
    let source = listed[0]["mappings"][0]["source"].as_str().unwrap();
    assert!(source.ends_with("/new\nline"), "{source}");
}

#[test]
fn nobody_reading_is_no_failure() {
    let folder = folder();
    folder.run(&["copy", "src", "dst"]).all_done();
    for arguments in [&["jobs", "--json"][..], &["status", "--json"], &["status"], &["jobs"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = folder.command(arguments).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
    // Whoever does not see how the job ends is not told that it ended well.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let mut command = folder.command(&["status", "--follow", "--json"]);
    assert_eq!(command.stdout(writer).status().unwrap().code(), Some(130));
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let ended = ended(folder.command(&["jobs"]).stdout(full));
    assert_eq!(ended.code, 1, "{}", ended.stderr);
}
