//! A work list that loses items: the job does not end well.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use surecopy_engine::{
    Control, JournalError, MemoryWorkList, NoJournal, Outcome, PlannedItem, Queue, Rest, WorkList,
};
use surecopy_testkit::FakeFs;

use crate::job::{Records, carry_out_within, spec};

/// Hands out items once, and then says that there are no more.
#[derive(Default)]
struct Forgetful {
    work: MemoryWorkList,
    has_handed_out: AtomicBool,
}

impl WorkList for Forgetful {
    fn append(&self, queue: Queue, batch: Vec<PlannedItem>) -> Result<(), JournalError> {
        self.work.append(queue, batch)
    }

    fn claim(&self, queue: Queue, _limit: usize) -> Result<Vec<PlannedItem>, JournalError> {
        let limit = if self.has_handed_out.swap(true, Ordering::Relaxed) { 0 } else { 2 };
        self.work.claim(queue, limit)
    }

    fn rest(&self) -> Rest {
        self.work.rest()
    }
}

#[test]
fn a_job_of_which_items_were_lost_does_not_end_well() {
    let fs = FakeFs::new();
    fs.dir("/dst");
    for name in ["a", "b", "c", "d", "e"] {
        fs.file(format!("/src/{name}"), "content");
    }
    let spec = spec(&fs, &["/src/"], "/dst");
    let work = Forgetful::default();
    let records = Records { journal: &NoJournal, work: &work, history: None };
    let ran = carry_out_within(&Arc::new(fs), &spec, &records, &Control::new());
    let Outcome::JournalFailed(message) = &ran.report.outcome else {
        panic!("{:?}", ran.report.outcome)
    };
    assert_eq!(message, "3 planned items were never handed out");
    assert_eq!((ran.report.tally.ok, ran.report.tally.not_begun), (2, 3));
}
