//! What the thread that writes is told. Long texts are made by whoever tells it, before anything is
//! locked.

use std::path::{Path, PathBuf};

use surecopy_engine::{
    Fact, ItemError, ItemId, ItemReport, ItemStatus, Mapping, PlannedItem, Publication,
};

use crate::error::Result;
use crate::text::group_text::{self, Told};
use crate::text::publication_text::PublicationText;
use crate::text::records::{PlannedBatch, PlannedText};

/// One change.
pub(crate) enum Change {
    /// All that is short.
    Fact(Fact),
    /// Items are about to be published.
    Publishing {
        /// The members of the record.
        text: String,
        reports: Vec<(ItemId, Box<ItemReport>)>,
    },
}

impl Change {
    /// How many rows it changes, about.
    pub(crate) fn rows(&self) -> usize {
        match self {
            Change::Publishing { .. } => 1,
            Change::Fact(Fact::Settled { items } | Fact::EndedAsAnnounced { items }) => items.len(),
            Change::Fact(_) => 1,
        }
    }
}

/// Makes changes of facts.
#[derive(Debug)]
pub(crate) struct Changes {
    /// What relative paths begin at; the first run of a job goes by paths as they were typed.
    base: Option<PathBuf>,
    mappings: Vec<Mapping>,
}

impl Changes {
    /// Those of a job, of which the mappings are as they stand in the ledger.
    pub(crate) fn new(mappings: Vec<Mapping>) -> Self {
        // Where the current directory is gone, there are no relative paths that lead anywhere.
        Self { base: surecopy_fs::absolute_path(Path::new(".")).ok(), mappings }
    }

    pub(crate) fn of(&self, facts: Vec<Fact>) -> Result<Vec<Change>> {
        facts.into_iter().map(|fact| self.of_one(fact)).collect()
    }

    fn of_one(&self, mut fact: Fact) -> Result<Change> {
        match &mut fact {
            Fact::Publishing { items } if !items.is_empty() => {
                return self.publishing(std::mem::take(items));
            }
            Fact::Ended { report, .. } | Fact::Refused { report } => self.report(report),
            Fact::Checked { found: surecopy_engine::Check::Damaged(error), .. } => {
                self.error(error);
            }
            Fact::Publishing { .. }
            | Fact::Opened { .. }
            | Fact::Planned { .. }
            | Fact::DirectoryMade { .. }
            | Fact::Checked { .. }
            | Fact::Undone { .. }
            | Fact::Discarded { .. }
            | Fact::EndedAsAnnounced { .. }
            | Fact::Settled { .. } => {}
        }
        Ok(Change::Fact(fact))
    }

    fn publishing(&self, mut items: Vec<Publication>) -> Result<Change> {
        items.iter_mut().for_each(|item| self.report(&mut item.report));
        let told = items.iter().map(|item| Told {
            item: Some(item.item.0),
            report: &item.report,
            mapping: item.mapping,
            publication: PublicationText::new(item, &self.mappings),
        });
        let text = group_text::to_text(told.collect())?;
        let reports = items.into_iter().map(|item| (item.item, item.report)).collect();
        Ok(Change::Publishing { text, reports })
    }

    /// All paths of a report become absolute.
    fn report(&self, report: &mut ItemReport) {
        self.path(&mut report.source);
        self.path(&mut report.target);
        report.partial.iter_mut().for_each(|path| self.path(path));
        report.backup.iter_mut().for_each(|path| self.path(path));
        report.retries.iter_mut().for_each(|error| self.error(error));
        if let ItemStatus::Error(error) = &mut report.status {
            self.error(error);
        }
    }

    fn error(&self, error: &mut ItemError) {
        self.path(&mut error.path);
    }

    fn path(&self, path: &mut PathBuf) {
        if let (true, Some(base)) = (path.is_relative(), &self.base) {
            *path = beneath(base, path);
        }
    }
}

/// A path becomes absolute, as the paths of the job did. Most have nothing in them that is left out then,
/// and there are several for each file.
fn beneath(base: &Path, path: &Path) -> PathBuf {
    let whole = base.join(path);
    let bytes = path.as_os_str().as_encoded_bytes();
    if bytes.split(|byte| *byte == b'/').all(|name| !matches!(name, b"" | b".")) {
        return whole;
    }
    surecopy_fs::absolute_path(&whole).unwrap_or(whole)
}

/// The members of the record of a planned batch.
pub(crate) fn planned_text(batch: &[PlannedItem]) -> Result<String> {
    let items = batch.iter().map(PlannedText::new).collect();
    Ok(serde_json::to_string(&PlannedBatch { items })?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_relative_path_becomes_what_it_is_for_the_system() {
        let paths = [
            "a", "a/b", "./a", "a/./b", "a//b", "a/b/", "a/.", ".", "", "..", "../a", "a/../b",
            "...", ".a/.b", "a./b.", "./", "a /b",
        ];
        for base in ["/", "/base", "/base/of it"].map(Path::new) {
            for path in paths.map(Path::new) {
                let expected = surecopy_fs::absolute_path(&base.join(path)).unwrap();
                let found = beneath(base, path);
                assert_eq!(found.as_os_str(), expected.as_os_str(), "{path:?} beneath {base:?}");
            }
        }
    }
}
