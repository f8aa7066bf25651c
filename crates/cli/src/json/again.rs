//! `undone`, `refused` and `damaged`: what became of copied items when they were looked at again.

use std::path::Path;

use serde::Serialize;
use surecopy::{ItemError, Undone};

use super::item::ErrorMember;
use super::path::JsonPath;
use crate::hint::Occasion;

/// The `undone` object.
#[derive(Debug, Serialize)]
pub(super) struct UndoneLine {
    r#type: &'static str,
    how: &'static str,
    target: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_bytes: Option<String>,
}

/// The `refused` and the `damaged` object.
#[derive(Debug, Serialize)]
pub(super) struct SetbackLine {
    r#type: &'static str,
    error: ErrorMember,
}

impl UndoneLine {
    pub(super) fn new(target: &Path, how: Undone) -> Self {
        let target = JsonPath::new(target);
        Self {
            r#type: "undone",
            how: how.as_str(),
            target: target.text,
            target_bytes: target.bytes,
        }
    }
}

impl SetbackLine {
    pub(super) fn refused(error: &ItemError, occasion: Occasion) -> Self {
        Self { r#type: "refused", error: ErrorMember::on(error, occasion) }
    }

    pub(super) fn damaged(error: &ItemError, occasion: Occasion) -> Self {
        Self { r#type: "damaged", error: ErrorMember::on(error, occasion) }
    }
}
