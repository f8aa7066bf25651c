//! What happens when a target exists already. One pure function decides.

use std::path::PathBuf;

use surecopy_fs::{FileKind, Metadata, Timestamp};

/// The user's rule for targets that exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ConflictPolicy {
    /// Skip what is identical (same size and modification time, or the same digest when comparing
    /// by content, and the permissions and owners that are kept), replace everything else.
    #[default]
    Update,
    /// Replace always.
    Replace,
    /// Replace when the source is newer.
    Newer,
    /// Keep what is there.
    Skip,
    /// Copy under a free name beside what is there.
    KeepBoth,
    /// Ask for each.
    Ask,
    /// Fail the item.
    Fail,
}

impl ConflictPolicy {
    /// Every policy.
    pub const ALL: [ConflictPolicy; 7] = [
        ConflictPolicy::Update,
        ConflictPolicy::Replace,
        ConflictPolicy::Newer,
        ConflictPolicy::Skip,
        ConflictPolicy::KeepBoth,
        ConflictPolicy::Ask,
        ConflictPolicy::Fail,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ConflictPolicy::Update => "update",
            ConflictPolicy::Replace => "replace",
            ConflictPolicy::Newer => "newer",
            ConflictPolicy::Skip => "skip",
            ConflictPolicy::KeepBoth => "keep-both",
            ConflictPolicy::Ask => "ask",
            ConflictPolicy::Fail => "fail",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// Why an item was not copied although nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SkipReason {
    /// The target has the same size and modification time (or, for a link, the same text).
    Identical,
    /// The target has the same digest.
    IdenticalContent,
    /// The target exists and the policy keeps it.
    TargetExists,
    /// The target is as new as the source or newer.
    TargetNewer,
    /// A socket, pipe or device.
    SpecialFile,
    /// A symbolic link, and links are not kept.
    LinkNotKept,
    /// A file whose target has a name that only our partial files have, so that a later run into the same
    /// directory would remove it.
    OurPartialFile,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [SkipReason; 7] = [
        SkipReason::Identical,
        SkipReason::IdenticalContent,
        SkipReason::TargetExists,
        SkipReason::TargetNewer,
        SkipReason::SpecialFile,
        SkipReason::LinkNotKept,
        SkipReason::OurPartialFile,
    ];

    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            SkipReason::Identical => "identical",
            SkipReason::IdenticalContent => "identical_content",
            SkipReason::TargetExists => "target_exists",
            SkipReason::TargetNewer => "target_newer",
            SkipReason::SpecialFile => "special_file",
            SkipReason::LinkNotKept => "link_not_kept",
            SkipReason::OurPartialFile => "our_partial_file",
        }
    }

    /// Reads its stable text.
    pub fn from_text(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == text)
    }
}

/// What is to be done about one existing target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ConflictDecision {
    /// Replace it, safely.
    Replace,
    /// Compare digests first: skip when equal, else replace.
    ReplaceIfContentDiffers,
    /// Leave it.
    Skip(SkipReason),
    /// Use another name.
    KeepBoth,
    /// Ask the user.
    Ask,
    /// The item fails.
    Fail,
}

/// A target that exists, for whoever is asked about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict {
    /// The source.
    pub source: PathBuf,
    /// The target that exists.
    pub target: PathBuf,
    /// What the source is.
    pub source_metadata: Metadata,
    /// What the target is.
    pub target_metadata: Metadata,
}

/// Somebody who can be asked, for [`ConflictPolicy::Ask`].
pub trait ConflictResolver: Send + Sync {
    /// Answers with the policy for this one conflict; [`ConflictPolicy::Ask`] counts as
    /// [`ConflictPolicy::Skip`].
    fn resolve(&self, conflict: &Conflict) -> ConflictPolicy;
}

/// Whether modification times count as equal on a volume that stores them in steps.
pub(crate) fn is_same_time(left: Timestamp, right: Timestamp, step_nanos: u32) -> bool {
    let nanos = |t: Timestamp| i128::from(t.secs) * 1_000_000_000 + i128::from(t.nanos);
    let difference = (nanos(left) - nanos(right)).unsigned_abs();
    if step_nanos <= 1 { difference == 0 } else { difference < u128::from(step_nanos) }
}

