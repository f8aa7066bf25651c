//! What is said of a job while, and after, it is verified or undone.

use surecopy::jobs::{JobId, Ledger, RunKind};

use crate::program::Folder;

/// A job of three files that can be undone.
fn copied() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second").write("src/c", "third");
    folder.run(&["copy", "--keep-replaced", "src", "dst/"]).all_done();
    folder
}

fn ledger(folder: &Folder) -> Ledger {
    Ledger::open(&folder.ledger()).unwrap()
}

/// What `status` says: the state, the figures, and what to do.
fn status(folder: &Folder) -> [String; 3] {
    let told = folder.run(&["status", "1"]).all_done().stdout;
    let lines: Vec<&str> = told.lines().collect();
    let state = lines[0].strip_prefix("job 1: ").unwrap().split(" since ").next().unwrap();
    let rest = lines[3..].iter().filter(|line| line.starts_with(' ')).map(|line| line.trim());
    let advice = lines.last().unwrap();
    let advice = if advice.starts_with(' ') { "" } else { advice };
    [state.to_owned(), rest.collect::<Vec<_>>().join("; "), advice.to_owned()]
}

fn object(folder: &Folder) -> serde_json::Value {
    folder.run(&["status", "--json", "1"]).all_done().objects().remove(0)
}

#[test]
fn a_job_that_is_looked_at_is_not_said_to_be_finished() {
    let folder = copied();
    let ledger = ledger(&folder);
    let rows = [
        (RunKind::Verify, "verifying"),
        (RunKind::Undo, "undoing"),
        (RunKind::Discard, "discarding"),
    ];
    for (kind, state) in rows {
        let run = ledger.begin_run(JobId(1), kind, 7).unwrap();
        assert_eq!(status(&folder)[0], state);
        let jobs = folder.run(&["jobs"]).all_done().stdout;
        assert!(jobs.contains(&format!("  {state}  ")), "{jobs}");
        let told = object(&folder);
        assert_eq!((&told["state"], &told["is_running"]), (&state.into(), &true.into()));
        assert_eq!(told["next"], serde_json::Value::Null);
        drop(run);
    }
}

#[test]
fn a_job_whose_undo_has_died_says_how_to_go_on_with_that() {
    let rows = [
        (RunKind::Undo, "interrupted (undo)", "to undo the rest: surecopy undo 1"),
        (
            RunKind::Discard,
            "interrupted (discard)",
            "to give up the rest: surecopy undo --discard 1",
        ),
        (RunKind::Verify, "interrupted (verify)", "to read it again: surecopy verify 1"),
    ];
    for (kind, state, advice) in rows {
        let folder = copied();
        drop(ledger(&folder).begin_run(JobId(1), kind, 7).unwrap());
        let said = status(&folder);
        assert_eq!((said[0].as_str(), said[2].as_str()), (state, advice));
        assert_eq!(object(&folder)["state"], "interrupted");
        assert_eq!(folder.run(&["status", "--follow", "1"]).code, 130);
        // Nobody is made to copy again what is being undone.
        let resumed = folder.run(&["resume"]).all_done();
        assert!(resumed.stderr.starts_with("nothing to resume"), "{}", resumed.stderr);
    }
}

#[test]
fn what_is_undone_is_counted_until_all_of_it_is() {
    let folder = copied();
    folder.write("dst/src/b", "changed since");
    assert_eq!(folder.run(&["undo", "1"]).code, 1);
    assert_eq!(
        status(&folder),
        [
            "partly undone",
            "1 of 3 items, 6 B of 16 B; undone: 2 items",
            "to undo the rest: surecopy undo 1"
        ]
    );
    let told = object(&folder);
    assert_eq!((&told["state"], &told["items"]["undone"]), (&"partly_undone".into(), &2.into()));
    assert_eq!(told["next"], "surecopy undo 1");
    assert_eq!(folder.run(&["status", "--follow", "1"]).code, 1);
    std::fs::remove_file(folder.path("dst/src/b")).unwrap();
    // Copied again, nothing of it is undone any more.
    folder.run(&["resume", "1"]).all_done();
    let said = status(&folder);
    assert_eq!(said, ["finished", "3 of 3 items, 16 B of 16 B", ""]);
    folder.run(&["undo", "1"]).all_done();
    let said = status(&folder);
    assert_eq!(said, ["undone", "0 of 3 items, 0 B of 16 B; undone: 3 items", ""]);
}

