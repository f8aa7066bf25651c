//! What is told of a run, as changes to the database. One value of this belongs to the thread that
//! writes.

use rusqlite::{Connection, params};
use surecopy_engine::{
    Check, DigestAlgorithm, Evidence, Fact, ItemId, ItemReport, ItemStatus, Mapping, PlannedItem,
    Publication, Queue, RootIdentity, Tally,
};

use crate::chain::Chain;
use crate::claim::claim;
use crate::directory_ids::DirectoryIds;
use crate::error::{Fault, Outcome};
use crate::item_text::{ErrorText, ItemText};
use crate::job::{JobId, Sums};
use crate::plan::{Rows, insert};
use crate::records::{
    Checked, DirectoryMade, Ended, OneItem, Opened, PlanSums, PlannedBatch, PlannedText,
    PublicationText, Publishing, RootText,
};
use crate::seen;
use crate::state::{ItemState, JobState};

/// A run, to whoever writes it down.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) job: JobId,
    pub(crate) run: u64,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) keep_replaced: bool,
    pub(crate) algorithm: DigestAlgorithm,
    pub(crate) ids: DirectoryIds,
    pub(crate) rows: Rows,
    pub(crate) chain: Chain,
    pub(crate) tally: Tally,
    /// The run copies, and its plan is complete.
    pub(crate) is_planned: bool,
    pub(crate) end_sql: EndSql,
    /// The time of the transaction.
    pub(crate) at: i64,
}

/// How the end of an item is written, by its state.
#[derive(Debug)]
pub(crate) struct EndSql(Vec<(ItemState, String)>);

impl EndSql {
    pub(crate) fn new() -> Self {
        let sql = |state: ItemState| (state, sql_for_end(&state.may_come_after()));
        Self(ItemState::ALL.into_iter().map(sql).collect())
    }

    fn of(&self, state: ItemState) -> &str {
        self.0.iter().find(|(known, _)| *known == state).map_or("", |(_, sql)| sql)
    }
}

