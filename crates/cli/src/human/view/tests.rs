//! What is said at the end of a job, without a job.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Duration;

use surecopy::{Control, ItemError, Planned, Tally};

use super::*;
use crate::stream::{OnFailure, Stream};
use crate::terminal::Terminal;

/// A writer whose text can be looked at.
#[derive(Clone, Default)]
struct Text(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Text {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn failed(index: u64, code: ErrorCode, message: &str) -> Event {
    let path = PathBuf::from(format!("src/{index}"));
    let mut item = ItemReport::new(ItemKind::File, path.clone(), path.clone(), 1);
    item.status = ItemStatus::Error(ItemError::new(code, path, message));
    Event::ItemFinished(Box::new(item))
}

#[test]
fn a_ledger_that_failed_is_not_told_of_once_for_each_item_that_it_stopped() {
    const FULL: &str = "there is no room left for the ledger x.db; make some, then resume the job";
    for others in [0, 1] {
        let (control, text) = (Control::new(), Text::default());
        let stream = |out| Stream::start(out, OnFailure::GoOn, control.clone()).unwrap();
        let stderr = stream(text.clone());
        let screen = Screen::new(stream(Text::default()), stderr.clone(), Terminal::NONE);
        let job = Some(JobId(2));
        let mut view = HumanView::new(Arc::new(screen), Verbosity::Normal, job, Occasion::Copying);
        for index in 0..100 {
            view.event(failed(index, ErrorCode::JournalFailed, FULL));
        }
        for index in 0..others {
            view.event(failed(index, ErrorCode::FileBusy, "it is held"));
        }
        view.end(&Report {
            outcome: Outcome::JournalFailed(FULL.to_owned()),
            tally: Tally { failed: 100 + others, ..Tally::default() },
            problems: Vec::new(),
            planned: Planned::default(),
            corrected: surecopy::Corrected::default(),
            warnings: 0,
            duration: Duration::ZERO,
        });
        view.advise(&("to go on", "surecopy resume 2".to_owned()));
        stderr.finish();
        let told = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = told.lines().collect();
        let full = format!("error: {FULL}");
        let last = [
            full.as_str(),
            "  100 items failed because of that (JOURNAL_FAILED)",
            "to go on: surecopy resume 2",
        ];
        let of_others = lines.len() - last.len();
        assert_eq!(lines[of_others..], last, "{told}");
        let first = if others == 0 { None } else { Some("error: 1 item failed") };
        assert_eq!(lines[..of_others].first().copied(), first, "{told}");
    }
}
