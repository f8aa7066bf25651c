//! What a run writes down is what the next one reads, of every mapping and of every directory.

use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use surecopy_engine::{
    Action, ErrorCode, Fact, History, ItemError, ItemKind, ItemStatus, Journal, Known, LinkRole,
    Lost, Mapping, Outcome, PlannedItem, Publication, Queue, Side, SkipReason, WorkList,
};
use surecopy_fs::RelPath;
use surecopy_ledger::{JobId, JobRun, Sums};

use crate::scene::{
    Scene, all_ok, copy, digest, ended, item, path, planned, publication, rel, report, scene, seen,
    spec,
};

fn error() -> ItemError {
    ItemError::new(ErrorCode::SourceUnreadable, "/from/x".into(), "no")
}

#[test]
fn the_time_is_that_of_the_clock() {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let before = now();
    let scene = scene();
    let job = scene.job();
    let created = u128::try_from(scene.ledger.job(job).unwrap().created_ms).unwrap();
    assert!((before..=now()).contains(&created), "{before} {created}");
}

/// Two sources that have directories of the same names, and one that is itself copied.
#[test]
fn entries_of_one_name_in_two_sources_are_two() {
    let scene = scene();
    let mut request = spec();
    request.mappings.push(Mapping {
        source_root: PathBuf::from("/other"),
        source: RelPath::root(),
        destination_root: PathBuf::from("/to"),
        target: rel("other"),
    });
    let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
    let of = |id, mapping, path: &str| PlannedItem { mapping, ..item(id, path) };
    let mut items =
        vec![of(0, 0, "d/a"), of(1, 1, "d/a"), of(2, 0, "d/b"), of(3, 1, "e/a"), of(4, 0, "a")];
    items.push(PlannedItem { path: RelPath::root(), ..item(5, "a") });
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(6)).unwrap();
    let landed = |item: &PlannedItem| {
        let mut report = report(item);
        report.landed.as_mut().unwrap().target = seen(50 + item.id.0, 1);
        Fact::Ended { item: item.id, report: Box::new(report) }
    };
    run.record(items.iter().map(landed).collect()).unwrap();
    let job = run.job();
    run.finish(&all_ok(6)).unwrap();
    let records = scene.ledger.audit_records(job, 0, 9).unwrap();
    let is_told = |text| records.iter().any(|record| record.body.contains(text));
    assert!(
        is_told("\"item\":1,\"mapping\":1,\"path\":\"d/a\"")
            && is_told("\"item\":0,\"path\":\"d/a\"")
    );
    let run = scene.resume(job);
    for item in &items {
        let Known::Done(done) = run.known(item.mapping, &item.path).unwrap() else {
            panic!("{item:?} is not known");
        };
        assert_eq!(done.target, seen(50 + item.id.0, 1), "{item:?}");
    }
    assert_eq!(run.known(1, &rel("d/b")).unwrap(), Known::Nothing);
}

#[test]
fn failures_are_told_by_their_own_directories() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a/x"), item(1, "b/x"), item(2, "b/y"), item(3, "z")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(4)).unwrap();
    run.note(items.iter().map(|item| ended(item, ItemStatus::Error(error()))).collect()).unwrap();
    let job = run.job();
    run.finish(&all_ok(0)).unwrap();
    let paths = ["a/x", "b/x", "b/y", "z"].map(rel);
    assert_eq!(scene.ledger.failed_paths(job).unwrap(), [paths.to_vec()]);
}

/// Nothing is left of what was settled, though the run did not come to its end.
#[test]
fn what_is_settled_is_durable_when_that_is_recorded() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(2)).unwrap();
    copy(&run, &items[..1]);
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let open: u64 =
        connection.query_row("SELECT count(*) FROM publications", (), |row| row.get(0)).unwrap();
    assert_eq!(open, 0);
    // To announce nothing is no mistake.
    run.record(vec![Fact::Publishing { items: Vec::new() }]).unwrap();
    drop(run);
    assert!(scene.resume(JobId(1)).in_flight().publications.is_empty());
}

/// Only the others of its group are to be looked at by the next run.
#[test]
fn of_a_group_what_is_settled_is_not_looked_at_again() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "a"), item(1, "b"), item(2, "c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    run.claim(Queue::Items, 3).unwrap();
    run.record(vec![Fact::Publishing { items: items.iter().map(publication).collect() }]).unwrap();
    run.record(vec![Fact::Settled { items: vec![items[1].id] }]).unwrap();
    drop(run);
    let run = scene.resume(JobId(1));
    let open = &run.in_flight().publications;
    let open: Vec<&Publication> = open.iter().map(|unsettled| &unsettled.publication).collect();
    assert_eq!(open, [&publication(&items[0]), &publication(&items[2])]);
}

