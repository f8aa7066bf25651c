//! The benchmarks by name.

use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use super::ledger;
use super::prepare;
use super::scan;
use super::scratch::Scratch;
use crate::workspace::Workspace;

/// Makes its data, times so many rounds, and gives a table.
type Benchmark = fn(&Scratch, usize) -> Result<String>;

/// Every benchmark.
const BENCHMARKS: &[(&str, Benchmark)] = &[
    ("ledger", ledger::cost),
    ("prepare", prepare::known),
    ("prepare-new", prepare::new),
    ("resume", ledger::resume),
    ("scan", scan::tree),
    ("scan-flat", scan::flat),
];

/// So many rounds when none are asked for.
const ROUNDS: usize = 7;

/// Runs a benchmark and prints its table.
pub(crate) fn run(workspace: &Workspace, arguments: &[&str]) -> Result<ExitCode> {
    let names: Vec<&str> = BENCHMARKS.iter().map(|(name, _)| *name).collect();
    let (name, rounds) = match arguments {
        [name] => (*name, ROUNDS),
        [name, rounds] => (*name, rounds.parse().context("how many rounds is a number")?),
        _ => bail!("which benchmark? {}", names.join(", ")),
    };
    let found = BENCHMARKS.iter().find(|(known, _)| *known == name);
    let (_, benchmark) =
        found.with_context(|| format!("no benchmark {name}: there are {}", names.join(", ")))?;
    if rounds < 1 {
        bail!("at least one round");
    }
    let scratch = Scratch::new(workspace)?;
    println!("{}", benchmark(&scratch, rounds)?);
    Ok(ExitCode::SUCCESS)
}
