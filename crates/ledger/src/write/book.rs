//! What is told of a run, as changes to the database. One value of this belongs to the thread that
//! writes.

use rusqlite::Connection;
use surecopy_engine::{
    Check, DigestAlgorithm, Evidence, Fact, ItemId, ItemReport, Mapping, PlannedItem, Queue,
    RootIdentity, Tally,
};

use crate::audit::chain::Chain;
use crate::error::{Fault, Result};
use crate::job::{JobId, RunKind, Sums};
use crate::rows::directory_ids::DirectoryIds;
use crate::rows::plan::{Planning, Rows, insert};
use crate::rows::records::Records;
use crate::state::{ItemState, JobState};
use crate::text::error_text::ErrorText;
use crate::text::gist::Gist;
use crate::text::group_text::{self, Told};
use crate::text::how_text::error_of;
use crate::text::records::{Checked, DirectoryMade, OneItem, Opened, PlanSums, RootText};
use crate::write::announced::Announced;
use crate::write::change::Change;
use crate::write::ended::Waiting;
use crate::write::handing_out::HandingOut;

/// A run, to whoever writes it down.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) job: JobId,
    pub(crate) run: u64,
    pub(crate) kind: RunKind,
    pub(crate) mappings: Vec<Mapping>,
    pub(crate) keep_replaced: bool,
    pub(crate) algorithm: DigestAlgorithm,
    pub(crate) ids: DirectoryIds,
    pub(crate) rows: Rows,
    pub(crate) chain: Chain,
    pub(crate) tally: Tally,
    /// The run copies, and its plan is complete.
    pub(crate) is_planned: bool,
    pub(crate) handing_out: HandingOut,
    pub(crate) announced: Announced,
    /// Ends for which no record was made yet.
    pub(crate) ends: Waiting,
    /// Every item that was planned has a smaller number.
    pub(crate) next_item: ItemId,
    /// What other jobs have copied is told in theirs.
    pub(crate) records: Records<Gist>,
    /// The time of the transaction.
    pub(crate) at: i64,
}

impl Book {
    /// Writes planned items down.
    pub(crate) fn append(
        &mut self,
        connection: &Connection,
        queue: Queue,
        mut batch: Vec<PlannedItem>,
        text: &str,
    ) -> Result<()> {
        let Some(last) = batch.last().map(|item| item.id) else { return Ok(()) };
        self.write_ends(connection)?;
        let planning = Planning {
            job: self.job,
            run: self.run,
            mappings: &self.mappings,
            ids: &mut self.ids,
            algorithm: self.algorithm,
            records: &mut self.records,
        };
        insert(connection, planning, queue, &mut batch)?;
        connection
            .prepare_cached("UPDATE jobs SET next_item = max(next_item, ?) WHERE job = ?")?
            .execute((last.0 + 1, self.job.0))?;
        self.next_item = self.next_item.max(ItemId(last.0 + 1));
        self.chain.append_text(connection, self.at, "planned", text)?;
        self.handing_out.append(queue, batch);
        Ok(())
    }

    /// More items of a line are wanted than are at hand.
    pub(crate) fn more(&mut self, connection: &Connection, queue: Queue) -> Result<()> {
        self.handing_out.more(connection, self.job, queue, &mut self.rows)
    }

    /// Writes a change down.
    pub(crate) fn apply(&mut self, connection: &Connection, change: Change) -> Result<()> {
        let fact = match change {
            Change::Fact(Fact::Ended { item, report }) => {
                return self.ended(connection, item, report);
            }
            Change::Fact(Fact::EndedAsAnnounced { items }) => {
                return self.ended_as_announced(connection, &items);
            }
            Change::Fact(fact) => fact,
            Change::Publishing { text, reports } => {
                self.write_ends(connection)?;
                return self.publishing(connection, &text, reports);
            }
        };
        self.write_ends(connection)?;
        match &fact {
            // Those with something in them came otherwise.
            Fact::Publishing { .. } | Fact::Ended { .. } | Fact::EndedAsAnnounced { .. } => Ok(()),
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
            Fact::Refused { report } => self.refused(connection, report),
            Fact::Checked { item, found } => self.checked(connection, *item, found),
            Fact::Undone { item } => {
                // What was exchanged out may still stand under the kept name; that goes next.
                self.unless_there(connection, *item, ItemState::Undone)?;
                let body = OneItem { item: item.0 };
                self.chain.append(connection, self.at, "undone", &body)?;
                Ok(())
            }
            Fact::Discarded { item } => {
                let changed = connection
                    .prepare_cached("UPDATE ends SET kept = NULL WHERE job = ? AND item = ?")?
                    .execute((self.job.0, item.0))?;
                one(changed, *item, "has no replaced file to discard")?;
                let body = OneItem { item: item.0 };
                self.chain.append(connection, self.at, "discarded", &body)?;
                Ok(())
            }
            Fact::Settled { items } => {
                items.iter().for_each(|item| self.announced.settle(*item));
                if self.kind.copies() { Ok(()) } else { self.forget_kept(connection, items) }
            }
        }
    }

