//! Progress as text: one line for each file in flight, one for copying, one for verifying, one for
//! the items. The text is made by pure functions; indicatif only keeps it at the bottom of the
//! screen.

use std::sync::Arc;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use surecopy::preparation::HowFar;
use surecopy::rate::{RateMeter, Rates};
use surecopy::{CurrentItem, Phase, Snapshot, Step};

use super::screen::Screen;
use crate::amounts::{Bytes, Count, Span, Speed};
use crate::shown::Shown;

/// More files in flight than this are counted on the line of the items.
const SHOWN_FILES: usize = 8;

/// Width of an overall bar and of a file's bar.
const WIDE: usize = 20;
const NARROW: usize = 10;

/// Speeds and times left, of copying and of verifying.
pub(super) struct Speeds {
    copy: Rates,
    copy_left: Option<Duration>,
    verify: Rates,
    verify_left: Option<Duration>,
}

impl Speeds {
    /// At this moment.
    pub(super) fn new(snapshot: &Snapshot, copy: &RateMeter, verify: &RateMeter) -> Self {
        let left = |total: u64, done: u64| total.saturating_sub(done);
        Self {
            copy: copy.rates(),
            copy_left: copy.time_left(left(snapshot.bytes_total, snapshot.bytes_copied)),
            verify: verify.rates(),
            verify_left: verify.time_left(left(snapshot.verify_total, snapshot.bytes_verified)),
        }
    }
}

/// Lines at the bottom of the screen.
pub(super) struct Bars {
    screen: Arc<Screen>,
    lines: Vec<ProgressBar>,
}

impl Bars {
    /// No line yet.
    pub(super) fn new(screen: Arc<Screen>) -> Self {
        Self { screen, lines: Vec::new() }
    }

    /// Shows the counters, unless the screen is not free for them.
    pub(super) fn draw(&mut self, snapshot: &Snapshot, speeds: &Speeds, how_far: HowFar) {
        if !self.screen.is_free() {
            return;
        }
        let texts = texts(snapshot, speeds, how_far);
        while self.lines.len() < texts.len() {
            let style = ProgressStyle::with_template("{wide_msg}")
                .expect("the template is a constant that parses");
            let line = ProgressBar::no_length().with_style(style);
            self.lines.push(self.screen.bars().add(line));
        }
        for line in self.lines.drain(texts.len()..) {
            self.screen.bars().remove(&line);
        }
        for (line, text) in self.lines.iter().zip(texts) {
            line.set_message(text);
            line.tick();
        }
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        for line in self.lines.drain(..) {
            line.finish_and_clear();
            self.screen.bars().remove(&line);
        }
    }
}

/// Everything, as lines.
fn texts(snapshot: &Snapshot, speeds: &Speeds, how_far: HowFar) -> Vec<String> {
    if is_preparing(snapshot) {
        return vec![preparing(snapshot, how_far)];
    }
    let mut lines: Vec<String> = snapshot.current.iter().take(SHOWN_FILES).map(file_line).collect();
    let (done, total) = (snapshot.bytes_copied, snapshot.bytes_total);
    lines.push(overall("copy", done, total, speeds.copy, speeds.copy_left));
    if is_verifying(snapshot) {
        let (done, total) = (snapshot.bytes_verified, snapshot.verify_total);
        lines.push(overall("verify", done, total, speeds.verify, speeds.verify_left));
    }
    lines.push(items_line(snapshot));
    lines
}

/// Whether anything was or is being read back. That the policy asks for it is not enough: files that
/// share their blocks with the source are never read back, and a bar would stand at nothing.
fn is_verifying(snapshot: &Snapshot) -> bool {
    let is_now = |item: &CurrentItem| item.step == Step::Verifying;
    snapshot.verify_total > 0
        && (snapshot.bytes_verified > 0 || snapshot.current.iter().any(is_now))
}

/// Whether nothing is copied yet.
fn is_preparing(snapshot: &Snapshot) -> bool {
    let is_before = |phase: Phase| {
        phase.is_preparation() || matches!(phase, Phase::Recover | Phase::Ready | Phase::Preflight)
    };
    snapshot.phase.is_none_or(is_before)
}

