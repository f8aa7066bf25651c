//! The power is cut while a job is undone, and it is undone again.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::careless::{Design, PLAN};
use crate::copier;
use crate::crash::{CUTS, Machine, Place, State, Told};
use crate::disks::Log;
use crate::lab::Lab;
use crate::likeness::Likeness;
use crate::recorded::Recorded;
use crate::taken_back::{Found, TakenBack, fill, put_guest, undone_among};
use crate::trace::{Trace, some};
use crate::volume::Fs;

/// How many states are looked at of each volume, and place of the ledger, unless this variable says another
/// number.
const STATES: usize = 16;
const STATES_VARIABLE: &str = "SURECOPY_LAB_STATES";

/// The same of what is careless.
const CARELESS: usize = 15;

/// What is drawn is drawn from this; the logs differ anyway.
const SEED: u64 = 94;

/// So few open files that not all is undone in one round.
const FEW_FILES: [&str; 2] = ["prlimit", "--nofile=32"];

/// What names, removes and flushes, and how many cuts are made before calls that are not on the ledger's files,
/// and that are.
const PUBLISHING: [&str; 6] =
    ["renameat2", "renameat", "unlinkat", "fsync", "fdatasync", "pwrite64"];
const CUT_BEFORE: [usize; 2] = [8, 3];

const PLACES: [Place; 6] = [
    Place { target: Fs::Ext4, ledger: None },
    Place { target: Fs::Xfs, ledger: None },
    Place { target: Fs::Btrfs, ledger: None },
    Place { target: Fs::Ext4, ledger: Some(Fs::Xfs) },
    Place { target: Fs::Xfs, ledger: Some(Fs::Btrfs) },
    Place { target: Fs::Btrfs, ledger: Some(Fs::Ext4) },
];

/// Disks on which a job was done that is to be undone.
pub(super) struct Staged<'a> {
    lab: &'a Lab,
    pub(super) place: Place,
    pub(super) machine: Machine,
    pub(super) job: TakenBack,
    /// Those in which the targets are.
    folders: BTreeSet<PathBuf>,
}

/// What was found in states, and what undoing again has come to.
#[derive(Default)]
struct Ends {
    states: usize,
    amid: usize,
    told: usize,
    found: Found,
}

impl fmt::Display for Ends {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { states, amid, told, found: Found { undone, copied, given_up } } = self;
        write!(
            f,
            "{states} undone again, {amid} of them from the middle; {undone} undone before, {told} of them \
            reported, {copied} not, {given_up} copies not removed yet"
        )
    }
}

pub(super) fn top_on<'a>(disk: impl Fn(usize) -> &'a Path) -> PathBuf {
    disk(0).join("top")
}

impl<'a> Staged<'a> {
    pub(super) fn new(lab: &'a Lab, place: Place) -> Result<Self> {
        let mut job = None;
        let machine = Machine::new(lab, &place.disks(), |disks| {
            let top = top_on(|disk| disks.path(disk));
            fill(&top)?;
            let before = Likeness::take(&top)?;
            let recorded = Recorded::within(lab, &place.ledger(|disk| disks.path(disk)));
            let options = ["--keep-replaced", "--on-conflict", "replace"];
            recorded.copy(&options, &top.join("source"), &top.join("target"))?.ensure_ok()?;
            put_guest(&top)?;
            let done = TakenBack::of(&top, before, &recorded)?;
            let paths = done.paths(&top);
            fs::write(recorded.ledger.with_file_name(PLAN), serde_json::to_string(&paths)?)?;
            let folders = paths.iter().filter_map(|(target, _)| target.parent());
            job = Some((done, folders.map(Path::to_owned).collect()));
            Ok(())
        })?;
        let (job, folders) = job.context("there is a job")?;
        Ok(Self { lab, place, machine, job, folders })
    }

