//! `audit_refused`: an entry that failed before it could be planned. It has no row among the items, so it
//! is read from the audit log.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use surecopy::jobs::AuditRecord;
use surecopy::{ErrorCode, ItemError};

use crate::hint;

/// What every such record holds, and no other.
const MARK: &str = r#""event":"refused""#;

/// The `audit_refused` object. Paths are as in the record, which has them by the same rule.
#[derive(Debug, Serialize)]
pub(crate) struct RefusedLine {
    r#type: &'static str,
    record: u64,
    source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    source_bytes: Option<String>,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
    code: String,
    message: String,
    suggestion: Option<&'static str>,
}

#[derive(Deserialize)]
struct Body {
    event: String,
    report: Report,
}

#[derive(Deserialize)]
struct Report {
    source: String,
    source_bytes: Option<String>,
    target: String,
    target_bytes: Option<String>,
    error: Option<Error>,
}

#[derive(Deserialize)]
struct Error {
    code: String,
    message: String,
}

impl RefusedLine {
    /// What a record says, when it is one of these.
    pub(crate) fn read(record: &AuditRecord) -> Option<Self> {
        if !record.body.contains(MARK) {
            return None;
        }
        let body: Body = serde_json::from_str(&record.body).ok()?;
        let error = body.report.error.filter(|_| body.event == "refused")?;
        Some(Self {
            r#type: "audit_refused",
            record: record.record,
            source: body.report.source,
            source_bytes: body.report.source_bytes,
            target: body.report.target,
            target_bytes: body.report.target_bytes,
            suggestion: ErrorCode::from_text(&error.code).map(hint::for_code),
            code: error.code,
            message: error.message,
        })
    }

    /// Its source, for people, and why it failed.
    pub(crate) fn why(&self) -> (PathBuf, Option<ItemError>) {
        let path = PathBuf::from(&self.source);
        let code = ErrorCode::from_text(&self.code);
        let error = code.map(|code| ItemError::new(code, path.clone(), self.message.clone()));
        (path, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Option<RefusedLine> {
        RefusedLine::read(&AuditRecord { record: 3, digest: String::new(), body: body.to_owned() })
    }

    #[test]
    fn only_a_record_of_a_refusal_is_one() {
        let refused = r#"{"at":1,"event":"refused","report":{"status":"error","source":"a","target":"b",
            "error":{"code":"SOURCE_UNREADABLE","message":"no","path":"a"}}}"#;
        let line = read(refused).unwrap();
        assert_eq!((line.code.as_str(), line.message.as_str()), ("SOURCE_UNREADABLE", "no"));
        assert!(line.suggestion.is_some() && line.why().1.is_some());
        // A name that looks like one is still a name.
        let named =
            r#"{"at":1,"event":"ended","report":{"source":"\"event\":\"refused\"","target":"b"}}"#;
        assert!(read(named).is_none());
        assert!(read(&refused.replace(r#""event":"refused""#, r#""event":"ended""#)).is_none());
        assert!(read(r#"{"event":"refused"}"#).is_none());
    }
}