impl Book {
    /// Writes planned items down.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        queue: Queue,
        batch: &[PlannedItem],
    ) -> Outcome<()> {
        let Some(last) = batch.last() else { return Ok(()) };
        for item in batch {
            let place = (self.job, self.run);
            let algorithm = self.algorithm;
            insert(connection, place, queue, item, &self.mappings, &mut self.ids, algorithm)?;
        }
        connection
            .prepare_cached("UPDATE jobs SET next_item = max(next_item, ?) WHERE job = ?")?
            .execute((last.id.0 + 1, self.job.0))?;
        let items = batch.iter().map(PlannedText::new).collect();
        self.chain.append(connection, self.at, "planned", &PlannedBatch { items })?;
        Ok(())
    }

    /// Hands out planned items.
    pub(crate) fn claim(
        &mut self,
        connection: &Connection,
        queue: Queue,
    ) -> Outcome<Vec<PlannedItem>> {
        claim(connection, (self.job, self.run), queue, &mut self.rows)
    }

    /// Writes a fact down.
    pub(crate) fn apply(&mut self, connection: &Connection, fact: &Fact) -> Outcome<()> {
        match fact {
            Fact::Opened { roots } => self.opened(connection, roots),
            Fact::Planned { planned } => {
                let sums = PlanSums::new(planned);
                self.chain.append(connection, self.at, "plan", &sums)?;
                connection.execute(
                    "UPDATE runs SET planned = ? WHERE job = ? AND run = ?",
                    (serde_json::to_string(&sums)?, self.job.0, self.run),
                )?;
                self.is_planned = true;
                set_state(connection, self.job, JobState::Running)
            }
            Fact::DirectoryMade { mapping, path } => {
                connection
                    .prepare_cached(
                        "INSERT OR IGNORE INTO made_directories (job, mapping, path)
                         VALUES (?, ?, ?)",
                    )?
                    .execute((self.job.0, mapping, path.as_encoded_bytes()))?;
                let made = DirectoryMade::new(*mapping, path.as_path());
                self.chain.append(connection, self.at, "directory_made", &made)?;
                Ok(())
            }
            Fact::Publishing { items } => self.publishing(connection, items),
            Fact::Refused { report } => self.refused(connection, report),
            Fact::Ended { item, report } => self.ended(connection, *item, report),
            Fact::Checked { item, found } => self.checked(connection, *item, found),
            Fact::Undone { item } => {
                self.become_state(connection, *item, ItemState::Undone, ", kept = NULL")?;
                let body = OneItem { item: item.0 };
                self.chain.append(connection, self.at, "undone", &body)?;
                Ok(())
            }
            Fact::Discarded { item } => {
                let changed = connection
                    .prepare_cached("UPDATE items SET kept = NULL WHERE job = ? AND item = ?")?
                    .execute((self.job.0, item.0))?;
                one(changed, *item, "has no replaced file to discard")?;
                let body = OneItem { item: item.0 };
                self.chain.append(connection, self.at, "discarded", &body)?;
                Ok(())
            }
            Fact::Settled { items } => {
                let mut statement = connection
                    .prepare_cached("DELETE FROM publications WHERE job = ? AND item = ?")?;
                for item in items {
                    statement.execute((self.job.0, item.0))?;
                }
                Ok(())
            }
        }
    }

    /// Volumes that cannot be known this time do not take away what was known of them.
    fn opened(&mut self, connection: &Connection, roots: &[RootIdentity]) -> Outcome<()> {
        for (mapping, root) in roots.iter().enumerate() {
            let text = RootIdentity::clone(root);
            connection.execute(
                "INSERT INTO roots (job, mapping, source, destination) VALUES (?, ?, ?, ?)
                 ON CONFLICT DO UPDATE SET
                     source = coalesce(excluded.source, source),
                     destination = coalesce(excluded.destination, destination)",
                (
                    self.job.0,
                    mapping,
                    text.source.as_ref().map(|identity| identity.as_str()),
                    text.destination.as_ref().map(|identity| identity.as_str()),
                ),
            )?;
        }
        let roots = roots.iter().map(RootText::new).collect();
        self.chain.append(connection, self.at, "opened", &Opened { roots })?;
        Ok(())
    }

    fn publishing(&mut self, connection: &Connection, items: &[Publication]) -> Outcome<()> {
        let texts = items.iter().map(PublicationText::new).collect();
        let body = Publishing { items: texts };
        let record = self.chain.append(connection, self.at, "publishing", &body)?;
        let mut statement = connection.prepare_cached(
            "INSERT OR REPLACE INTO publications (job, item, run, record, position)
             VALUES (?, ?, ?, ?, ?)",
        )?;
        for (position, publication) in items.iter().enumerate() {
            let item = publication.item.0;
            statement.execute((self.job.0, item, self.run, record, position))?;
        }
        Ok(())
    }

    fn refused(&mut self, connection: &Connection, report: &ItemReport) -> Outcome<()> {
        let body = Ended { item: None, report: ItemText::new(report) };
        let record = self.chain.append(connection, self.at, "refused", &body)?;
        let source = report.source.as_os_str().as_encoded_bytes();
        connection
            .prepare_cached(
                "INSERT INTO refusals (job, record, run, source, error_code)
                 VALUES (?, ?, ?, ?, ?)",
            )?
            .execute((self.job.0, record, self.run, source, error_code(report)))?;
        self.tally.add(report, None);
        Ok(())
    }

    fn ended(&mut self, connection: &Connection, item: ItemId, report: &ItemReport) -> Outcome<()> {
        let body = Ended { item: Some(item.0), report: ItemText::new(report) };
        let record = self.chain.append(connection, self.at, "ended", &body)?;
        let (state, skip_reason) = match &report.status {
            ItemStatus::Ok => (ItemState::Ok, None),
            ItemStatus::Skipped(reason) => (ItemState::Skipped, Some(reason.as_str())),
            ItemStatus::Cancelled => (ItemState::Cancelled, None),
            ItemStatus::Error(_) => (ItemState::Failed, None),
        };
        let is_known_again = matches!(state, ItemState::Ok | ItemState::Skipped);
        let landed = report.landed.filter(|_| is_known_again);
        let replaced = landed.and_then(|landed| landed.replaced);
        let backup = report.backup.as_deref().and_then(|path| path.file_name());
        let is_kept = self.keep_replaced && state == ItemState::Ok && replaced.is_some();
        let kept = backup.filter(|_| is_kept);
        let digest = report.digest.as_ref();
        // An item ends once: after that it has a record.
        let sql = self.end_sql.of(state);
        let changed = connection.prepare_cached(sql)?.execute(params![
            self.job.0,
            item.0,
            state.as_str(),
            record,
            skip_reason,
            error_code(report),
            report.size_bytes.cast_signed(),
            landed.map(|landed| seen::to_bytes(landed.source)),
            landed.map(|landed| seen::to_bytes(landed.target)),
            replaced.map(seen::to_bytes),
            kept.map(|name| name.as_encoded_bytes()),
            digest.map(|digest| digest.algorithm.as_str()),
            digest.map(|digest| &digest.bytes),
            (state == ItemState::Ok).then(|| report.evidence.as_str()),
        ])?;
        one(changed, item, "has ended already, or was never planned")?;
        self.tally.add(report, None);
        Ok(())
    }

    fn checked(&mut self, connection: &Connection, item: ItemId, found: &Check) -> Outcome<()> {
        let number = item.0;
        let evidence = |evidence: &Evidence| Some(evidence.as_str());
        let body = match found {
            Check::Same(how) => {
                let (found, evidence) = ("same", evidence(how));
                Checked { item: number, found, evidence, error: None }
            }
            Check::Damaged(error) => {
                let error = Some(ErrorText::new(error));
                Checked { item: number, found: "damaged", evidence: None, error }
            }
            Check::NoDigest => {
                Checked { item: number, found: "no_digest", evidence: None, error: None }
            }
        };
        self.chain.append(connection, self.at, "checked", &body)?;
        match found {
            Check::Damaged(_) => self.unless_there(connection, item, ItemState::Damaged),
            Check::Same(_) => self.unless_there(connection, item, ItemState::Ok),
            Check::NoDigest => Ok(()),
        }
    }

    /// Changes the state of an item that is not in it already.
    fn unless_there(
        &mut self,
        connection: &Connection,
        item: ItemId,
        state: ItemState,
    ) -> Outcome<()> {
        let now: String = connection
            .prepare_cached("SELECT state FROM items WHERE job = ? AND item = ?")?
            .query_row((self.job.0, item.0), |row| row.get(0))?;
        if now == state.as_str() {
            return Ok(());
        }
        self.become_state(connection, item, state, "")
    }

    fn become_state(
        &mut self,
        connection: &Connection,
        item: ItemId,
        state: ItemState,
        also: &str,
    ) -> Outcome<()> {
        let before = state.may_come_after();
        let sql = format!(
            "UPDATE items SET state = ?{also} WHERE job = ? AND item = ? AND state IN ({before})"
        );
        let changed =
            connection.prepare_cached(&sql)?.execute((state.as_str(), self.job.0, item.0))?;
        one(changed, item, "is in a state that this cannot follow")
    }

    /// Writes down what every transaction changes.
    pub(crate) fn save(&self, connection: &Connection) -> Outcome<()> {
        self.chain.save(connection, self.at)?;
        connection
            .prepare_cached("UPDATE runs SET sums = ? WHERE job = ? AND run = ?")?
            .execute((serde_json::to_string(&Sums::of(&self.tally))?, self.job.0, self.run))?;
        Ok(())
    }
}

