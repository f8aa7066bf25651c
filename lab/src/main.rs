//! The lab: the release program of surecopy on real volumes, held to what its reports claim.
//!
//! Started by `lab/run`, as root. Every part makes its own volumes and takes them down. Nothing here
//! looks inside the program: it is judged by its objects, its exit status and what the kernel says.

mod cases;
mod child;
mod content;
mod copier;
mod delay;
mod job;
mod lab;
mod run;
mod snapshot;
mod tool;
mod trace;
mod volume;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    run::all(cases::CASES)
}
