//! Reports, from the records of the audit log that they stand in. A record has those of many items, so
//! the last that were read are kept.

use std::collections::VecDeque;

use rusqlite::{Connection, OptionalExtension};
use surecopy_engine::ItemReport;

use crate::error::{Fault, Outcome};
use crate::job::JobId;
use crate::text::group_text::{Read, from_text};

/// How many records are kept: each worker announces a group of its own, and they take turns.
const KEPT: usize = 8;

/// Reads the reports of a job.
pub(crate) struct Reports<'a> {
    connection: &'a Connection,
    job: JobId,
    records: VecDeque<(u64, Vec<Read>)>,
}

impl<'a> Reports<'a> {
    pub(crate) fn new(connection: &'a Connection, job: JobId) -> Self {
        Self { connection, job, records: VecDeque::new() }
    }

    /// The report at one place.
    pub(crate) fn of(&mut self, record: u64, position: usize) -> Outcome<ItemReport> {
        let lost = || Fault::content(format!("record {record}, which lacks a report"));
        let known = self.records.iter().position(|(known, _)| *known == record);
        let at = match known {
            Some(at) => at,
            None => {
                let body: Option<String> = self
                    .connection
                    .prepare_cached("SELECT body FROM audit WHERE job = ? AND record = ?")?
                    .query_row((self.job.0, record), |row| row.get(0))
                    .optional()?;
                let items = from_text(&body.ok_or_else(lost)?)?;
                self.records.truncate(KEPT - 1);
                self.records.push_front((record, items));
                0
            }
        };
        let read = self.records[at].1.get(position).ok_or_else(lost)?;
        Ok(read.report.clone())
    }
}