fn sql_for_end(before: &str) -> String {
    format!(
        "UPDATE items SET state = ?3, record = ?4,
             skip_reason = coalesce(?5, skip_reason), error_code = ?6,
             size_bytes = ?7, landed_source = ?8,
             landed_target = ?9, landed_replaced = ?10, kept = ?11,
             digest_algorithm = ?12, digest = ?13, evidence = ?14
         WHERE job = ?1 AND item = ?2 AND record IS NULL AND state IN ({before})"
    )
}

fn error_code(report: &ItemReport) -> Option<&'static str> {
    match &report.status {
        ItemStatus::Error(error) => Some(error.code.as_str()),
        ItemStatus::Ok | ItemStatus::Skipped(_) | ItemStatus::Cancelled => None,
    }
}

/// Changes the state of a job.
pub(crate) fn set_state(connection: &Connection, job: JobId, state: JobState) -> Outcome<()> {
    let before = state.may_come_after();
    let sql = format!("UPDATE jobs SET state = ? WHERE job = ? AND state IN ({before})");
    match connection.execute(&sql, (state.as_str(), job.0))? {
        1 => Ok(()),
        _ => Err(Fault::Contradiction(format!("job {job} cannot become {}", state.as_str()))),
    }
}

fn one(changed: usize, item: ItemId, otherwise: &str) -> Outcome<()> {
    match changed {
        1 => Ok(()),
        _ => Err(Fault::Contradiction(format!("item {} {otherwise}", item.0))),
    }
}
