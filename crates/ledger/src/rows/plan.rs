//! Planned items, as rows.

use std::ffi::OsString;
use std::path::PathBuf;

use rusqlite::{Connection, Row, params};
use surecopy_engine::{
    Action, Digest, DigestAlgorithm, ItemId, ItemKind, LinkRole, Mapping, PlannedItem, Queue,
    SkipReason, Strategy,
};
use surecopy_fs::RelPath;

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::rows::directory_ids::{DirectoryIds, name, path_below};
use crate::rows::known_digest::known_digest;
use crate::rows::records::Records;
use crate::text::gist::Gist;
use crate::text::path_text::{from_bytes, plain_name, rel_from_bytes};
use crate::text::seen;
use crate::text::words::{optional_word, word};

/// The stable text of a line that items wait in.
pub(crate) fn queue_text(queue: Queue) -> &'static str {
    match queue {
        Queue::Items => "items",
        Queue::FurtherNames => "further_names",
    }
}

/// Where planned items are written down: their job and run, what paths of it begin with, and the
/// algorithm of its digests.
pub(crate) struct Planning<'a> {
    pub(crate) job: JobId,
    pub(crate) run: u64,
    pub(crate) mappings: &'a [Mapping],
    pub(crate) ids: &'a mut DirectoryIds,
    pub(crate) algorithm: DigestAlgorithm,
    pub(crate) records: &'a mut Records<Gist>,
}

/// Writes planned items down, and says in them what content they had before.
pub(crate) fn insert(
    connection: &Connection,
    planning: Planning<'_>,
    queue: Queue,
    batch: &mut [PlannedItem],
) -> Result<()> {
    let Planning { job, run, mappings, ids, algorithm, records } = planning;
    let mut statement = connection.prepare_cached(&format!(
        "INSERT INTO items (job, item, run, queue, mapping, directory, name, target_name, kind,
             action, skip_reason, source, existing, strategy, link_role, first_mapping,
             first_path, known_digest)
         VALUES (?, ?, ?, '{}', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        queue_text(queue)
    ))?;
    for item in batch {
        let directory = ids.of(connection, item.mapping, &item.path)?;
        let name = name(mappings, item.mapping, &item.path);
        let (skip_reason, existing) = match item.action {
            Action::Create | Action::Merge => (None, None),
            Action::Replace(seen) | Action::ReplaceIfContentDiffers(seen) => {
                (None, Some(seen::to_bytes(seen)))
            }
            Action::Skip(reason) => (Some(reason.as_str()), None),
        };
        let (link_role, first) = match &item.link_role {
            LinkRole::Single => ("single", None),
            LinkRole::First => ("first", None),
            LinkRole::Further(first) => ("further", Some(first.as_ref())),
        };
        let source = seen::to_bytes(item.source);
        let is_copied = item.kind == ItemKind::File && !matches!(item.action, Action::Skip(_));
        if item.known_digest.is_none() && is_copied && directory.is_known {
            let entry = (directory.id, name);
            item.known_digest = known_digest(connection, entry, item.source, algorithm, records)?;
        }
        statement.execute(params![
            job.0,
            item.id.0,
            run,
            item.mapping,
            directory.id,
            name,
            item.target_name.as_ref().map(|name| name.as_encoded_bytes()),
            item.kind.as_str(),
            item.action.as_str(),
            skip_reason,
            source,
            existing,
            item.strategy.map(Strategy::as_str),
            link_role,
            first.map(|(mapping, _)| *mapping),
            first.map(|(_, path)| path.as_encoded_bytes()),
            item.known_digest.as_ref().map(|digest| &digest.bytes),
        ])?;
    }
    Ok(())
}

/// The columns that [`Rows::read`] takes, in its order.
pub(crate) const COLUMNS: &str = "item, mapping, items.directory, directories.path, name,
    target_name, kind, action, skip_reason, source, existing, strategy, link_role, first_mapping,
    first_path, known_digest";

