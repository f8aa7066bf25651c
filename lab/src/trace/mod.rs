//! What a program does at any of its system calls when it is killed there, or when the call fails, by `strace`.

mod calls;
mod faults;
mod gate;
mod kill;

pub(crate) use faults::{FaultPoint, Lasts, Place, are_all_wanted};
pub(crate) use gate::{Gate, Passed};
pub(crate) use kill::{KillPoint, Killed, Trace, kill_at, kill_at_each, kill_everywhere, some};
