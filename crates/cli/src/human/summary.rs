//! The sums at the end. Nothing is called verified here that was not read back.

use surecopy::jobs::JobId;
use surecopy::{
    Corrected, ErrorCode, Evidence, ItemKind, ItemReport, ItemStatus, Outcome, Report, Tally,
    UnverifiedReason,
};

use crate::amounts::{Bytes, Count, Span, Speed};
use crate::recorded::Incomplete;

/// What was made, by kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Kinds {
    files: u64,
    directories: u64,
    symlinks: u64,
    hard_links: u64,
}

impl Kinds {
    /// Takes one ended item into the sums.
    pub(super) fn add(&mut self, item: &ItemReport) {
        if item.status != ItemStatus::Ok {
            return;
        }
        match item.kind {
            ItemKind::File => self.files += 1,
            ItemKind::Directory => self.directories += 1,
            ItemKind::Symlink => self.symlinks += 1,
            ItemKind::HardLink => self.hard_links += 1,
            ItemKind::Special => {}
        }
    }

    fn in_words(self) -> String {
        let rows = [
            (self.files, "file", "files"),
            (self.directories, "directory", "directories"),
            (self.symlinks, "symbolic link", "symbolic links"),
            (self.hard_links, "hard link", "hard links"),
        ];
        let words: Vec<String> = rows
            .into_iter()
            .enumerate()
            .filter(|(index, (count, ..))| *count > 0 || *index == 0)
            .map(|(_, (count, one, many))| {
                format!("{count} {}", if count == 1 { one } else { many })
            })
            .collect();
        words.join(", ")
    }
}

/// What the index had otherwise.
fn corrected(report: &Report) -> Option<String> {
    let Corrected { grew, shrank, vanished, replaced } = report.corrected;
    let rows =
        [(grew, "larger"), (shrank, "smaller"), (vanished, "gone"), (replaced, "of another kind")];
    let some = rows.into_iter().filter(|(count, _)| *count > 0);
    let words: Vec<String> = some.map(|(count, word)| format!("{count} {word}")).collect();
    (!words.is_empty())
        .then(|| format!("corrected: other than the index had it: {}", words.join(", ")))
}

/// The sums, as lines. Of `doubtful` items it is not known what a power cut would leave of them.
pub(super) fn lines(
    report: &Report,
    kinds: &Kinds,
    losses: &[String],
    doubtful: u64,
    is_recorded: bool,
) -> Vec<String> {
    let mut lines = Vec::new();
    match &report.outcome {
        Outcome::Planned => return planned(report),
        Outcome::Refused => {
            lines.push("refused: nothing was written".to_owned());
            return lines;
        }
        Outcome::Cancelled => {
            lines.push(format!("cancelled: {}", as_before(doubtful)));
        }
        Outcome::StoppedAtFailure => lines.push("stopped at the first failure".to_owned()),
        Outcome::Lost(_) => {
            lines.push(format!("stopped: {}", as_before(doubtful)));
        }
        Outcome::Finished | Outcome::JournalFailed(_) => {}
    }
    let tally = &report.tally;
    lines.push(copied(report, kinds));
    lines.extend(kept(report));
    lines.extend(corrected(report));
    lines.extend(left(tally));
    lines.extend(verified(tally));
    lines.extend(unverified(tally));
    lines.extend(reading(tally));
    if tally.retries > 0 {
        lines.push(format!("begun again: {}", Count(tally.retries, "time")));
    }
    if report.warnings > 0 {
        lines.push(format!("warnings: {}", report.warnings));
    }
    if tally.with_metadata_warnings > 0 {
        let count = Count(tally.with_metadata_warnings, "item");
        lines.push(format!("not everything could be kept of {count}:"));
        lines.extend(losses.iter().map(|loss| format!("  {loss}")));
        if tally.with_metadata_warnings > losses.len() as u64 {
            lines.push("  all of them: --json".to_owned());
        }
    }
    lines.extend(incomplete(report, is_recorded));
    lines
}

/// What could have been kept and was not, and what can be done about it. Where a job is recorded, the next
/// step is told by that.
fn incomplete(report: &Report, is_recorded: bool) -> Option<String> {
    let incomplete = Incomplete::of(report);
    if !incomplete.is_any() {
        return None;
    }
    let mut line = format!("NOT all was kept that could have been of {incomplete}");
    let before = report.planned.kept_incomplete;
    if before > 0 {
        line.push_str(&format!(" ({before} of them copied before)"));
    }
    line.push_str(": the content is whole; see to it that what failed can be done");
    if !is_recorded {
        line.push_str(", then copy again with --on-conflict replace");
    }
    Some(line)
}

