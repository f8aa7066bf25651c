//! A damaged ledger: what is in it is told or refused, and what is done by it stays where it belongs.

use std::fs;
use std::os::unix::fs::symlink;

use proptest::prelude::*;
use rusqlite::Connection;
use surecopy_testkit::fuzz::{Verdict, hold_values};

use super::damage::{Damage, apply, damage};
use super::outside::{Tree, files, link_tree, run, tree};
use crate::program::Folder;

/// What only looks.
const LOOKS: &[&[&str]] = &[
    &["jobs"],
    &["jobs", "--json"],
    &["status", "1"],
    &["status", "2", "--json"],
    &["status", "3"],
    &["audit", "1", "-v"],
    &["audit", "2", "--json"],
    &["audit", "3"],
    &["audit", "1", "--check"],
    &["audit", "2", "--check"],
    &["audit", "1", "--export", "-"],
    &["undo", "1", "-n"],
];

/// What changes something, and the destination that it may change.
const CHANGES: &[(&[&str], &str)] = &[
    (&["resume", "2"], "dst2"),
    (&["resume", "2", "--json"], "dst2"),
    (&["resume", "1"], "dst1"),
    (&["undo", "1"], "dst1"),
    (&["undo", "1", "--discard"], "dst1"),
    (&["undo", "2"], "dst2"),
    (&["verify", "1"], "none"),
    (&["verify", "2"], "none"),
    (&["retry", "3"], "dst1"),
    (&["copy", "--keep-replaced", "src1/", "dst1"], "dst1"),
    (&["jobs", "prune", "--older-than", "0"], "none"),
];

const DIRECTORIES: &[&str] = &["src1", "src2", "dst1", "dst2", "outside"];

/// Three jobs: one that replaced files and keeps them, one that was killed while it published, and one of
/// which everything was refused.
struct Scene {
    folder: Folder,
    ledger: Vec<u8>,
    /// What may not change, whatever is done.
    sources: [Tree; 3],
}

impl Scene {
    fn new() -> Self {
        let folder = Folder::new();
        folder.write("src1/a", "first").write("src1/sub/b", "second").write("src1/sub/c", "third");
        folder.write("dst1/a", "old one").write("dst1/sub/b", "old two");
        folder.write("src2/a", "fourth").write("src2/sub/b", "fifth").write("src2/sub/c", "sixth");
        folder.write("dst2/theirs", "not of the job").write("outside/theirs", "nobody's business");
        symlink(folder.path("outside"), folder.path("dst1/out")).unwrap();
        symlink(folder.path("outside"), folder.path("dst2/out")).unwrap();
        let copy = ["copy", "--on-conflict", "replace", "--read-back", "cache"];
        let run = |rest: &[&str]| folder.run(&[&copy[..], rest].concat());
        run(&["--keep-replaced", "src1/", "dst1"]).all_done();
        run(&["src2/", "dst2"]).all_done();
        run(&["--on-conflict", "fail", "src1/", "dst1"]);
        kill_while_publishing(&folder);
        let jobs = folder.run(&["jobs"]).all_done().stdout;
        assert!(jobs.contains("finished") && jobs.contains("interrupted"), "{jobs}");
        for name in ["dst1", "dst2"] {
            fs::rename(folder.path(name), folder.path(format!("../{name}"))).unwrap();
        }
        let sources = ["src1", "src2", "outside"].map(|name| tree(&folder.path(name)));
        let ledger = fs::read(folder.ledger()).unwrap();
        let this = Self { folder, ledger, sources };
        this.restore();
        this
    }