    pub(super) fn recorded<'d>(&self, lab: &Lab, disk: impl Fn(usize) -> &'d Path) -> Recorded {
        Recorded::within(lab, &self.place.ledger(disk))
    }

    /// The command that undoes the job, perhaps with another program.
    fn undo<'d>(&self, lab: &Lab, wrapper: &[&str], disk: impl Fn(usize) -> &'d Path) -> Command {
        let recorded = self.recorded(lab, disk).under(&FEW_FILES).under(wrapper);
        recorded.command(&["undo", "1", "--json"])
    }

    /// Words before a program under which flushes of the target's folders do nothing, those of the ledger all.
    pub(super) fn without_flushes(&self, log: &Path) -> Vec<String> {
        let folders = self.folders.iter().map(|path| format!("--trace-path={}", path.display()));
        let fault = ["--trace=fsync", "--inject=fsync:retval=0"].map(str::to_owned);
        let words = ["strace", "-f", "-q", "-o"].map(str::to_owned);
        words.into_iter().chain([log.display().to_string()]).chain(folders).chain(fault).collect()
    }

    fn undisturbed(&self) -> Result<Likeness> {
        let state = self.machine.mount_before()?;
        let mut undo = self.undo(self.lab, &[], |disk| state.path(disk));
        copier::finish(&mut undo)?.ensure_ok()?;
        let top = top_on(|disk| state.path(disk));
        let likeness = Likeness::take(&top)?;
        self.job.ensure_undone(&top, &likeness)?;
        state.unmount()?;
        Ok(likeness)
    }

    fn record(&self, lab: &Lab, wrapper: &[&str]) -> Result<(Log, Told)> {
        let (log, told) = self.machine.record(|recorder| {
            recorder.run(&mut self.undo(lab, wrapper, |disk| recorder.path(disk)))
        })?;
        told.copied.ensure_ok()?;
        let count = undone_among(told.at(log.len())).len();
        ensure!(count == self.job.len(), "{count} of {} were reported", self.job.len());
        Ok((log, told))
    }

    /// Fails unless every target is copied or as it was, what was told and what the ledger records as undone
    /// is undone, and undoing again comes to the same end.
    fn check_and_undo_again(
        &self,
        state: &State,
        told: &[Value],
        undisturbed: &Likeness,
        ends: &mut Ends,
    ) -> Result<()> {
        let top = top_on(|disk| state.path(disk));
        let told = undone_among(told);
        let found = self.job.check(&top, &told).context("what was reported")?;
        let recorded = self.recorded(self.lab, |disk| state.path(disk));
        let undone = recorded.items(1, "undone")?;
        let undone = undone.iter().filter_map(|item| item["target"].as_str().map(PathBuf::from));
        let undone = undone.collect();
        self.job.check(&top, &undone).context("what was recorded")?;
        ensure!(told.is_subset(&undone), "reported and not recorded: {told:?}, {undone:?}");
        let again = recorded.run(&["undo", "1", "--json"])?;
        again.ensure_ok().context("undo again")?;
        let report = again.of_type("undo_report").next().context("there is a report")?;
        ensure!(report["refused"] == 0 && report["failed"] == 0, "{report}");
        self.job.ensure_undone(&top, undisturbed).context("undone again")?;
        ensure!(recorded.status(1)?["state"] == "undone", "{}", recorded.status(1)?);
        recorded.ensure_sound(1)?;
        ends.states += 1;
        ends.amid += usize::from(found.is_amid());
        ends.told += told.len();
        ends.found.add(found);
        Ok(())
    }
}

/// A program that undoes carelessly, to be found in the states by the same check. The error is what it must say.
fn caught(lab: &Lab, staged: &Staged<'_>, wrapper: &[&str], error: &str) -> Result<String> {
    let undisturbed = staged.undisturbed()?;
    let (log, told) = staged.record(lab, wrapper)?;
    let (mut bad, mut ends) = (0, Ends::default());
    let explored = staged.machine.explore(&log, SEED, CARELESS, |state| {
        let told = told.at(state.position);
        let found = staged.check_and_undo_again(state, told, &undisturbed, &mut ends);
        bad += usize::from(found.is_err_and(|found| format!("{found:#}").contains(error)));
        Ok(())
    })?;
    ensure!(bad > 0, "it was not found that something {error}, in {explored}");
    Ok(format!("{}: {explored}, {bad} in which something {error}", staged.place.name()))
}

/// Fails unless no flush that was looked at has done anything.
pub(super) fn ensure_suppressed(log: &Path) -> Result<()> {
    let flushes = fs::read_to_string(log)?;
    let all = flushes.lines().filter(|line| line.contains(" fsync(")).count();
    let lost = flushes.matches("(INJECTED)").count();
    ensure!(lost > 10 && all == lost, "{lost} of {all} flushes of folders were suppressed");
    Ok(())
}

