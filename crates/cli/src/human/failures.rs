//! What went wrong, collected while a job runs and told at its end, grouped by code, with what to
//! do about it. It keeps a bounded number of failures; all of them are counted.

use std::collections::BTreeMap;
use std::path::PathBuf;

use surecopy::{ErrorCode, ItemError, Problem, Scope};

use crate::amounts::Count;
use crate::hint::{self, Occasion};
use crate::shown::{Plain, Shown};

/// More failures of one code than this are counted, but not kept.
const KEPT_PER_CODE: usize = 100;

/// The failures of a job.
#[derive(Debug)]
pub(super) struct Failures {
    occasion: Occasion,
    /// By code, and by what can be done about it.
    groups: BTreeMap<(&'static str, &'static str), Group>,
}

#[derive(Debug)]
struct Group {
    code: ErrorCode,
    advice: &'static str,
    count: u64,
    kept: Vec<(PathBuf, ItemError)>,
}

impl Failures {
    /// None yet, of something that was done.
    pub(super) fn of(occasion: Occasion) -> Self {
        Self { occasion, groups: BTreeMap::new() }
    }

    /// Takes note of a failure of the item at `path`.
    pub(super) fn add(&mut self, path: PathBuf, error: ItemError) {
        let advice = hint::advice_on(&error, self.occasion);
        self.add_with(advice, path, error);
    }

    /// Takes note of what stands in the way of a whole job, or of an item.
    pub(super) fn add_problem(&mut self, problem: &Problem) {
        let advice = hint::advice_on_problem(problem, self.occasion);
        let error = problem.error.clone();
        let is_of_destination =
            problem.scope == Scope::Job && problem.target.as_ref() == Some(&error.path);
        let source = problem.source.as_ref().filter(|_| !is_of_destination);
        let path = source.unwrap_or(&error.path).clone();
        self.add_with(advice, path, error);
    }

    fn add_with(&mut self, advice: &'static str, path: PathBuf, error: ItemError) {
        let code = error.code;
        let group = self.groups.entry((code.as_str(), advice)).or_insert_with(|| Group {
            code,
            advice,
            count: 0,
            kept: Vec::new(),
        });
        group.count += 1;
        if group.kept.len() < KEPT_PER_CODE {
            group.kept.push((path, error));
        }
    }

    /// Takes out those of one code, which are told in another way, and says how many there are.
    pub(super) fn take(&mut self, code: ErrorCode) -> u64 {
        let mut count = 0;
        self.groups.retain(|_, group| {
            let is_other = group.code != code;
            count += if is_other { 0 } else { group.count };
            is_other
        });
        count
    }

    /// How many there are of one code.
    pub(super) fn count(&self, code: ErrorCode) -> u64 {
        self.groups.values().filter(|group| group.code == code).map(|group| group.count).sum()
    }

    /// What can be done about an error.
    pub(super) fn advice(&self, code: ErrorCode) -> &'static str {
        hint::advice(code, self.occasion)
    }

    /// All of it, as lines; none when nothing failed.
    pub(super) fn lines(&self) -> Vec<String> {
        self.groups.values().flat_map(Group::lines).collect()
    }
}

impl Group {
    fn lines(&self) -> Vec<String> {
        let mut lines = vec![format!("{} ({}):", self.code, Count(self.count, "item"))];
        for (path, error) in &self.kept {
            lines.push(format!("  {}: {}", Shown(path), Plain(&error.message)));
            if error.path != *path {
                lines.push(format!("    at {}", Shown(&error.path)));
            }
            if let Some(details) = &error.details {
                lines.extend(details.lines().map(|line| format!("    {}", Plain(line))));
            }
        }
        let more = self.count - self.kept.len() as u64;
        if more > 0 {
            lines.push(format!("  and {more} more"));
        }
        lines.push(format!("  what to do: {}", self.advice));
        lines
    }
}

/// An error as a fragment of one line, without its path.
pub(crate) fn fragment(error: &ItemError) -> String {
    format!("{} ({})", Plain(&error.message), error.code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: ErrorCode, path: &str) -> ItemError {
        ItemError::new(code, PathBuf::from(path), "it did not work")
    }

    #[test]
    fn failures_are_grouped_and_come_with_advice() {
        let mut failures = Failures::of(Occasion::Copying);
        let full = ErrorCode::DestinationFull;
        failures.add(PathBuf::from("a"), failure(full, "a"));
        failures.add(
            PathBuf::from("b"),
            failure(ErrorCode::VerifyMismatch, "elsewhere").with_details("1..2\n5..9"),
        );
        failures.add(PathBuf::from("c\x1b"), failure(full, "c\x1b"));
        let lines = failures.lines();
        let expected = [
            "DESTINATION_FULL (2 items):",
            "  a: it did not work",
            "  \"c\\x1b\": it did not work",
        ];
        assert_eq!(lines[..3], expected);
        assert!(lines[3].starts_with("  what to do: make room"));
        let expected = [
            "VERIFY_MISMATCH (1 item):",
            "  b: it did not work",
            "    at elsewhere",
            "    1..2",
            "    5..9",
        ];
        assert_eq!(lines[4..9], expected);
    }

    #[test]
    fn what_stands_in_the_way_at_the_destination_is_named_by_it() {
        let (source, target) = (PathBuf::from("from"), PathBuf::from("to"));
        let problem = |code, path: &PathBuf| Problem {
            scope: Scope::Job,
            error: ItemError::new(code, path.clone(), "it is not so"),
            entry: None,
            source: Some(source.clone()),
            target: Some(target.clone()),
            size_bytes: 0,
        };
        for (code, path) in [
            (ErrorCode::VolumeChanged, &target),
            (ErrorCode::TargetChanged, &target),
            (ErrorCode::SourceMissing, &source),
        ] {
            let mut failures = Failures::of(Occasion::Verifying);
            failures.add_problem(&problem(code, path));
            let lines = failures.lines();
            assert_eq!(lines[1], format!("  {}: it is not so", path.display()));
            assert_eq!(lines.len(), 3, "{lines:?}");
        }
    }

    #[test]
    fn memory_is_bounded_and_the_count_is_not() {
        let mut failures = Failures::of(Occasion::Copying);
        for index in 0..KEPT_PER_CODE + 7 {
            let path = format!("file{index}");
            failures.add(PathBuf::from(&path), failure(ErrorCode::SourceMissing, &path));
        }
        let lines = failures.lines();
        assert_eq!(lines.len(), KEPT_PER_CODE + 3);
        assert_eq!(lines[0], "SOURCE_MISSING (107 items):");
        assert_eq!(lines[KEPT_PER_CODE + 1], "  and 7 more");
    }
}