/// Only what replaced something, well, in a job that keeps what is replaced.
#[test]
fn what_is_not_kept_is_not_told_to_be() {
    for (keeps, status, has_replaced, expected) in [
        (true, ItemStatus::Ok, true, 1),
        (false, ItemStatus::Ok, true, 0),
        (true, ItemStatus::Ok, false, 0),
        (true, ItemStatus::Error(error()), true, 0),
    ] {
        let scene = scene();
        let mut request = spec();
        request.keep_replaced = keeps;
        let run = scene.ledger.create_job(&request).unwrap().begin(7).unwrap();
        let mut one = item(0, "a");
        one.action = Action::Replace(seen(5, 4_096));
        run.append(Queue::Items, vec![one.clone()]).unwrap();
        run.record(planned(1)).unwrap();
        let mut report = report(&one);
        report.status = status.clone();
        report.landed.as_mut().unwrap().replaced = has_replaced.then(|| seen(5, 4_096));
        report.backup = Some(report.target.with_file_name("kept"));
        run.record(vec![Fact::Ended { item: one.id, report: Box::new(report) }]).unwrap();
        let job = run.job();
        run.finish(&all_ok(1)).unwrap();
        let kept = scene.ledger.job(job).unwrap().kept_backups;
        assert_eq!(kept, expected, "{keeps} {status:?} {has_replaced}");
    }
}

#[test]
fn directories_are_finished_by_a_run_that_went_through_the_whole_job() {
    let scene = scene();
    let run = scene.first_run();
    run.note(vec![Fact::DirectoryMade { mapping: 0, path: rel("in/made") }]).unwrap();
    run.record(planned(0)).unwrap();
    let job = run.job();
    let made = [(0, rel("in/made"))];
    run.finish_as(Outcome::Cancelled, Sums::default()).unwrap();
    let run = scene.resume(job);
    assert_eq!(run.unfinished_directories(), made);
    run.record(planned(0)).unwrap();
    run.finish_as(Outcome::StoppedAtFailure, Sums::default()).unwrap();
    let run = scene.resume(job);
    assert_eq!(run.unfinished_directories(), made);
    run.record(planned(0)).unwrap();
    run.finish(&all_ok(0)).unwrap();
    assert_eq!(scene.resume(job).unfinished_directories(), []);
}

fn last_body(scene: &Scene, job: JobId) -> String {
    scene.ledger.audit_records(job, 0, 1_000).unwrap().pop().unwrap().body
}