/// Reads planned items from rows. What neighbours have in common is kept.
#[derive(Debug)]
pub(crate) struct Rows {
    sources: Vec<PathBuf>,
    algorithm: DigestAlgorithm,
    last: Option<(i64, PathBuf)>,
}

impl Rows {
    pub(crate) fn new(mappings: &[Mapping], algorithm: DigestAlgorithm) -> Self {
        let sources = mappings.iter().map(Mapping::source_path).collect();
        Self { sources, algorithm, last: None }
    }

    /// The path beneath its mapping's source.
    pub(crate) fn path(
        &mut self,
        mapping: usize,
        directory: i64,
        path: &[u8],
        name: Vec<u8>,
    ) -> Result<RelPath> {
        let source = self.sources.get(mapping).ok_or_else(|| Fault::content("a lost mapping"))?;
        let last = match self.last.take() {
            Some((known, last)) if known == directory => last,
            _ => from_bytes(path.to_vec())?,
        };
        let path = path_below(source, &last, rel_from_bytes(name)?);
        self.last = Some((directory, last));
        path
    }

    pub(crate) fn read(&mut self, row: &Row<'_>) -> Result<PlannedItem> {
        let mapping = row.get(1)?;
        let path = row.get_ref(3)?.as_blob().map_err(rusqlite::Error::from)?;
        let path = self.path(mapping, row.get(2)?, path, row.get(4)?)?;
        let existing = row.get_ref(10)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
        let existing = existing.map(seen::from_bytes).transpose()?;
        let action = match (text(row, 7)?, optional_text(row, 8)?, existing) {
            ("create", None, None) => Action::Create,
            ("merge", None, None) => Action::Merge,
            ("replace", None, Some(seen)) => Action::Replace(seen),
            ("replace_if_content_differs", None, Some(seen)) => {
                Action::ReplaceIfContentDiffers(seen)
            }
            ("skip", Some(reason), None) => Action::Skip(word(SkipReason::from_text, reason)?),
            (other, ..) => return Err(Fault::content(format!("the action {other:?}"))),
        };
        let first: Option<(usize, Vec<u8>)> = match (row.get(13)?, row.get(14)?) {
            (Some(mapping), Some(path)) => Some((mapping, path)),
            _ => None,
        };
        let link_role = match (text(row, 12)?, first) {
            ("single", None) => LinkRole::Single,
            ("first", None) => LinkRole::First,
            ("further", Some((mapping, path))) if mapping < self.sources.len() => {
                LinkRole::Further(Box::new((mapping, rel_from_bytes(path)?)))
            }
            (other, _) => return Err(Fault::content(format!("the link role {other:?}"))),
        };
        let known_digest: Option<Vec<u8>> = row.get(15)?;
        let source = row.get_ref(9)?.as_blob().map_err(rusqlite::Error::from)?;
        Ok(PlannedItem {
            id: ItemId(row.get(0)?),
            mapping,
            path,
            target_name: os_name(row.get(5)?)?,
            kind: word(ItemKind::from_text, text(row, 6)?)?,
            source: seen::from_bytes(source)?,
            action,
            strategy: optional_word(Strategy::from_text, optional_text(row, 11)?)?,
            link_role,
            known_digest: known_digest.map(|bytes| Digest { algorithm: self.algorithm, bytes }),
        })
    }
}

/// A name in a column.
pub(crate) fn os_name(bytes: Option<Vec<u8>>) -> Result<Option<OsString>> {
    bytes.map(|bytes| plain_name(from_bytes(bytes)?.into_os_string())).transpose()
}

pub(crate) fn text<'a>(row: &'a Row<'_>, at: usize) -> Result<&'a str> {
    Ok(row.get_ref(at)?.as_str().map_err(rusqlite::Error::from)?)
}

pub(crate) fn optional_text<'a>(row: &'a Row<'_>, at: usize) -> Result<Option<&'a str>> {
    Ok(row.get_ref(at)?.as_str_or_null().map_err(rusqlite::Error::from)?)
}
