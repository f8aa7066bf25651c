//! The lab: the release program of surecopy on real volumes, held to what its reports claim.
//!
//! Started by `lab/run`, as root. Every part makes its own volumes and takes them down. Nothing here
//! looks inside the program: it is judged by its objects, its exit status and what the kernel says, and its
//! ledger by what any program can find out about a database.

mod answer;
mod bad_disk;
mod careless;
mod cases;
mod child;
mod content;
mod copier;
mod crash;
mod delay;
mod disks;
mod disturbed;
mod failing;
mod job;
mod lab;
mod ledger;
mod likeness;
mod recorded;
mod run;
mod small;
mod snapshot;
mod soak;
mod taken_back;
mod tool;
mod trace;
mod tree;
mod volume;
mod watch;

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let done = match arguments.next() {
        Some(word) if word == disks::server::WORD => disks::server::serve(arguments),
        Some(word) if word == disks::server::SLOW_WORD => disks::server::serve_slowly(arguments),
        Some(word) if word == careless::WORD => careless::run(arguments),
        Some(word) if word == "--table" => cases::write_table(),
        Some(word) if word == soak::WORD => return run::all(soak::CASES, &[]),
        _ => {
            let words: Vec<String> = std::env::args().skip(1).collect();
            return run::all(cases::CASES, &words);
        }
    };
    if let Err(error) = done {
        eprintln!("{error:#}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
