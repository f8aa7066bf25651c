//! The members of each event of the audit log.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use surecopy_engine::{Action, ItemKind, Planned, PlannedItem, RootIdentity};

use crate::job::Sums;
use crate::text::error_text::ErrorText;
use crate::text::item_text::is_default;
use crate::text::path_text::{Text, to_members};

/// `job_created`.
#[derive(Serialize)]
pub(crate) struct JobCreated<'a> {
    pub(crate) job: i64,
    pub(crate) request: &'a RawValue,
}

/// `run_began`.
#[derive(Serialize)]
pub(crate) struct RunBegan<'a> {
    pub(crate) run: u64,
    pub(crate) kind: &'a str,
    pub(crate) nonce: String,
    pub(crate) host: &'a str,
    pub(crate) pid: u32,
    pub(crate) version: &'a str,
}

/// `interrupted`: what runs that died have left.
#[derive(Serialize)]
pub(crate) struct Interrupted {
    pub(crate) runs: Vec<u64>,
    /// The items that may have been begun.
    pub(crate) items: Vec<u64>,
}

/// `opened`.
#[derive(Serialize)]
pub(crate) struct Opened<'a> {
    pub(crate) roots: Vec<RootText<'a>>,
}

#[derive(Serialize)]
pub(crate) struct RootText<'a> {
    source: Option<&'a str>,
    destination: Option<&'a str>,
}

impl<'a> RootText<'a> {
    pub(crate) fn new(root: &'a RootIdentity) -> Self {
        Self {
            source: root.source.as_ref().map(|identity| identity.as_str()),
            destination: root.destination.as_ref().map(|identity| identity.as_str()),
        }
    }
}

/// `planned`: a batch.
#[derive(Serialize)]
pub(crate) struct PlannedBatch<'a> {
    pub(crate) items: Vec<PlannedText<'a>>,
}

#[derive(Serialize)]
pub(crate) struct PlannedText<'a> {
    item: u64,
    #[serde(skip_serializing_if = "is_zero")]
    mapping: usize,
    path: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    /// A file, when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    /// `create`, when it is left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
    size_bytes: u64,
    modified: (i64, u32),
}

impl<'a> PlannedText<'a> {
    pub(crate) fn new(item: &'a PlannedItem) -> Self {
        let (path, path_bytes) = to_members(item.path.as_path());
        let modified = item.source.modified;
        Self {
            item: item.id.0,
            mapping: item.mapping,
            path,
            path_bytes,
            kind: (item.kind != ItemKind::File).then(|| item.kind.as_str()),
            action: (item.action != Action::Create).then(|| item.action.as_str()),
            size_bytes: item.source.size_bytes,
            modified: (modified.secs, modified.nanos),
        }
    }
}

/// `plan`: the sums.
#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(crate) struct PlanSums {
    items: u64,
    to_copy: u64,
    bytes_to_copy: u64,
    to_skip: u64,
    to_replace: u64,
    to_compare: u64,
    bytes_to_compare: u64,
    kept: u64,
    bytes_kept: u64,
    #[serde(skip_serializing_if = "is_default")]
    kept_incomplete: u64,
}

impl PlanSums {
    pub(crate) fn new(planned: &Planned) -> Self {
        let Planned {
            items,
            to_copy,
            bytes_to_copy,
            to_skip,
            to_replace,
            to_compare,
            bytes_to_compare,
            kept,
            bytes_kept,
            kept_incomplete,
        } = *planned;
        Self {
            items,
            to_copy,
            bytes_to_copy,
            to_skip,
            to_replace,
            to_compare,
            bytes_to_compare,
            kept,
            bytes_kept,
            kept_incomplete,
        }
    }

    pub(crate) fn read(self) -> Planned {
        Planned {
            items: self.items,
            to_copy: self.to_copy,
            bytes_to_copy: self.bytes_to_copy,
            to_skip: self.to_skip,
            to_replace: self.to_replace,
            to_compare: self.to_compare,
            bytes_to_compare: self.bytes_to_compare,
            kept: self.kept,
            bytes_kept: self.bytes_kept,
            kept_incomplete: self.kept_incomplete,
        }
    }
}

/// `directory_made`.
#[derive(Serialize)]
pub(crate) struct DirectoryMade<'a> {
    mapping: usize,
    path: Text<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
}

impl<'a> DirectoryMade<'a> {
    pub(crate) fn new(mapping: usize, path: &'a Path) -> Self {
        let (path, path_bytes) = to_members(path);
        Self { mapping, path, path_bytes }
    }
}

/// `ended`, of items that ended well and just as the record says that announced them.
#[derive(Serialize)]
pub(crate) struct EndedAsAnnounced<'a> {
    pub(crate) record: u64,
    pub(crate) items: &'a [u64],
}

/// `checked`.
#[derive(Serialize)]
pub(crate) struct Checked<'a> {
    pub(crate) item: u64,
    /// `same`, `damaged` or `no_digest`.
    pub(crate) found: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) evidence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error: Option<ErrorText<'a>>,
}

/// `undone` and `discarded`.
#[derive(Serialize)]
pub(crate) struct OneItem {
    pub(crate) item: u64,
}

/// `run_ended`.
#[derive(Serialize)]
pub(crate) struct RunEnded<'a> {
    pub(crate) run: u64,
    pub(crate) outcome: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<&'a str>,
    pub(crate) sums: &'a Sums,
}

fn is_zero(number: &usize) -> bool {
    *number == 0
}
