//! `watch`: what a watch tells of itself.

use std::path::Path;

use serde::Serialize;
use surecopy::index::WatchFact;

use super::job::SCHEMA;
use super::path::JsonPath;

/// The `watch` object.
#[derive(Debug, Default, Serialize)]
pub(crate) struct WatchLine {
    r#type: &'static str,
    schema: u32,
    at: String,
    event: &'static str,
    location: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    location_bytes: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    directories: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unreadable_directories: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_network: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fresh: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stale: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gone: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    confidence: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rest_seconds: Option<f64>,
}

impl WatchLine {
    /// A fact about the location at this path.
    pub(crate) fn new(fact: &WatchFact, path: Option<&Path>) -> Self {
        let (location, location_bytes) = JsonPath::optional(path);
        let of = |event| Self {
            r#type: "watch",
            schema: SCHEMA,
            at: jiff::Timestamp::now().to_string(),
            event,
            location: location.clone(),
            location_bytes: location_bytes.clone(),
            ..Self::default()
        };
        match fact {
            WatchFact::Started { directories, closed, is_network, .. } => Self {
                directories: Some(*directories),
                unreadable_directories: Some(*closed),
                is_network: Some(*is_network),
                ..of("started")
            },
            WatchFact::Checked { fresh, stale, gone, confidence, .. } => Self {
                fresh: Some(*fresh),
                stale: Some(*stale),
                gone: Some(*gone),
                confidence: Some(confidence.as_str()),
                ..of("checked")
            },
            WatchFact::Marked { directories, .. } => {
                Self { directories: Some(*directories), ..of("marked") }
            }
            WatchFact::Lost { reason, rest, .. } => Self {
                message: Some(reason.to_string()),
                rest_seconds: rest.map(|rest| rest.as_secs_f64()),
                ..of("lost")
            },
            WatchFact::Returned { .. } => of("returned"),
            WatchFact::NotChecked { message, .. } => {
                Self { message: Some(message.clone()), ..of("not_checked") }
            }
            WatchFact::Delayed { message } => {
                Self { message: Some(message.clone()), ..of("delayed") }
            }
        }
    }
}
