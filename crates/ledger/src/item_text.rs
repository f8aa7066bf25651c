//! Everything about one item that has ended, as members of a JSON object, and back again.
//!
//! The members have the names of the `item` objects of `--json`. One that has nothing to say is left
//! out: there are two such objects for every file that is copied.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use surecopy_engine::{
    Digest, DigestAlgorithm, ErrorCode, Evidence, ItemError, ItemKind, ItemReport, ItemStatus,
    ItemTimes, Landed, Mechanism, MetadataLoss, MetadataWarning, SkipReason, Strategy,
    UnverifiedReason, VerifyPolicy,
};

use crate::error::{Fault, Outcome};
use crate::path_text::{from_hex, from_members, to_hex, to_members};
use crate::seen::{Numbers, from_numbers, to_numbers};

type Text<'a> = Cow<'a, str>;

/// An [`ItemReport`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ItemText<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    skip_reason: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow)]
    source: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    #[serde(borrow)]
    target: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    strategy: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mechanism: Option<Text<'a>>,
    size_bytes: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    bytes_copied: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    source_bytes_read: u64,
    #[serde(borrow)]
    policy: Text<'a>,
    #[serde(borrow)]
    evidence: Text<'a>,
    /// For whoever reads the record: it follows from `status` and `evidence`.
    #[serde(default)]
    verified: bool,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    unverified_reason: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    digest_algorithm: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    digest: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    retries: Vec<ErrorText<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    partial: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    backup: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup_bytes: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    landed: Option<LandedText>,
    #[serde(default, skip_serializing_if = "is_default")]
    rollback_performed: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    rollback_succeeded: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    sparse_detected: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    mapped_fallbacks: u64,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    metadata_warnings: Vec<LossText<'a>>,
    #[serde(default, skip_serializing_if = "is_default")]
    times_ns: TimesText,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorText<'a>>,
}

/// A [`Landed`].
#[derive(Debug, Serialize, Deserialize)]
struct LandedText {
    source: Numbers,
    target: Numbers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<Numbers>,
}

/// A [`MetadataWarning`].
#[derive(Debug, Serialize, Deserialize)]
struct LossText<'a> {
    #[serde(borrow)]
    loss: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
}

/// An [`ItemTimes`], in nanoseconds.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct TimesText {
    #[serde(default, skip_serializing_if = "is_default")]
    backup: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    copy: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    verify: u64,
    #[serde(default, skip_serializing_if = "is_default")]
    cleanup: u64,
}

