//! What came of one program on one kind of bad disk, over all file systems, in a few words.

use super::matrix::Cell;
use super::outcome::{Left, Outcome};
use super::programs::PROGRAMS;
use crate::disks::Kind;

/// The disks that a table has, and how it calls them. A disk that is right and reads wrong is none of them: who
/// does not read back never meets it.
pub(super) const DISKS: [(Kind, &str); 7] = [
    (Kind::Drop, "a write is lost"),
    (Kind::Stale, "an older block stays"),
    (Kind::Flip, "a bit flips"),
    (Kind::Swap, "two blocks are swapped"),
    (Kind::Rot, "a bit rots after the flush"),
    (Kind::WriteError, "a write fails"),
    (Kind::Dead, "no write works any more"),
];

/// What to think of it, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verdict {
    /// Success, and the content is there.
    Right,
    /// Failure, and the target is as it was before.
    Refused,
    /// Failure, and a wrong file has the target's name.
    Told,
    /// Success, and the content is not there.
    Lie,
}

/// The copies of one program to one kind of disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Summary {
    pub(super) verdict: Verdict,
    /// The exit statuses, as they were met.
    pub(super) statuses: String,
    pub(super) words: String,
    /// On some file system the wrong file cannot be read.
    pub(super) is_unreadable_somewhere: bool,
}

impl Summary {
    /// Nothing, when the program was not run.
    pub(super) fn of(cells: &[Cell], program: usize, disk: Kind) -> Option<Self> {
        let of_these = |cell: &&Cell| cell.program == program && cell.fault == disk;
        let cells: Vec<&Cell> = cells.iter().filter(of_these).collect();
        let verdict = cells.iter().map(|cell| verdict(cell.outcome)).max()?;
        let mut statuses: Vec<String> = Vec::new();
        let mut words: Vec<&str> = Vec::new();
        for cell in &cells {
            let status = cell.outcome.status.to_string();
            if !statuses.contains(&status) {
                statuses.push(status);
            }
            let word = word(cell.outcome);
            if !words.contains(&word) {
                words.push(word);
            }
        }
        Some(Self {
            verdict,
            statuses: statuses.join(" or "),
            words: words.join(" or "),
            is_unreadable_somewhere: cells.iter().any(|c| c.outcome.left == Left::Unreadable),
        })
    }
}

fn verdict(outcome: Outcome) -> Verdict {
    match outcome {
        outcome if outcome.is_lie() => Verdict::Lie,
        outcome if outcome.is_refusal() => Verdict::Refused,
        Outcome { status: 0, .. } => Verdict::Right,
        _ => Verdict::Told,
    }
}

/// What is there, in a word.
fn word(outcome: Outcome) -> &'static str {
    match (verdict(outcome), outcome.left) {
        (_, Left::Right) => "right",
        (Verdict::Lie, Left::Absent | Left::Old) => "LOST",
        (Verdict::Lie, _) => "WRONG",
        (_, Left::Absent | Left::Old) => "not published",
        (_, Left::Wrong | Left::Unreadable) => "wrong file there",
    }
}

/// Every program that was run, with what came of it on each of the disks.
pub(super) fn rows(cells: &[Cell]) -> Vec<(&'static str, Vec<Option<Summary>>)> {
    let row = |(number, program): (usize, &'static super::Program)| {
        let of = |(disk, _): &(Kind, &str)| Summary::of(cells, number, *disk);
        (program.name, DISKS.iter().map(of).collect())
    };
    PROGRAMS.iter().enumerate().map(row).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::volume::Fs;

    /// Copies of one program to a disk that drops writes, one for each file system.
    pub(in super::super) fn cells(program: usize, outcomes: [(i32, Left); 3]) -> Vec<Cell> {
        let cell = |(fs, (status, left))| Cell {
            fs,
            fault: Kind::Drop,
            program,
            is_replacing: false,
            outcome: Outcome { status, left },
            fired: 1,
            told: None,
        };
        Fs::ALL.into_iter().zip(outcomes).map(cell).collect()
    }

    fn check(outcomes: [(i32, Left); 3], verdict: Verdict, statuses: &str, words: &str) {
        let found = Summary::of(&cells(2, outcomes), 2, Kind::Drop).expect("it was run");
        let is_unreadable = outcomes.iter().any(|(_, left)| *left == Left::Unreadable);
        let (statuses, words) = (statuses.to_owned(), words.to_owned());
        let expected = Summary { verdict, statuses, words, is_unreadable_somewhere: is_unreadable };
        assert_eq!(found, expected);
    }

    #[test]
    fn the_worst_of_all_file_systems_counts() {
        use Left::{Absent, Old, Right, Unreadable, Wrong};
        check([(0, Wrong), (0, Wrong), (0, Unreadable)], Verdict::Lie, "0", "WRONG");
        check([(3, Old), (3, Absent), (1, Old)], Verdict::Refused, "3 or 1", "not published");
        check([(0, Old), (0, Absent), (0, Old)], Verdict::Lie, "0", "LOST");
        check(
            [(1, Wrong), (1, Unreadable), (1, Old)],
            Verdict::Told,
            "1",
            "wrong file there or not published",
        );
        check([(0, Right), (0, Right), (0, Right)], Verdict::Right, "0", "right");
        check([(0, Right), (0, Right), (0, Wrong)], Verdict::Lie, "0", "right or WRONG");
        assert_eq!(Summary::of(&[], 2, Kind::Drop), None);
    }
}
