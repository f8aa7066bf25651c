//! What a run says is to be done next: what the ledger has made of it.

use std::fs;
use std::io::BufRead as _;

use crate::at_work::held;
use crate::program::Folder;

/// A job that was killed in its middle, of which one file was refused.
fn killed() -> Folder {
    let folder = Folder::new();
    for index in 0..3000 {
        folder.write(format!("src/{index}"), "");
    }
    fs::create_dir_all(folder.path("dst/src/0")).unwrap();
    let (mut child, mut lines) = held(&folder);
    // What was refused is told first, and is recorded when the first file is copied.
    let mut line = String::new();
    while !line.contains(r#""status":"ok""#) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the job ends before its first file");
    }
    child.kill().unwrap();
    child.wait().unwrap();
    folder
}

fn state(folder: &Folder) -> String {
    let told = folder.run(&["status", "--json"]).all_done().objects().remove(0);
    told["state"].as_str().unwrap().to_owned()
}

#[test]
fn of_a_job_that_was_interrupted_more_is_left_than_what_had_failed() {
    let folder = killed();
    let advice = "to go on: surecopy resume 1\n";
    // Nothing that was in the way has gone.
    let ended = folder.run(&["retry", "1"]);
    assert_eq!(ended.code, 1, "{}", ended.stderr);
    assert!(ended.stderr.ends_with(advice), "{}", ended.stderr);
    assert_eq!(state(&folder), "interrupted");
    fs::remove_dir(folder.path("dst/src/0")).unwrap();
    let ended = folder.run(&["retry", "1"]).all_done();
    assert!(ended.stderr.ends_with(advice), "{}", ended.stderr);
    assert_eq!(state(&folder), "interrupted");
    let ended = folder.run(&["retry", "1"]).all_done();
    assert_eq!(ended.stdout, "nothing of job 1 has failed\n");
    assert_eq!(ended.stderr, advice);
    fs::rename(folder.path("src"), folder.path("away")).unwrap();
    let ended = folder.run(&["resume", "1"]);
    assert_eq!(ended.code, 4);
    assert!(ended.stderr.ends_with(advice), "{}", ended.stderr);
    fs::rename(folder.path("away"), folder.path("src")).unwrap();
    let ended = folder.run(&["resume", "-q", "1"]).all_done();
    assert_eq!(ended.stderr, "");
    assert_eq!(state(&folder), "finished");
    assert_eq!(fs::read_dir(folder.path("dst/src")).unwrap().count(), 3000);
}

#[test]
fn an_undo_that_could_do_nothing_does_not_advise_to_copy() {
    let folder = Folder::new();
    folder.write("src/a", "first");
    folder.run(&["copy", "--keep-replaced", "src", "dst"]).all_done();
    folder.write("dst/a", "changed since");
    let ended = folder.run(&["undo", "1"]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.ends_with("to undo it all the same: surecopy undo 1\n"),
        "{}",
        ended.stderr
    );
}

#[test]
fn an_undo_that_has_left_some_says_how_to_go_on() {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second");
    folder.run(&["copy", "--keep-replaced", "src", "dst"]).all_done();
    folder.write("dst/b", "changed since");
    let ended = folder.run(&["undo", "1"]);
    assert_eq!(ended.code, 1);
    assert!(ended.stderr.ends_with("to undo the rest: surecopy undo 1\n"), "{}", ended.stderr);
}
