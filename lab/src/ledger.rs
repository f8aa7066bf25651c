//! A ledger in a place of the case's own, and the program that works with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::Value;

use crate::copier;
use crate::lab::Lab;

/// Where a ledger is. No more than one job is recorded in it.
pub(crate) struct Ledger {
    path: PathBuf,
}

impl Ledger {
    /// One that is going to be in this folder, which need not be there.
    pub(crate) fn within(dir: &Path) -> Self {
        Self { path: dir.join("ledger.db") }
    }

    /// `surecopy copy --json` of one source to exactly this target, recorded here, not started yet.
    pub(crate) fn copy_command(
        &self,
        lab: &Lab,
        wrapper: &[&str],
        options: &[&str],
        (source, target): (&Path, &Path),
    ) -> Command {
        let mut command = self.command(lab, wrapper, &["copy", "--json"]);
        command.args(options).arg("-T").arg(source).arg(target);
        command
    }

    /// `surecopy resume --json` of the job, not started yet.
    pub(crate) fn resume_command(&self, lab: &Lab, wrapper: &[&str]) -> Command {
        self.command(lab, wrapper, &["resume", "1", "--json"])
    }

    /// `surecopy retry --json` of the job, not started yet.
    pub(crate) fn retry_command(&self, lab: &Lab) -> Command {
        self.command(lab, &[], &["retry", "1", "--json"])
    }

    fn command(&self, lab: &Lab, wrapper: &[&str], words: &[&str]) -> Command {
        let mut command = lab.command_under(wrapper, words);
        command.env("SURECOPY_LEDGER", &self.path);
        command.env("SURECOPY_INDEX", "/nonexistent/index.db");
        command
    }

    /// Whether a job is recorded.
    pub(crate) fn has_job(&self, lab: &Lab) -> Result<bool> {
        let jobs = copier::finish(&mut self.command(lab, &[], &["jobs", "--json"]))?;
        jobs.ensure_ok().context("jobs")?;
        let count = jobs.objects.len();
        ensure!(count <= 1, "{count} jobs instead of one: {:?}", jobs.objects);
        Ok(count == 1)
    }

    /// What it says of the items of the job.
    pub(crate) fn items(&self, lab: &Lab) -> Result<Items> {
        let audit = copier::finish(&mut self.command(lab, &[], &["audit", "1", "--json"]))?;
        audit.ensure_ok().context("audit")?;
        let job = audit.of_type("job_status").next().context("no status of the job")?;
        let state = job["state"].as_str().unwrap_or_default().to_owned();
        Ok(Items { state, items: audit.of_type("audit_item").cloned().collect() })
    }

    /// Fails unless the database is whole and the audit log of the job fits.
    pub(crate) fn ensure_sound(&self, lab: &Lab) -> Result<()> {
        let database = Connection::open(&self.path)?;
        let found: String = database.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(found == "ok", "the ledger is not whole: {found}");
        let strays = database.prepare("PRAGMA foreign_key_check")?.exists([])?;
        ensure!(!strays, "the ledger has rows that belong to nothing");
        drop(database);
        let check =
            copier::finish(&mut self.command(lab, &[], &["audit", "1", "--check", "--json"]))?;
        check.ensure_ok().context("audit --check")?;
        Ok(())
    }

    /// Removes it, if it is there.
    pub(crate) fn remove(&self) -> Result<()> {
        let dir = self.path.parent().context("it is in a folder")?;
        fs::remove_dir_all(dir).or_else(|error| match error.kind() {
            io::ErrorKind::NotFound => Ok(()),
            _ => Err(error.into()),
        })
    }

    /// Opens the database, to do to it what it should not survive.
    pub(crate) fn database(&self) -> Result<Connection> {
        Ok(Connection::open(&self.path)?)
    }
}

/// The items of a job, as the ledger has them.
#[derive(Default)]
pub(crate) struct Items {
    /// The state of the job.
    state: String,
    items: Vec<Value>,
}

impl Items {
    /// Directories are not among them.
    fn entries(&self) -> impl Iterator<Item = &Value> {
        self.items.iter().filter(|item| item["kind"] != "directory")
    }

    /// The targets of those that are recorded as done.
    pub(crate) fn done(&self) -> impl Iterator<Item = &Path> {
        let done = self.entries().filter(|item| item["state"] == "ok");
        done.filter_map(|item| item["target"].as_str().map(Path::new))
    }

    /// Fails unless the job has come to its end, and each of these, and nothing else, was copied once.
    pub(crate) fn ensure_each_once(&self, targets: &BTreeSet<PathBuf>) -> Result<()> {
        ensure!(self.state == "finished", "the job is {}", self.state);
        let mut times: BTreeMap<&Path, usize> = BTreeMap::new();
        for target in self.done() {
            *times.entry(target).or_default() += 1;
        }
        let twice = times.iter().find(|(_, times)| **times > 1);
        ensure!(twice.is_none(), "copied more than once: {twice:?}");
        let done: BTreeSet<PathBuf> = times.keys().map(|path| path.to_path_buf()).collect();
        let differs = done.symmetric_difference(targets).next();
        ensure!(differs.is_none(), "copied or recorded as such, but not both: {differs:?}");
        Ok(())
    }
}
