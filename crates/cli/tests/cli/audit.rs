//! `surecopy audit` and `surecopy jobs prune`: the record of a job.

use serde_json::Value;

use crate::program::{Folder, of_type};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second").write("src/with space", "third");
    folder.run(&["copy", "--strategy", "staged", "--read-back", "cache", "src", "dst"]).all_done();
    folder
}

#[test]
fn each_item_is_listed_with_what_became_of_it() {
    let folder = folder();
    let ended = folder.run(&["audit", "-v", "1"]).all_done();
    let text = ended.stdout.replace(folder.path("").to_str().unwrap(), "/work/");
    let mut lines: Vec<&str> = text.lines().collect();
    let last = lines.pop().unwrap();
    assert_eq!(last, "job 1: 3 items (ok: 3)");
    // A digest stands beneath its item.
    let mut items: Vec<String> = lines.chunks(2).map(|pair| pair.join("\n")).collect();
    items.sort();
    insta::assert_snapshot!(items.join("\n"), @r#"
    ok          cache         5 B  "/work/dst/with space"
                blake3 42f1d0a285aebbec81c29b9e334aaa322f6f24ac7d5f14c3b89aa50a9bc7b2d1
    ok          cache         5 B  /work/dst/a
                blake3 22896bcbc3d1c76a0b90c4c3523dbea532ad63196fafdbd52cced52200d3dae4
    ok          cache         6 B  /work/dst/b
                blake3 cd85637651ec7a557bddd61c5ddd1df21ad8bbbaf6c3c098482b3ed1c1014964
    "#);
}

#[test]
fn what_failed_before_it_was_planned_is_listed_too() {
    let folder = folder();
    assert_eq!(folder.run(&["copy", "--on-conflict", "fail", "src/", "dst"]).code, 1);
    let ended = folder.run(&["audit", "2", "--state", "failed"]).all_done();
    let mut lines: Vec<&str> = ended.stdout.lines().collect();
    lines.sort_unstable();
    assert_eq!(lines[0], "job 2: 3 items (refused: 3)");
    assert!(lines[1].ends_with(": the target exists (TARGET_EXISTS)"), "{}", lines[1]);
    // The word that is shown is taken too, and means no others.
    let refused = folder.run(&["audit", "2", "--state", "refused"]).all_done();
    assert_eq!(refused.stdout, ended.stdout);
    let objects = folder.run(&["audit", "1", "--json", "--state", "refused"]).all_done().objects();
    assert_eq!(objects.len(), 2, "{objects:?}");
    let status = folder.run(&["status"]).all_done().stdout;
    let listed: Vec<&str> =
        status.lines().filter(|line| line.contains("the target exists")).collect();
    assert_eq!(listed.len(), 3, "{status}");
    assert!(!status.contains(" more: "), "{status}");
}

#[test]
fn of_what_was_refused_the_first_are_listed_and_the_rest_is_counted() {
    let folder = Folder::new();
    for index in 0..13 {
        folder.write(format!("src/{index}"), "new").write(format!("dst/{index}"), "old");
    }
    assert_eq!(folder.run(&["copy", "--on-conflict", "fail", "src/", "dst"]).code, 1);
    let status = folder.run(&["status"]).all_done().stdout;
    let listed = status.lines().filter(|line| line.contains("the target exists"));
    assert_eq!(listed.count(), 10, "{status}");
    assert!(status.contains("\n  and 3 more: surecopy audit 1 --state failed\n"), "{status}");
}

/// The lines without the folder and the sums, in order.
fn lines(folder: &Folder, arguments: &[&str]) -> Vec<String> {
    let ended = folder.run(arguments).all_done();
    let text = ended.stdout.replace(folder.path("").to_str().unwrap(), "");
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    lines.sort_unstable();
    lines
}

#[test]
fn what_was_mended_is_listed_as_it_is_now() {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second");
    std::fs::create_dir_all(folder.path("dst/a/in the way")).unwrap();
    let copy = ["copy", "--strategy", "staged", "--read-back", "cache", "src/", "dst"];
    assert_eq!(folder.run(&copy).code, 1);
    std::fs::remove_dir_all(folder.path("dst/a")).unwrap();
    folder.run(&["retry", "1"]).all_done();
    folder.write("dst/b", "damaged");
    assert_eq!(folder.run(&["verify", "1"]).code, 3);
    insta::assert_snapshot!(lines(&folder, &["audit", "1"]).join("\n"), @r#"
    damaged     cache         6 B  dst/b
    job 1: 2 items (damaged: 1, ok: 1)
    ok          cache         5 B  dst/a
    "#);
    folder.run(&["resume", "1"]).all_done();
    insta::assert_snapshot!(lines(&folder, &["audit", "1"]).join("\n"), @r#"
    job 1: 2 items (ok: 2)
    ok          cache         5 B  dst/a
    ok          cache         6 B  dst/b
    "#);
    for state in ["failed", "damaged"] {
        let shown = lines(&folder, &["audit", "1", "--state", state]);
        assert_eq!(shown, ["job 1: 0 items"], "{state}");
        let told = folder.run(&["audit", "1", "--json", "--state", state]).all_done().objects();
        assert_eq!(told.len(), 2, "{told:?}");
    }
    let shown = lines(&folder, &["audit", "-v", "1"]);
    let past: Vec<&String> = shown.iter().filter(|line| line.contains("superseded")).collect();
    insta::assert_snapshot!(format!("{past:#?}"), @r#"
    [
        "damaged     cache         6 B  dst/b (in run 1, superseded)",
        "refused                        src/a: a directory has the target's name (TARGET_KIND_DIFFERS) (in run 1, superseded)",
    ]
    "#);
    let objects = folder.run(&["audit", "--json", "1"]).all_done().objects();
    let attempt = |it: &Value| {
        let state = it["state"].as_str().unwrap_or("refused").to_owned();
        let name = it["target"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        (name, it["run"].as_u64().unwrap(), state, it["is_superseded"].as_bool().unwrap())
    };
    let listed = |it: &&Value| it["type"] == "audit_item" || it["type"] == "audit_refused";
    let mut attempts: Vec<_> = objects.iter().filter(listed).map(attempt).collect();
    attempts.sort();
    let row = |name: &str, run, state: &str, past| (name.to_owned(), run, state.to_owned(), past);
    let expected = [
        row("a", 1, "refused", true),
        row("a", 2, "ok", false),
        row("b", 1, "damaged", true),
        row("b", 4, "ok", false),
    ];
    assert_eq!(attempts, expected);
    let summary = objects.last().unwrap();
    assert_eq!(
        (&summary["states"], &summary["refused"]),
        (&serde_json::json!({"ok": 2}), &0.into())
    );
}

#[test]
fn one_state_can_be_asked_for() {
    let folder = folder();
    let ended = folder.run(&["audit", "1", "--state", "failed"]).all_done();
    assert_eq!(ended.stdout, "job 1: 0 items\n");
    let ended = folder.run(&["audit", "1", "--state", "broken"]);
    assert_eq!(ended.code, 2);
    let words = "[possible values: planned, ok, skipped, failed, cancelled, interrupted, damaged, \
                 undone, refused]";
    assert!(ended.stderr.contains(words), "{}", ended.stderr);
    let help = folder.run(&["audit", "-h"]).all_done().stdout;
    let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(help.contains(words), "{help}");
}

#[test]
fn programs_get_every_item_and_the_sums() {
    let folder = folder();
    let objects = folder.run(&["audit", "--json", "1"]).all_done().objects();
    assert_eq!(objects[0]["type"], "job_status");
    let items = of_type(&objects, "audit_item");
    assert_eq!(items.len(), 3);
    assert!(items.iter().all(|item| item["digest"].as_str().unwrap().len() == 64));
    assert!(items.iter().all(|item| item["verified"] == true && item["state"] == "ok"));
    let summary = objects.last().unwrap();
    assert_eq!(summary["states"], serde_json::json!({"ok": 3}));
}

#[test]
fn a_log_that_nobody_touched_fits() {
    let folder = folder();
    let ended = folder.run(&["audit", "--check", "1"]).all_done();
    assert!(ended.stdout.starts_with("job 1: "), "{}", ended.stdout);
    assert!(ended.stdout.contains(" records fit, up to "), "{}", ended.stdout);
    let checked = folder.run(&["audit", "--check", "--json", "1"]).all_done().objects();
    assert_eq!(
        (&checked[0]["is_intact"], &checked[0]["broken_record"]),
        (&true.into(), &Value::Null)
    );
    assert!(ended.stdout.contains(checked[0]["digest"].as_str().unwrap()), "{}", ended.stdout);
}

/// Writes other bytes into the ledger. There may be more than one place, of which some are not valid any
/// more.
fn tamper(folder: &Folder, from: &[u8], to: &[u8]) {
    let file = folder.ledger();
    let mut bytes = std::fs::read(&file).unwrap();
    let mut count = 0;
    while let Some(at) = bytes.windows(from.len()).position(|found| found == from) {
        bytes[at..at + to.len()].copy_from_slice(to);
        count += 1;
    }
    assert!(count > 0);
    std::fs::write(&file, bytes).unwrap();
}

/// In the table of ends, each item of the job is said to be told of by the record after its own.
fn tell_of_another_record(folder: &Folder) {
    let ledger = rusqlite::Connection::open(folder.ledger()).unwrap();
    assert_eq!(ledger.execute("UPDATE ends SET record = record + 1", ()).unwrap(), 3);
}

#[test]
fn an_end_that_is_not_that_of_the_log_is_told() {
    let folder = folder();
    tell_of_another_record(&folder);
    let ended = folder.run(&["audit", "--check", "1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""));
    let start = "error: what the ledger says of job 1 cannot be trusted: item ";
    assert!(ended.stderr.starts_with(start), "{}", ended.stderr);
    let ended = folder.run(&["audit", "--check", "--json", "1"]);
    assert_eq!(ended.code, 5);
    let checked = ended.objects().remove(0);
    assert_eq!((&checked["is_intact"], &checked["broken_record"]), (&false.into(), &Value::Null));
    assert!(checked["message"].as_str().unwrap().contains(" did not end as record "), "{checked}");
}

/// An index is given another content than its table has, of which nobody else would tell.
#[test]
fn a_database_that_is_not_whole_is_told() {
    let folder = folder();
    tamper(&folder, b"ON items (directory, name)", b"ON items (directory, kind)");
    let ended = folder.run(&["audit", "--check", "1"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""));
    assert!(ended.stderr.contains(" is damaged ("), "{}", ended.stderr);
    assert!(ended.stderr.contains("index items_by_name"), "{}", ended.stderr);
    let ended = folder.run(&["audit", "--check", "--json", "1"]);
    assert_eq!(ended.code, 5);
    let checked = ended.objects().remove(0);
    assert_eq!((&checked["is_intact"], &checked["broken_record"]), (&false.into(), &Value::Null));
    assert!(checked["message"].as_str().unwrap().contains(" is damaged ("), "{checked}");
}

#[test]
fn an_exported_log_is_a_line_for_each_record() {
    let folder = folder();
    let checked = folder.run(&["audit", "--check", "--json", "1"]).all_done().objects();
    let shown = folder.run(&["audit", "--export", "-", "1"]).all_done();
    assert_eq!(shown.stderr, "");
    assert_eq!(shown.stdout.lines().count() as u64, checked[0]["records"].as_u64().unwrap());
    for line in shown.stdout.lines() {
        let (digest, body) = line.split_once(' ').unwrap();
        assert!(digest.len() == 64 && digest.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let body: Value = serde_json::from_str(body).unwrap();
        assert!(body["event"].is_string(), "{body}");
    }
    assert!(
        shown.stdout.lines().last().unwrap().starts_with(checked[0]["digest"].as_str().unwrap())
    );
    let written = folder.run(&["audit", "--export", "log", "1"]).all_done();
    assert!(written.stderr.ends_with(" records written to log\n"), "{}", written.stderr);
    assert_eq!(folder.read("log"), shown.stdout);
}

#[test]
fn a_file_that_is_there_is_not_written_over() {
    let folder = folder();
    folder.write("log", "mine");
    let ended = folder.run(&["audit", "--export", "log", "1"]);
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(ended.stderr, @"error: cannot write the audit log to log: it exists already");
    assert_eq!(folder.read("log"), "mine");
}

/// Half a log would be taken for a whole one, and the same command would find its name taken.
#[test]
fn a_log_that_cannot_be_written_leaves_nothing() {
    let folder = Folder::new();
    let long = "n".repeat(200);
    for index in 0..400 {
        folder.write(format!("src/{long}{index}"), "");
    }
    folder.run(&["copy", "src", "dst"]).all_done();
    let log = folder.run(&["audit", "--export", "-", "1"]).all_done().stdout;
    // More than may be written, and the ledger's own files are smaller than that.
    assert!(log.len() > 2 * 128 * 1024, "{}", log.len());
    let ended = folder.run_with_small_files(128, &["audit", "--export", "log", "1"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.contains("File too large"), "{}", ended.stderr);
    let mut left = folder.listing();
    left.retain(|name| !name.contains('/'));
    assert_eq!(left, ["dst", "src"]);
    folder.run(&["audit", "--export", "log", "1"]).all_done();
    assert_eq!(folder.read("log"), log);
}

#[test]
fn who_has_seen_enough_may_go() {
    let folder = folder();
    for arguments in
        [&["audit", "1"][..], &["audit", "--json", "1"], &["audit", "--export", "-", "1"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let status = folder.command(arguments).stdout(writer).status().unwrap();
        assert_eq!(status.code(), Some(0), "{arguments:?}");
    }
}

#[test]
fn old_jobs_go_when_they_are_told_to() {
    let folder = folder();
    let kept = folder.run(&["jobs", "prune"]).all_done();
    assert_eq!(kept.stdout, "nothing to remove: no finished job is older than 90 days\n");
    let would = folder.run(&["jobs", "prune", "-n", "--older-than", "0"]).all_done();
    assert_eq!(would.stdout, "would remove 1 job: 1\n");
    assert_eq!(folder.run(&["jobs", "--json"]).all_done().objects().len(), 1);
    let gone = folder.run(&["jobs", "prune", "--older-than", "0"]).all_done();
    assert_eq!(gone.stdout, "removed 1 job: 1\n");
    let listed = folder.run(&["jobs"]).all_done();
    assert_eq!((listed.stdout.as_str(), listed.stderr.as_str()), ("", "no jobs yet\n"));
    let status = folder.run(&["status"]).all_done();
    assert_eq!((status.stdout.as_str(), status.stderr.as_str()), ("", "no jobs yet\n"));
    // A number is never given again.
    let (_, objects) = folder.run_json(&["src", "dst"]);
    assert_eq!(objects[0]["job"], 2);
}

#[test]
fn what_holds_for_jobs_may_stand_on_either_side_of_prune() {
    let folder = folder();
    let job = || {
        folder.run(&["copy", "-q", "--ledger", "mine.db", "src", "there/"]).all_done();
    };
    for arguments in [
        &["jobs", "--ledger", "mine.db", "--json", "prune", "--older-than", "0"][..],
        &["jobs", "prune", "--older-than", "0", "--json", "--ledger", "mine.db"],
        &["jobs", "--ledger", "other.db", "prune", "--older-than=0", "--json", "--ledger=mine.db"],
    ] {
        job();
        let objects = folder.run(arguments).all_done().objects();
        assert_eq!((objects.len(), &objects[0]["type"]), (1, &"pruned".into()), "{arguments:?}");
        assert_eq!(objects[0]["jobs"].as_array().unwrap().len(), 1, "{arguments:?}");
        assert_eq!(objects[0]["dry_run"], false);
    }
    let none = folder.run(&["jobs", "--json", "prune", "-n"]).all_done().objects().remove(0);
    assert_eq!(none["jobs"], serde_json::json!([]));
    assert_eq!((&none["dry_run"], &none["older_than_days"]), (&true.into(), &90.into()));
    assert_eq!(folder.run(&["jobs", "--all", "prune"]).code, 2);
}

#[test]
fn a_log_is_not_written_where_a_directory_is_named() {
    let folder = Folder::new();
    folder.write("src/a", "first");
    folder.run(&["copy", "src/", "dst"]).all_done();
    let before = folder.listing();
    for to in ["new/", "new/.", "new//"] {
        let ended = folder.run(&["audit", "--export", to, "1"]);
        assert_eq!(ended.code, 1, "{to}: {}", ended.stderr);
        assert!(ended.stderr.contains("cannot write the audit log to new"), "{}", ended.stderr);
    }
    assert_eq!(folder.listing(), before);
}