/// The program itself where flushes of the target's folders do nothing.
pub(crate) fn without_flushes(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for (target, ledger) in [(Fs::Xfs, Fs::Ext4), (Fs::Btrfs, Fs::Ext4)] {
        let place = Place { target, ledger: Some(ledger) };
        let staged = Staged::new(lab, place)?;
        let log = lab.new_path("strace.log");
        let wrapper = staged.without_flushes(&log);
        let words: Vec<&str> = wrapper.iter().map(String::as_str).collect();
        figures.push(caught(lab, &staged, &words, "said to be undone, is not")?);
        ensure_suppressed(&log)?;
    }
    Ok(figures.join("; "))
}

/// A program that removes the copy before what it replaced is back.
pub(crate) fn removes_first(lab: &Lab) -> Result<String> {
    let careless = Design::UndoRemovesFirst.in_place_of_the_program(lab)?;
    let mut figures = Vec::new();
    for target in [Fs::Ext4, Fs::Xfs] {
        let place = Place { target, ledger: None };
        let staged = Staged::new(lab, place)?;
        figures.push(caught(&careless, &staged, &[], "is gone")?);
    }
    Ok(figures.join("; "))
}

/// In every state each target is copied or as it was, and undoing again ends well.
pub(crate) fn of_states(lab: &Lab) -> Result<String> {
    let count = match std::env::var(STATES_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{STATES_VARIABLE}={text}"))?,
        Err(_) => STATES,
    };
    let mut figures = Vec::new();
    for place in PLACES {
        let figure = states_of(lab, place, count).with_context(|| place.name())?;
        figures.push(format!("{}: {figure}", place.name()));
    }
    Ok(format!("seed {SEED}; {}", figures.join("; ")))
}

fn states_of(lab: &Lab, place: Place, count: usize) -> Result<String> {
    let staged = Staged::new(lab, place)?;
    let undisturbed = staged.undisturbed()?;
    let (log, told) = staged.record(lab, &[])?;
    let mut ends = Ends::default();
    let explored = staged.machine.explore(&log, SEED, count, |state| {
        staged.check_and_undo_again(state, told.at(state.position), &undisturbed, &mut ends)
    })?;
    ensure!(
        ends.amid > 2 && ends.told > 0 && ends.found.given_up > 0,
        "the states were not spread: {ends}"
    );
    Ok(format!("{explored}: {ends}"))
}

/// The same when the power is cut right before calls of the undo.
pub(crate) fn at_calls(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for place in PLACES.into_iter().filter(|place| place.target != Fs::Btrfs) {
        // Of these the power can be cut, whatever the ledger of the other is on.
        let ledger =
            place.ledger.map(|_| if place.target == Fs::Ext4 { Fs::Xfs } else { Fs::Ext4 });
        let place = Place { ledger, ..place };
        let figure = cut_undos(lab, place).with_context(|| place.name())?;
        figures.push(format!("{}: {figure}", place.name()));
    }
    Ok(figures.join("; "))
}

fn cut_undos(lab: &Lab, place: Place) -> Result<String> {
    let staged = Staged::new(lab, place)?;
    let undisturbed = staged.undisturbed()?;
    let state = staged.machine.mount_before()?;
    let command =
        |state: &State, wrapper: &[&str]| Ok(staged.undo(lab, wrapper, |disk| state.path(disk)));
    let trace = Trace::take(lab, |wrapper| command(&state, wrapper))?;
    trace.ensure_ok()?;
    state.unmount()?;
    let is_chosen = |call: &str| PUBLISHING.contains(&call);
    let mut points = Vec::new();
    for (is_ledger, count) in [false, true].into_iter().zip(CUT_BEFORE) {
        let all = trace.points.iter().filter(|point| is_chosen(&point.call));
        let all: Vec<_> = all.filter(|point| point.is_ledger == is_ledger).collect();
        points.extend(some(&all, count));
    }
    let (mut ends, mut sharp) = (Ends::default(), 0);
    for (number, point) in points.iter().enumerate() {
        let cut = CUTS[number % CUTS.len()];
        let what = || format!("{cut}, {point}");
        let cut_off = staged.machine.cut_at(lab, point, cut, command).with_context(what)?;
        let Some(cut_off) = cut_off else { continue };
        let told = cut_off.killed.copied()?.objects;
        staged
            .check_and_undo_again(&cut_off.state, &told, &undisturbed, &mut ends)
            .with_context(what)?;
        sharp += usize::from(cut_off.is_sharp);
        cut_off.state.unmount()?;
    }
    ensure!(ends.states * 20 >= points.len() * 19, "{} points: {ends}", points.len());
    ensure!(sharp > 0 && ends.amid > 1 && ends.told > 0, "{sharp} sharp cuts: {ends}");
    Ok(ends.to_string())
}