    /// Everything as it was: the files themselves are the same ones, so that they are known again.
    fn restore(&self) {
        for entry in fs::read_dir(self.folder.path("")).unwrap() {
            let entry = entry.unwrap();
            let name = entry.file_name();
            assert!(DIRECTORIES.iter().any(|known| name == **known), "{name:?} was made");
        }
        for name in ["dst1", "dst2"] {
            drop(fs::remove_dir_all(self.folder.path(name)));
            link_tree(&self.folder.path(format!("../{name}")), &self.folder.path(name));
        }
        for suffix in ["-wal", "-shm"] {
            let ledger = self.folder.ledger().into_os_string().into_string().unwrap();
            drop(fs::remove_file(ledger + suffix));
        }
        fs::write(self.folder.ledger(), &self.ledger).unwrap();
    }

    fn sources(&self) -> [Tree; 3] {
        ["src1", "src2", "outside"].map(|name| tree(&self.folder.path(name)))
    }
}

/// Takes back what the second job has recorded since it announced what it published, and one of the
/// publications: a power cut leaves it so.
fn kill_while_publishing(folder: &Folder) {
    let connection = Connection::open(folder.ledger()).unwrap();
    let one = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, i64>(0)).unwrap();
    let nonce = one("SELECT nonce FROM runs WHERE job = 2");
    let record =
        one("SELECT max(record) FROM audit WHERE job = 2 AND body LIKE '%\"publishing\"%'");
    let triggers = ["audit_goes_with_its_job"].map(|trigger| {
        let sql = format!("SELECT sql FROM sqlite_schema WHERE name = '{trigger}'");
        let sql = connection.query_row(&sql, (), |row| row.get::<_, String>(0)).unwrap();
        connection.execute_batch(&format!("DROP TRIGGER {trigger}")).unwrap();
        sql
    });
    connection
        .execute_batch(&format!(
            "DELETE FROM audit WHERE job = 2 AND record > {record};
             DELETE FROM ends WHERE job = 2;
             INSERT INTO publications (job, record, run) VALUES (2, {record}, 1);
             UPDATE runs SET ended_at = NULL, outcome = NULL, sums = NULL, is_cleared = 0
                 WHERE job = 2;
             UPDATE jobs SET state = 'running', audit_records = {record},
                 audit_head = (SELECT digest FROM audit WHERE job = 2 AND record = {record})
                 WHERE job = 2;
             {};",
            triggers[0]
        ))
        .unwrap();
    let body = "SELECT body FROM audit WHERE job = 2 AND body LIKE '%\"publishing\"%'";
    let body: String = connection.query_row(body, (), |row| row.get(0)).unwrap();
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let items = body["items"].as_array().unwrap();
    let item = items.iter().find(|item| item["path"].as_str().unwrap().ends_with("sub/b")).unwrap();
    let number = item["partial"].as_str().unwrap();
    let partial = format!("dst2/sub/.surecopy-{nonce:016x}-{number}.partial");
    fs::rename(folder.path("dst2/sub/b"), folder.path(partial)).unwrap();
}

#[test]
fn row_44_a_damaged_ledger_is_told_or_refused_and_keeps_to_its_place() {
    let scene = Scene::new();
    let whole = scene.folder.run(&["audit", "1", "--check"]);
    assert_eq!(whole.code, 0, "{}{}", whole.stdout, whole.stderr);
    let looks = proptest::sample::subsequence(LOOKS.to_vec(), 2);
    let strategy = (damage(), looks, proptest::sample::select(CHANGES));
    hold_values("a_damaged_ledger", 40, &strategy, |(damage, looks, change)| {
        scene.restore();
        let damaged = apply(&scene.folder.ledger(), &damage);
        let mut is_told = false;
        for arguments in looks {
            is_told |= run(&scene.folder, arguments).code != 0;
        }
        is_told |= held(&scene, &damaged, change);
        if is_told { Verdict::Refused } else { Verdict::Taken }
    });
}

