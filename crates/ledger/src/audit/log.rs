//! Reading the audit log of a job, and checking that it is what was written.

use std::io;

use rusqlite::Connection;

use crate::audit::chain::{BEGINNING, RecordDigest, chain_of, digest_after};
use crate::audit::ends_check;
use crate::error::{LedgerError, Result};
use crate::job::JobId;
use crate::text::path_text::to_hex;

/// One record of the audit log of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRecord {
    /// Its number, from 1.
    pub record: u64,
    /// The digest that chains it to the one before, in hexadecimal.
    pub digest: String,
    /// One line of JSON.
    pub body: String,
}

/// What checking the audit log of a job has shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditCheck {
    /// How many records fit, from the first on.
    pub records: u64,
    /// The digest of the last of those, in hexadecimal. Who keeps it elsewhere can tell later whether
    /// the log still begins in the same way.
    pub digest: String,
    /// The first thing that does not fit.
    pub broken: Option<AuditBreak>,
}

/// What does not fit in an audit log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AuditBreak {
    /// The record's digest is not that of its body and of the record before it: it was altered, or
    /// what was before it was removed or is another one now.
    #[error("record {record} is not what was written, or not where it was written")]
    Altered {
        /// Its number.
        record: u64,
    },
    /// A record is gone.
    #[error("record {record} is missing")]
    Missing {
        /// Its number.
        record: u64,
    },
    /// There are more records than were written.
    #[error("record {record} was added")]
    Added {
        /// Its number.
        record: u64,
    },
    /// The log fits, but not what the ledger has of an item.
    #[error("item {item} did not end as record {record} says")]
    End {
        /// The item.
        item: u64,
        /// The record that tells of its end.
        record: u64,
    },
    /// The log fits, but items have ended in the ledger of which it does not say so.
    #[error("{there} items have ended, and {told} by the audit log")]
    Ends {
        /// So many by the log.
        told: u64,
        /// So many there are.
        there: u64,
    },
}

/// Why an audit log was not exported.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// It could not be read.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// It could not be written.
    #[error("cannot write the audit log: {0}")]
    Write(io::Error),
}

/// Goes through the records of a job, in order, as long as the visitor wants more.
pub(crate) fn visit(
    connection: &Connection,
    job: JobId,
    mut visitor: impl FnMut(u64, &RecordDigest, &str) -> bool,
) -> Result<()> {
    let sql = "SELECT record, digest, body FROM audit WHERE job = ? ORDER BY record";
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query((job.0,))?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
        // A digest of another length fits nothing.
        let digest = row.get_ref(1)?.as_blob().map_err(rusqlite::Error::from)?;
        if !visitor(row.get(0)?, digest.try_into().unwrap_or(&BEGINNING), body) {
            break;
        }
    }
    Ok(())
}

/// Checks the records of a job one by one, that the last one is the last that was written, and that items
/// have ended as they say.
pub(crate) fn check(connection: &Connection, job: JobId) -> Result<AuditCheck> {
    let written = chain_of(connection, job)?;
    let (mut records, mut head, mut broken) = (0, BEGINNING, None);
    visit(connection, job, |record, digest, body| {
        let next = records + 1;
        if record != next {
            broken = Some(AuditBreak::Missing { record: next });
        } else if next > written.records {
            broken = Some(AuditBreak::Added { record });
        } else if *digest != digest_after(&head, body) {
            broken = Some(AuditBreak::Altered { record });
        } else {
            (records, head) = (next, *digest);
        }
        broken.is_none()
    })?;
    if broken.is_none() {
        if records < written.records {
            broken = Some(AuditBreak::Missing { record: records + 1 });
        } else if head != written.head {
            // The whole chain was made anew.
            broken = Some(AuditBreak::Altered { record: records });
        } else {
            broken = ends_check::check(connection, job)?;
        }
    }
    Ok(AuditCheck { records, digest: to_hex(&head), broken })
}

/// Some records of a job, after the one with this number.
pub(crate) fn records(
    connection: &Connection,
    job: JobId,
    after: u64,
    limit: usize,
) -> Result<Vec<AuditRecord>> {
    let sql = "SELECT record, digest, body FROM audit
               WHERE job = ? AND record > ? ORDER BY record LIMIT ?";
    let mut statement = connection.prepare_cached(sql)?;
    let rows = statement.query_map((job.0, after, limit), |row| {
        let digest: Vec<u8> = row.get(1)?;
        Ok(AuditRecord { record: row.get(0)?, digest: to_hex(&digest), body: row.get(2)? })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The number of the last record of a job, 0 when there is none.
pub(crate) fn last(connection: &Connection, job: JobId) -> Result<u64> {
    chain_of(connection, job)?;
    let sql = "SELECT coalesce(max(record), 0) FROM audit WHERE job = ?";
    Ok(connection.query_row(sql, (job.0,), |row| row.get(0))?)
}