/// An [`ItemError`].
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ErrorText<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    os_error: Option<i32>,
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    details: Option<Text<'a>>,
    #[serde(borrow)]
    path: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl<'a> ItemText<'a> {
    pub(crate) fn new(item: &'a ItemReport) -> Self {
        let (source, source_bytes) = to_members(&item.source);
        let (target, target_bytes) = to_members(&item.target);
        let (partial, partial_bytes) = optional(item.partial.as_deref());
        let (backup, backup_bytes) = optional(item.backup.as_deref());
        let (skip_reason, error) = match &item.status {
            ItemStatus::Ok | ItemStatus::Cancelled => (None, None),
            ItemStatus::Skipped(reason) => (Some(reason.as_str().into()), None),
            ItemStatus::Error(error) => (None, Some(ErrorText::new(error))),
        };
        let loss = |warning: &'a MetadataWarning| LossText {
            loss: warning.loss.as_str().into(),
            message: warning.message.as_str().into(),
        };
        Self {
            status: item.status.as_str().into(),
            skip_reason,
            kind: item.kind.as_str().into(),
            source,
            source_bytes,
            target,
            target_bytes,
            strategy: item.strategy.map(|strategy| strategy.as_str().into()),
            mechanism: item.mechanism.map(|mechanism| mechanism.as_str().into()),
            size_bytes: item.size_bytes,
            bytes_copied: item.bytes_copied,
            source_bytes_read: item.source_bytes_read,
            policy: item.policy.as_str().into(),
            evidence: item.evidence.as_str().into(),
            verified: item.verified(),
            unverified_reason: item.unverified.map(|reason| reason.as_str().into()),
            digest_algorithm: item.digest.as_ref().map(|digest| digest.algorithm.as_str().into()),
            digest: item.digest.as_ref().map(|digest| to_hex(&digest.bytes).into()),
            retries: item.retries.iter().map(ErrorText::new).collect(),
            partial,
            partial_bytes,
            backup,
            backup_bytes,
            landed: item.landed.map(|landed| LandedText {
                source: to_numbers(landed.source),
                target: to_numbers(landed.target),
                replaced: landed.replaced.map(to_numbers),
            }),
            rollback_performed: item.rollback_performed,
            rollback_succeeded: item.rollback_succeeded,
            sparse_detected: item.sparse_detected,
            mapped_fallbacks: item.mapped_fallbacks,
            metadata_warnings: item.metadata_warnings.iter().map(loss).collect(),
            times_ns: TimesText::new(&item.times),
            error,
        }
    }

    pub(crate) fn read(self) -> Outcome<ItemReport> {
        let digest = match (self.digest_algorithm, self.digest) {
            (Some(algorithm), Some(hex)) => Some(Digest {
                algorithm: word(DigestAlgorithm::from_text, &algorithm)?,
                bytes: from_hex(&hex).ok_or_else(|| unknown(&hex))?,
            }),
            _ => None,
        };
        let losses = self.metadata_warnings.into_iter().map(|warning| {
            Ok(MetadataWarning {
                loss: word(MetadataLoss::from_text, &warning.loss)?,
                message: warning.message.into_owned(),
            })
        });
        Ok(ItemReport {
            kind: word(ItemKind::from_text, &self.kind)?,
            status: status(&self.status, self.skip_reason.as_deref(), self.error)?,
            strategy: optional_word(Strategy::from_text, self.strategy.as_deref())?,
            mechanism: optional_word(Mechanism::from_text, self.mechanism.as_deref())?,
            source: from_members(&self.source, self.source_bytes.as_deref())?,
            target: from_members(&self.target, self.target_bytes.as_deref())?,
            size_bytes: self.size_bytes,
            bytes_copied: self.bytes_copied,
            source_bytes_read: self.source_bytes_read,
            policy: word(VerifyPolicy::from_text, &self.policy)?,
            evidence: word(Evidence::from_text, &self.evidence)?,
            unverified: optional_word(
                UnverifiedReason::from_text,
                self.unverified_reason.as_deref(),
            )?,
            digest,
            retries: self.retries.into_iter().map(ErrorText::read).collect::<Outcome<_>>()?,
            partial: read_optional(self.partial.as_deref(), self.partial_bytes.as_deref())?,
            backup: read_optional(self.backup.as_deref(), self.backup_bytes.as_deref())?,
            landed: self.landed.map(|landed| Landed {
                source: from_numbers(landed.source),
                target: from_numbers(landed.target),
                replaced: landed.replaced.map(from_numbers),
            }),
            rollback_performed: self.rollback_performed,
            rollback_succeeded: self.rollback_succeeded,
            sparse_detected: self.sparse_detected,
            mapped_fallbacks: self.mapped_fallbacks,
            metadata_warnings: losses.collect::<Outcome<_>>()?,
            times: self.times_ns.read(),
        })
    }
}

fn status(
    status: &str,
    skip_reason: Option<&str>,
    error: Option<ErrorText<'_>>,
) -> Outcome<ItemStatus> {
    match (status, skip_reason, error) {
        ("ok", None, None) => Ok(ItemStatus::Ok),
        ("cancelled", None, None) => Ok(ItemStatus::Cancelled),
        ("skipped", Some(reason), None) => {
            Ok(ItemStatus::Skipped(word(SkipReason::from_text, reason)?))
        }
        ("error", None, Some(error)) => Ok(ItemStatus::Error(error.read()?)),
        _ => Err(Fault::content(format!("a status {status:?} that does not fit its item"))),
    }
}

impl TimesText {
    fn new(times: &ItemTimes) -> Self {
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        Self {
            backup: nanos(times.backup),
            copy: nanos(times.copy),
            verify: nanos(times.verify),
            cleanup: nanos(times.cleanup),
        }
    }

    fn read(self) -> ItemTimes {
        ItemTimes {
            backup: Duration::from_nanos(self.backup),
            copy: Duration::from_nanos(self.copy),
            verify: Duration::from_nanos(self.verify),
            cleanup: Duration::from_nanos(self.cleanup),
        }
    }
}

impl<'a> ErrorText<'a> {
    pub(crate) fn new(error: &'a ItemError) -> Self {
        let (path, path_bytes) = to_members(&error.path);
        Self {
            code: error.code.as_str().into(),
            os_error: error.os_error,
            message: error.message.as_str().into(),
            details: error.details.as_deref().map(Cow::Borrowed),
            path,
            path_bytes,
        }
    }

    pub(crate) fn read(self) -> Outcome<ItemError> {
        Ok(ItemError {
            code: word(ErrorCode::from_text, &self.code)?,
            message: self.message.into_owned(),
            details: self.details.map(Cow::into_owned),
            path: from_members(&self.path, self.path_bytes.as_deref())?,
            os_error: self.os_error,
        })
    }
}

fn optional(path: Option<&Path>) -> (Option<Text<'_>>, Option<String>) {
    path.map_or((None, None), |path| {
        let (text, bytes) = to_members(path);
        (Some(text), bytes)
    })
}

fn read_optional(text: Option<&str>, bytes: Option<&str>) -> Outcome<Option<PathBuf>> {
    text.map(|text| from_members(text, bytes)).transpose()
}

