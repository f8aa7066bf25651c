//! A record of the audit log of one job cannot be read any more: the other jobs go on.

use crate::program::Folder;

/// Makes what was announced so far unreadable.
fn damage(folder: &Folder) {
    let ledger = rusqlite::Connection::open(folder.ledger()).unwrap();
    ledger.execute("DROP TRIGGER audit_is_never_changed", ()).unwrap();
    let sql = "UPDATE audit SET body = replace(body, '\"items\":[', '\"jtems\":[')
               WHERE body LIKE '%\"publishing\"%'";
    assert!(ledger.execute(sql, ()).unwrap() > 0);
}

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second").write("there/a", "old");
    folder
}

#[test]
fn another_job_copies_the_same_files() {
    let folder = folder();
    folder.run(&["copy", "src/", "there", "--on-conflict", "replace"]).all_done();
    damage(&folder);
    folder.run(&["copy", "src/", "elsewhere"]).all_done();
    assert_eq!(folder.read("elsewhere/b"), "second");
    let told = folder.run(&["audit", "2", "--check"]).all_done();
    assert!(told.stdout.starts_with("job 2: "), "{}", told.stdout);
    for arguments in [&["audit", "1"][..], &["resume", "1"], &["verify", "1"]] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, 5, "{arguments:?}: {}", ended.stderr);
        let stderr = ended.stderr;
        assert!(stderr.contains("error: record "), "{arguments:?}: {stderr}");
        assert!(stderr.contains(" of the audit log of job 1 cannot be read ("), "{stderr}");
        assert!(stderr.contains("`surecopy audit 1 --check`"), "{arguments:?}: {stderr}");
        assert!(!stderr.contains("aside"), "{arguments:?}: {stderr}");
    }
    let check = folder.run(&["audit", "1", "--check"]);
    assert_eq!(check.code, 5);
    assert!(check.stderr.contains(" is not what was written, or not where"), "{}", check.stderr);
}

#[test]
fn jobs_are_listed_and_pruned_and_looked_at() {
    let folder = folder();
    folder.run(&["copy", "--keep-replaced", "src/", "there"]).all_done();
    folder.run(&["undo", "1"]).all_done();
    damage(&folder);
    let jobs = folder.run(&["jobs", "--json"]).all_done().objects();
    assert_eq!(jobs[0]["items"]["undone"], 2, "{jobs:?}");
    for arguments in [&["jobs"][..], &["status"], &["status", "1"], &["resume"]] {
        folder.run(arguments).all_done();
    }
    folder.run(&["copy", "src/", "elsewhere"]).all_done();
    let pruned = folder.run(&["jobs", "prune", "--older-than", "0"]).all_done();
    assert_eq!(pruned.stdout, "removed 1 job: 2\n", "what cannot be judged is kept");
}
