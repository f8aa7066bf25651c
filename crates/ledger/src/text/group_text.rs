//! Reports of items that share a record of the audit log, as JSON, and back again.
//!
//! There is one for every file that is copied, so each says a thing once: what they have in common
//! stands in the record, and what follows from the rest is left out.

use serde::{Deserialize, Serialize, Serializer};
use surecopy_engine::ItemReport;

use crate::error::{Fault, Result};
use crate::text::how_text::HowText;
use crate::text::item_text::ItemText;
use crate::text::path_text::{Text, bytes_from_members, bytes_to_members};
use crate::text::publication_text::PublicationText;

/// The members of a record that is about items.
#[derive(Debug, Serialize, Deserialize)]
struct GroupText<'a, Items> {
    /// Where the paths of the items begin, at both ends.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    from: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from_bytes: Option<String>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    to: Option<Text<'a>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to_bytes: Option<String>,
    /// With what the names of partial files and backups begin.
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    names: Option<Text<'a>>,
    /// How items were dealt with that do not say so themselves.
    #[serde(borrow)]
    how: HowText<'a>,
    items: Items,
}

/// Items that are written one after the other: all of them at once would be moved about for long.
struct Each<'a> {
    told: Vec<Told<'a>>,
    shared: &'a Shared<'a>,
    like: &'a ItemReport,
}

impl Serialize for Each<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let items = self.told.iter().map(|told| ItemText::new(told, self.shared, self.like));
        serializer.collect_seq(items)
    }
}

/// What items of one record have in common.
#[derive(Debug, Default)]
pub(crate) struct Shared<'a> {
    /// Where the source and the target of an item begin.
    pub(crate) roots: Option<(&'a [u8], &'a [u8])>,
    pub(crate) names: Option<&'a str>,
}

impl<'a> Shared<'a> {
    /// What both paths say beneath the roots, if they stand there.
    pub(crate) fn path_of(&self, source: &'a [u8], target: &[u8]) -> Option<&'a [u8]> {
        let (from, to) = self.roots?;
        let below = source.strip_prefix(from)?.strip_prefix(b"/")?;
        (target.strip_prefix(to)?.strip_prefix(b"/")? == below).then_some(below)
    }
}

/// A report that is to be written, the number of its item, and what more there is to say when it is
/// about to be published.
pub(crate) struct Told<'a> {
    pub(crate) item: Option<u64>,
    pub(crate) report: &'a ItemReport,
    pub(crate) mapping: usize,
    pub(crate) publication: Option<PublicationText<'a>>,
}

/// A report that was read.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) item: Option<u64>,
    pub(crate) report: ItemReport,
    pub(crate) mapping: usize,
    /// What does not follow from the report.
    pub(crate) publication: Option<PublicationText<'static>>,
}

/// The members of a record about these items.
pub(crate) fn to_text(told: Vec<Told<'_>>) -> Result<String> {
    let mut shared = Shared::default();
    let first = told.first().ok_or_else(|| Fault::Contradiction("a record of nothing".into()))?;
    shared.roots = told.iter().find_map(|told| common_roots(told.report));
    shared.names = first.report.partial.as_deref().and_then(|path| prefix(path.to_str()?));
    let (like, how) = (first.report, HowText::new(first.report));
    let (from, to) = shared.roots.unzip();
    let (from, from_bytes) = from.map(bytes_to_members).unzip();
    let (to, to_bytes) = to.map(bytes_to_members).unzip();
    let group = GroupText {
        from,
        from_bytes: from_bytes.flatten(),
        to,
        to_bytes: to_bytes.flatten(),
        names: shared.names.map(Text::Borrowed),
        items: Each { shared: &shared, like, told },
        how,
    };
    Ok(serde_json::to_string(&group)?)
}

/// Reads the items of a record.
pub(crate) fn from_text(body: &str) -> Result<Vec<Read>> {
    let group: GroupText<'_, Vec<ItemText<'_>>> = serde_json::from_str(body)?;
    let bytes = |text: Option<&str>, bytes: Option<&str>| {
        text.map(|text| bytes_from_members(text, bytes)).transpose()
    };
    let from = bytes(group.from.as_deref(), group.from_bytes.as_deref())?;
    let to = bytes(group.to.as_deref(), group.to_bytes.as_deref())?;
    let shared =
        Shared { roots: from.as_deref().zip(to.as_deref()), names: group.names.as_deref() };
    group.items.into_iter().map(|item| item.read(&shared, &group.how)).collect()
}

/// What comes before the end that source and target have in common, where that end is a path.
fn common_roots(report: &ItemReport) -> Option<(&[u8], &[u8])> {
    let source = report.source.as_os_str().as_encoded_bytes();
    let target = report.target.as_os_str().as_encoded_bytes();
    let pairs = source.iter().rev().zip(target.iter().rev());
    let common = pairs.take_while(|(one, other)| one == other).count();
    let end = &source[source.len() - common..];
    let length = end.len() - end.iter().position(|byte| *byte == b'/')?;
    Some((&source[..source.len() - length], &target[..target.len() - length]))
}

