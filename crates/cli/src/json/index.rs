//! `location`, `location_added`, `location_status`, `index_status` and `location_removed`: what the index
//! knows.

use std::path::Path;

use serde::Serialize;
use surecopy::index::{Added, Became, Checked, KnownLocation};
use surecopy::{ItemError, RelPath, Timestamp};

use super::item::ErrorMember;
use super::job::SCHEMA;
use super::path::JsonPath;
use super::preparation::PathMember;
use crate::hint::Occasion;
use crate::indexed::millis;
use crate::recorded::rfc3339;

/// The `location` object.
#[derive(Debug, Serialize)]
pub(crate) struct LocationLine {
    r#type: &'static str,
    schema: u32,
    #[serde(flatten)]
    known: KnownMembers,
}

/// What the index knows of a location.
#[derive(Debug, Serialize)]
struct KnownMembers {
    #[serde(flatten)]
    path: PathMember,
    status: &'static str,
    files: Option<u64>,
    bytes: Option<u64>,
    directories: Option<u64>,
    others: Option<u64>,
    unknown_directories: Option<u64>,
    filesystem: &'static str,
    added: Option<String>,
    last_full_scan: Option<String>,
    last_modification_check: Option<String>,
    watched_until: Option<String>,
}

impl KnownMembers {
    fn new(known: &KnownLocation) -> Self {
        let KnownLocation { location, estimate } = known;
        let moment = |time: Option<Timestamp>| time.and_then(|time| rfc3339(millis(time)));
        Self {
            path: PathMember::new(&location.path),
            status: location.scan_status.as_str(),
            files: estimate.map(|estimate| estimate.files),
            bytes: estimate.map(|estimate| estimate.bytes),
            directories: estimate.map(|estimate| estimate.directories),
            others: estimate.map(|estimate| estimate.others),
            unknown_directories: estimate.map(|estimate| estimate.unknown_directories),
            filesystem: location.filesystem.name,
            added: moment(Some(location.added)),
            last_full_scan: moment(location.last_full_scan),
            last_modification_check: moment(location.last_modification_check),
            watched_until: moment(location.watched_until),
        }
    }
}

impl LocationLine {
    pub(crate) fn new(known: &KnownLocation) -> Self {
        Self { r#type: "location", schema: SCHEMA, known: KnownMembers::new(known) }
    }
}

/// The `location_added` object.
#[derive(Debug, Serialize)]
pub(crate) struct LocationAddedLine {
    r#type: &'static str,
    schema: u32,
    #[serde(flatten)]
    path: PathMember,
    is_new: bool,
    part_of: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part_of_bytes: Option<String>,
}

impl LocationAddedLine {
    pub(crate) fn new(added: &Added) -> Self {
        let above = match &added.became {
            Became::PartOf(location) => Some(location.as_path()),
            Became::New | Became::ThereBefore => None,
        };
        let (part_of, part_of_bytes) = JsonPath::optional(above);
        Self {
            r#type: "location_added",
            schema: SCHEMA,
            path: PathMember::new(&added.path),
            is_new: added.became == Became::New,
            part_of,
            part_of_bytes,
        }
    }
}

/// The `location_status` object.
#[derive(Debug, Serialize)]
pub(crate) struct LocationStatusLine {
    r#type: &'static str,
    schema: u32,
    #[serde(flatten)]
    known: KnownMembers,
    fresh_directories: Option<u64>,
    stale_directories: Option<u64>,
    gone_directories: Option<u64>,
    confidence: Option<&'static str>,
    stale: Vec<PathMember>,
    fresh: Vec<PathMember>,
    has_more: bool,
    error: Option<ErrorMember>,
}

impl LocationStatusLine {
    pub(crate) fn new(
        known: &KnownLocation,
        checked: Option<&Checked>,
        error: Option<&ItemError>,
    ) -> Self {
        let members = |paths: fn(&Checked) -> &Vec<RelPath>| {
            let paths = checked.map_or(&[][..], |checked| paths(checked));
            paths.iter().map(|path| PathMember::new(path.as_path())).collect()
        };
        Self {
            r#type: "location_status",
            schema: SCHEMA,
            known: KnownMembers::new(known),
            fresh_directories: checked.map(|checked| checked.fresh),
            stale_directories: checked.map(|checked| checked.stale),
            gone_directories: checked.map(|checked| checked.gone),
            confidence: checked.map(|checked| checked.confidence.as_str()),
            stale: members(|checked| &checked.subtrees.stale),
            fresh: members(|checked| &checked.subtrees.fresh),
            has_more: checked.is_some_and(|checked| checked.subtrees.has_more),
            error: error.map(|error| ErrorMember::on(error, Occasion::Preparing)),
        }
    }
}

/// The `index_status` object.
#[derive(Debug, Serialize)]
pub(crate) struct IndexStatusLine {
    r#type: &'static str,
    schema: u32,
    index: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    index_bytes: Option<String>,
    size_bytes: u64,
    locations: u64,
}

impl IndexStatusLine {
    /// `locations` is how many the index has, all told.
    pub(crate) fn new(index: &Path, size_bytes: u64, locations: u64) -> Self {
        let JsonPath { text, bytes } = JsonPath::new(index);
        let (index, index_bytes) = (text, bytes);
        Self { r#type: "index_status", schema: SCHEMA, index, index_bytes, size_bytes, locations }
    }
}

/// The `location_removed` object.
#[derive(Debug, Serialize)]
pub(crate) struct LocationRemovedLine {
    r#type: &'static str,
    schema: u32,
    #[serde(flatten)]
    path: PathMember,
}

impl LocationRemovedLine {
    pub(crate) fn new(path: &Path) -> Self {
        Self { r#type: "location_removed", schema: SCHEMA, path: PathMember::new(path) }
    }
}
