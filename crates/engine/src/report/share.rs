//! What one item has added to the counters of a run, so that it can be taken back: the one place that
//! knows what an item is worth when it is planned, when it is begun again, and when it has ended.

use std::sync::atomic::{AtomicU64, Ordering};

use super::item::{ItemKind, ItemReport, ItemStatus};
use super::progress::Progress;
use crate::plan::{Action, PlannedItem};
use crate::policy::ReadBack;
use crate::spec::CopySpec;

/// One item's part of the counters of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Share {
    /// Of what there is to copy.
    to_copy: u64,
    /// Of what there is to read back.
    to_verify: u64,
    /// Of what is copied.
    copied: u64,
    /// Of what is read back.
    verified: u64,
}

impl Share {
    /// What an item that was just planned adds.
    pub(crate) fn planned(spec: &CopySpec, item: &PlannedItem) -> Self {
        let is_copied = !matches!(item.action, Action::Skip(_)) && item.kind == ItemKind::File;
        if is_copied { Self::of_size(spec, item.source.size_bytes) } else { Self::default() }
    }

    /// Its size, as far as that was known so far.
    pub(crate) fn size_bytes(self) -> u64 {
        self.to_copy
    }

    fn of_size(spec: &CopySpec, size_bytes: u64) -> Self {
        let is_covered = spec.verify.covers(size_bytes, spec.limits.verify_threshold_bytes);
        let is_read_back = is_covered && spec.read_back != ReadBack::None;
        let to_verify = if is_read_back { size_bytes } else { 0 };
        Self { to_copy: size_bytes, to_verify, copied: 0, verified: 0 }
    }

    /// What an ended item is worth: a copy, as many bytes as it has; what was skipped or failed,
    /// nothing. What was cancelled is still to be copied, and nobody does.
    fn ended(self, report: &ItemReport) -> Self {
        match report.status {
            ItemStatus::Ok if report.kind == ItemKind::File => {
                let copied = report.size_bytes;
                let verified = if report.verified() { copied } else { 0 };
                Self { to_copy: copied, to_verify: verified, copied, verified }
            }
            ItemStatus::Ok | ItemStatus::Skipped(_) | ItemStatus::Error(_) => Self::default(),
            ItemStatus::Cancelled => Self { copied: 0, verified: 0, ..self },
        }
    }
}

impl Progress {
    /// An item was planned.
    pub(crate) fn plan(&self, spec: &CopySpec, item: &PlannedItem) {
        self.items_total.fetch_add(1, Ordering::Relaxed);
        self.change(&mut Share::default(), Share::planned(spec, item));
    }

    /// The file has another size than was planned.
    pub(crate) fn resize(&self, share: &mut Share, spec: &CopySpec, size_bytes: u64) {
        let Share { copied, verified, .. } = *share;
        self.change(share, Share { copied, verified, ..Share::of_size(spec, size_bytes) });
    }

    /// An item is begun, be it again: what was moved of it before does not count.
    pub(crate) fn begin_again(&self, share: &mut Share) {
        self.change(share, Share { copied: 0, verified: 0, ..*share });
    }

    /// An item has ended.
    pub(crate) fn settle(&self, mut share: Share, report: &ItemReport) {
        let ended = share.ended(report);
        self.change(&mut share, ended);
    }

    fn change(&self, share: &mut Share, to: Share) {
        change(&self.bytes_total, share.to_copy, to.to_copy);
        change(&self.verify_total, share.to_verify, to.to_verify);
        change(&self.bytes_copied, share.copied, to.copied);
        change(&self.bytes_verified, share.verified, to.verified);
        *share = to;
    }
}

fn change(counter: &AtomicU64, from: u64, to: u64) {
    if to >= from {
        counter.fetch_add(to - from, Ordering::Relaxed);
    } else {
        counter.fetch_sub(from - to, Ordering::Relaxed);
    }
}

impl super::progress::WorkerProgress<'_> {
    /// Takes note of how much of the current file was copied, whatever came of it.
    pub(crate) fn note_copied(&self, share: &mut Share) {
        share.copied = self.copied_bytes();
    }

    /// Takes note of how much of the current file was read back, whatever came of it.
    pub(crate) fn note_verified(&self, share: &mut Share) {
        share.verified = self.verified_bytes();
    }
}