/// What the names of one run begin with, by the path of a partial file.
fn prefix(path: &str) -> Option<&str> {
    let name = path.rsplit('/').next()?;
    let end = name.rfind('-')? + 1;
    name.starts_with('.').then(|| &name[..end])
}

#[cfg(test)]
pub(crate) mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::path::PathBuf;
    use std::time::Duration;

    use proptest::prelude::*;
    use surecopy_engine::{
        Digest, DigestAlgorithm, ErrorCode, Evidence, ItemError, ItemKind, ItemStatus, ItemTimes,
        Landed, LossCause, Mechanism, MetadataLoss, MetadataWarning, Seen, SkipReason,
        UnverifiedReason, VerifyPolicy,
    };

    use super::*;
    use crate::text::gist::{self, Gist};
    use crate::text::seen::from_numbers;

    fn one_of<T: Copy + std::fmt::Debug + 'static>(all: &[T]) -> impl Strategy<Value = T> + use<T> {
        proptest::sample::select(all.to_vec())
    }

    use proptest::strategy::Strategy;

    fn path() -> impl Strategy<Value = PathBuf> {
        let byte = prop_oneof![Just(b'a'), Just(b'/'), Just(b'"'), Just(0xff), 1..=255u8];
        let odd = proptest::collection::vec(byte, 0..12);
        let names = "(/[ab.]{1,2}){0,3}/(a|\\.surecopy-7-[01]\\.(partial|backup)|\\.surecopy-7-/)";
        prop_oneof![
            odd.prop_map(|bytes| [b"/", &bytes[..]].concat()),
            names.prop_map(String::into_bytes)
        ]
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
            |((volume, file, size, secs), nanos)| {
                from_numbers((volume, file, size, secs, nanos)).unwrap()
            },
        )
    }

    /// What is made of a source: of another size and time, or of the same.
    fn target() -> impl Strategy<Value = Option<Seen>> {
        proptest::option::of(seen())
    }

    fn status() -> impl Strategy<Value = ItemStatus> {
        prop_oneof![
            Just(ItemStatus::Ok),
            Just(ItemStatus::Cancelled),
            one_of(&SkipReason::ALL).prop_map(ItemStatus::Skipped),
            error().prop_map(ItemStatus::Error),
        ]
    }

    /// A report that says anything that one can say.
    pub(crate) fn report() -> impl Strategy<Value = ItemReport> {
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
            proptest::option::of((seen(), target(), proptest::option::of(seen()))),
        );
        let cause = || one_of(&[LossCause::NotPossible, LossCause::Failed]);
        let numbers = any::<(u64, u64, u64, u64, [u64; 4], [bool; 3])>();
        let lists = (
            proptest::collection::vec(error(), 0..3),
            proptest::collection::vec((one_of(&MetadataLoss::ALL), "\\PC{0,9}", cause()), 0..3),
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
                    target: target.unwrap_or(source),
                    replaced,
                }),
                rollback_performed: numbers.5[0],
                rollback_succeeded: numbers.5[1],
                sparse_detected: numbers.5[2],
                mapped_fallbacks: numbers.3,
                metadata_warnings: lists
                    .1
                    .into_iter()
                    .map(|(loss, message, cause)| MetadataWarning { loss, message, cause })
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

    pub(crate) fn gist_of(report: &ItemReport) -> Gist {
        let skip_reason = match report.status {
            ItemStatus::Skipped(reason) => Some(reason),
            _ => None,
        };
        let ItemReport { landed, ref digest, size_bytes, .. } = *report;
        let evidence = report.evidence;
        let has_lost_link = report.has_lost_link();
        Gist { landed, digest: digest.clone(), skip_reason, evidence, size_bytes, has_lost_link }
    }

    proptest! {
        #[test]
        fn every_report_is_the_same_after_it_was_written(
            reports in proptest::collection::vec(report(), 1..4),
        ) {
            let told = |(number, report)| {
                Told { item: Some(number), report, mapping: 3, publication: None }
            };
            let text = to_text((5..).zip(&reports).map(told).collect()).unwrap();
            prop_assert!(!text.contains('\n'), "a record is one line");
            let read = from_text(&text).unwrap();
            prop_assert_eq!(read.len(), reports.len());
            let gists: Vec<_> = reports.iter().map(gist_of).collect();
            prop_assert_eq!(gist::from_text(&text).unwrap(), gists, "{}", text);
            for ((number, report), read) in (5..).zip(reports).zip(read) {
                prop_assert_eq!((read.item, read.mapping), (Some(number), 3));
                prop_assert_eq!(read.report, report, "{}", text);
            }
        }
    }

    /// Roots whose names end alike do not share the end of a name.
    #[test]
    fn what_paths_have_in_common_begins_with_a_slash() {
        let (source, target) = ("/one/abc/d/e", "/two/bc/d/e");
        let report = ItemReport::new(ItemKind::File, source.into(), target.into(), 0);
        assert_eq!(common_roots(&report), Some((&b"/one/abc"[..], &b"/two/bc"[..])));
        let report = ItemReport::new(ItemKind::File, "/one/abc".into(), "/two/bc".into(), 0);
        assert_eq!(common_roots(&report), None);
    }
}
