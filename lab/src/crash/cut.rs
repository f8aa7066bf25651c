//! Power cuts as ext4 and xfs make them themselves: at once, with what is in memory.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result};

use super::machine::{Machine, State};
use crate::delay;
use crate::lab::Lab;
use crate::tool;
use crate::trace::{KillPoint, Killed, kill_at};

/// How the power goes: without what the journal still has in memory, and with it but without data.
pub(crate) const CUTS: [&str; 2] = ["shutdown", "shutdown -f"];

/// Nobody flushes a file of this name at the top of the first disk.
const WITNESS: &str = "witness";

/// What is there after a cut.
pub(crate) struct CutOff {
    /// The program that was at work: everything that it had told was told before the cut.
    pub(crate) killed: Killed,
    /// The disks, mounted again.
    pub(crate) state: State,
    /// Whether the cut took what was not flushed. A program that flushes everything just then takes
    /// the sting out of it.
    pub(crate) is_sharp: bool,
}

impl Machine {
    /// Runs a program on the disks, kills it right before one of its calls, cuts the power and mounts
    /// again. Gives nothing when it did not come so far.
    pub(crate) fn cut_at(
        &self,
        lab: &Lab,
        point: &KillPoint,
        cut: &str,
        command: impl Fn(&State, &[&str]) -> Result<Command>,
    ) -> Result<Option<CutOff>> {
        let attempt = |millis| {
            let state = self.mount_before()?;
            let killed = kill_at(lab, point, millis, |wrapper| command(&state, wrapper))?;
            Ok(killed.map(|killed| killed.map(|killed| (killed, state))))
        };
        let Some((killed, state)) = delay::soon_in_time(attempt)? else { return Ok(None) };
        fs::write(state.path(0).join(WITNESS), [b'w'; 300_000])?;
        for path in state.paths() {
            let arguments = ["-x", "-c", cut].map(AsRef::as_ref);
            tool::run("xfs_io", arguments.into_iter().chain([path.as_os_str()]))?;
        }
        let state = self.mount_again(state).context("mount after the cut")?;
        let witness = fs::read(state.path(0).join(WITNESS)).unwrap_or_default();
        Ok(Some(CutOff { killed, state, is_sharp: !witness.contains(&b'w') }))
    }
}
