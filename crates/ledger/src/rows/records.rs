//! What the records of the audit log say at a place of theirs. A record has the reports of many items, and
//! neighbours stand in the same ones, so the last that were read are kept.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension};

use crate::error::{Fault, Result};
use crate::job::JobId;
use crate::text::gist::{self, Gist};
use crate::text::group_text::{self, Read};

/// Where a report stands in the audit log of its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) record: u64,
    pub(crate) position: usize,
}

impl Place {
    /// From two columns, which are null together.
    pub(crate) fn from_columns(record: Option<u64>, position: Option<usize>) -> Option<Self> {
        record.zip(position).map(|(record, position)| Self { record, position })
    }
}

/// What is read of each report in a record.
pub(crate) trait Entry: Sized {
    /// So many bytes of text are kept at most, of one record at least. What is read of them may take
    /// more room than they do.
    const KEPT_BYTES: usize;

    fn all(body: &str) -> Result<Vec<Self>>;
}

/// It takes about as much room as the text. Each worker announces groups of its own, and they take turns,
/// so this is enough for more workers than there are.
impl Entry for Gist {
    const KEPT_BYTES: usize = 4 * 1_024 * 1_024;

    fn all(body: &str) -> Result<Vec<Self>> {
        gist::from_text(body)
    }
}

/// It takes some five times as much room as the text.
impl Entry for Read {
    const KEPT_BYTES: usize = 1_024 * 1_024;

    fn all(body: &str) -> Result<Vec<Self>> {
        group_text::from_text(body)
    }
}

/// Records that were read.
#[derive(Debug)]
pub(crate) struct Records<T> {
    /// The one that was asked for last comes first.
    kept: Vec<Kept<T>>,
    kept_bytes: usize,
    /// Those that cannot be read, with the reason: of each, many items may be asked for.
    unreadable: BTreeMap<(JobId, u64), String>,
    /// How many were read.
    #[cfg(test)]
    pub(crate) read: u64,
}

#[derive(Debug)]
struct Kept<T> {
    job: JobId,
    record: u64,
    bytes: usize,
    entries: Vec<T>,
}

impl<T> Default for Records<T> {
    fn default() -> Self {
        Self {
            kept: Vec::new(),
            kept_bytes: 0,
            unreadable: BTreeMap::new(),
            #[cfg(test)]
            read: 0,
        }
    }
}

impl<T: Entry> Records<T> {
    /// What stands at one place of the audit log of a job.
    pub(crate) fn at(&mut self, connection: &Connection, job: JobId, place: Place) -> Result<&T> {
        let is_it = |kept: &Kept<T>| kept.record == place.record && kept.job == job;
        match self.kept.iter().position(is_it) {
            Some(at) => self.kept[..=at].rotate_right(1),
            None => self.read(connection, job, place.record)?,
        }
        let entry = self.kept[0].entries.get(place.position);
        entry.ok_or_else(|| lost().in_record(job, place.record))
    }

    /// The same for who can do without it: `None` where the record cannot be read, of which is told once.
    pub(crate) fn if_readable(
        &mut self,
        connection: &Connection,
        job: JobId,
        place: Place,
    ) -> Result<Option<&T>> {
        let is_told = self.unreadable.contains_key(&(job, place.record));
        match self.at(connection, job, place) {
            Ok(entry) => Ok(Some(entry)),
            Err(Fault::Record { job, record, message }) => {
                if !is_told {
                    tracing::warn!(
                        %job,
                        record,
                        "a record of the audit log cannot be read ({message}): surecopy audit {job} --check"
                    );
                }
                Ok(None)
            }
            Err(fault) => Err(fault),
        }
    }