/// What is so of all that a run did not finish.
fn as_before(doubtful: u64) -> String {
    let mut line = "what was not finished is as it was before".to_owned();
    if doubtful > 0 {
        let (count, code) = (Count(doubtful, "item"), ErrorCode::DurabilityUnknown);
        line.push_str(&format!(", but for {count}: see {code} above"));
    }
    line
}

/// Whether a run that goes on with a job has found everything as earlier ones left it.
pub(super) fn is_nothing(report: &Report, kinds: &Kinds) -> bool {
    let tally = &report.tally;
    let ended = tally.ok + tally.skipped + tally.failed + tally.cancelled;
    // Directories are there already, and are looked at in every run.
    report.outcome == Outcome::Finished
        && report.problems.is_empty()
        && ended == kinds.directories
        && report.planned.items == 0
        && !Incomplete::of(report).is_any()
}

/// What is said then.
pub(super) fn nothing_to_do(job: JobId, report: &Report) -> String {
    let (items, bytes) = (Count(report.planned.kept, "item"), Bytes(report.planned.bytes_kept));
    let are = if report.planned.kept == 1 { "is as it was" } else { "are as they were" };
    format!("job {job}: nothing to do: {items}, {bytes}, {are} left")
}

fn planned(report: &Report) -> Vec<String> {
    let plan = report.planned;
    let mut first = format!(
        "would copy {} of {}, {}",
        plan.to_copy,
        Count(plan.items, "item"),
        Bytes(plan.bytes_to_copy)
    );
    if plan.to_replace > 0 {
        first.push_str(&format!("; {} of them replace what is there", plan.to_replace));
    }
    let mut lines = vec![first];
    if plan.to_compare > 0 {
        let count = Count(plan.to_compare, "item");
        let bytes = Bytes(plan.bytes_to_compare);
        lines.push(format!("would compare {count}, {bytes}, and replace what differs"));
    }
    if plan.to_skip > 0 {
        lines.push(format!("would skip {}", plan.to_skip));
    }
    lines.push("dry run: nothing was written".to_owned());
    lines
}

fn copied(report: &Report, kinds: &Kinds) -> String {
    let bytes = report.tally.bytes_ok;
    let mut line =
        format!("copied: {}, {} in {}", kinds.in_words(), Bytes(bytes), Span(report.duration));
    let secs = report.duration.as_secs_f64();
    // Over less time, a speed says more about the clock than about the disk.
    if bytes > 0 && secs >= 0.1 {
        line.push_str(&format!(" ({})", Speed(bytes as f64 / secs)));
    }
    line
}

/// What earlier runs of the job have done.
fn kept(report: &Report) -> Option<String> {
    let (items, bytes) = (Count(report.planned.kept, "item"), Bytes(report.planned.bytes_kept));
    (report.planned.kept > 0).then(|| format!("done before: {items}, {bytes}, as they were left"))
}

fn left(tally: &Tally) -> Option<String> {
    let mut parts = Vec::new();
    if tally.skipped > 0 {
        parts.push(format!("skipped: {}", tally.skipped));
    }
    if tally.failed > 0 {
        parts.push(format!("failed: {}", tally.failed));
    }
    if tally.mismatched > 0 {
        parts.push(format!("of these with a verification mismatch: {}", tally.mismatched));
    }
    if tally.cancelled > 0 {
        parts.push(format!("cancelled: {}", tally.cancelled));
    }
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn verified(tally: &Tally) -> Option<String> {
    let device = tally.with_evidence(Evidence::Device);
    let cache = tally.with_evidence(Evidence::Cache);
    let mut parts = Vec::new();
    if device > 0 {
        parts.push(format!("{} read back from the device", Count(device, "file")));
    }
    if cache > 0 {
        let count = Count(cache, "file");
        parts.push(format!("{count} read back through the page cache (memory may have answered)"));
    }
    (!parts.is_empty()).then(|| format!("verified: {}", parts.join(", ")))
}

/// Files that arrived and were not read back, and why. `--verify all` is named where it helps.
fn unverified(tally: &Tally) -> Option<String> {
    let unproved = [Evidence::None, Evidence::Stream, Evidence::Shared];
    let count: u64 = unproved.into_iter().map(|evidence| tally.with_evidence(evidence)).sum();
    if count == 0 {
        return None;
    }
    let mut line = format!("NOT verified: {}", Count(count, "file"));
    let reasons: Vec<String> = tally
        .unverified
        .iter()
        .map(|(reason, count)| format!("{count} {}", why(*reason)))
        .collect();
    if !reasons.is_empty() {
        line.push_str(&format!(" ({})", reasons.join(", ")));
    }
    let helps = |reason: &UnverifiedReason| {
        matches!(reason, UnverifiedReason::PolicyNone | UnverifiedReason::AboveThreshold)
    };
    if tally.unverified.iter().any(|(reason, _)| helps(reason)) {
        line.push_str("; use --verify all to verify every file");
    }
    Some(line)
}

fn why(reason: UnverifiedReason) -> &'static str {
    match reason {
        UnverifiedReason::PolicyNone => "because verification is off",
        UnverifiedReason::AboveThreshold => "not below the verify threshold",
        UnverifiedReason::ReadBackOff => "because read-back is off",
        UnverifiedReason::SharedBlocks => "sharing blocks with the source: no second physical copy",
    }
}