fn preparing(snapshot: &Snapshot, how_far: HowFar) -> String {
    let known = match (snapshot.phase, snapshot.expected) {
        // Before anything is looked at, and for as long as there is less of it.
        (Some(Phase::QuickAssessment | Phase::StalenessValidation), Some(expected)) => {
            (expected.items, expected.bytes)
        }
        _ => (snapshot.items_total, snapshot.bytes_total),
    };
    let mut line = format!("Preparing: {}, {}", Count(known.0, "item"), Bytes(known.1));
    match snapshot.phase {
        Some(Phase::Preflight) => line.push_str(", checking"),
        Some(Phase::Recover) => line.push_str(", putting in order what was cut short"),
        Some(phase) if phase.is_preparation() => {
            line.push_str(&format!("  {:.0}%", (how_far.share * 100.0).floor()));
            if let Some(left) = how_far.time_left {
                line.push_str(&format!(", {} left", Span(left)));
            }
            if let Some(directory) = snapshot.directory.as_ref().filter(|path| !path.is_root()) {
                line.push_str(&format!(" … {}", Shown(directory.as_path())));
            }
        }
        _ => {}
    }
    line
}

fn file_line(item: &CurrentItem) -> String {
    let name = item.path.file_name().map_or(item.path.as_path(), std::path::Path::new);
    let strategy = item.strategy.map_or("", surecopy::Strategy::as_str);
    format!(
        "  {:<10} copy {} verify {} {strategy:<6} {:>10}  {}",
        item.step.as_str(),
        bar(item.copied_bytes, item.size_bytes, NARROW),
        bar(item.verified_bytes, item.size_bytes, NARROW),
        Bytes(item.size_bytes).to_string(),
        Shown(name),
    )
}

fn overall(what: &str, done: u64, total: u64, rates: Rates, left: Option<Duration>) -> String {
    // What matters most comes first: a narrow screen cuts the end off.
    let left = left.map_or_else(String::new, |left| format!("  {} left", Span(left)));
    format!(
        "{what:<6} {} {}  {}{left}  (average {}, peak {})",
        bar(done, total, WIDE),
        part(done, total),
        Speed(rates.current),
        Speed(rates.average),
        Speed(rates.peak),
    )
}

fn items_line(snapshot: &Snapshot) -> String {
    let mut line = format!("items  {} of {}", snapshot.items_done, snapshot.items_total);
    if snapshot.items_failed > 0 {
        line.push_str(&format!(", {} failed", snapshot.items_failed));
    }
    if snapshot.current.len() > SHOWN_FILES {
        line.push_str(&format!(", {} more in flight", snapshot.current.len() - SHOWN_FILES));
    }
    line
}

/// Progress in one line, for where bars cannot be drawn.
pub(super) fn plain_line(snapshot: &Snapshot, speeds: &Speeds, how_far: HowFar) -> String {
    if is_preparing(snapshot) {
        return preparing(snapshot, how_far);
    }
    let mut line = format!(
        "copied {} ({}), ",
        part(snapshot.bytes_copied, snapshot.bytes_total),
        percent(snapshot.bytes_copied, snapshot.bytes_total),
    );
    if is_verifying(snapshot) {
        let (done, total) = (snapshot.bytes_verified, snapshot.verify_total);
        let share = percent(done, total);
        line.push_str(&format!("verified {} ({share}), ", part(done, total)));
    }
    line.push_str(&items_line(snapshot).replacen("items  ", "items ", 1));
    line.push_str(&format!(", {}", Speed(speeds.copy.current)));
    if let Some(left) = speeds.copy_left {
        line.push_str(&format!(", {} left", Span(left)));
    }
    line
}

/// A file that is begun again is counted again, so more can have been moved than there is.
fn part(done: u64, total: u64) -> String {
    format!("{} of {}", Bytes(done.min(total)), Bytes(total))
}

fn bar(done: u64, total: u64, width: usize) -> String {
    let share = share(done, total);
    let filled = (share * width as f64) as usize;
    format!("{}{} {:>4}", "█".repeat(filled), "░".repeat(width - filled), percent(done, total))
}

fn percent(done: u64, total: u64) -> String {
    format!("{:.0}%", (share(done, total) * 100.0).floor())
}

