//! Runs the cases one after the other, prints a line for each, and counts.

use std::any::Any;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::lab::Lab;

/// One part of the lab.
pub(crate) struct Case {
    /// As printed, and what a filter on the command line looks at.
    pub(crate) name: &'static str,
    /// Gives the key figures of a success.
    pub(crate) run: fn(&Lab) -> Result<String>,
}

/// Why a case cannot run here. Every other error is a failure.
#[derive(Debug)]
pub(crate) struct Skip(pub(crate) String);

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Skip {}

#[derive(Default)]
struct Counts {
    passed: usize,
    failed: usize,
    skipped: usize,
}

/// Runs every case whose name contains one of these words; without words, all.
pub(crate) fn all(cases: &[Case], words: &[String]) -> ExitCode {
    let is_required = std::env::var_os("SURECOPY_LAB_REQUIRED").is_some_and(|value| value == "1");
    let chosen = |case: &&Case| words.is_empty() || words.iter().any(|w| has(case.name, w));
    let lab = Lab::find();
    let mut counts = Counts::default();
    for case in cases.iter().filter(chosen) {
        let began = Instant::now();
        let result = match &lab {
            Ok(lab) => one(case, lab),
            Err(reason) => Err(Skip(format!("{reason:#}")).into()),
        };
        report(case.name, &result, began.elapsed().as_secs_f64(), &mut counts);
    }
    let Counts { passed, failed, skipped } = counts;
    println!("{passed} passed, {failed} failed, {skipped} skipped");
    if passed + failed + skipped == 0 {
        println!("no part of the lab has such a name");
        return ExitCode::FAILURE;
    }
    if skipped > 0 && is_required {
        println!("SURECOPY_LAB_REQUIRED=1: what was skipped counts as failed");
    }
    if failed > 0 || (skipped > 0 && is_required) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Whether a name has a word: any of its text, or a row of the fault matrix as `#7`, which is not `#70`.
fn has(name: &str, word: &str) -> bool {
    if word.starts_with('#') { name.split(' ').any(|it| it == word) } else { name.contains(word) }
}

fn one(case: &Case, lab: &Lab) -> Result<String> {
    catch_unwind(AssertUnwindSafe(|| (case.run)(lab)))
        .unwrap_or_else(|payload| Err(anyhow::anyhow!("panicked: {}", panic_text(&*payload))))
}

fn panic_text(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
}

fn report(name: &str, result: &Result<String>, seconds: f64, counts: &mut Counts) {
    match result {
        Ok(figures) => {
            counts.passed += 1;
            println!("PASS {name} ({seconds:.1} s) {figures}");
        }
        Err(error) => match error.downcast_ref::<Skip>() {
            Some(Skip(reason)) => {
                counts.skipped += 1;
                println!("SKIP({reason}) {name}");
            }
            None => {
                counts.failed += 1;
                println!("FAIL {name} ({seconds:.1} s)\n    {}", indented(&format!("{error:#}")));
            }
        },
    }
}

fn indented(text: &str) -> String {
    text.trim_end().replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_skip_is_told_from_a_failure() {
        let mut counts = Counts::default();
        report("a", &Err(Skip("no root".to_owned()).into()), 0.0, &mut counts);
        report("b", &Err(anyhow::anyhow!("wrong")), 0.0, &mut counts);
        report("c", &Ok(String::new()), 0.0, &mut counts);
        assert_eq!((counts.passed, counts.failed, counts.skipped), (1, 1, 1));
    }

    #[test]
    fn a_row_is_told_from_one_that_begins_like_it() {
        let name = "37 crash states: of a copy #1 #15";
        for (word, expected) in [("#1", true), ("#15", true), ("#5", false), ("copy", true)] {
            assert_eq!(has(name, word), expected, "{word}");
        }
    }

    #[test]
    fn the_text_of_a_panic_is_kept() {
        let payload = catch_unwind(|| panic!("at {}", 7)).expect_err("it panics");
        assert_eq!(panic_text(&*payload), "at 7");
    }
}
