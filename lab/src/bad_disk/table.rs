//! The table of the README: a block of Markdown between two marks, and a picture of the same.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, ensure};

use super::matrix::Cell;
use super::picture;
use super::summary::{DISKS, Verdict, rows};
use crate::lab::Lab;
use crate::tool;

const README: &str = "README.md";
const PICTURE: &str = "docs/images/bad-disks.svg";
const BEGIN: &str =
    "<!-- Made by `just bad-disks` from a run on bad disks. Change that, not this. -->\n";
const END: &str = "<!-- The end of what `just bad-disks` makes. -->\n";

/// Writes both into the repository, which is the current folder.
pub(crate) fn write(lab: &Lab, cells: &[Cell]) -> Result<()> {
    let caption = caption(lab)?;
    let readme = fs::read_to_string(README).context("start lab/run")?;
    fs::write(README, replaced(&readme, &markdown(cells, &caption))?)?;
    fs::write(PICTURE, picture::draw(cells, &caption))?;
    println!("wrote {README} and {PICTURE}");
    Ok(())
}

/// Fails when the table that stands in the repository is of the same programs, and says something else.
pub(crate) fn ensure_current(lab: &Lab, cells: &[Cell]) -> Result<&'static str> {
    let caption = caption(lab)?;
    let readme = fs::read_to_string(README).context("start lab/run")?;
    if !readme.contains(&caption) {
        return Ok("the README's table is of other versions");
    }
    ensure!(
        replaced(&readme, &markdown(cells, &caption))? == readme
            && fs::read_to_string(Path::new(PICTURE))? == picture::draw(cells, &caption),
        "the README's table is not what was seen: just bad-disks"
    );
    Ok("the README's table says the same")
}

/// What was run: nothing in it changes from one run to the next.
fn caption(lab: &Lab) -> Result<String> {
    let program = lab.program.display().to_string();
    let word = |program: &str, number: usize| -> Result<String> {
        let told = tool::run(program, ["--version"])?;
        let mut words = told.lines().next().unwrap_or_default().split_whitespace();
        let word = words.nth(number).context("a version")?;
        Ok(word.trim_start_matches('v').to_owned())
    };
    let coreutils = tool::run("cp", ["--version"])?;
    let coreutils = coreutils.lines().next().and_then(|line| line.split(' ').next_back());
    let kernel = tool::run("uname", ["-r"])?;
    let kernel: Vec<&str> = kernel.trim().split('.').take(2).collect();
    let rclone = tool::run("rclone", ["version"])?;
    let rclone = rclone.split_whitespace().nth(1).context("a version")?.trim_start_matches('v');
    Ok(format!(
        "surecopy {}, GNU coreutils {}, rsync {}, rclone {rclone}; Linux {}",
        word(&program, 1)?,
        coreutils.context("a version")?,
        word("rsync", 2)?,
        kernel.join(".")
    ))
}

/// The document with another block between the marks.
fn replaced(document: &str, block: &str) -> Result<String> {
    let (before, rest) = document.split_once(BEGIN).context("no place for the table")?;
    let (_, after) = rest.split_once(END).context("no end of the table")?;
    Ok(format!("{before}{BEGIN}\n{block}\n{END}{after}"))
}

fn markdown(cells: &[Cell], caption: &str) -> String {
    let names: Vec<&str> = DISKS.iter().map(|(_, name)| *name).collect();
    let mut text = format!("| | {} |\n|---|{}\n", names.join(" | "), "---|".repeat(names.len()));
    let mut is_any_unreadable = false;
    for (name, summaries) in rows(cells) {
        text.push_str(&format!("| `{name}` |"));
        for summary in summaries {
            let Some(summary) = summary else {
                text.push_str(" not known to this version |");
                continue;
            };
            let is_lie = summary.verdict == Verdict::Lie;
            let words = if is_lie { format!("**{}**", summary.words) } else { summary.words };
            let mark = if summary.is_unreadable_somewhere { " ¹" } else { "" };
            is_any_unreadable |= summary.is_unreadable_somewhere;
            text.push_str(&format!(" {}, {words}{mark} |", summary.statuses));
        }
        text.push('\n');
    }
    let shown = |cell: &&Cell| DISKS.iter().any(|(disk, _)| *disk == cell.fault);
    let shown: Vec<&Cell> = cells.iter().filter(shown).collect();
    text.push_str(&format!(
        "\nThe number is the exit status, the words are what lies on the disk. {} copies of a file of 2 MiB, on \
         ext4, xfs and\nbtrfs, as a new file and over an old one. {caption}.",
        shown.len()
    ));
    if is_any_unreadable {
        text.push_str(
            "\n\n¹ On btrfs, which keeps sums of its own, the file is there and cannot be read.",
        );
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Left;
    use super::super::summary::tests::cells;
    use super::*;

    #[test]
    fn a_lie_stands_out_and_what_is_around_the_marks_stays() {
        let wrong = cells(2, [(0, Left::Wrong), (0, Left::Wrong), (0, Left::Unreadable)]);
        let text = markdown(&wrong, "versions");
        assert!(text.contains("| `cp` | 0, **WRONG** ¹ | not known"), "{text}");
        assert!(text.contains("3 copies") && text.contains("versions."), "{text}");
        let document = format!("before\n{BEGIN}what was made before\n{END}after\n");
        let once = replaced(&document, &text).expect("the marks are there");
        assert_eq!(replaced(&once, &text).expect("the marks are there"), once);
        assert!(
            once.starts_with("before\n")
                && once.ends_with("after\n")
                && !once.contains("made before")
        );
        assert!(replaced("nothing", &text).is_err());
    }
}
