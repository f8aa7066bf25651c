//! The audit log: complete, readable, and no record can be changed, removed, added or moved unseen.

use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use proptest::prelude::*;
use rusqlite::Connection;
use surecopy_engine::{
    ErrorCode, Fact, ItemError, ItemStatus, Journal, Queue, SkipReason, WorkList,
};
use surecopy_ledger::{AuditBreak, ItemState, JobId, JobRun, Ledger, LedgerError};

use crate::scene::{
    Scene, all_ok, copy, ended, item, path, planned, publication, rel, report, scene,
};

fn job_with_records(scene: &Scene) -> JobId {
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    copy(&run, &items[..2]);
    run.note(vec![ended(&items[2], ItemStatus::Cancelled)]).unwrap();
    run.finish(&all_ok(2)).unwrap();
    job
}

/// Changes the file behind the ledger's back, triggers and all.
fn tamper(scene: &Scene, sql: &str) {
    let connection = Connection::open(path(&scene.temp)).unwrap();
    connection
        .execute_batch(&format!(
            "DROP TRIGGER IF EXISTS audit_is_never_changed;
             DROP TRIGGER IF EXISTS audit_goes_with_its_job;
             {sql}"
        ))
        .unwrap();
}

fn broken(ledger: &Ledger, job: JobId) -> Option<AuditBreak> {
    ledger.check_audit(job).unwrap().broken
}

#[test]
fn everything_that_happened_is_in_it() {
    let scene = scene();
    let job = job_with_records(&scene);
    let check = scene.ledger.check_audit(job).unwrap();
    assert_eq!(check.broken, None);
    assert_eq!(check.records, scene.ledger.job(job).unwrap().audit_records);
    let records = scene.ledger.audit_records(job, 0, 1_000).unwrap();
    assert_eq!(records.last().unwrap().digest, check.digest);
    let events: Vec<String> = records
        .iter()
        .map(|record| {
            let body: serde_json::Value = serde_json::from_str(&record.body).unwrap();
            assert!(body["at"].as_i64().unwrap() > 1_700_000_000_000);
            body["event"].as_str().unwrap().to_owned()
        })
        .collect();
    let expected = [
        "job_created",
        "run_began",
        "planned",
        "opened",
        "plan",
        "publishing",
        "ended",
        "ended",
        "run_ended",
    ];
    assert_eq!(events, expected);
    let items = scene.ledger.items(job, Some(ItemState::Ok), None, 10).unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(items[1].report.as_ref(), Some(&crate::scene::report(&item(1, "b"))));
    assert_eq!(items[1].target, std::path::Path::new("/to/in/b"));
}

fn bodies(scene: &Scene, job: JobId, event: &str) -> Vec<serde_json::Value> {
    let records = scene.ledger.audit_records(job, 0, 1_000).unwrap();
    let bodies = records.iter().map(|record| serde_json::from_str(&record.body).unwrap());
    bodies.filter(|body: &serde_json::Value| body["event"] == event).collect()
}

#[test]
fn what_ends_otherwise_than_announced_is_told_in_full() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "d/a"), item(1, "d/b"), item(2, "d/c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    let publications = items.iter().map(publication).collect();
    run.record(vec![Fact::Publishing { items: publications }]).unwrap();
    let mut other = report(&items[1]);
    other.mapped_fallbacks = 7;
    let other = Fact::Ended { item: items[1].id, report: Box::new(other) };
    let ended = |item| ended(item, ItemStatus::Ok);
    run.record(vec![ended(&items[2]), ended(&items[0]), other]).unwrap();
    run.finish(&all_ok(3)).unwrap();
    let told = bodies(&scene, job, "ended");
    assert_eq!(told.len(), 2, "{told:#?}");
    assert_eq!(told[0]["items"], serde_json::json!([2, 0]));
    assert_eq!(told[0]["record"], 6);
    assert_eq!(told[1]["items"][0]["mapped_fallbacks"], 7);
    let found = scene.ledger.items(job, None, None, 10).unwrap();
    let fallbacks: Vec<_> =
        found.iter().map(|item| item.report.as_ref().unwrap().mapped_fallbacks).collect();
    assert_eq!(fallbacks, [0, 7, 0]);
    assert_eq!(found[2].report.as_ref(), Some(&report(&items[2])));
}

#[test]
fn only_what_was_announced_ends_so_and_once() {
    for is_announced in [false, true] {
        let scene = scene();
        let run = scene.first_run();
        let items = [item(0, "a"), item(1, "b")];
        run.append(Queue::Items, items.to_vec()).unwrap();
        run.record(planned(2)).unwrap();
        copy(&run, &items[..1]);
        let wrong = items[usize::from(!is_announced)].id;
        let error = run.record(vec![Fact::EndedAsAnnounced { items: vec![wrong] }]).unwrap_err();
        assert!(error.message.contains("has ended already, or was not announced"), "{error}");
    }
}