#[test]
fn why_a_run_could_not_go_on_is_in_the_audit_log() {
    let scene = scene();
    let run = scene.first_run();
    run.record(planned(0)).unwrap();
    let job = run.job();
    run.finish_as(Outcome::JournalFailed("its disk is full".into()), Sums::default()).unwrap();
    let body = last_body(&scene, job);
    assert!(body.contains(r#""outcome":"journal_failed","message":"its disk is full""#), "{body}");
    let run = scene.resume(job);
    run.record(planned(0)).unwrap();
    let (side, root) = (Side::Destination, PathBuf::from("/to"));
    let lost = Lost { side, root, message: "it was pulled out".into() };
    run.finish_as(Outcome::Lost(lost), Sums::default()).unwrap();
    let body = last_body(&scene, job);
    assert!(body.contains(r#""outcome":"lost","message":"it was pulled out""#), "{body}");
}

#[test]
fn a_refusal_is_found_by_its_code() {
    let scene = scene();
    let run = scene.first_run();
    let mut refused = report(&item(99, "a"));
    refused.status = ItemStatus::Error(error());
    run.record(vec![Fact::Refused { report: Box::new(refused) }]).unwrap();
    let connection = Connection::open(path(&scene.temp)).unwrap();
    let code: String =
        connection.query_row("SELECT error_code FROM refusals", (), |row| row.get(0)).unwrap();
    assert_eq!(code, "SOURCE_UNREADABLE");
}

/// What another job has read of the same source: of files that are to be copied, and of which nothing
/// is known by other means.
#[test]
fn digests_of_earlier_jobs_are_looked_up_where_they_are_needed() {
    let scene = scene();
    let run = scene.first_run();
    let mut items: Vec<_> = (0..4).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(4)).unwrap();
    copy(&run, &items);
    run.finish(&all_ok(4)).unwrap();
    let run = scene.first_run();
    items[1].known_digest = Some(digest(99));
    items[2].action = Action::Skip(SkipReason::Identical);
    items[3].kind = ItemKind::Symlink;
    run.append(Queue::Items, items).unwrap();
    run.record(planned(4)).unwrap();
    let claimed = run.claim(Queue::Items, 9).unwrap();
    let known: Vec<_> = claimed.into_iter().map(|item| item.known_digest).collect();
    assert_eq!(known, [Some(digest(0)), Some(digest(99)), None, None]);
}

/// More than are kept at hand, so they are read from the rows.
#[test]
fn further_names_are_read_as_they_were_written() {
    const MANY: u64 = 40_001;
    let scene = scene();
    let run = scene.first_run();
    let further = |id: u64| {
        let mut further = item(id, &format!("{}/{id}", id % 3));
        let first = (0, rel(&format!("first/{id}")));
        (further.link_role, further.strategy) = (LinkRole::Further(Box::new(first)), None);
        further
    };
    let items: Vec<_> = (0..MANY).map(further).collect();
    run.append(Queue::FurtherNames, items.clone()).unwrap();
    run.record(planned(MANY)).unwrap();
    assert_eq!(run.claim(Queue::FurtherNames, 7).unwrap(), items[..7]);
    drop(run);
    // Of a mapping that there is not, nothing can be linked.
    let connection = Connection::open(path(&scene.temp)).unwrap();
    connection.execute("UPDATE items SET first_mapping = 1", ()).unwrap();
    let run = scene.first_run();
    run.append(Queue::FurtherNames, items).unwrap();
    run.record(planned(MANY)).unwrap();
    connection.execute("UPDATE items SET first_mapping = 1", ()).unwrap();
    assert!(run.claim(Queue::FurtherNames, 7).is_err());
}

/// Takes the times and numbers of the machine out of a record.
fn settled(body: &str) -> String {
    let end = body.find(",\"event\"").unwrap();
    body[end + 1..].to_owned()
}

fn tell(run: &JobRun, publications: Vec<Publication>) {
    let items = publications.iter().map(|publication| publication.item).collect();
    run.record(vec![Fact::Publishing { items: publications }]).unwrap();
    run.record(vec![Fact::EndedAsAnnounced { items }]).unwrap();
}

/// A job of many files has as many reports: what they have in common is said once.
#[test]
fn reports_in_a_record_are_short() {
    let scene = scene();
    let run = scene.first_run();
    let items = [item(0, "d/a"), item(1, "d/b"), item(2, "e/c")];
    run.append(Queue::Items, items.to_vec()).unwrap();
    run.record(planned(3)).unwrap();
    let mut publications: Vec<_> = items.iter().map(publication).collect();
    // The second was read twice, and the third is known by another name.
    publications[1].report.source_bytes_read = 8_192;
    publications[2].report.digest = None;
    publications[2].report.times = surecopy_engine::ItemTimes::default();
    publications[2].report.target.set_file_name("c (2)");
    publications[2].target = rel("in/e/c (2)");
    publications[2].report.partial =
        Some(publications[2].report.target.with_file_name(&publications[2].partial));
    tell(&run, publications);
    let job = run.job();
    let records = scene.ledger.audit_records(job, 0, 1_000).unwrap();
    let bodies: Vec<String> = records.iter().map(|record| settled(&record.body)).collect();
    let of = |event: &str| {
        let is_it = |body: &&String| body.starts_with(&format!("\"event\":\"{event}\""));
        bodies.iter().find(is_it).unwrap().clone()
    };
    let of = |event| of(event).replace(&"00".repeat(32), "D0").replace(&"01".repeat(32), "D1");
    let modified = "\"modified\":[1700000000,123456789]}";
    assert_eq!(
        of("planned"),
        format!(
            "\"event\":\"planned\",\"items\":[\
             {{\"item\":0,\"path\":\"d/a\",\"size_bytes\":4096,{modified},\
             {{\"item\":1,\"path\":\"d/b\",\"size_bytes\":4096,{modified},\
             {{\"item\":2,\"path\":\"e/c\",\"size_bytes\":4096,{modified}]}}"
        )
    );
    let expected = r#""event":"publishing","from":"/from","to":"/to/in",
"names":".surecopy-0000000000000007-",
"how":{"status":"ok","kind":"file","strategy":"direct","mechanism":"read_write",
"policy":"lt_threshold","evidence":"device","digest_algorithm":"blake3"},
"items":[{"item":0,"path":"d/a","partial":"0000000000",
"source_seen":[2049,1000,4096,1700000000,123456789],"target_seen":[2049,1000000],
"digest":"D0","times_ns":[0,123456,654321,0]},
{"item":1,"path":"d/b","partial":"0000000001",
"source_seen":[2049,1001,4096,1700000000,123456789],"target_seen":[2049,1000001],
"source_bytes_read":8192,"digest":"D1","times_ns":[0,123456,654321,0]},
{"item":2,"source":"/from/e/c","target":"/to/in/e/c (2)","partial":"0000000002",
"source_seen":[2049,1002,4096,1700000000,123456789],"target_seen":[2049,1000002],
"how":{"status":"ok","kind":"file","strategy":"direct","mechanism":"read_write",
"policy":"lt_threshold","evidence":"device"}}]}"#;
    assert_eq!(of("publishing"), expected.replace('\n', ""));
}

/// Each thing that is left out of a record where it follows from the rest, where it does not follow.
#[test]
fn what_is_announced_is_read_as_it_was() {
    let beside = |publication: &Publication, name: &str| {
        Some(publication.report.target.with_file_name(name))
    };
    type Change = fn(&mut Publication);
    let changes: [Change; 17] = [
        |_| {},
        |it| it.report.partial = None,
        |it| it.report.partial = Some("/elsewhere/.x.partial".into()),
        |it| it.partial = ".surecopy-other.partial".into(),
        |it| it.report.backup = None,
        |it| it.report.backup = Some("/elsewhere/.x.backup".into()),
        |it| it.backup = ".surecopy-other.backup".into(),
        |it| it.target = rel("elsewhere"),
        |it| it.report.source = "/from/other".into(),
        |it| it.report.kind = ItemKind::Symlink,
        |it| it.report.strategy = None,
        |it| it.report.mechanism = None,
        |it| it.report.evidence = surecopy_engine::Evidence::Cache,
        |it| it.report.unverified = Some(surecopy_engine::UnverifiedReason::PolicyNone),
        |it| it.report.digest = None,
        |it| it.report.policy = surecopy_engine::VerifyPolicy::All,
        |it| {
            it.report.landed.as_mut().unwrap().replaced = None;
            it.report.backup = None;
        },
    ];
    let names = [
        ".surecopy-0000000000000007-.partial",
        ".surecopy-0000000000000007-.x.partial",
        ".surecopy-0000000000000007-x",
        ".other.partial",
        "plain.partial",
        "plain",
    ];
    let scene = scene();
    let run = scene.first_run();
    let count = changes.len() + names.len();
    let items: Vec<_> = (0..count as u64).map(|id| item(id, &format!("d/{id}"))).collect();
    run.append(Queue::Items, items.clone()).unwrap();
    run.record(planned(items.len() as u64)).unwrap();
    let mut publications: Vec<_> = items.iter().map(publication).collect();
    for publication in &mut publications {
        publication.report.landed.as_mut().unwrap().replaced = Some(seen(5, 1));
        let backup = publication.backup.to_string_lossy().into_owned();
        publication.report.backup = beside(publication, &backup);
    }
    for (publication, change) in publications.iter_mut().zip(changes) {
        change(publication);
    }
    for (publication, name) in publications[changes.len()..].iter_mut().zip(names) {
        publication.partial = name.into();
        publication.report.partial = beside(publication, name);
    }
    // In one record, and each in one of its own, where it is the first.
    run.record(vec![Fact::Publishing { items: publications.clone() }]).unwrap();
    drop(run);
    let announced = |run: &JobRun| -> Vec<Publication> {
        let publications = run.in_flight().publications.iter();
        publications.map(|unsettled| unsettled.publication.clone()).collect()
    };
    let job = JobId(1);
    assert_eq!(announced(&scene.resume(job)), publications);
    let run = scene.first_run();
    run.append(Queue::Items, items).unwrap();
    run.record(planned(count as u64)).unwrap();
    for publication in &publications {
        run.record(vec![Fact::Publishing { items: vec![publication.clone()] }]).unwrap();
    }
    drop(run);
    assert_eq!(announced(&scene.resume(JobId(2))), publications);
}
