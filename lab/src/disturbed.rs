//! A recorded job that is disturbed and gone on with, and what must be there in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::copier;
use crate::job::{Found, Job};
use crate::lab::Lab;
use crate::ledger::{Items, Ledger};
use crate::likeness::Likeness;
use crate::snapshot::{PARTIAL_PREFIX, ensure_no_partials};

/// A job, where it copies to, and where that is recorded.
pub(crate) struct Disturbed<'a> {
    pub(crate) lab: &'a Lab,
    pub(crate) job: &'a Job,
    pub(crate) options: &'a [&'a str],
    pub(crate) target: PathBuf,
    pub(crate) ledger: Ledger,
}

/// What going on with disturbed jobs has come to.
#[derive(Default)]
pub(crate) struct Ends {
    pub(crate) found: Found,
    /// How often the job was recorded, and resumed.
    pub(crate) resumed: usize,
    /// How often it was not, and copied anew.
    pub(crate) begun: usize,
    /// Files that were there and not recorded as done: recovery had to find that out.
    pub(crate) found_done: usize,
    /// Partial files that were left: the files that are begun again. In all, and at most at once.
    pub(crate) begun_again: usize,
    pub(crate) most_begun_again: usize,
    /// Old files that were found under the name of a backup only.
    under_backups: usize,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { found: Found { old, new, absent }, resumed, begun, .. } = self;
        let Self { found_done, begun_again, most_begun_again, under_backups, .. } = self;
        write!(
            f,
            "{resumed} resumed, {begun} copied anew; {old} old, {new} new, {absent} absent, \
            {under_backups} in a backup only; {found_done} found to be done; \
            {begun_again} files begun again (at most {most_begun_again} at once), none copied twice"
        )
    }
}

impl Disturbed<'_> {
    /// Makes all as it is before the job, and gives the command that begins it.
    pub(crate) fn begin(&self, wrapper: &[&str]) -> Result<Command> {
        self.job.fill(&self.target)?;
        self.ledger.remove()?;
        Ok(self.command(wrapper))
    }

    /// The command that begins the job.
    pub(crate) fn command(&self, wrapper: &[&str]) -> Command {
        let paths = (self.job.source.as_path(), self.target.as_path());
        self.ledger.copy_command(self.lab, wrapper, self.options, paths)
    }

    /// What the target looks like after a run that nothing disturbs.
    pub(crate) fn undisturbed(&self) -> Result<Likeness> {
        copier::finish(&mut self.begin(&[])?)?.ensure_ok()?;
        self.job.ensure_finished(&self.target)?;
        let likeness = Likeness::take(&self.target)?;
        self.ensure_ended(&likeness)?;
        Ok(likeness)
    }

    /// Fails unless every target is old or new, what was told and what the ledger records as
    /// done is new, and what is to be replaced is there until then; then goes on.
    pub(crate) fn check_and_go_on(
        &self,
        told: &BTreeSet<PathBuf>,
        undisturbed: &Likeness,
        ends: &mut Ends,
    ) -> Result<Found> {
        self.job.check(&self.target, told).context("what was reported")?;
        let has_job = self.ledger.has_job(self.lab)?;
        let items = if has_job { self.ledger.items(self.lab)? } else { Items::default() };
        let recorded = items.done().map(Path::to_owned).collect();
        let found = self.job.check(&self.target, &recorded).context("what was recorded")?;
        ends.found.add(found);
        ensure!(told.is_subset(&recorded), "reported and not recorded: {told:?}, {recorded:?}");
        ends.under_backups += self.job.ensure_old_ones_reachable(&self.target, &recorded)?;
        let there = self.job.new_ones(&self.target);
        ends.found_done += there.keys().filter(|path| !recorded.contains(path.as_path())).count();
        drop(recorded);
        self.go_on(has_job, ends)?;
        self.ensure_same_files(&there)?;
        self.ensure_ended(undisturbed)?;
        Ok(found)
    }

    /// Resumes the job, or copies when there is none yet.
    fn go_on(&self, has_job: bool, ends: &mut Ends) -> Result<()> {
        let begun = partial_files(&self.target)?;
        ends.begun_again += begun;
        ends.most_begun_again = ends.most_begun_again.max(begun);
        if has_job {
            ends.resumed += 1;
            let mut resume = self.ledger.resume_command(self.lab, &[]);
            return copier::finish(&mut resume)?.ensure_ok().context("resume");
        }
        ends.begun += 1;
        copier::finish(&mut self.command(&[]))?.ensure_ok().context("copy anew")
    }

    /// Fails unless those that were there whole are the same files still: they were not copied again.
    pub(crate) fn ensure_same_files(&self, before: &BTreeMap<PathBuf, u64>) -> Result<()> {
        let now = self.job.new_ones(&self.target);
        for (path, number) in before {
            ensure!(now.get(path) == Some(number), "{} was copied again", path.display());
        }
        Ok(())
    }

    /// Fails unless all is as after a run that nothing disturbed.
    pub(crate) fn ensure_ended(&self, undisturbed: &Likeness) -> Result<()> {
        undisturbed.ensure_of(&self.target)?;
        ensure_no_partials(&self.target)?;
        self.ledger.ensure_sound(self.lab)?;
        self.ledger.items(self.lab)?.ensure_each_once(&self.job.targets(&self.target))?;
        self.job.ensure_source_untouched()
    }
}

/// How many partial files there are beneath a directory.
fn partial_files(top: &Path) -> Result<usize> {
    let (mut open, mut count) = (vec![top.to_owned()], 0);
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(&dir).with_context(|| format!("list {}", dir.display()))? {
            let entry = entry?;
            let name: &OsStr = &entry.file_name();
            let name = name.as_encoded_bytes();
            let is_one = name.starts_with(PARTIAL_PREFIX) && name.ends_with(b".partial");
            count += usize::from(is_one);
            if entry.file_type()?.is_dir() {
                open.push(entry.path());
            }
        }
    }
    Ok(count)
}