#[test]
fn skipped_items_share_a_record() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items: Vec<_> = (0..1_200).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(1_200)).unwrap();
    let skipped = ItemStatus::Skipped(SkipReason::Identical);
    let mut facts: Vec<_> = items.iter().map(|item| ended(item, skipped.clone())).collect();
    facts.insert(100, Fact::DirectoryMade { mapping: 0, path: crate::scene::rel("in") });
    run.record(facts).unwrap();
    run.finish(&all_ok(0)).unwrap();
    let told = bodies(&scene, job, "ended");
    let shared: Vec<_> = told.iter().map(|body| body["items"].as_array().unwrap().len()).collect();
    assert_eq!(shared, [100, 1_000, 100]);
    let after = Some(items[1_149].id);
    let found = scene.ledger.items(job, Some(ItemState::Skipped), after, 1).unwrap();
    let mut expected = report(&items[1_150]);
    expected.status = skipped;
    assert_eq!(found[0].report.as_ref(), Some(&expected));
}

#[test]
fn paths_are_absolute_however_they_were_typed() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let items = [item(0, "d/a"), item(1, "d/b")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    let here = std::env::current_dir().unwrap();
    let typed = |report: &mut surecopy_engine::ItemReport| {
        report.source = "./here/a".into();
        report.target = "there/a".into();
        report.partial = Some("there/.partial".into());
    };
    let mut announced = publication(&items[0]);
    typed(&mut announced.report);
    let mut failed = report(&items[1]);
    typed(&mut failed);
    let error = ItemError::new(ErrorCode::SourceUnreadable, "here/a".into(), "no");
    failed.status = ItemStatus::Error(error);
    run.record(vec![Fact::Publishing { items: vec![announced.clone()] }]).unwrap();
    let refused = Fact::Refused { report: Box::new(failed.clone()) };
    let failed = Fact::Ended { item: items[1].id, report: Box::new(failed) };
    let item = items[0].id;
    let copied = Fact::Ended { item, report: announced.report };
    run.record(vec![copied, failed, refused]).unwrap();
    run.finish(&all_ok(1)).unwrap();
    for record in scene.ledger.items(job, None, None, 10).unwrap() {
        let report = record.report.unwrap();
        assert_eq!(report.source, here.join("here/a"));
        assert_eq!(report.target, here.join("there/a"));
        assert_eq!(report.partial, Some(here.join("there/.partial")));
        if let ItemStatus::Error(error) = report.status {
            assert_eq!(error.path, here.join("here/a"));
        }
    }
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let sql = "SELECT source FROM refusals";
    let source: Vec<u8> = connection.query_row(sql, (), |row| row.get(0)).unwrap();
    assert_eq!(source, here.join("here/a").as_os_str().as_encoded_bytes());
}

#[test]
fn the_database_itself_refuses_to_change_a_record() {
    let scene = scene();
    let job = job_with_records(&scene);
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let replaced = |number| {
        format!(
            "INSERT OR REPLACE INTO audit ({number} job, record, body, digest)
             SELECT {number} job, record, '{{}}', digest FROM audit WHERE record = 3"
        )
    };
    for sql in [
        "UPDATE audit SET body = '{}'",
        "UPDATE OR REPLACE audit SET record = 4 WHERE record = 3",
        "DELETE FROM audit WHERE record = 3",
        &replaced(""),
        &replaced("rowid,"),
        "INSERT OR REPLACE INTO audit (rowid, job, record, body, digest)
         SELECT rowid, job, 99, body, digest FROM audit WHERE record = 3",
    ] {
        let error = connection.execute(sql, ()).unwrap_err().to_string();
        assert!(error.contains("audit log"), "{sql}: {error}");
    }
    assert_eq!(broken(&scene.ledger, job), None);
}

