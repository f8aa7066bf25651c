//! Commands that take turns, and what they took.

use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, ensure};

/// One of the commands.
pub(crate) struct Runner<'a> {
    pub(crate) name: &'static str,
    /// What is not timed: it makes room, and gives the command.
    pub(crate) prepare: Box<dyn Fn() -> Result<Command> + 'a>,
    /// What of it counts.
    pub(crate) timed: Timed,
}

/// What of a command counts.
pub(crate) enum Timed {
    /// All of it, from its beginning to its end.
    Whole,
    /// What it says itself on stdout that a part of it took, in seconds.
    Said(fn(&str) -> Result<f64>),
}

impl<'a> Runner<'a> {
    /// A command of which all counts.
    pub(crate) fn whole(name: &'static str, prepare: impl Fn() -> Result<Command> + 'a) -> Self {
        Self { name, prepare: Box::new(prepare), timed: Timed::Whole }
    }

    fn run(&self) -> Result<f64> {
        let mut command = (self.prepare)()?;
        let begun = Instant::now();
        match self.timed {
            Timed::Whole => {
                let status = command.status().with_context(|| format!("start {command:?}"))?;
                let wall = begun.elapsed().as_secs_f64();
                ensure!(status.success(), "{command:?}: {status}");
                Ok(wall)
            }
            Timed::Said(read) => {
                let output = command.output().with_context(|| format!("start {command:?}"))?;
                ensure!(output.status.success(), "{command:?}: {}", output.status);
                read(&String::from_utf8(output.stdout)?)
            }
        }
    }
}

/// What one command took in every round.
pub(crate) struct Took {
    pub(crate) name: &'static str,
    pub(crate) wall_seconds: Vec<f64>,
    pub(crate) cpu_seconds: Vec<f64>,
}

/// Runs all in turns, once without counting, then for so many rounds; every other round in the opposite
/// order.
pub(crate) fn race(runners: &[Runner<'_>], rounds: usize) -> Result<Vec<Took>> {
    let took = |runner: &Runner<'_>| Took {
        name: runner.name,
        wall_seconds: Vec::new(),
        cpu_seconds: Vec::new(),
    };
    let mut all: Vec<Took> = runners.iter().map(took).collect();
    for round in 0..=rounds {
        let mut order: Vec<usize> = (0..runners.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for at in order {
            let cpu = children_cpu_seconds()?;
            let wall = runners[at].run()?;
            if round > 0 {
                all[at].wall_seconds.push(wall);
                all[at].cpu_seconds.push(children_cpu_seconds()? - cpu);
            }
        }
    }
    Ok(all)
}

/// What programs have used that were waited for, in user and kernel mode.
fn children_cpu_seconds() -> Result<f64> {
    /// Of the kernel's interface to programs; it does not change.
    const TICKS_A_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").context("this machine has no /proc")?;
    let behind_name = stat.rsplit_once(") ").context("a stat line has a name in brackets")?.1;
    // The 16th and 17th field of the line; the name was the second.
    let ticks = behind_name.split(' ').skip(13).take(2).map(str::parse::<u64>);
    Ok(ticks.sum::<Result<u64, _>>()? as f64 / TICKS_A_SECOND)
}

/// The value below which a part of all lie, by the nearest one.
fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * part).round() as usize]
}

pub(crate) fn median(values: &[f64]) -> f64 {
    quantile(values, 0.5)
}

/// A table of all, compared with the first, in Markdown.
pub(crate) fn table(all: &[Took]) -> String {
    let mut text = String::from(
        "| | median | ratio, pair by pair: median (quartiles) | processor time | its ratio |\n\
         |---|---|---|---|---|\n",
    );
    let Some(first) = all.first() else { return text };
    for took in all {
        let pairs = took.wall_seconds.iter().zip(&first.wall_seconds);
        let ratios: Vec<f64> = pairs.map(|(one, other)| one / other).collect();
        let (wall, cpu) = (median(&took.wall_seconds), median(&took.cpu_seconds));
        text.push_str(&format!(
            "| {} | {wall:.3} s | {:.3} ({:.2} to {:.2}) | {cpu:.2} s | {:.3} |\n",
            took.name,
            median(&ratios),
            quantile(&ratios, 0.25),
            quantile(&ratios, 0.75),
            cpu / median(&first.cpu_seconds),
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_taken_pair_by_pair() {
        let took = |name, wall_seconds: [f64; 3]| Took {
            name,
            wall_seconds: wall_seconds.to_vec(),
            cpu_seconds: vec![2.0; 3],
        };
        let text = table(&[took("one", [1.0, 2.0, 4.0]), took("other", [1.5, 2.0, 8.0])]);
        let last = text.lines().last();
        assert_eq!(last, Some("| other | 2.000 s | 1.500 (1.50 to 2.00) | 2.00 s | 1.000 |"));
    }

    #[test]
    fn the_time_of_programs_is_counted() {
        let before = children_cpu_seconds().unwrap();
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        assert!(Command::new("sh").args(["-c", busy]).status().unwrap().success());
        assert!(children_cpu_seconds().unwrap() > before);
    }
}