/// From 0 to 1. Nothing to do is all done.
fn share(done: u64, total: u64) -> f64 {
    if total == 0 { 1.0 } else { (done as f64 / total as f64).min(1.0) }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use surecopy::Strategy;

    use super::*;

    const HALF: HowFar = HowFar { share: 0.5, time_left: None };

    fn snapshot() -> Snapshot {
        Snapshot {
            phase: Some(Phase::Copy),
            expected: None,
            directories_done: 0,
            directories_total: 0,
            scanned: 0.0,
            directory: None,
            items_total: 40,
            items_done: 12,
            items_failed: 1,
            bytes_total: 4 << 20,
            bytes_copied: 1 << 20,
            verify_total: 4 << 20,
            bytes_verified: 1 << 19,
            current: vec![CurrentItem {
                path: PathBuf::from("deep/na\x1bme"),
                size_bytes: 2 << 20,
                strategy: Some(Strategy::Staged),
                step: Step::Copying,
                copied_bytes: 1 << 20,
                verified_bytes: 0,
            }],
        }
    }

    fn speeds(snapshot: &Snapshot) -> Speeds {
        let (mut copy, verify) = (RateMeter::new(), RateMeter::new());
        copy.observe(Duration::ZERO, 0);
        copy.observe(Duration::from_secs(1), 1 << 20);
        Speeds::new(snapshot, &copy, &verify)
    }

    #[test]
    fn two_levels_and_two_phases() {
        let snapshot = snapshot();
        let text = texts(&snapshot, &speeds(&snapshot), HALF).join("\n");
        insta::assert_snapshot!(text, @r#"
          copying    copy █████░░░░░  50% verify ░░░░░░░░░░   0% staged    2.0 MiB  "na\x1bme"
        copy   █████░░░░░░░░░░░░░░░  25% 1.0 MiB of 4.0 MiB  1.0 MiB/s  3.0 s left  (average 1.0 MiB/s, peak 1.0 MiB/s)
        verify ██░░░░░░░░░░░░░░░░░░  12% 512.0 KiB of 4.0 MiB  0 B/s  (average 0 B/s, peak 0 B/s)
        items  12 of 40, 1 failed
        "#);
    }

    #[test]
    fn the_plain_line_says_the_same() {
        let snapshot = snapshot();
        insta::assert_snapshot!(plain_line(&snapshot, &speeds(&snapshot), HALF), @r#"copied 1.0 MiB of 4.0 MiB (25%), verified 512.0 KiB of 4.0 MiB (12%), items 12 of 40, 1 failed, 1.0 MiB/s, 3.0 s left"#);
    }

    #[test]
    fn what_was_begun_again_is_not_more_than_there_is() {
        let snapshot = Snapshot { bytes_copied: 5 << 20, bytes_verified: 9 << 20, ..snapshot() };
        let speeds = speeds(&snapshot);
        for text in
            [texts(&snapshot, &speeds, HALF).join("\n"), plain_line(&snapshot, &speeds, HALF)]
        {
            assert_eq!(text.matches("4.0 MiB of 4.0 MiB").count(), 2, "{text}");
            assert_eq!(text.matches("100%").count(), 2, "{text}");
        }
    }

    #[test]
    fn what_is_not_read_back_has_no_bar() {
        let mut snapshot = Snapshot { bytes_verified: 0, ..snapshot() };
        let lines = |snapshot: &Snapshot| {
            let speeds = speeds(snapshot);
            let has_bar =
                texts(snapshot, &speeds, HALF).iter().any(|line| line.starts_with("verify "));
            assert_eq!(plain_line(snapshot, &speeds, HALF).contains("verified"), has_bar);
            has_bar
        };
        assert!(!lines(&snapshot));
        snapshot.current[0].step = Step::Verifying;
        assert!(lines(&snapshot));
    }

    #[test]
    fn before_copying_only_what_was_found_is_told() {
        let snapshot = Snapshot { phase: Some(Phase::ProgressiveScanning), ..snapshot() };
        assert_eq!(texts(&snapshot, &speeds(&snapshot), HALF).len(), 1);
    }

    #[test]
    fn a_bar_is_never_longer_than_its_room() {
        for (done, total) in [(0, 0), (5, 0), (1, 3), (7, 3)] {
            assert_eq!(bar(done, total, 10).chars().count(), 15, "{done} {total}");
        }
        assert_eq!(percent(999, 1000), "99%");
    }
}
