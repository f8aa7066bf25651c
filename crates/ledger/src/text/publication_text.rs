//! What a publication says beyond the report of its item. Nearly always that is nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use surecopy_engine::{ItemId, Mapping, Publication};

use crate::error::{Fault, Result};
use crate::text::group_text::Read;
use crate::text::path_text::{Text, from_members, plain_name, rel, to_members};
use crate::text::short_name;

/// Names that do not follow from the report.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PublicationText<'a> {
    /// Beneath the destination root.
    #[serde(borrow)]
    below: Text<'a>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    below_bytes: Option<String>,
    #[serde(borrow)]
    partial: Text<'a>,
    #[serde(borrow)]
    backup: Text<'a>,
}

impl<'a> PublicationText<'a> {
    /// What is to be said of a publication; `None` when it follows from its report.
    pub(crate) fn new(publication: &'a Publication, mappings: &[Mapping]) -> Option<Self> {
        if follows(publication, mappings) {
            return None;
        }
        let (below, below_bytes) = to_members(publication.target.as_path());
        // Names of our own making: they are ASCII.
        let partial = publication.partial.to_string_lossy();
        let backup = publication.backup.to_string_lossy();
        Some(Self { below, below_bytes, partial, backup })
    }
}

impl PublicationText<'_> {
    pub(crate) fn into_owned(self) -> PublicationText<'static> {
        PublicationText {
            below: self.below.into_owned().into(),
            below_bytes: self.below_bytes,
            partial: self.partial.into_owned().into(),
            backup: self.backup.into_owned().into(),
        }
    }
}

fn follows(publication: &Publication, mappings: &[Mapping]) -> bool {
    let Publication { mapping, target, partial, backup, report, .. } = publication;
    let Some(mapping) = mappings.get(*mapping) else { return false };
    let whole = report.target.as_os_str().as_encoded_bytes();
    let root = mapping.destination_root.as_os_str().as_encoded_bytes();
    let below = whole.strip_prefix(root);
    let below = below.map(|below| below.strip_prefix(b"/").unwrap_or(below));
    let name = |path: &Option<PathBuf>, name: &OsString| {
        let path = path.as_deref().map(|path| path.as_os_str().as_encoded_bytes());
        path.is_some_and(|path| short_name::is_beside(path, whole, name.as_encoded_bytes()))
    };
    let has_backup = match &report.backup {
        Some(_) => name(&report.backup, backup),
        // Where nothing is replaced, no file ever has the backup's name.
        None => report.landed.is_some_and(|landed| landed.replaced.is_none()),
    };
    below == Some(target.as_path().as_os_str().as_encoded_bytes())
        && name(&report.partial, partial)
        && has_backup
}

/// What was about to be published.
pub(crate) fn publication(read: Read, mappings: &[Mapping]) -> Result<Publication> {
    let lost = || Fault::content("a publication that lacks something");
    let mapping = mappings.get(read.mapping).ok_or_else(lost)?;
    let item = ItemId(read.item.ok_or_else(lost)?);
    let report = Box::new(read.report);
    let (target, partial, backup) = match read.publication {
        Some(text) => (
            rel(&from_members(&text.below, text.below_bytes.as_deref())?)?,
            plain_name(text.partial.into_owned().into())?,
            plain_name(text.backup.into_owned().into())?,
        ),
        None => {
            let below = report.target.strip_prefix(&mapping.destination_root);
            let name = |path: &Path| path.file_name().map(OsString::from);
            let partial = report.partial.as_deref().and_then(name).ok_or_else(lost)?;
            let backup = report.backup.as_deref().and_then(name);
            let backup =
                backup.unwrap_or_else(|| Path::new(&partial).with_extension("backup").into());
            (rel(below.map_err(|_| lost())?)?, partial, backup)
        }
    };
    Ok(Publication { item, mapping: read.mapping, target, partial, backup, report })
}