    /// Volumes that cannot be known this time do not take away what was known of them.
    fn opened(&mut self, connection: &Connection, roots: &[RootIdentity]) -> Result<()> {
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
        self.handing_out.begin();
        Ok(())
    }

    /// Items are announced, so that a later run knows what may have been done to them.
    fn publishing(
        &mut self,
        connection: &Connection,
        text: &str,
        reports: Vec<(ItemId, Box<ItemReport>)>,
    ) -> Result<()> {
        if let Some((item, _)) = reports.iter().find(|(item, _)| *item >= self.next_item) {
            one(0, *item, "was never planned")?;
        }
        let record = self.chain.append_text(connection, self.at, "publishing", text)?;
        connection
            .prepare_cached("INSERT INTO publications (job, record, run) VALUES (?, ?, ?)")?
            .execute((self.job.0, record, self.run))?;
        self.announced.put(record, reports.into_iter());
        Ok(())
    }

    fn refused(&mut self, connection: &Connection, report: &ItemReport) -> Result<()> {
        let told = Told { item: None, report, mapping: 0, publication: None };
        let text = group_text::to_text(vec![told])?;
        let record = self.chain.append_text(connection, self.at, "refused", &text)?;
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

    fn checked(&mut self, connection: &Connection, item: ItemId, found: &Check) -> Result<()> {
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

    /// Nothing is left of undone items under the names of what they had replaced.
    fn forget_kept(&self, connection: &Connection, items: &[ItemId]) -> Result<()> {
        let mut statement = connection.prepare_cached(
            "UPDATE ends SET kept = NULL WHERE job = ? AND item = ? AND state = 'undone'",
        )?;
        for item in items {
            statement.execute((self.job.0, item.0))?;
        }
        Ok(())
    }

    /// Changes the state of an item that is not in it already.
    fn unless_there(
        &mut self,
        connection: &Connection,
        item: ItemId,
        state: ItemState,
    ) -> Result<()> {
        let now: String = connection
            .prepare_cached("SELECT state FROM item_states WHERE job = ? AND item = ?")?
            .query_row((self.job.0, item.0), |row| row.get(0))?;
        if now == state.as_str() {
            return Ok(());
        }
        self.become_state(connection, item, state)
    }

    fn become_state(
        &mut self,
        connection: &Connection,
        item: ItemId,
        state: ItemState,
    ) -> Result<()> {
        let before = state.may_come_after();
        let sql =
            format!("UPDATE ends SET state = ? WHERE job = ? AND item = ? AND state IN ({before})");
        let changed =
            connection.prepare_cached(&sql)?.execute((state.as_str(), self.job.0, item.0))?;
        one(changed, item, "is in a state that this cannot follow")
    }

    /// Writes down what every transaction changes.
    pub(crate) fn save(&mut self, connection: &Connection) -> Result<()> {
        self.write_ends(connection)?;
        self.announced.save(connection, self.job)?;
        self.handing_out.save(connection, self.job, self.run)?;
        self.chain.save(connection, self.at)?;
        connection
            .prepare_cached("UPDATE runs SET sums = ? WHERE job = ? AND run = ?")?
            .execute((serde_json::to_string(&Sums::of(&self.tally))?, self.job.0, self.run))?;
        Ok(())
    }
}

pub(crate) fn error_code(report: &ItemReport) -> Option<&'static str> {
    error_of(report).map(|error| error.code.as_str())
}

/// Changes the state of a job.
pub(crate) fn set_state(connection: &Connection, job: JobId, state: JobState) -> Result<()> {
    let before = state.may_come_after();
    let sql = format!("UPDATE jobs SET state = ? WHERE job = ? AND state IN ({before})");
    match connection.execute(&sql, (state.as_str(), job.0))? {
        1 => Ok(()),
        _ => Err(Fault::Contradiction(format!("job {job} cannot become {}", state.as_str()))),
    }
}

pub(crate) fn one(changed: usize, item: ItemId, otherwise: &str) -> Result<()> {
    match changed {
        1 => Ok(()),
        _ => Err(Fault::Contradiction(format!("item {} {otherwise}", item.0))),
    }
}
