//! `audit_refused`: an entry that failed before it could be planned. It has no row among the items,
//! so it is read from the audit log.

use serde::Serialize;
use surecopy::jobs::Refusal;
use surecopy::{ItemError, ItemReport, ItemStatus};

use super::path::SourceAndTarget;
use crate::hint;

/// The `audit_refused` object.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedLine {
    r#type: &'static str,
    record: u64,
    run: u64,
    is_superseded: bool,
    #[serde(flatten)]
    paths: SourceAndTarget,
    code: &'static str,
    message: String,
    suggestion: &'static str,
}

impl RefusedLine {
    /// The object for a refusal.
    pub(crate) fn new(refusal: &Refusal, error: &ItemError) -> Self {
        let report = &refusal.report;
        Self {
            r#type: "audit_refused",
            record: refusal.record,
            run: refusal.run,
            is_superseded: refusal.is_superseded,
            paths: SourceAndTarget::new(&report.source, &report.target),
            code: error.code.as_str(),
            message: error.message.clone(),
            suggestion: hint::for_code(error.code),
        }
    }
}

/// Why it was refused.
pub(crate) fn reason(report: &ItemReport) -> Option<&ItemError> {
    match &report.status {
        ItemStatus::Error(error) => Some(error),
        _ => None,
    }
}
