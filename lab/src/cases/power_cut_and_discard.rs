//! The power is cut while what a job has kept is given up, and it is given up again.

use anyhow::{Context, Result, ensure};

use super::power_cut_and_undo::{Staged, ensure_suppressed, top_on};
use crate::crash::{Place, State};
use crate::disks::Log;
use crate::lab::Lab;
use crate::snapshot::ensure_no_partials;
use crate::volume::Fs;

/// How many states are looked at of each volume.
const STATES: usize = 12;

/// What is drawn is drawn from this; the logs differ anyway.
const SEED: u64 = 104;

const DISCARD: [&str; 4] = ["undo", "1", "--discard", "--json"];

/// In every state each target is what was copied, what it has replaced is whole or gone, and giving it up again
/// leaves none of it.
pub(crate) fn of_states(lab: &Lab) -> Result<String> {
    let mut figures = Vec::new();
    for (target, ledger) in [(Fs::Ext4, None), (Fs::Xfs, None), (Fs::Btrfs, Some(Fs::Ext4))] {
        let staged = Staged::new(lab, Place { target, ledger })?;
        let log = record(lab, &staged, &[])?;
        let mut amid = 0;
        let explored = staged.machine.explore(&log, SEED, STATES, |state| {
            amid += usize::from(check_and_discard_again(lab, &staged, state)?);
            Ok(())
        });
        let explored = explored.with_context(|| staged.place.name())?;
        ensure!(amid > 0, "{}: no state is from the middle", staged.place.name());
        figures.push(format!("{}: {explored}, {amid} from the middle", staged.place.name()));
    }
    Ok(format!("seed {SEED}; {}", figures.join("; ")))
}

/// Where the names of what is gone are not flushed, and it is recorded that it is gone, it is never looked for
/// again: that has to be found.
pub(crate) fn without_flushes(lab: &Lab) -> Result<String> {
    let staged = Staged::new(lab, Place { target: Fs::Xfs, ledger: Some(Fs::Ext4) })?;
    let trace = lab.new_path("strace.log");
    let wrapper = staged.without_flushes(&trace);
    let log = record(lab, &staged, &wrapper.iter().map(String::as_str).collect::<Vec<_>>())?;
    ensure_suppressed(&trace)?;
    let mut left = 0;
    let explored = staged.machine.explore(&log, SEED, STATES, |state| {
        let found = check_and_discard_again(lab, &staged, state);
        left += usize::from(found.is_err_and(|found| format!("{found:#}").contains("left behind")));
        Ok(())
    })?;
    ensure!(left > 0, "nothing was found to be left, in {explored}");
    Ok(format!("{}: {explored}, something is left in {left}", staged.place.name()))
}

fn record(lab: &Lab, staged: &Staged<'_>, wrapper: &[&str]) -> Result<Log> {
    let (log, told) = staged.machine.record(|recorder| {
        let recorded = staged.recorded(lab, |disk| recorder.path(disk)).under(wrapper);
        recorder.run(&mut recorded.command(&DISCARD))
    })?;
    told.copied.ensure_ok()?;
    Ok(log)
}

/// Whether some was given up, and some was not.
fn check_and_discard_again(lab: &Lab, staged: &Staged<'_>, state: &State) -> Result<bool> {
    let top = top_on(|disk| state.path(disk));
    let (gone, all) = staged.job.check_given_up(&top)?;
    let recorded = staged.recorded(lab, |disk| state.path(disk));
    recorded.run(&DISCARD)?.ensure_ok().context("give up again")?;
    staged.job.check_given_up(&top)?;
    ensure_no_partials(&top)?;
    recorded.ensure_sound(1)?;
    Ok(gone > 0 && gone < all)
}
