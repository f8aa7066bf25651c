//! What content a planned file had when an earlier job copied it.

use rusqlite::Connection;
use surecopy_engine::{Digest, DigestAlgorithm, Landed, Seen};

use crate::error::Result;
use crate::job::JobId;
use crate::rows::records::{Place, Records};
use crate::text::gist::Gist;
use crate::text::seen;

/// So many records are read for one file at most. The first one nearly always tells; more are only read where
/// files changed between being planned and being copied, again and again. It is asked for every file while
/// others wait to write, and that a digest is not known costs nothing but the comparison with it.
const RECORDS: usize = 4;

/// The digest of what an earlier job copied from the same path, of the same size and time.
///
/// What was copied is nearly always what was planned, so a record is read only where the plan had the
/// size and time; and of the latest copy that has a digest, since what it copied may have changed after it
/// was planned.
pub(crate) fn known_digest(
    connection: &Connection,
    (directory, name): (i64, &[u8]),
    source: Seen,
    algorithm: DigestAlgorithm,
    records: &mut Records<Gist>,
) -> Result<Option<Digest>> {
    let mut statement = connection.prepare_cached(
        // Of the items only the index is read, until an end has such a digest: there may be a row for each of
        // many jobs.
        "SELECT ends.job, record, position,
             substr((SELECT source FROM items AS planned
                     WHERE planned.job = ends.job AND planned.item = ends.item), ?) = ?
         FROM items INDEXED BY items_by_name
         CROSS JOIN ends ON ends.job = items.job AND ends.item = items.item
         WHERE directory = ? AND name = ? AND digest_algorithm = ?
           AND ends.state IN ('ok', 'damaged', 'undone')
         ORDER BY items.job DESC, items.item DESC",
    )?;
    let bytes = seen::to_bytes(source);
    let planned = &bytes[seen::SIZE_AND_TIME - 1..];
    let key = (seen::SIZE_AND_TIME, planned, directory, name, algorithm.as_str());
    let mut found = statement.query(key)?;
    let (mut is_latest, mut left) = (true, RECORDS);
    while left > 0
        && let Some(row) = found.next()?
    {
        let is_planned: bool = row.get(3)?;
        if !std::mem::take(&mut is_latest) && !is_planned {
            continue;
        }
        let Some(place) = Place::from_columns(row.get(1)?, row.get(2)?) else { continue };
        left -= 1;
        // What another job has left unreadable says nothing, and does not keep this one from being done.
        let told = records.if_readable(connection, JobId(row.get(0)?), place)?;
        let Some(told) = told else { continue };
        let is_it = |landed: &Landed| {
            let Seen { size_bytes, modified, .. } = landed.source;
            (size_bytes, modified) == (source.size_bytes, source.modified)
        };
        let digest = told.digest.as_ref().filter(|digest| digest.algorithm == algorithm);
        if told.landed.as_ref().is_some_and(is_it) && digest.is_some() {
            return Ok(digest.cloned());
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use surecopy_fs::{FileId, Timestamp};
    use tempfile::TempDir;

    use super::*;
    use crate::ledger::Ledger;
    use crate::store::connection::{Access, open};
    use crate::text::path_text::to_hex;

    const ENTRY: (i64, &[u8]) = (1, b"a");
    const BLAKE3: DigestAlgorithm = DigestAlgorithm::Blake3;

    fn of_time(nanos: u32) -> Seen {
        let modified = Timestamp { secs: 1_700_000_000, nanos };
        Seen { id: FileId { volume: 1, file: 2 }, size_bytes: 3, modified }
    }

    /// A ledger with one file, and jobs that copied it.
    struct Log {
        connection: Connection,
        jobs: i64,
        _temp: TempDir,
    }

    fn log() -> Log {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("ledger.db");
        drop(Ledger::open(&path).unwrap());
        let connection = open(&path, Access::Append).unwrap();
        let sql = "INSERT INTO directories (directory, path) VALUES (1, x'2f')";
        connection.execute(sql, ()).unwrap();
        Log { connection, jobs: 0, _temp: temp }
    }

    impl Log {
        /// Another job, which planned the file with one time and found it with another.
        fn copy(&mut self, planned: u32, copied: u32, digest: Option<(DigestAlgorithm, u8)>) {
            self.jobs += 1;
            let algorithm = digest.map(|(algorithm, _)| algorithm.as_str());
            let how = match algorithm {
                Some(algorithm) => format!(",\"digest_algorithm\":\"{algorithm}\""),
                None => String::new(),
            };
            let told = match digest {
                Some((_, byte)) => format!(",\"digest\":\"{}\"", to_hex(&[byte; 32])),
                None => String::new(),
            };
            let body = format!(
                "{{\"how\":{{\"status\":\"ok\",\"kind\":\"file\",\"policy\":\"none\",\"evidence\":\"none\"{how}}},
                 \"items\":[{{\"source_seen\":[1,2,3,1700000000,{copied}],\"target_seen\":[4,5]{told}}}]}}"
            );
            self.insert(planned, algorithm, &body);
        }

        fn insert(&self, planned: u32, algorithm: Option<&str>, body: &str) {
            let source = seen::to_bytes(of_time(planned));
            let sql =
                "INSERT INTO items (job, item, run, queue, mapping, directory, name, kind, action,
                           source, link_role)
                       VALUES (?, 0, 1, 'items', 0, 1, x'61', 'file', 'create', ?, 'single')";
            self.connection.execute(sql, (self.jobs, source)).unwrap();
            let sql = "INSERT INTO ends (job, item, state, record, position, digest_algorithm)
                       VALUES (?, 0, 'ok', 1, 0, ?)";
            self.connection.execute(sql, (self.jobs, algorithm)).unwrap();
            let sql =
                "INSERT INTO audit (job, record, body, digest) VALUES (?, 1, ?, zeroblob(32))";
            self.connection.execute(sql, (self.jobs, body)).unwrap();
        }

        /// The digest of the file, and how many records were read for it.
        fn known(&self, nanos: u32) -> (Option<Digest>, u64) {
            let mut records = Records::default();
            let found = known_digest(&self.connection, ENTRY, of_time(nanos), BLAKE3, &mut records);
            (found.unwrap(), records.read)
        }
    }

    fn digest(byte: u8) -> Option<Digest> {
        Some(Digest { algorithm: BLAKE3, bytes: vec![byte; 32] })
    }

    #[test]
    fn records_without_such_a_digest_are_not_read() {
        let mut log = log();
        for _ in 0..100 {
            log.copy(1, 1, None);
            log.copy(1, 1, Some((DigestAlgorithm::Sha256, 9)));
        }
        assert_eq!(log.known(1), (None, 0));
        log.copy(1, 1, Some((BLAKE3, 7)));
        for _ in 0..100 {
            log.copy(1, 1, None);
        }
        assert_eq!(log.known(1), (digest(7), 1));
        assert_eq!(log.known(2), (None, 1));
        assert_eq!(log.known(1), (digest(7), 1));
    }

    #[test]
    fn few_records_are_read_for_one_file() {
        let mut log = log();
        log.copy(1, 1, Some((BLAKE3, 7)));
        // Each found another file than it had planned.
        (0..3).for_each(|_| log.copy(1, 2, Some((BLAKE3, 8))));
        assert_eq!(log.known(1), (digest(7), 4));
        assert_eq!(log.known(2), (digest(8), 1));
        (0..100).for_each(|_| log.copy(1, 2, Some((BLAKE3, 8))));
        assert_eq!(log.known(1), (None, RECORDS as u64));
    }

    #[test]
    fn what_cannot_be_read_is_read_once_and_passed_over() {
        let mut log = log();
        log.copy(1, 1, Some((BLAKE3, 7)));
        log.jobs += 1;
        log.insert(1, Some(BLAKE3.as_str()), "{}");
        let mut records = Records::default();
        for _ in 0..3 {
            let found = known_digest(&log.connection, ENTRY, of_time(1), BLAKE3, &mut records);
            assert_eq!((found.unwrap(), records.read), (digest(7), 2));
        }
    }
}
