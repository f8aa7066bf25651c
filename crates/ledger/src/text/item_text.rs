//! Everything about one item that has ended, as members of a JSON object, and back again.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use surecopy_engine::{
    Digest, DigestAlgorithm, ItemReport, ItemTimes, LossCause, MetadataLoss, MetadataWarning,
};

use crate::error::{Fault, Result};
use crate::text::error_text::ErrorText;
use crate::text::group_text::{Read, Shared, Told};
use crate::text::how_text::{HowText, error_of, has_same_how};
use crate::text::landed_text::{TargetSeen, landed, size_bytes};
use crate::text::path_text::{
    Text, bytes_from_members, bytes_to_members, from_bytes, from_hex, to_hex,
};
use crate::text::publication_text::PublicationText;
use crate::text::seen::{Numbers, to_numbers};
use crate::text::short_name::{self, BACKUP, PARTIAL};
use crate::text::words::{unknown, word};

/// An [`ItemReport`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemText<'a> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    item: Option<u64>,
    #[serde(default, skip_serializing_if = "is_default")]
    mapping: usize,
    /// Beneath what all paths of the record begin with.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    path: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    /// Where it does not end as its target does, or stands elsewhere.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    source: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    target: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    partial: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    partial_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    backup: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    backup_bytes: Option<String>,
    /// The members of a [`Landed`](surecopy_engine::Landed).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_seen: Option<Numbers>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target_seen: Option<TargetSeen>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    replaced: Option<Numbers>,
    /// That of the source that was copied, when it is left out; the next two are as this one then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    size_bytes: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bytes_copied: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    source_bytes_read: Option<u64>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    digest: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    how: Option<HowText<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    error: Option<ErrorText<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    retries: Vec<ErrorText<'a>>,
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
    publication: Option<PublicationText<'a>>,
}

/// A [`MetadataWarning`].
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct LossText<'a> {
    #[serde(borrow)]
    loss: Text<'a>,
    #[serde(borrow)]
    message: Text<'a>,
    /// A step failed that could have gone well.
    #[serde(default, skip_serializing_if = "is_default")]
    failed: bool,
}

pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// The times of each phase, in nanoseconds: keeping what is replaced, copying, verifying, cleaning up.
type TimesText = (u64, u64, u64, u64);

fn times_text(times: &ItemTimes) -> TimesText {
    let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
    (nanos(times.backup), nanos(times.copy), nanos(times.verify), nanos(times.cleanup))
}

fn times((backup, copy, verify, cleanup): TimesText) -> ItemTimes {
    let nanos = Duration::from_nanos;
    ItemTimes {
        backup: nanos(backup),
        copy: nanos(copy),
        verify: nanos(verify),
        cleanup: nanos(cleanup),
    }
}