fn reading(tally: &Tally) -> Option<String> {
    if tally.source_bytes_read == 0 {
        return None;
    }
    let mut line = format!("source read: {}", Bytes(tally.source_bytes_read));
    if tally.source_bytes_saved > 0 {
        line.push_str(&format!(", {} of second reads saved", Bytes(tally.source_bytes_saved)));
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use surecopy::Planned;

    use super::*;

    fn report(outcome: Outcome, tally: Tally) -> Report {
        Report {
            outcome,
            tally,
            problems: Vec::new(),
            planned: Planned::default(),
            corrected: surecopy::Corrected::default(),
            warnings: 0,
            duration: Duration::from_secs(2),
        }
    }

    #[test]
    fn only_what_was_read_back_is_called_verified() {
        let tally = Tally {
            ok: 15,
            bytes_ok: 4096,
            // none, stream, shared, cache, device
            by_evidence: [1, 2, 3, 4, 5],
            unverified: vec![
                (UnverifiedReason::AboveThreshold, 3),
                (UnverifiedReason::SharedBlocks, 3),
            ],
            ..Tally::default()
        };
        let kinds = Kinds { files: 15, ..Kinds::default() };
        let lines = lines(&report(Outcome::Finished, tally), &kinds, &[], 0, true);
        insta::assert_snapshot!(lines.join("\n"), @r#"
        copied: 15 files, 4.0 KiB in 2.0 s (2.0 KiB/s)
        verified: 5 files read back from the device, 4 files read back through the page cache (memory may have answered)
        NOT verified: 6 files (3 not below the verify threshold, 3 sharing blocks with the source: no second physical copy); use --verify all to verify every file
        "#);
    }

    #[test]
    fn row_47_what_was_not_kept_comes_with_advice() {
        let mut report = report(
            Outcome::Finished,
            Tally { metadata_incomplete: 2, unfinished_directories: 1, ..Tally::default() },
        );
        assert_eq!(
            incomplete(&report, false).as_deref(),
            Some(
                "NOT all was kept that could have been of 2 items, 1 directory: the content is \
                 whole; see to it that what failed can be done, then copy again with --on-conflict \
                 replace"
            )
        );
        report.tally = Tally::default();
        assert_eq!(incomplete(&report, true), None);
        // A run that found it so has not done everything.
        report.planned.kept_incomplete = 1;
        let line = incomplete(&report, true).unwrap();
        assert!(line.contains("1 item (1 of them copied before)"), "{line}");
        assert!(!is_nothing(&report, &Kinds::default()));
    }

    #[test]
    fn row_12_what_is_doubtful_is_not_said_to_be_as_before() {
        let lost = surecopy::Lost {
            side: surecopy::Side::Destination,
            root: std::path::PathBuf::from("/mnt"),
            message: "gone".to_owned(),
        };
        for outcome in [Outcome::Lost(lost), Outcome::Cancelled] {
            let report = report(outcome, Tally::default());
            let all = |doubtful| lines(&report, &Kinds::default(), &[], doubtful, true);
            let first = |doubtful| all(doubtful).swap_remove(0);
            assert!(first(0).ends_with("is as it was before"), "{}", first(0));
            let expected = "as it was before, but for 2 items: see DURABILITY_UNKNOWN above";
            assert!(first(2).ends_with(expected), "{}", first(2));
        }
    }

    #[test]
    fn advice_is_given_only_where_it_helps() {
        let tally = Tally {
            by_evidence: [0, 0, 2, 0, 0],
            unverified: vec![(UnverifiedReason::SharedBlocks, 2)],
            ..Tally::default()
        };
        let line = unverified(&tally).unwrap();
        assert!(!line.contains("--verify all"), "{line}");
    }

    #[test]
    fn a_plan_ends_by_saying_that_nothing_was_written() {
        let mut report = report(Outcome::Planned, Tally::default());
        report.planned = Planned {
            items: 9,
            to_copy: 3,
            bytes_to_copy: 2048,
            to_skip: 2,
            to_replace: 1,
            to_compare: 4,
            bytes_to_compare: 3072,
            ..Planned::default()
        };
        insta::assert_snapshot!(lines(&report, &Kinds::default(), &[], 0, true).join("\n"), @r#"
        would copy 3 of 9 items, 2.0 KiB; 1 of them replace what is there
        would compare 4 items, 3.0 KiB, and replace what differs
        would skip 2
        dry run: nothing was written
        "#);
    }
}
