//! The sums of a run.

use super::item::{ItemKind, ItemReport, ItemStatus, ItemTimes, UnverifiedReason};
use crate::error::ErrorCode;
use crate::policy::{Evidence, Mechanism, SizeClass};

/// Sums over all items of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Items that are published and durable.
    pub ok: u64,
    /// Items that were skipped.
    pub skipped: u64,
    /// Items that were cancelled.
    pub cancelled: u64,
    /// Those among them that nobody had begun: they are counted, not told of one by one.
    pub not_begun: u64,
    /// Items that failed.
    pub failed: u64,
    /// Failed items whose code is `VERIFY_MISMATCH`.
    pub mismatched: u64,
    /// Bytes that arrived.
    pub bytes_copied: u64,
    /// Logical size of everything that is in place now, clones included.
    pub bytes_ok: u64,
    /// Logical size of everything that failed or was cancelled.
    pub bytes_failed: u64,
    /// Bytes of sources read.
    pub source_bytes_read: u64,
    /// Bytes of sources that need not be read a second time because the copy buffer was digested.
    pub source_bytes_saved: u64,
    /// Copied files, by evidence, in the order of [`Evidence::ALL`].
    pub by_evidence: [u64; 5],
    /// Copied files that are not verified, by reason.
    pub unverified: Vec<(UnverifiedReason, u64)>,
    /// Copied files by size class: small, medium, large.
    pub by_size_class: [u64; 3],
    /// Copies begun again.
    pub retries: u64,
    /// Windows of mapped comparisons that had to be read again in the ordinary way.
    pub mapped_fallbacks: u64,
    /// Items with at least one metadata warning.
    pub with_metadata_warnings: u64,
    /// Items that were copied and of which something was not kept that could have been.
    pub metadata_incomplete: u64,
    /// Files that could not be removed, or of which it is not known whether they are, and places that could not
    /// be looked at for such.
    pub left_behind: u64,
    /// Directories that may lack something of their own metadata, or of which that may not be durable.
    pub unfinished_directories: u64,
    /// Time by phase, summed over workers.
    pub times: ItemTimes,
}

impl Tally {
    /// Takes one ended item into the sums.
    pub fn add(&mut self, item: &ItemReport, class: Option<SizeClass>) {
        match &item.status {
            ItemStatus::Ok => {
                self.ok += 1;
                self.bytes_ok += item.size_bytes;
            }
            ItemStatus::Skipped(_) => self.skipped += 1,
            ItemStatus::Cancelled => {
                self.cancelled += 1;
                self.bytes_failed += item.size_bytes;
            }
            ItemStatus::Error(error) => {
                self.failed += 1;
                self.bytes_failed += item.size_bytes;
                if error.code == ErrorCode::VerifyMismatch {
                    self.mismatched += 1;
                }
            }
        }
        self.bytes_copied += item.bytes_copied;
        self.source_bytes_read += item.source_bytes_read;
        self.retries += item.retries.len() as u64;
        self.mapped_fallbacks += item.mapped_fallbacks;
        self.with_metadata_warnings += u64::from(!item.metadata_warnings.is_empty());
        self.metadata_incomplete +=
            u64::from(item.status == ItemStatus::Ok && item.is_metadata_incomplete());
        self.times.backup += item.times.backup;
        self.times.copy += item.times.copy;
        self.times.verify += item.times.verify;
        self.times.cleanup += item.times.cleanup;
        if item.status == ItemStatus::Ok && item.kind == ItemKind::File {
            self.by_evidence[item.evidence as usize] += 1;
            if let Some(reason) = item.unverified {
                match self.unverified.iter_mut().find(|(known, _)| *known == reason) {
                    Some((_, count)) => *count += 1,
                    None => self.unverified.push((reason, 1)),
                }
            }
            if let Some(class) = class {
                self.by_size_class[class as usize] += 1;
            }
            if item.digest.is_some() && item.mechanism == Some(Mechanism::ReadWrite) {
                self.source_bytes_saved +=
                    (2 * item.size_bytes).saturating_sub(item.source_bytes_read);
            }
        }
    }

    /// Copied files with this evidence.
    pub fn with_evidence(&self, evidence: Evidence) -> u64 {
        self.by_evidence[evidence as usize]
    }

    /// Copied files whose bytes at the destination were read and found equal.
    pub fn verified(&self) -> u64 {
        Evidence::ALL.into_iter().filter(|e| e.is_verified()).map(|e| self.with_evidence(e)).sum()
    }
}