impl<'a> ItemText<'a> {
    /// An item of a record; what it shares with `like` stands in that.
    pub(crate) fn new(told: &Told<'a>, shared: &Shared<'a>, like: &ItemReport) -> Self {
        let report = told.report;
        let whole = |path: &'a std::path::Path| path.as_os_str().as_encoded_bytes();
        let (source, target) = (whole(&report.source), whole(&report.target));
        let path = shared.path_of(source, target);
        let other = |bytes: &'a [u8]| path.is_none().then(|| bytes_to_members(bytes)).unzip();
        let ((source, source_bytes), (in_full, target_bytes)) = (other(source), other(target));
        let (path, path_bytes) = path.map(bytes_to_members).unzip();
        let name = |path: Option<&'a std::path::Path>, suffix| {
            let name =
                path.map(|path| short_name::write(whole(path), target, shared.names, suffix));
            name.map(bytes_to_members).unzip()
        };
        let (partial, partial_bytes) = name(report.partial.as_deref(), PARTIAL);
        let (backup, backup_bytes) = name(report.backup.as_deref(), BACKUP);
        let landed = report.landed.as_ref();
        let expected = landed.map(|landed| landed.source.size_bytes);
        let size = report.size_bytes;
        let loss = |warning: &'a MetadataWarning| LossText {
            loss: warning.loss.as_str().into(),
            message: warning.message.as_str().into(),
            failed: warning.cause == LossCause::Failed,
        };
        Self {
            item: told.item,
            mapping: told.mapping,
            path,
            path_bytes: path_bytes.flatten(),
            source,
            source_bytes: source_bytes.flatten(),
            target: in_full,
            target_bytes: target_bytes.flatten(),
            partial,
            partial_bytes: partial_bytes.flatten(),
            backup,
            backup_bytes: backup_bytes.flatten(),
            source_seen: landed.map(|landed| to_numbers(landed.source)),
            target_seen: landed.map(|landed| TargetSeen::new(landed.target, landed.source)),
            replaced: landed.and_then(|landed| landed.replaced).map(to_numbers),
            size_bytes: (expected != Some(size)).then_some(size),
            bytes_copied: (report.bytes_copied != size).then_some(report.bytes_copied),
            source_bytes_read: (report.source_bytes_read != size)
                .then_some(report.source_bytes_read),
            digest: report.digest.as_ref().map(|digest| to_hex(&digest.bytes).into()),
            how: (!has_same_how(report, like)).then(|| HowText::new(report)),
            error: error_of(report).map(ErrorText::new),
            retries: report.retries.iter().map(ErrorText::new).collect(),
            rollback_performed: report.rollback_performed,
            rollback_succeeded: report.rollback_succeeded,
            sparse_detected: report.sparse_detected,
            mapped_fallbacks: report.mapped_fallbacks,
            metadata_warnings: report.metadata_warnings.iter().map(loss).collect(),
            times_ns: times_text(&report.times),
            publication: told.publication.clone(),
        }
    }

    /// Reads it, with what its record says for all.
    pub(crate) fn read(self, shared: &Shared<'_>, how: &HowText<'_>) -> Result<Read> {
        let how = self.how.as_ref().unwrap_or(how);
        let bytes = |text: Option<&str>, bytes: Option<&str>| {
            text.map(|text| bytes_from_members(text, bytes)).transpose()
        };
        let path = bytes(self.path.as_deref(), self.path_bytes.as_deref())?;
        let (source, target) = match (path, shared.roots) {
            (Some(path), Some((from, to))) => {
                ([from, b"/", &path].concat(), [to, b"/", &path].concat())
            }
            _ => {
                let source = bytes(self.source.as_deref(), self.source_bytes.as_deref())?;
                let target = bytes(self.target.as_deref(), self.target_bytes.as_deref())?;
                source.zip(target).ok_or_else(|| Fault::content("an item without a path"))?
            }
        };
        let name = |name: Option<Vec<u8>>, suffix| {
            let read = |name: Vec<u8>| short_name::read(&name, &target, shared.names, suffix);
            name.map(|name| from_bytes(read(name)?)).transpose()
        };
        let partial = bytes(self.partial.as_deref(), self.partial_bytes.as_deref())?;
        let backup = bytes(self.backup.as_deref(), self.backup_bytes.as_deref())?;
        let landed = landed(self.source_seen, self.target_seen, self.replaced)?;
        let size_bytes = size_bytes(self.size_bytes, landed.as_ref())?;
        let digest = match (&how.digest_algorithm, self.digest) {
            (Some(algorithm), Some(hex)) => Some(Digest {
                algorithm: word(DigestAlgorithm::from_text, algorithm)?,
                bytes: from_hex(&hex).ok_or_else(|| unknown(&hex))?,
            }),
            (None, None) => None,
            _ => return Err(Fault::content("a digest without its algorithm, or none of one")),
        };
        let losses = self.metadata_warnings.into_iter().map(|warning| {
            Ok(MetadataWarning {
                loss: word(MetadataLoss::from_text, &warning.loss)?,
                message: warning.message.into_owned(),
                cause: if warning.failed { LossCause::Failed } else { LossCause::NotPossible },
            })
        });
        let mut report = how.report(self.error)?;
        report.partial = name(partial, PARTIAL)?;
        report.backup = name(backup, BACKUP)?;
        report.size_bytes = size_bytes;
        report.bytes_copied = self.bytes_copied.unwrap_or(size_bytes);
        report.source_bytes_read = self.source_bytes_read.unwrap_or(size_bytes);
        report.digest = digest;
        report.retries = self.retries.into_iter().map(ErrorText::read).collect::<Result<_>>()?;
        report.landed = landed;
        report.rollback_performed = self.rollback_performed;
        report.rollback_succeeded = self.rollback_succeeded;
        report.sparse_detected = self.sparse_detected;
        report.mapped_fallbacks = self.mapped_fallbacks;
        report.metadata_warnings = losses.collect::<Result<_>>()?;
        report.times = times(self.times_ns);
        report.source = from_bytes(source)?;
        report.target = from_bytes(target)?;
        let publication = self.publication.map(PublicationText::into_owned);
        Ok(Read { item: self.item, report, mapping: self.mapping, publication })
    }
}
