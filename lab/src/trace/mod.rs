//! Where a program stands when it is killed: right before any of its system calls, by `strace`.

mod calls;
mod kill;

pub(crate) use kill::{KillPoint, Killed, Trace, kill_at, kill_at_each, kill_everywhere, some};