#[test]
fn what_was_done_to_it_is_found() {
    use AuditBreak::{Added, Altered, Missing};
    let rows = [
        (
            "UPDATE audit SET body = replace(body, 'cancelled', 'skipped') WHERE record = 8",
            Altered { record: 8 },
        ),
        ("UPDATE audit SET digest = zeroblob(32) WHERE record = 4", Altered { record: 4 }),
        ("UPDATE audit SET digest = x'00' WHERE record = 4", Altered { record: 4 }),
        ("DELETE FROM audit WHERE record = 1", Missing { record: 1 }),
        ("DELETE FROM audit WHERE record = 5", Missing { record: 5 }),
        ("DELETE FROM audit WHERE record = 9", Missing { record: 9 }),
        ("DELETE FROM audit", Missing { record: 1 }),
        (
            "DELETE FROM audit WHERE record = 5; UPDATE audit SET record = record - 1 WHERE record > 5",
            Altered { record: 5 },
        ),
        (
            "UPDATE audit SET record = -record WHERE record IN (6, 7);
             UPDATE audit SET record = 13 + record WHERE record < 0",
            Altered { record: 6 },
        ),
        (
            "INSERT INTO audit SELECT job, 10, body, digest FROM audit WHERE record = 9",
            Added { record: 10 },
        ),
        ("UPDATE jobs SET audit_head = zeroblob(32)", Altered { record: 9 }),
    ];
    for (sql, expected) in rows {
        let scene = scene();
        let job = job_with_records(&scene);
        assert_eq!(broken(&scene.ledger, job), None);
        tamper(&scene, sql);
        assert_eq!(broken(&scene.ledger, job), Some(expected), "{sql}");
    }
}

/// Only the log is chained, so what the tables say is compared with it.
#[test]
fn an_end_that_is_not_what_the_log_says_is_found() {
    use AuditBreak::{End, Ends};
    let at = |item, record| End { item, record };
    let rows = [
        ("UPDATE ends SET kept = x'61' WHERE item = 1", at(1, 6)),
        ("UPDATE ends SET digest_algorithm = 'sha256' WHERE item = 1", at(1, 6)),
        ("UPDATE ends SET digest_algorithm = NULL WHERE item = 1", at(1, 6)),
        ("UPDATE ends SET state = 'failed' WHERE item = 0", at(0, 6)),
        ("UPDATE ends SET state = 'ok' WHERE item = 2", at(2, 8)),
        ("UPDATE ends SET position = 1 - position WHERE item < 2", at(0, 6)),
        ("UPDATE ends SET record = 8, position = 0 WHERE item = 1", at(1, 7)),
        ("UPDATE ends SET record = NULL, state = 'interrupted' WHERE item = 1", at(1, 7)),
        ("DELETE FROM ends WHERE item = 2", at(2, 8)),
        (
            "INSERT INTO items SELECT job, 3, run, queue, mapping, directory, x'64', NULL, kind, action,
                 NULL, source, NULL, NULL, link_role, NULL, NULL, NULL FROM items WHERE item = 0;
             INSERT INTO ends SELECT job, 3, state, record, position, kept, digest_algorithm,
                 is_incomplete
                 FROM ends WHERE item = 0",
            Ends { told: 3, there: 4 },
        ),
    ];
    for (sql, expected) in rows {
        let scene = scene();
        let job = job_with_records(&scene);
        Connection::open(path(&scene.temp)).unwrap().execute_batch(sql).unwrap();
        assert_eq!(broken(&scene.ledger, job), Some(expected), "{sql}");
    }
    // What was found or done later has records of its own, and a job that is being forgotten fewer items.
    for sql in [
        "UPDATE ends SET state = 'damaged' WHERE item = 0; UPDATE ends SET state = 'undone' WHERE item = 1",
        "DELETE FROM items WHERE item < 2",
    ] {
        let scene = scene();
        let job = job_with_records(&scene);
        let connection = Connection::open(path(&scene.temp)).unwrap();
        connection.execute_batch(&format!("PRAGMA foreign_keys = ON; {sql}")).unwrap();
        assert_eq!(broken(&scene.ledger, job), None, "{sql}");
    }
}

/// Whoever reads an exported log, and while they read, somebody goes on writing the ledger.
struct Reader<'a> {
    run: &'a JobRun,
    other: Connection,
    lines: usize,
}

