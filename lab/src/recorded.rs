//! The program with a ledger in a place of the case's own, which any number of jobs are recorded in.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use rusqlite::Connection;
use serde_json::Value;

use crate::child::Running;
use crate::copier::{self, Copied};
use crate::lab::Lab;
use crate::tool;

/// The program and its ledger.
#[derive(Clone)]
pub(crate) struct Recorded {
    /// The words before the program's own: the program itself, behind another one perhaps.
    program: Vec<String>,
    pub(crate) ledger: PathBuf,
}

impl Recorded {
    /// With a ledger in a new folder on the lab's disk.
    pub(crate) fn new(lab: &Lab) -> Result<Self> {
        Ok(Self::within(lab, &lab.new_dir("records")?))
    }

    /// With a ledger in this folder.
    pub(crate) fn within(lab: &Lab, dir: &Path) -> Self {
        let program = vec![lab.program.display().to_string()];
        Self { program, ledger: dir.join("ledger.db") }
    }

    /// The same behind another program, such as `strace` with its options.
    pub(crate) fn under(&self, wrapper: &[&str]) -> Self {
        let mut program: Vec<String> = wrapper.iter().map(|&word| word.to_owned()).collect();
        program.extend(self.program.iter().cloned());
        Self { program, ledger: self.ledger.clone() }
    }

    /// Takes another copy of the program.
    pub(crate) fn replace_program(&mut self, program: &Path) {
        self.program = vec![program.display().to_string()];
    }

    /// The program with these words, not started yet.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(&self.program[0]);
        command.args(&self.program[1..]).args(words);
        copier::isolate(&mut command);
        command.env("SURECOPY_LEDGER", &self.ledger);
        command.env("SURECOPY_INDEX", "/nonexistent/index.db");
        command
    }

    /// `surecopy copy --json` of one source to exactly this target, not started yet.
    pub(crate) fn copy_command(&self, options: &[&str], source: &Path, target: &Path) -> Command {
        let mut command = self.command(&["copy", "--json"]);
        command.args(options).arg("-T").arg(source).arg(target);
        command
    }

    /// Copies, whatever comes of it.
    pub(crate) fn copy(&self, options: &[&str], source: &Path, target: &Path) -> Result<Copied> {
        copier::finish(&mut self.copy_command(options, source, target))
    }

    /// Runs the program with these words, which ask for objects, whatever comes of it.
    pub(crate) fn run(&self, words: &[&str]) -> Result<Copied> {
        copier::finish(&mut self.command(words))
    }

    /// Begins a copy and kills it when it has told of so many items.
    pub(crate) fn copy_and_kill(
        &self,
        options: &[&str],
        (source, target): (&Path, &Path),
        items: usize,
    ) -> Result<()> {
        self.copy_and_kill_after(options, (source, target), items, || Ok(()))
    }

    /// The same; what is given happens at half of these items, while the copy has to wait.
    pub(crate) fn copy_and_kill_after(
        &self,
        options: &[&str],
        (source, target): (&Path, &Path),
        items: usize,
        meanwhile: impl FnOnce() -> Result<()>,
    ) -> Result<()> {
        let (mut running, lines) =
            Running::start_held(&mut self.copy_command(options, source, target))?;
        let mut told = lines.filter(|line| line.contains(r#""type":"item""#));
        let mut seen = told.by_ref().take(items / 2).count();
        meanwhile()?;
        seen += told.by_ref().take(items - items / 2).count();
        running.kill()?;
        let status = running.wait()?;
        // Not sooner: without a reader the copy would have ended in order.
        drop(told);
        ensure!(seen == items && !status.success(), "ended by itself after {seen}: {status}");
        Ok(())
    }

    /// A job as `status` tells it.
    pub(crate) fn status(&self, job: u64) -> Result<Value> {
        let told = self.run(&["status", &job.to_string(), "--json"])?;
        told.ensure_ok()?;
        told.objects.into_iter().next().context("status tells of the job")
    }

    /// The items of a job in this state, by the member of theirs that is named.
    pub(crate) fn items(&self, job: u64, state: &str) -> Result<Vec<Value>> {
        let told = self.run(&["audit", &job.to_string(), "--state", state, "--json"])?;
        told.ensure_ok()?;
        Ok(told.of_type("audit_item").cloned().collect())
    }

    /// Fails unless the audit log of a job fits and the database is whole. Gives how many records.
    pub(crate) fn ensure_sound(&self, job: u64) -> Result<u64> {
        let told = self.run(&["audit", &job.to_string(), "--check", "--json"])?;
        told.ensure_ok().context("audit --check")?;
        let found: String =
            self.database()?.query_row("PRAGMA integrity_check", [], |row| row.get(0))?;
        ensure!(found == "ok", "the ledger is not whole: {found}");
        told.objects[0]["records"].as_u64().context("audit --check counts")
    }

    /// The database, to be done to what no program should.
    pub(crate) fn database(&self) -> Result<Connection> {
        Ok(Connection::open(&self.ledger)?)
    }

    /// Takes a copy of the ledger, also while a program works with it.
    pub(crate) fn back_up(&self, to: &Path) -> Result<()> {
        let to = to.to_str().context("the lab's paths are text")?;
        self.database()?.execute("VACUUM INTO ?1", [to])?;
        Ok(())
    }

    /// Puts a copy in the place of the ledger.
    pub(crate) fn restore(&self, from: &Path) -> Result<()> {
        for ending in ["-wal", "-shm"] {
            let mut name = self.ledger.as_os_str().to_owned();
            name.push(OsStr::new(ending));
            if fs::exists(&name)? {
                fs::remove_file(&name)?;
            }
        }
        let to = self.ledger.as_os_str();
        tool::run("cp", ["--".as_ref(), from.as_os_str(), to]).map(drop)
    }
}

impl Copied {
    /// Fails unless it ended with this exit status and said all of this on stderr or in the report.
    pub(crate) fn ensure_ends(&self, status: i32, words: &[&str]) -> Result<()> {
        let told = self.describe();
        ensure!(self.status == status, "exit status {} instead of {status}: {told}", self.status);
        for word in words {
            ensure!(told.contains(word), "nothing is said of {word:?}: {told}");
        }
        Ok(())
    }
}
