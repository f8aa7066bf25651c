//! Reads from what the tests and the lab have printed how each of them ended.

use std::collections::BTreeMap;

use super::found::Test;

/// How a test ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    /// With these figures, if it gives any.
    Passed(String),
    Failed,
    Skipped,
    /// It is in no log.
    NotRun,
}

/// How all tests in the logs ended, by the names of the lab's parts and of functions.
#[derive(Debug, Default)]
pub(crate) struct Results(BTreeMap<String, Ended>);

impl Results {
    /// Takes in what a run has printed, of either kind.
    pub(crate) fn read(&mut self, log: &str) {
        for line in log.lines() {
            let ended = lab_line(line).or_else(|| function_line(line));
            if let Some((name, ended)) = ended {
                self.0.insert(name.to_owned(), ended);
            }
        }
    }

    /// How a test ended.
    pub(crate) fn of(&self, test: &Test) -> Ended {
        let (Test::Lab(name) | Test::Function { name, .. }) = test;
        self.0.get(name).cloned().unwrap_or(Ended::NotRun)
    }
}

/// `PASS 07 a: b #1 (0.1 s) figures`, `FAIL 07 a: b #1 (0.1 s)`, `SKIP(why) 07 a: b #1`.
fn lab_line(line: &str) -> Option<(&str, Ended)> {
    if let Some(rest) = line.strip_prefix("SKIP(") {
        let (_, name) = rest.rsplit_once(") ")?;
        return Some((name, Ended::Skipped));
    }
    let (word, rest) = line.split_once(' ')?;
    let (name, rest) = rest.split_once(" (")?;
    let (_, figures) = rest.split_once(" s)")?;
    match word {
        "PASS" => Some((name, Ended::Passed(figures.trim().to_owned()))),
        "FAIL" => Some((name, Ended::Failed)),
        _ => None,
    }
}

/// `test some::row_07_it_holds ... ok`
fn function_line(line: &str) -> Option<(&str, Ended)> {
    let (path, ended) = line.strip_prefix("test ")?.split_once(" ... ")?;
    let name = path.rsplit("::").next()?;
    match ended.split(' ').next()? {
        "ok" => Some((name, Ended::Passed(String::new()))),
        "FAILED" => Some((name, Ended::Failed)),
        "ignored" | "ignored," => Some((name, Ended::Skipped)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_how_tests_ended() {
        let mut results = Results::default();
        results.read(
            "PASS 07 a: b #1 (0.1 s) 3 kills (2 of them late)\n\
             FAIL 08 c #2 (1.0 s)\n    why (0.1 s)\n\
             SKIP(no root (0)) 09 d #3\n\
             test a::row_01_x ... ok\ntest row_02_y ... FAILED\ntest row_03_z ... ignored, slow\n",
        );
        let lab = |name: &str| results.of(&Test::Lab(name.to_owned()));
        let figures = "3 kills (2 of them late)".to_owned();
        assert_eq!(lab("07 a: b #1"), Ended::Passed(figures));
        assert_eq!(lab("08 c #2"), Ended::Failed);
        assert_eq!(lab("09 d #3"), Ended::Skipped);
        assert_eq!(lab("10 e"), Ended::NotRun);
        let function =
            |name: &str| results.of(&Test::Function { name: name.to_owned(), file: String::new() });
        assert_eq!(function("row_01_x"), Ended::Passed(String::new()));
        assert_eq!(function("row_02_y"), Ended::Failed);
        assert_eq!(function("row_03_z"), Ended::Skipped);
    }
}
