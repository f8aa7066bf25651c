//! `cargo xtask matrix LOG...`: prints for each row its tests and how they ended. Fails when a row has no
//! test that passed and no reason why it cannot be run, or when one of its tests did not pass.

use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result};

use super::found::{Test, tests_by_row};
use super::results::{Ended, Results};
use super::rows::{ROWS, Row};
use crate::workspace::Workspace;

/// Prints the matrix with the results in these logs.
pub(crate) fn run(workspace: &Workspace, logs: &[&str]) -> Result<ExitCode> {
    let mut results = Results::default();
    for log in logs {
        let text = std::fs::read_to_string(Path::new(log)).with_context(|| log.to_string())?;
        results.read(&text);
    }
    let by_row = tests_by_row(&workspace.text_files()?);
    let mut unproved = 0;
    for row in ROWS {
        let tests = by_row.get(&row.number).map_or(&[][..], Vec::as_slice);
        let (lines, holds) = judge(row, tests, &results);
        unproved += usize::from(!holds);
        println!("#{} {}", row.number, row.fault);
        for line in lines {
            println!("    {line}");
        }
    }
    println!("{} rows, {unproved} of them not proved and without a reason", ROWS.len());
    Ok(if unproved == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What there is to say of a row, and whether that will do.
fn judge(row: &Row, tests: &[Test], results: &Results) -> (Vec<String>, bool) {
    let mut lines = Vec::new();
    let mut holds = !tests.is_empty() || row.open.is_some();
    for test in tests {
        let (Test::Lab(name) | Test::Function { name, .. }) = test;
        let (word, figures) = match results.of(test) {
            Ended::Passed(figures) => ("passed", figures),
            Ended::Failed => ("FAILED", String::new()),
            Ended::Skipped => ("SKIPPED", String::new()),
            Ended::NotRun => ("NOT RUN", String::new()),
        };
        holds &= word == "passed";
        lines.push(format!("{word}  {name}  {figures}").trim_end().to_owned());
    }
    if let Some(reason) = row.open {
        lines.push(format!("not here: {reason}"));
    }
    if lines.is_empty() {
        lines.push("NO TEST, and no reason why there is none".to_owned());
    }
    (lines, holds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_without_a_test_needs_a_reason_and_one_with_tests_needs_all_of_them() {
        let row = |open| Row { number: 1, fault: "", holds: "", open };
        let tests = [Test::Lab("01 a #1".to_owned()), Test::Lab("02 b #1".to_owned())];
        let results = |log: &str| {
            let mut results = Results::default();
            results.read(log);
            results
        };
        let holds = |row: &Row, tests: &[Test], log: &str| judge(row, tests, &results(log)).1;
        assert!(!holds(&row(None), &[], ""));
        assert!(holds(&row(Some("no such disk")), &[], ""));
        let one = "PASS 01 a #1 (1.0 s) x\n";
        assert!(!holds(&row(Some("only in part")), &tests, one));
        assert!(!holds(&row(None), &tests, &format!("{one}SKIP(x) 02 b #1\n")));
        assert!(!holds(&row(None), &tests, &format!("{one}FAIL 02 b #1 (1.0 s)\n")));
        assert!(holds(&row(None), &tests, &format!("{one}PASS 02 b #1 (1.0 s) y\n")));
    }
}