/// Decides about a regular file or link whose target exists and is not a directory.
///
/// `time_step_nanos` is the precision of the destination's modification times.
pub(crate) fn decide(
    policy: ConflictPolicy,
    by_content: bool,
    source: &Metadata,
    target: &Metadata,
    time_step_nanos: u32,
) -> ConflictDecision {
    match policy {
        ConflictPolicy::Replace => ConflictDecision::Replace,
        ConflictPolicy::Skip => ConflictDecision::Skip(SkipReason::TargetExists),
        ConflictPolicy::KeepBoth => ConflictDecision::KeepBoth,
        ConflictPolicy::Ask => ConflictDecision::Ask,
        ConflictPolicy::Fail => ConflictDecision::Fail,
        ConflictPolicy::Newer => {
            let is_newer = source.modified > target.modified
                && !is_same_time(source.modified, target.modified, time_step_nanos);
            if is_newer {
                ConflictDecision::Replace
            } else {
                ConflictDecision::Skip(SkipReason::TargetNewer)
            }
        }
        ConflictPolicy::Update => {
            let both_files = source.kind == FileKind::File && target.kind == FileKind::File;
            if !both_files || source.size != target.size {
                return ConflictDecision::Replace;
            }
            if by_content {
                return ConflictDecision::ReplaceIfContentDiffers;
            }
            if is_same_time(source.modified, target.modified, time_step_nanos) {
                ConflictDecision::Skip(SkipReason::Identical)
            } else {
                ConflictDecision::Replace
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use surecopy_fs::FileId;

    fn file(size: u64, secs: i64) -> Metadata {
        let time = Timestamp { secs, nanos: 0 };
        Metadata {
            kind: FileKind::File,
            size,
            allocated_bytes: size,
            mode: 0o644,
            uid: 0,
            gid: 0,
            link_count: 1,
            id: FileId { volume: 1, file: 1 },
            modified: time,
            accessed: time,
            changed: time,
            created: None,
            is_immutable: false,
        }
    }

    #[test]
    fn every_policy() {
        use ConflictDecision as D;
        use ConflictPolicy as P;
        let identical = D::Skip(SkipReason::Identical);
        let rows = [
            // policy, by content, source (size, time), target (size, time), decision
            (P::Update, false, (5, 10), (5, 10), identical),
            (P::Update, false, (5, 10), (5, 11), D::Replace),
            (P::Update, false, (5, 10), (6, 10), D::Replace),
            (P::Update, true, (5, 10), (5, 10), D::ReplaceIfContentDiffers),
            (P::Update, true, (5, 10), (5, 99), D::ReplaceIfContentDiffers),
            (P::Update, true, (5, 10), (6, 10), D::Replace),
            (P::Replace, false, (5, 10), (5, 10), D::Replace),
            (P::Newer, false, (5, 11), (5, 10), D::Replace),
            (P::Newer, false, (5, 10), (7, 10), D::Skip(SkipReason::TargetNewer)),
            (P::Newer, false, (5, 9), (5, 10), D::Skip(SkipReason::TargetNewer)),
            (P::Skip, false, (5, 10), (6, 11), D::Skip(SkipReason::TargetExists)),
            (P::KeepBoth, false, (5, 10), (6, 11), D::KeepBoth),
            (P::Ask, false, (5, 10), (6, 11), D::Ask),
            (P::Fail, false, (5, 10), (5, 10), D::Fail),
        ];
        for (policy, by_content, source, target, expected) in rows {
            let source = file(source.0, source.1);
            let target = file(target.0, target.1);
            assert_eq!(decide(policy, by_content, &source, &target, 1), expected, "{policy:?}");
        }
    }

    #[test]
    fn coarse_clocks_are_not_differences() {
        let (a, mut b) = (file(1, 33), file(1, 32));
        b.modified.nanos = 0;
        let two_seconds = 2_000_000_000;
        let skip = ConflictDecision::Skip(SkipReason::Identical);
        assert_eq!(decide(ConflictPolicy::Update, false, &a, &b, two_seconds), skip);
        assert_eq!(decide(ConflictPolicy::Update, false, &a, &b, 1), ConflictDecision::Replace);
        assert!(!is_same_time(a.modified, file(1, 31).modified, two_seconds));
    }

    #[test]
    fn a_link_in_the_way_of_a_file_is_never_identical() {
        let (source, mut target) = (file(5, 10), file(5, 10));
        target.kind = FileKind::Symlink;
        let got = decide(ConflictPolicy::Update, false, &source, &target, 1);
        assert_eq!(got, ConflictDecision::Replace);
    }
}