/// A word with a stable meaning.
pub(crate) fn word<T>(read: fn(&str) -> Option<T>, text: &str) -> Outcome<T> {
    read(text).ok_or_else(|| unknown(text))
}

pub(crate) fn optional_word<T>(
    read: fn(&str) -> Option<T>,
    text: Option<&str>,
) -> Outcome<Option<T>> {
    text.map(|text| word(read, text)).transpose()
}

fn unknown(text: &str) -> Fault {
    Fault::content(format!("the word {text:?}, which is not known"))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use proptest::prelude::*;
    use surecopy_engine::Seen;

    use super::*;

    fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = T> + use<T> {
        proptest::sample::select(all.to_vec())
    }

    use proptest::strategy::Strategy;

    fn path() -> impl Strategy<Value = PathBuf> {
        let byte = prop_oneof![Just(b'a'), Just(b'/'), Just(b'"'), Just(0xff), 1..=255u8];
        proptest::collection::vec(byte, 0..12)
            .prop_map(|bytes| PathBuf::from(OsStr::from_bytes(&bytes)))
    }

    fn error() -> impl Strategy<Value = ItemError> {
        let code = one_of(ErrorCode::ALL);
        let details = proptest::option::of("\\PC{0,9}");
        (code, "[\\s\\S]{0,9}", details, path(), proptest::option::of(any::<i32>())).prop_map(
            |(code, message, details, path, os_error)| ItemError {
                code,
                message,
                details,
                path,
                os_error,
            },
        )
    }

    fn seen() -> impl Strategy<Value = Seen> {
        (any::<(u64, u64, u64, i64)>(), 0..1_000_000_000u32).prop_map(
            |((volume, file, size, secs), nanos)| from_numbers((volume, file, size, secs, nanos)),
        )
    }

    fn status() -> impl Strategy<Value = ItemStatus> {
        prop_oneof![
            Just(ItemStatus::Ok),
            Just(ItemStatus::Cancelled),
            one_of(&SkipReason::ALL).prop_map(ItemStatus::Skipped),
            error().prop_map(ItemStatus::Error),
        ]
    }

    fn report() -> impl Strategy<Value = ItemReport> {
        let words = (
            one_of(&ItemKind::ALL),
            status(),
            proptest::option::of(one_of(&surecopy_engine::Strategy::ALL)),
            proptest::option::of(one_of(&Mechanism::ALL)),
            one_of(&VerifyPolicy::ALL),
            one_of(&Evidence::ALL),
            proptest::option::of(one_of(&UnverifiedReason::ALL)),
        );
        let paths = (
            path(),
            path(),
            proptest::option::of(path()),
            proptest::option::of(path()),
            proptest::option::of((seen(), seen(), proptest::option::of(seen()))),
        );
        let numbers = any::<(u64, u64, u64, u64, [u64; 4], [bool; 3])>();
        let lists = (
            proptest::collection::vec(error(), 0..3),
            proptest::collection::vec((one_of(&MetadataLoss::ALL), "\\PC{0,9}"), 0..3),
            proptest::option::of((one_of(&DigestAlgorithm::ALL), any::<[u8; 32]>())),
        );
        (words, paths, numbers, lists).prop_map(|(words, paths, numbers, lists)| {
            let nanos = Duration::from_nanos;
            let (landed, [backup, copy, verify, cleanup]) = (paths.4, numbers.4);
            ItemReport {
                kind: words.0,
                status: words.1,
                strategy: words.2,
                mechanism: words.3,
                source: paths.0,
                target: paths.1,
                size_bytes: numbers.0,
                bytes_copied: numbers.1,
                source_bytes_read: numbers.2,
                policy: words.4,
                evidence: words.5,
                unverified: words.6,
                digest: lists
                    .2
                    .map(|(algorithm, bytes)| Digest { algorithm, bytes: bytes.to_vec() }),
                retries: lists.0,
                partial: paths.2,
                backup: paths.3,
                landed: landed.map(|(source, target, replaced)| Landed {
                    source,
                    target,
                    replaced,
                }),
                rollback_performed: numbers.5[0],
                rollback_succeeded: numbers.5[1],
                sparse_detected: numbers.5[2],
                mapped_fallbacks: numbers.3,
                metadata_warnings: lists
                    .1
                    .into_iter()
                    .map(|(loss, message)| MetadataWarning { loss, message })
                    .collect(),
                times: ItemTimes {
                    backup: nanos(backup),
                    copy: nanos(copy),
                    verify: nanos(verify),
                    cleanup: nanos(cleanup),
                },
            }
        })
    }

    proptest! {
        #[test]
        fn every_report_is_the_same_after_it_was_written(report in report()) {
            let text = serde_json::to_string(&ItemText::new(&report)).unwrap();
            prop_assert!(!text.contains('\n'), "a record is one line");
            let read: ItemText<'_> = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(read.read().unwrap(), report);
        }
    }
}