    fn read(&mut self, connection: &Connection, job: JobId, record: u64) -> Result<()> {
        if let Some(message) = self.unreadable.get(&(job, record)) {
            return Err(Fault::content(message).in_record(job, record));
        }
        #[cfg(test)]
        {
            self.read += 1;
        }
        let (bytes, entries) = match body::<T>(connection, job, record) {
            Ok(found) => found,
            Err(Fault::Content(message)) => {
                self.unreadable.insert((job, record), message.clone());
                return Err(Fault::Record { job, record, message });
            }
            Err(fault) => return Err(fault),
        };
        self.kept.insert(0, Kept { job, record, bytes, entries });
        self.kept_bytes += bytes;
        while self.is_full() && self.kept.len() > 1 {
            self.kept_bytes -= self.kept.pop().map_or(0, |kept| kept.bytes);
        }
        Ok(())
    }

    /// More is kept than is to be, if it is not one record alone.
    fn is_full(&self) -> bool {
        self.kept_bytes > T::KEPT_BYTES
    }
}

/// What a record says, and how long it is.
fn body<T: Entry>(connection: &Connection, job: JobId, record: u64) -> Result<(usize, Vec<T>)> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM audit WHERE job = ? AND record = ?")?;
    let found = statement.query_row((job.0, record), |row| {
        let body = row.get_ref(0)?.as_bytes()?;
        let text = std::str::from_utf8(body).map_err(|_| Fault::content("text that is no UTF-8"));
        Ok((body.len(), text.and_then(T::all)))
    });
    let (bytes, entries) = found.optional()?.ok_or_else(|| Fault::content("it is missing"))?;
    Ok((bytes, entries?))
}

fn lost() -> Fault {
    Fault::content("it lacks a report")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The bodies of the records are words here.
    #[derive(Debug, PartialEq, Eq)]
    struct Word(String);

    impl Entry for Word {
        const KEPT_BYTES: usize = 20;

        fn all(body: &str) -> Result<Vec<Self>> {
            Ok(body.split(' ').map(|word| Word(word.to_owned())).collect())
        }
    }

    fn log(records: &[(JobId, u64, &str)]) -> Connection {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE audit (job, record, body)").unwrap();
        for (job, record, body) in records {
            let row = (job.0, record, body);
            connection.execute("INSERT INTO audit VALUES (?, ?, ?)", row).unwrap();
        }
        connection
    }

    #[test]
    fn records_of_two_jobs_are_told_apart_and_few_are_kept() {
        let (one, other) = (JobId(1), JobId(2));
        let long = "a record that alone is longer than what is kept";
        let log = log(&[(one, 1, "a b"), (one, 2, "c d e"), (other, 1, "x y"), (other, 2, long)]);
        let mut records = Records::<Word>::default();
        let mut word = |job, record, position| {
            let found = records.at(&log, job, Place { record, position });
            let found = found.map(|word| word.0.clone()).ok();
            let bytes: usize = records.kept.iter().map(|kept| kept.bytes).sum();
            assert_eq!(bytes, records.kept_bytes);
            assert!(bytes <= Word::KEPT_BYTES || records.kept.len() == 1);
            (found, records.kept.len())
        };
        assert_eq!(word(one, 1, 1), (Some("b".into()), 1));
        assert_eq!(word(other, 1, 1), (Some("y".into()), 2));
        assert_eq!(word(one, 2, 2), (Some("e".into()), 3));
        assert_eq!(word(one, 1, 0), (Some("a".into()), 3));
        assert_eq!(word(one, 1, 2), (None, 3));
        assert_eq!(word(one, 3, 0), (None, 3));
        assert_eq!(word(other, 2, 2), (Some("that".into()), 1));
        assert_eq!(word(one, 1, 0), (Some("a".into()), 1));
    }

    #[test]
    fn what_was_asked_for_last_is_kept() {
        let job = JobId(1);
        let log = log(&[(job, 1, "first one"), (job, 2, "second"), (job, 3, "third one")]);
        let mut records = Records::<Word>::default();
        for record in [1, 2, 1, 3] {
            records.at(&log, job, Place { record, position: 0 }).unwrap();
        }
        let kept: Vec<u64> = records.kept.iter().map(|kept| kept.record).collect();
        assert_eq!(kept, [3, 1], "the second was asked for longest ago");
    }
}
