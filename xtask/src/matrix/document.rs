//! The table in the document for users: row, what must hold, and which tests show it.

use anyhow::{Context, Result, ensure};

use super::found::{Test, tests_by_row};
use super::rows::{ROWS, Row};
use crate::workspace::Workspace;

/// The document that the table stands in.
pub(crate) const PATH: &str = "docs/reliability.md";

const BEGIN: &str =
    "<!-- Made by `cargo xtask docs` from xtask/src/matrix/rows.rs. Change that, not this. -->\n";
const END: &str = "<!-- End of what is made. -->\n";

/// The document with the table as it has to be.
pub(crate) fn with_table(workspace: &Workspace) -> Result<String> {
    let text = std::fs::read_to_string(workspace.root().join(PATH)).context(PATH)?;
    let by_row = tests_by_row(&workspace.text_files()?);
    let known = |row: &u32| ROWS.iter().any(|known| known.number == *row);
    if let Some(row) = by_row.keys().find(|row| !known(row)) {
        anyhow::bail!("there is a test of row {row}, and no such row");
    }
    let mut table = "| # | what happens | what must hold | tests |\n|---|---|---|---|\n".to_owned();
    for row in ROWS {
        let tests = by_row.get(&row.number).map_or(&[][..], Vec::as_slice);
        ensure!(!tests.is_empty() || row.open.is_some(), "row {} has no test", row.number);
        table.push_str(&line(row, tests));
    }
    replace(&text, &table)
}

fn line(row: &Row, tests: &[Test]) -> String {
    let tests = tests.iter().map(|test| match test {
        Test::Lab(name) => {
            let words: Vec<_> = name.split(' ').filter(|word| !word.starts_with('#')).collect();
            format!("lab {}", words.join(" "))
        }
        Test::Function { name, file } => format!("[`{name}`](../{file})"),
    });
    let open = row.open.map(|reason| format!("*Not shown here:* {reason}"));
    let told: Vec<_> = tests.chain(open).collect();
    format!("| {} | {} | {} | {} |\n", row.number, row.fault, row.holds, told.join("<br>"))
}

fn replace(text: &str, table: &str) -> Result<String> {
    let (before, rest) = text.split_once(BEGIN).context("the line before the table is gone")?;
    let (_, after) = rest.split_once(END).context("the line after the table is gone")?;
    Ok(format!("{before}{BEGIN}\n{table}\n{END}{after}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_table_is_replaced() {
        let text = format!("a\n{BEGIN}old\n{END}b\n");
        let new = replace(&text, "| x |\n").expect("the lines are there");
        assert_eq!(new, format!("a\n{BEGIN}\n| x |\n\n{END}b\n"));
        assert!(replace("a\n", "").is_err());
    }

    #[test]
    fn rows_are_numbered_without_gaps() {
        let numbers: Vec<u32> = ROWS.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=53).collect::<Vec<_>>());
    }
}
