//! How an item was dealt with, in words: most items of a record were dealt with alike.

use serde::{Deserialize, Serialize};
use surecopy_engine::{
    Evidence, ItemError, ItemKind, ItemReport, ItemStatus, Mechanism, SkipReason, Strategy,
    UnverifiedReason, VerifyPolicy,
};

use crate::error::{Fault, Result};
use crate::text::error_text::ErrorText;
use crate::text::path_text::Text;
use crate::text::words::{optional_word, word};

/// The members of an [`ItemReport`] that are words.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct HowText<'a> {
    #[serde(borrow)]
    status: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) skip_reason: Option<Text<'a>>,
    #[serde(borrow)]
    kind: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    strategy: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    mechanism: Option<Text<'a>>,
    #[serde(borrow)]
    policy: Text<'a>,
    #[serde(borrow)]
    pub(crate) evidence: Text<'a>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    unverified_reason: Option<Text<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest_algorithm: Option<Text<'a>>,
}

/// Whether two reports have the same words.
pub(crate) fn has_same_how(one: &ItemReport, other: &ItemReport) -> bool {
    let algorithm = |report: &ItemReport| report.digest.as_ref().map(|digest| digest.algorithm);
    let has_same_status = match (&one.status, &other.status) {
        // The error stands beside.
        (ItemStatus::Error(_), ItemStatus::Error(_)) => true,
        (one, other) => one == other,
    };
    has_same_status
        && one.kind == other.kind
        && one.strategy == other.strategy
        && one.mechanism == other.mechanism
        && one.policy == other.policy
        && one.evidence == other.evidence
        && one.unverified == other.unverified
        && algorithm(one) == algorithm(other)
}

/// The error of an item that failed.
pub(crate) fn error_of(report: &ItemReport) -> Option<&ItemError> {
    match &report.status {
        ItemStatus::Error(error) => Some(error),
        ItemStatus::Ok | ItemStatus::Skipped(_) | ItemStatus::Cancelled => None,
    }
}

impl<'a> HowText<'a> {
    pub(crate) fn new(report: &ItemReport) -> Self {
        let skip_reason = match &report.status {
            ItemStatus::Skipped(reason) => Some(reason.as_str().into()),
            ItemStatus::Ok | ItemStatus::Cancelled | ItemStatus::Error(_) => None,
        };
        Self {
            status: report.status.as_str().into(),
            skip_reason,
            kind: report.kind.as_str().into(),
            strategy: report.strategy.map(|strategy| strategy.as_str().into()),
            mechanism: report.mechanism.map(|mechanism| mechanism.as_str().into()),
            policy: report.policy.as_str().into(),
            evidence: report.evidence.as_str().into(),
            unverified_reason: report.unverified.map(|reason| reason.as_str().into()),
            digest_algorithm: report.digest.as_ref().map(|digest| digest.algorithm.as_str().into()),
        }
    }

    /// A report that says this, and nothing else.
    pub(crate) fn report(&self, error: Option<ErrorText<'_>>) -> Result<ItemReport> {
        let kind = word(ItemKind::from_text, &self.kind)?;
        let mut report = ItemReport::new(kind, Default::default(), Default::default(), 0);
        report.status = match (&*self.status, self.skip_reason.as_deref(), error) {
            ("ok", None, None) => ItemStatus::Ok,
            ("cancelled", None, None) => ItemStatus::Cancelled,
            ("skipped", Some(reason), None) => {
                ItemStatus::Skipped(word(SkipReason::from_text, reason)?)
            }
            ("error", None, Some(error)) => ItemStatus::Error(error.read()?),
            (status, ..) => {
                let message = format!("a status {status:?} that does not fit its item");
                return Err(Fault::content(message));
            }
        };
        report.strategy = optional_word(Strategy::from_text, self.strategy.as_deref())?;
        report.mechanism = optional_word(Mechanism::from_text, self.mechanism.as_deref())?;
        report.policy = word(VerifyPolicy::from_text, &self.policy)?;
        report.evidence = word(Evidence::from_text, &self.evidence)?;
        let reason = self.unverified_reason.as_deref();
        report.unverified = optional_word(UnverifiedReason::from_text, reason)?;
        Ok(report)
    }
}
