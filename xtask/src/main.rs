//! Chores of this repository that are too much for a shell line: `cargo xtask <command>`.
//!
//! Holds no product code, and nothing in the product depends on it.

mod bench;
mod docs;
mod matrix;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::workspace::Workspace;

const USAGE: &str = "usage: cargo xtask <command>

commands:
  tidy          check the rules of the house that compilers do not check
  docs          write the documents that are made from tables in the code
  docs --check  fail when one of those documents is out of date
  matrix LOG... print every row of the fault matrix with its tests, and how they ended in these logs of
                `cargo test` and `lab/run`; fail when a row is not proved and has no reason
  bench NAME [ROUNDS]
                time the program: `ledger` (what it costs), `resume` (of a finished job), `scan` and
                `scan-flat` (beside `find`)";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[&str]) -> Result<ExitCode> {
    match arguments {
        ["tidy"] => tidy::run(&Workspace::find()?),
        ["docs"] => docs::write(&Workspace::find()?),
        ["docs", "--check"] => docs::check(&Workspace::find()?),
        ["matrix", logs @ ..] => matrix::run(&Workspace::find()?, logs),
        ["bench", rest @ ..] => bench::run(&Workspace::find()?, rest),
        ["help" | "--help" | "-h"] => {
            println!("{USAGE}");
            Ok(ExitCode::SUCCESS)
        }
        _ => bail!("no such command\n\n{USAGE}"),
    }
}