/// The same, and what stood in the way of a fourth file is away since.
fn copied_but_one() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second").write("src/c", "third");
    folder.write("src/d", "fourth");
    std::fs::create_dir_all(folder.path("dst/src/d")).unwrap();
    assert_eq!(folder.run(&["copy", "--keep-replaced", "src", "dst/"]).code, 1);
    std::fs::remove_dir(folder.path("dst/src/d")).unwrap();
    folder
}

#[test]
fn what_was_undone_is_not_in_place_when_what_had_failed_is_tried_again() {
    let folder = copied_but_one();
    folder.write("dst/src/b", "changed since");
    assert_eq!(folder.run(&["undo", "1"]).code, 1);
    folder.run(&["retry", "1"]).all_done();
    let figures = "2 of 4 items, 12 B of 22 B; undone: 2 items";
    let advice = "to undo the rest: surecopy undo 1";
    assert_eq!(status(&folder), ["partly undone", figures, advice]);
    assert_eq!(object(&folder)["next"], "surecopy undo 1");
}

#[test]
fn a_job_that_was_undone_is_not_copied_again_unasked() {
    let folder = copied_but_one();
    folder.run(&["undo", "1"]).all_done();
    let ended = folder.run(&["retry", "1"]).all_done();
    let advice = "to undo the rest: surecopy undo 1";
    assert!(ended.stderr.ends_with(&format!("{advice}\n")), "{}", ended.stderr);
    let figures = "1 of 4 items, 6 B of 22 B; undone: 3 items";
    assert_eq!(status(&folder), ["partly undone", figures, advice]);
    let resumed = folder.run(&["resume"]).all_done();
    assert!(resumed.stderr.starts_with("nothing to resume"), "{}", resumed.stderr);
    assert!(!folder.path("dst/src/a").exists());
    folder.run(&["undo", "1"]).all_done();
    assert_eq!(status(&folder)[0], "undone");
    assert!(!folder.path("dst/src/d").exists());
}

#[test]
fn an_undo_that_has_died_is_not_forgotten_when_the_job_is_verified() {
    let folder = copied();
    drop(ledger(&folder).begin_run(JobId(1), RunKind::Undo, 7).unwrap());
    // What it had got to by then, and could not record.
    std::fs::remove_file(folder.path("dst/src/b")).unwrap();
    assert_eq!(folder.run(&["verify", "1"]).code, 3);
    let said = status(&folder);
    assert_eq!(said[0], "interrupted (undo)");
    assert_eq!(said[2], "to undo the rest: surecopy undo 1");
    let resumed = folder.run(&["resume"]).all_done();
    assert!(resumed.stderr.starts_with("nothing to resume"), "{}", resumed.stderr);
}

#[test]
fn a_damaged_job_is_listed_however_many_have_come_since_and_is_not_removed() {
    let folder = copied();
    folder.write("dst/src/b", "not it");
    assert_eq!(folder.run(&["verify", "1"]).code, 3);
    for nth in 0..20 {
        folder.run(&["copy", "src/a", &format!("other{nth}/")]).all_done();
    }
    let jobs = folder.run(&["jobs"]).all_done().stdout;
    assert!(jobs.contains("  finished, 1 damaged  "), "{jobs}");
    folder.run(&["jobs", "prune", "--older-than", "0"]).all_done();
    let left = folder.run(&["jobs", "--all", "--json"]).all_done().objects();
    let left: Vec<_> = left.iter().map(|job| job["job"].as_i64().unwrap()).collect();
    assert_eq!(left, [1]);
}
