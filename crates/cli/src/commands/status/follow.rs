//! Showing a job until it ends. It reads the ledger again and again, and holds nobody up.

use std::io::{ErrorKind, Write as _, stdout};
use std::time::{Duration, Instant};

use surecopy::jobs::{JobRecord, Ledger};

use super::words;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::human::columns::start_of;
use crate::json::{JobStatus, line};
use crate::recorded::{Pace, Speedometer};
use crate::terminal;

/// How often the ledger is looked at. A run tells of itself about once a second.
const LOOK_INTERVAL: Duration = Duration::from_millis(500);

/// How often a line is written where none can be drawn anew.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// How often an object is written for programs.
const OBJECT_INTERVAL: Duration = Duration::from_secs(1);

/// How a job is shown while it runs.
enum Form {
    /// One line, drawn anew.
    Redrawn,
    /// A line now and then.
    Lines,
    /// Objects.
    Json,
}

impl Form {
    fn interval(&self) -> Duration {
        match self {
            Form::Redrawn => LOOK_INTERVAL,
            Form::Lines => LINE_INTERVAL,
            Form::Json => OBJECT_INTERVAL,
        }
    }

    fn picture(&self, ledger: &Ledger, record: &JobRecord, pace: Option<Pace>) -> Vec<u8> {
        match self {
            Form::Redrawn => {
                let text = words::figures_line(record, pace);
                // One column stays free: a full line would wrap on some terminals.
                let columns = terminal::output_columns().unwrap_or(80).saturating_sub(1);
                format!("\r\x1b[2K{}", start_of(&text, columns)).into_bytes()
            }
            Form::Lines => format!("{}\n", words::figures_line(record, pace)).into_bytes(),
            Form::Json => line(&JobStatus::new(ledger, record).at_pace(pace)),
        }
    }
}

/// When something is to be shown again.
struct Beat {
    interval: Duration,
    next: Instant,
}

impl Beat {
    fn new(interval: Duration, first: Instant) -> Self {
        Self { interval, next: first }
    }

    /// What was missed, while this process was stopped for instance, is not made up for.
    fn is_due(&mut self, now: Instant) -> bool {
        let is_due = now >= self.next;
        if is_due {
            self.next = now + self.interval;
        }
        is_due
    }
}

/// Whoever reads has gone away, and will not see how the job ends.
struct ReaderGone;

/// Shows the job until nobody is at work on it. The status says how it ended.
pub(super) fn follow(
    ledger: &Ledger,
    mut record: JobRecord,
    is_json: bool,
) -> Result<ExitStatus, Failure> {
    let form = match (is_json, terminal::can_redraw_output()) {
        (true, _) => Form::Json,
        (false, true) => Form::Redrawn,
        (false, false) => Form::Lines,
    };
    let id = record.id;
    let mut speedometer = Speedometer::default();
    let mut beat = Beat::new(form.interval(), Instant::now());
    if !is_json && write(text(&words::about(&record)).as_bytes())?.is_err() {
        return Ok(ExitStatus::Cancelled);
    }
    while record.is_running {
        let pace = speedometer.observe(&record);
        if beat.is_due(Instant::now()) && write(&form.picture(ledger, &record, pace))?.is_err() {
            return Ok(ExitStatus::Cancelled);
        }
        std::thread::sleep(LOOK_INTERVAL);
        record = ledger.job(id).map_err(|error| Failure::of_ledger(&error))?;
    }
    let last = match form {
        Form::Json => form.picture(ledger, &record, None),
        Form::Redrawn => format!("\r\x1b[2K{}", ending(ledger, &record)?).into_bytes(),
        Form::Lines => ending(ledger, &record)?.into_bytes(),
    };
    if write(&last)?.is_err() {
        return Ok(ExitStatus::Cancelled);
    }
    Ok(ExitStatus::of_job(&record))
}

fn ending(ledger: &Ledger, record: &JobRecord) -> Result<String, Failure> {
    let mut lines = words::end(record);
    lines.extend(words::failed(ledger, record)?);
    lines.extend(words::advice(ledger, record));
    Ok(text(&lines))
}

fn text(lines: &[String]) -> String {
    format!("{}\n", lines.join("\n"))
}

fn write(bytes: &[u8]) -> Result<Result<(), ReaderGone>, Failure> {
    let mut stdout = stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Ok(()) => Ok(Ok(())),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Err(ReaderGone)),
        Err(error) => Err(Failure::other(format!("cannot write output: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_missed_is_not_made_up_for() {
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        let mut beat = Beat::new(Duration::from_secs(1), begun);
        assert!(beat.is_due(begun) && !beat.is_due(at(500)) && beat.is_due(at(1000)));
        // Stopped for a minute.
        assert!(beat.is_due(at(61_000)));
        assert!(!beat.is_due(at(61_500)) && beat.is_due(at(62_000)));
    }
}
