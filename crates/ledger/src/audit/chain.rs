//! The audit log of a job: records that are chained by digest, so that none can be changed, removed
//! or put elsewhere without all that follow being wrong.

use rusqlite::{Connection, OptionalExtension};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use crate::error::{LedgerError, Result};
use crate::job::JobId;
use crate::text::path_text::to_hex;

/// The digest of one record.
pub(crate) type RecordDigest = [u8; 32];

/// What the first record is chained to.
pub(crate) const BEGINNING: RecordDigest = [0; 32];

/// The digest of a record: SHA-256 of the digest before it, as 64 lower-case hexadecimal digits, a
/// newline, and its body.
pub(crate) fn digest_after(before: &RecordDigest, body: &str) -> RecordDigest {
    let mut digester = Sha256::new();
    digester.update(to_hex(before).as_bytes());
    digester.update(b"\n");
    digester.update(body.as_bytes());
    digester.finalize().into()
}

/// The end of a job's chain, for whoever appends to it.
#[derive(Debug)]
pub(crate) struct Chain {
    job: JobId,
    /// How many records there are; they are numbered from 1.
    pub(crate) records: u64,
    pub(crate) head: RecordDigest,
}

impl Chain {
    pub(crate) fn new(job: JobId, records: u64, head: RecordDigest) -> Self {
        Self { job, records, head }
    }

    /// Makes sure that the log still ends where this has left it. Every transaction that writes begins
    /// with that: whoever holds the job's slot writes alone, but the lock file may have been removed, and
    /// then what two runs know of the job is not true any more.
    pub(crate) fn confirm(&self, connection: &Connection) -> Result<()> {
        let is_confirmed = connection
            .prepare_cached("SELECT audit_records = ? AND audit_head = ? FROM jobs WHERE job = ?")?
            .query_row((self.records, self.head, self.job.0), |row| row.get(0))
            .optional()?;
        match is_confirmed {
            Some(true) => Ok(()),
            Some(false) | None => Err(LedgerError::TakenOver { job: self.job }.into()),
        }
    }

    /// Appends a record and returns its number. The caller writes down where the chain ends, in the
    /// same transaction.
    pub(crate) fn append<T: Serialize>(
        &mut self,
        connection: &Connection,
        at: i64,
        event: &str,
        members: &T,
    ) -> Result<u64> {
        self.append_text(connection, at, event, &serde_json::to_string(members)?)
    }

    /// Appends a record whose members were written already, as an object.
    pub(crate) fn append_text(
        &mut self,
        connection: &Connection,
        at: i64,
        event: &str,
        members: &str,
    ) -> Result<u64> {
        let body = body(at, event, members);
        let head = digest_after(&self.head, &body);
        let record = self.records + 1;
        connection
            .prepare_cached("INSERT INTO audit (job, record, body, digest) VALUES (?, ?, ?, ?)")?
            .execute((self.job.0, record, body, head))?;
        (self.records, self.head) = (record, head);
        Ok(record)
    }

    /// Writes down where the chain ends.
    pub(crate) fn save(&self, connection: &Connection, at: i64) -> Result<()> {
        connection
            .prepare_cached(
                "UPDATE jobs SET audit_records = ?, audit_head = ?, changed_at = ? WHERE job = ?",
            )?
            .execute((self.records, self.head, at, self.job.0))?;
        Ok(())
    }
}

/// The end of a job's audit log.
pub(crate) fn chain_of(connection: &Connection, job: JobId) -> Result<Chain> {
    let sql = "SELECT audit_records, audit_head FROM jobs WHERE job = ?";
    let found = connection.query_row(sql, (job.0,), |row| Ok((row.get(0)?, row.get(1)?)));
    let (records, head) = found.optional()?.ok_or(LedgerError::NoSuchJob { job })?;
    Ok(Chain::new(job, records, head))
}

/// One line: when, what, and the members of the event, which are an object.
fn body(at: i64, event: &str, members: &str) -> String {
    let members = members.strip_prefix('{').unwrap_or(members);
    let comma = if members == "}" { "" } else { "," };
    format!("{{\"at\":{at},\"event\":\"{event}\"{comma}{members}")
}