impl std::io::Write for Reader<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if bytes.contains(&b'\n') {
            self.lines += 1;
            let path = rel(&format!("in/{}", self.lines));
            self.run.record(vec![Fact::DirectoryMade { mapping: 0, path }]).unwrap();
            let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
            let busy: i64 = self.other.query_row(sql, (), |row| row.get(0)).unwrap();
            assert_eq!(busy, 0, "what is written cannot be put into the database");
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_slow_reader_of_an_exported_log_holds_nothing_up() {
    let scene = scene();
    let run = scene.first_run();
    for number in 0..100 {
        let path = rel(&format!("made/{number}"));
        run.record(vec![Fact::DirectoryMade { mapping: 0, path }]).unwrap();
    }
    let before = scene.ledger.job(run.job()).unwrap().audit_records;
    let other = Connection::open(path(&scene.temp)).unwrap();
    other.busy_timeout(std::time::Duration::ZERO).unwrap();
    let mut reader = Reader { run: &run, other, lines: 0 };
    let count = scene.ledger.export_audit(run.job(), &mut reader).unwrap();
    assert_eq!((count, reader.lines as u64), (before, before));
}

/// Records that are written while others are checked belong to the log, or do not yet.
#[test]
fn the_log_of_a_job_that_is_at_work_fits_at_any_moment() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let other = scene.again();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let checks = scope.spawn(|| {
            let mut checks = 0;
            while !is_over.load(Ordering::Relaxed) || checks == 0 {
                assert_eq!(broken(&other, job), None);
                checks += 1;
            }
        });
        for number in 0..1_000 {
            let path = rel(&format!("in/{number}"));
            run.record(vec![Fact::DirectoryMade { mapping: 0, path }]).unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
        checks.join().unwrap();
    });
    run.finish(&all_ok(0)).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    #[test]
    fn any_character_that_is_changed_is_found(record in 1..=9u64, at in 0..400usize) {
        let scene = scene();
        let job = job_with_records(&scene);
        let records = scene.ledger.audit_records(job, record - 1, 1).unwrap();
        let mut body: Vec<char> = records[0].body.chars().collect();
        let at = at % body.len();
        body[at] = if body[at] == 'x' { 'y' } else { 'x' };
        let body: String = body.into_iter().collect();
        let connection = Connection::open(path(&scene.temp)).unwrap();
        connection.execute("DROP TRIGGER audit_is_never_changed", ()).unwrap();
        let key = (body, record);
        connection.execute("UPDATE audit SET body = ? WHERE record = ?", key).unwrap();
        prop_assert_eq!(broken(&scene.ledger, job), Some(AuditBreak::Altered { record }));
    }
}

/// The script that the description of the format gives to check an exported log.
fn script() -> String {
    let page = include_str!("../../../../docs/formats/ledger.md");
    let begin = page.find("```python\n").expect("the page has a script") + "```python\n".len();
    page[begin..].split("```").next().unwrap().to_owned()
}

#[test]
fn an_exported_log_can_be_checked_without_us() {
    let scene = scene();
    let job = job_with_records(&scene);
    let mut exported = Vec::new();
    assert_eq!(scene.ledger.export_audit(job, &mut exported).unwrap(), 9);
    let file = scene.temp.path().join("audit.log");
    let check =
        || Command::new("python3").args(["-c", &script()]).arg(&file).stdin(Stdio::null()).output();
    std::fs::write(&file, &exported).unwrap();
    let Ok(good) = check() else {
        println!("skipped: there is no python3 here");
        return;
    };
    let said = String::from_utf8(good.stdout).unwrap();
    assert!(good.status.success(), "{said} {}", String::from_utf8_lossy(&good.stderr));
    assert!(said.contains("9 records"), "{said}");
    assert!(said.contains(&scene.ledger.check_audit(job).unwrap().digest), "{said}");
    let text = String::from_utf8(exported).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let altered = text.replace("cancelled", "skipped");
    let removed = [&lines[..4], &lines[5..]].concat().join("\n") + "\n";
    for bad in [altered, removed] {
        std::fs::write(&file, bad).unwrap();
        assert!(!check().unwrap().status.success());
    }
}

#[test]
fn a_refusal_is_read_from_its_record_and_what_cannot_be_read_is_damage() {
    let scene = scene();
    let run = scene.first_run();
    let job = run.job();
    let error = ItemError::new(ErrorCode::TargetExists, "/from/d/a".into(), "the target exists");
    let mut refused = report(&item(0, "d/a"));
    (refused.status, refused.landed) = (ItemStatus::Error(error), None);
    run.record(vec![Fact::Refused { report: Box::new(refused.clone()) }]).unwrap();
    drop(run);
    let found = scene.ledger.refusals(job, 0, 9).unwrap();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!((found[0].run, found[0].is_superseded), (1, false));
    let read = &found[0].report;
    assert_eq!((&read.source, &read.status), (&refused.source, &refused.status));
    assert_eq!(scene.ledger.refusals(job, found[0].record, 9).unwrap(), []);
    tamper(&scene, "UPDATE audit SET body = replace(body, 'TARGET_EXISTS', 'NO_SUCH_CODE')");
    let error = scene.ledger.refusals(job, 0, 9).unwrap_err();
    let record = found[0].record;
    let is_named = |error: &LedgerError| matches!(error, LedgerError::DamagedRecord { job: of, record: at, .. } if (*of, *at) == (job, record));
    assert!(is_named(&error), "{error:?}");
}
