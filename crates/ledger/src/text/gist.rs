//! What later runs ask of the reports in a record of the audit log. It is asked of every file of a job,
//! so nothing else of them is read.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use surecopy_engine::{Digest, DigestAlgorithm, Evidence, Landed, MetadataLoss, SkipReason};

use crate::error::{Fault, Result};
use crate::text::how_text::HowText;
use crate::text::landed_text::{TargetSeen, landed, size_bytes};
use crate::text::path_text::{Text, from_hex};
use crate::text::seen::Numbers;
use crate::text::words::{optional_word, word};

/// The gist of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gist {
    pub(crate) landed: Option<Landed>,
    pub(crate) digest: Option<Digest>,
    pub(crate) skip_reason: Option<SkipReason>,
    pub(crate) evidence: Evidence,
    pub(crate) size_bytes: u64,
    /// It was to be a name of another file, and could not be made one.
    pub(crate) has_lost_link: bool,
}

#[derive(Deserialize)]
struct GroupGist<'a> {
    #[serde(borrow)]
    how: HowText<'a>,
    #[serde(borrow)]
    items: Vec<ItemGist<'a>>,
}

/// These members have the meaning that they have in an `ItemText`.
#[derive(Deserialize)]
struct ItemGist<'a> {
    source_seen: Option<Numbers>,
    target_seen: Option<TargetSeen>,
    replaced: Option<Numbers>,
    size_bytes: Option<u64>,
    digest: Option<Hex>,
    /// Of few items, so it does not make room for it in all.
    #[serde(borrow)]
    how: Option<Box<HowText<'a>>>,
    #[serde(borrow, default)]
    metadata_warnings: Vec<LossGist<'a>>,
}

#[derive(Deserialize)]
struct LossGist<'a> {
    #[serde(borrow)]
    loss: Text<'a>,
}

/// Reads the reports of a record.
pub(crate) fn from_text(body: &str) -> Result<Vec<Gist>> {
    let group: GroupGist<'_> = serde_json::from_str(body)?;
    let shared = Words::of(&group.how)?;
    let read = |item: ItemGist<'_>| {
        let own = item.how.as_deref().map(Words::of).transpose()?;
        let words = own.as_ref().unwrap_or(&shared);
        let landed = landed(item.source_seen, item.target_seen, item.replaced)?;
        let digest = match (words.algorithm, item.digest) {
            (Some(algorithm), Some(Hex(bytes))) => Some(Digest { algorithm, bytes }),
            (None, None) => None,
            _ => return Err(Fault::content("a digest without its algorithm, or none of one")),
        };
        let is_lost_link = |lost: &LossGist<'_>| {
            MetadataLoss::from_text(&lost.loss) == Some(MetadataLoss::HardLink)
        };
        Ok(Gist {
            landed,
            has_lost_link: item.metadata_warnings.iter().any(is_lost_link),
            digest,
            skip_reason: words.skip_reason,
            evidence: words.evidence,
            size_bytes: size_bytes(item.size_bytes, landed.as_ref())?,
        })
    };
    group.items.into_iter().map(read).collect()
}

/// What is asked of how items were dealt with.
struct Words {
    algorithm: Option<DigestAlgorithm>,
    skip_reason: Option<SkipReason>,
    evidence: Evidence,
}

impl Words {
    fn of(how: &HowText<'_>) -> Result<Self> {
        let algorithm = how.digest_algorithm.as_deref();
        Ok(Self {
            algorithm: optional_word(DigestAlgorithm::from_text, algorithm)?,
            skip_reason: optional_word(SkipReason::from_text, how.skip_reason.as_deref())?,
            evidence: word(Evidence::from_text, &how.evidence)?,
        })
    }
}

/// Bytes in hexadecimal.
struct Hex(Vec<u8>);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Digits;

        impl Visitor<'_> for Digits {
            type Value = Hex;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes in hexadecimal")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Hex, E> {
                from_hex(text).map(Hex).ok_or_else(|| E::custom("no hexadecimal"))
            }
        }

        deserializer.deserialize_str(Digits)
    }
}
