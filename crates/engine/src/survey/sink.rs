//! Who is told of what there is, and the way from the scan to them.

use surecopy_fs::{FileKind, FsError, Metadata, RelPath};

use super::report::SurveyReport;
use super::whole::SurveySource;
use crate::error::{ItemError, Side};
use crate::plan::{Catalog, Entry, Origin, ScanSink};
use crate::record::BATCH;
use crate::report::Progress;

/// One entry that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Surveyed {
    /// The number of its source.
    pub source: usize,
    /// Its path beneath that.
    pub path: RelPath,
    /// What it is.
    pub metadata: Metadata,
    /// That is what the catalog remembers, and was not looked at.
    pub is_remembered: bool,
}

/// Who is told of what there is, by one thread.
pub trait SurveySink {
    /// The next entries in the order of the scan: a directory before what is in it. There are
    /// [`BATCH`] of them at most.
    fn found(&mut self, batch: &[Surveyed]);

    /// Something could not be looked at. It is not among what is found.
    fn problem(&mut self, error: ItemError);
}

/// What is found in one source, on its way to the sink.
pub(super) struct Gather<'a> {
    pub(super) number: usize,
    pub(super) source: &'a SurveySource,
    pub(super) progress: &'a Progress,
    /// Who knows of whole subtrees, when these need not be named.
    pub(super) summed: Option<&'a dyn Catalog>,
    pub(super) report: &'a mut SurveyReport,
    pub(super) batch: &'a mut Vec<Surveyed>,
    pub(super) sink: &'a mut dyn SurveySink,
}

impl Gather<'_> {
    pub(super) fn flush(&mut self) {
        if !self.batch.is_empty() {
            self.sink.found(self.batch);
            self.batch.clear();
        }
    }
}

impl ScanSink for Gather<'_> {
    fn entry(&mut self, entry: Entry) -> bool {
        let Entry { path, metadata, origin } = entry;
        let is_remembered = origin == Origin::Remembered;
        let is_directory = metadata.kind == FileKind::Directory;
        self.report.count(&metadata);
        self.report.remembered += u64::from(is_remembered);
        self.progress.survey(&metadata);
        let found = Surveyed { source: self.number, path: path.clone(), metadata, is_remembered };
        self.batch.push(found);
        if self.batch.len() >= BATCH {
            self.flush();
        }
        if !is_directory {
            return false;
        }
        match self.summed.and_then(|catalog| catalog.sums(self.number, &path)) {
            Some(sums) => {
                self.report.add(&sums);
                self.progress.survey_sums(&sums);
                false
            }
            None => true,
        }
    }

    fn unreadable(&mut self, path: RelPath, _: Option<FileKind>, error: FsError) {
        self.report.problems += 1;
        self.sink.problem(ItemError::from_fs(&error, Side::Source, self.source.show(&path)));
    }
}
