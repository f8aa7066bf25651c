//! Reports, from the records of the audit log that they stand in.

use rusqlite::Connection;
use surecopy_engine::ItemReport;

use crate::error::Result;
use crate::job::JobId;
use crate::rows::records::{Place, Records};
use crate::text::group_text::Read;

/// Reads the reports of a job.
pub(crate) struct Reports<'a> {
    connection: &'a Connection,
    job: JobId,
    records: Records<Read>,
}

impl<'a> Reports<'a> {
    pub(crate) fn new(connection: &'a Connection, job: JobId) -> Self {
        Self { connection, job, records: Records::default() }
    }

    /// The report at one place.
    pub(crate) fn of(&mut self, place: Place) -> Result<ItemReport> {
        Ok(self.records.at(self.connection, self.job, place)?.report.clone())
    }

    /// That of an entry that was refused, which has a record for itself.
    pub(crate) fn of_refusal(&mut self, record: u64) -> Result<ItemReport> {
        self.of(Place { record, position: 0 })
    }
}
