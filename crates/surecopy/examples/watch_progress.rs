//! Copies several sources and shows how far it is, from another thread:
//! `cargo run --example watch_progress SOURCE... DESTINATION`

use std::env;
use std::process::ExitCode;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use surecopy::rate::RateMeter;
use surecopy::{
    Clock, CopyError, CopyRequest, Event, ItemStatus, Observer, Progress, Report, SystemClock,
};

/// Says what failed as soon as it has.
struct Failures;

impl Observer for Failures {
    fn on_event(&self, event: Event) {
        if let Event::ItemFinished(item) = event
            && let ItemStatus::Error(error) = &item.status
        {
            eprintln!("{}: {error}", item.source.display());
        }
    }
}

fn main() -> ExitCode {
    let mut arguments: Vec<_> = env::args_os().skip(1).collect();
    let Some(destination) = arguments.pop().filter(|_| !arguments.is_empty()) else {
        eprintln!("usage: watch_progress SOURCE... DESTINATION");
        return ExitCode::from(2);
    };
    match watch(CopyRequest::new(arguments, destination)) {
        Ok(report) if report.tally.failed == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("not copied: {error}");
            ExitCode::FAILURE
        }
    }
}

fn watch(copy: CopyRequest) -> Result<Report, CopyError> {
    let job = copy.prepare()?;
    let progress = job.progress();
    let (ended, end) = mpsc::sync_channel::<()>(0);
    let report = thread::scope(|scope| {
        scope.spawn(move || {
            let clock = SystemClock::new();
            let mut meter = RateMeter::new();
            // Waits for the end of the job, and draws whenever it has waited long enough.
            while end.recv_timeout(Duration::from_millis(200)) == Err(RecvTimeoutError::Timeout) {
                draw(&progress, &mut meter, clock.now());
            }
        });
        let report = job.run(&Failures);
        drop(ended);
        report
    });
    println!("{} items in {:.1} s", report.tally.ok, report.duration.as_secs_f64());
    Ok(report)
}

fn draw(progress: &Progress, meter: &mut RateMeter, now: Duration) {
    let now_at = progress.snapshot();
    meter.observe(now, now_at.bytes_copied);
    let left = now_at.bytes_total.saturating_sub(now_at.bytes_copied);
    let time_left = meter
        .time_left(left)
        .map_or_else(|| "unknown".to_owned(), |time| format!("{} s", time.as_secs()));
    println!(
        "{}/{} items, {}/{} bytes, {:.0} MB/s, time left: {time_left}",
        now_at.items_done,
        now_at.items_total,
        now_at.bytes_copied,
        now_at.bytes_total,
        meter.rates().current / 1e6,
    );
}
