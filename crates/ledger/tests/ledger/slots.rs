//! One run of a job at a time, and what is said of it to whoever wants to begin another.

use std::fs;

use surecopy_engine::{Fact, Journal, Queue, WorkList};
use surecopy_ledger::{JobRun, JobState, LedgerError, RunKind};

use crate::scene::{all_ok, copy, item, path, planned, scene};

/// The lock file is removed, so that a second run begins while the first is at work. Whatever that
/// writes next, even if it is nothing that belongs into the audit log, it does not.
#[test]
fn a_run_whose_job_was_taken_over_writes_nothing_any_more() {
    type Write = fn(&JobRun) -> bool;
    let writes: [(&str, Write); 5] = [
        ("settled", |run| run.record(vec![Fact::Settled { items: vec![item(0, "a").id] }]).is_ok()),
        ("nothing", |run| run.record(Vec::new()).is_ok()),
        ("planned", |run| run.record(planned(1)).is_ok()),
        ("claimed", |run| run.claim(Queue::Items, 1).is_ok()),
        ("noted", |run| {
            run.note(vec![Fact::Settled { items: Vec::new() }]).unwrap();
            run.append(Queue::Items, vec![item(9, "z")]).unwrap();
            run.record(Vec::new()).is_ok()
        }),
    ];
    for (name, write) in writes {
        let scene = scene();
        let first = scene.first_run();
        first.append(Queue::Items, vec![item(0, "a"), item(1, "b")]).unwrap();
        copy(&first, &[item(0, "a")]);
        fs::remove_file(path(&scene.temp).with_file_name("ledger.db.lock")).unwrap();
        let other = scene.again();
        let second = other.begin_run(first.job(), RunKind::Resume, 8).unwrap();
        let before = format!("{:?}", other.items(first.job(), None, None, 10).unwrap());
        assert!(!write(&first), "{name}");
        let error = first.finish(&all_ok(2)).unwrap_err();
        assert_eq!(error, LedgerError::TakenOver { job: second.job() }, "{name}");
        assert!(error.to_string().contains("lock file"), "{error}");
        let items = other.items(second.job(), None, None, 10).unwrap();
        assert_eq!(format!("{items:?}"), before, "{name}");
        second.append(Queue::Items, vec![item(2, "b")]).unwrap();
        second.record(planned(1)).unwrap();
        copy(&second, &[item(2, "b")]);
        let job = second.job();
        second.finish(&all_ok(1)).unwrap();
        assert_eq!(other.check_audit(job).unwrap().broken, None, "{name}");
        assert_eq!(other.job(job).unwrap().state, JobState::Finished, "{name}");
    }
}
