//! The observer of `copy_file` and `copy_tree`: keeps the one result, and the first failures.

use std::sync::Mutex;

use surecopy_engine::{Event, ItemError, ItemReport, ItemStatus, Observer, Outcome, Report};

use crate::error::CopyError;

/// What was seen of a run. Bounded, whatever the size of the tree.
#[derive(Debug, Default)]
pub(crate) struct Collected {
    /// The last item that ended; the only one when one file is copied.
    pub(crate) item: Option<ItemReport>,
    /// The first failures.
    pub(crate) failures: Vec<ItemError>,
}

/// Watches a run.
#[derive(Debug, Default)]
pub(crate) struct Collector {
    seen: Mutex<Collected>,
}

impl Collector {
    /// What was seen, if the job was carried out.
    pub(crate) fn finish(self, report: &Report) -> Result<Collected, CopyError> {
        let seen = self.seen.into_inner().expect("no code panics while holding this lock");
        match &report.outcome {
            Outcome::Finished | Outcome::StoppedAtFailure | Outcome::Lost(_) | Outcome::Planned => {
                Ok(seen)
            }
            Outcome::Cancelled => Err(CopyError::Cancelled),
            Outcome::Refused => Err(CopyError::Refused { problems: report.problems.clone() }),
            Outcome::JournalFailed(message) => Err(CopyError::Journal(message.clone())),
        }
    }
}

impl Observer for Collector {
    fn on_event(&self, event: Event) {
        let Event::ItemFinished(item) = event else { return };
        let mut seen = self.seen.lock().expect("no code panics while holding this lock");
        if let ItemStatus::Error(error) = &item.status
            && seen.failures.len() < CopyError::MOST_FAILURES
        {
            seen.failures.push(error.clone());
        }
        seen.item = Some(*item);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use surecopy_engine::{ErrorCode, ItemKind, Planned, Tally};

    use super::*;

    /// A report of a run in which nothing happened.
    pub(crate) fn report() -> Report {
        Report {
            outcome: Outcome::Finished,
            tally: Tally::default(),
            problems: Vec::new(),
            planned: Planned::default(),
            corrected: surecopy_engine::Corrected::default(),
            warnings: 0,
            duration: Duration::ZERO,
        }
    }

    #[test]
    fn failures_are_kept_up_to_a_bound() {
        let collector = Collector::default();
        for _ in 0..CopyError::MOST_FAILURES + 1 {
            let path = PathBuf::from("a");
            let mut item = ItemReport::new(ItemKind::File, path.clone(), path.clone(), 1);
            item.status = ItemStatus::Error(ItemError::new(ErrorCode::FileBusy, path, "busy"));
            collector.on_event(Event::ItemFinished(Box::new(item)));
        }
        let seen = collector.finish(&report()).unwrap();
        assert_eq!(seen.failures.len(), CopyError::MOST_FAILURES);
        assert!(seen.item.is_some());
    }

    #[test]
    fn a_job_that_was_not_carried_out_is_an_error() {
        let with = |outcome| Collector::default().finish(&Report { outcome, ..report() });
        assert!(matches!(with(Outcome::Cancelled), Err(CopyError::Cancelled)));
        assert!(matches!(with(Outcome::Refused), Err(CopyError::Refused { .. })));
        let journal = with(Outcome::JournalFailed("full".to_owned()));
        assert!(matches!(journal, Err(CopyError::Journal(message)) if message == "full"));
        assert!(with(Outcome::Finished).is_ok());
    }
}