/// Whether something was said of it. Fails when something was touched or claimed that should not be.
fn held(scene: &Scene, damaged: &[String], (arguments, destination): (&[&str], &str)) -> bool {
    let folder = &scene.folder;
    let before = ["dst1", "dst2"].map(|name| (name, tree(&folder.path(name))));
    let ended = run(folder, arguments);
    let context = format!("{arguments:?} after {damaged:?}: {}{}", ended.stdout, ended.stderr);
    assert!(scene.sources() == scene.sources, "{context}");
    for (name, before) in before {
        assert!(name == destination || tree(&folder.path(name)) == before, "{name}: {context}");
    }
    // That a job is done is what its state says: who writes that there lies by it.
    let is_claimed = ended.code == 0 && arguments[..2] == ["resume", "2"];
    if is_claimed && !damaged.iter().any(|column| column == "jobs.state") {
        let (source, target) = (files(&folder.path("src2")), files(&folder.path("dst2")));
        for (path, content) in source {
            assert_eq!(target.get(&path), Some(&content), "{}: {context}", path.display());
        }
    }
    if arguments[..2] == ["resume", "2"] || arguments[0] == "undo" {
        let theirs = folder.path("dst2/theirs");
        assert_eq!(fs::read(&theirs).unwrap(), b"not of the job", "{context}");
    }
    ended.code != 0
}

#[test]
fn what_is_damaged_is_really_damaged() {
    let scene = Scene::new();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let (mut columns, mut is_damaged) = (std::collections::BTreeSet::new(), 0);
    for _ in 0..100 {
        scene.restore();
        let damage: Vec<Damage> = damage().new_tree(&mut runner).unwrap().current();
        columns.extend(apply(&scene.folder.ledger(), &damage));
        is_damaged += u32::from(fs::read(scene.folder.ledger()).unwrap() != scene.ledger);
    }
    assert!(is_damaged > 60 && columns.len() > 20, "{is_damaged}: {columns:?}");
}

/// Damage that once ended the program, or was believed. Each is refused now.
#[test]
fn damage_that_was_not_seen_once() {
    let scene = Scene::new();
    let rows: &[(&str, &[&str])] = &[
        ("UPDATE items SET target_name = x'612f62'", &["resume", "2"]),
        ("UPDATE items SET target_name = x'2e2e'", &["resume", "2"]),
        ("UPDATE items SET target_name = x'2e2e'", &["verify", "1"]),
        ("UPDATE items SET target_name = x'6100'", &["undo", "1"]),
        ("UPDATE ends SET kept = x'2e2e2f61' WHERE kept IS NOT NULL", &["undo", "1"]),
        ("UPDATE made_directories SET mapping = 7, is_finished = 0", &["resume", "2"]),
        ("UPDATE jobs SET request = replace(request, 'dst2', 'outside')", &["resume", "2"]),
        (
            "UPDATE jobs SET request = replace(request, '\"lt_threshold\"', '\"none\"')",
            &["undo", "1"],
        ),
        ("UPDATE jobs SET request = replace(request, ':1048576,', ':0,')", &["resume", "2"]),
    ];
    for (sql, arguments) in rows {
        scene.restore();
        let changed = Connection::open(scene.folder.ledger()).unwrap().execute(sql, ()).unwrap();
        assert!(changed > 0, "{sql}");
        let ended = run(&scene.folder, arguments);
        assert_eq!(ended.code, 5, "{sql}: {}{}", ended.stdout, ended.stderr);
        assert!(scene.sources() == scene.sources, "{sql}");
    }
    scene.restore();
    let most = u64::MAX;
    let sums = format!("'{{\"ok\":{most},\"failed\":{most},\"bytes_ok\":{most},\"skipped\":1}}'");
    let sql = format!("UPDATE runs SET sums = {sums}, progress = NULL");
    Connection::open(scene.folder.ledger()).unwrap().execute(&sql, ()).unwrap();
    for arguments in [&["jobs"][..], &["status", "1"], &["status", "1", "--json"]] {
        assert_eq!(run(&scene.folder, arguments).code, 0, "{arguments:?}");
    }
}
