//! Finds the tests of each row by their names: a part of the lab carries the numbers of its rows as `#7`, any
//! other test begins with `row_07_`.

use std::collections::BTreeMap;

use crate::workspace::TextFile;

/// Where the names of the lab's parts stand.
const LAB: &str = "lab/src/cases/table.rs";

/// A test that makes a fault happen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Test {
    /// A part of the lab, by its name.
    Lab(String),
    /// A function, and the file that it stands in.
    Function { name: String, file: String },
}

/// The tests of every row that has any.
pub(crate) fn tests_by_row(files: &[TextFile]) -> BTreeMap<u32, Vec<Test>> {
    let mut by_row: BTreeMap<u32, Vec<Test>> = BTreeMap::new();
    for file in files {
        let found = match file.path.as_str() {
            LAB => lab_parts(&file.text),
            path if path.starts_with("crates/") && path.ends_with(".rs") => functions(file),
            _ => continue,
        };
        for (row, test) in found {
            by_row.entry(row).or_default().push(test);
        }
    }
    by_row.values_mut().for_each(|tests| tests.sort());
    by_row
}

fn lab_parts(table: &str) -> Vec<(u32, Test)> {
    let mut found = Vec::new();
    for after in table.split("name: \"").skip(1) {
        let Some((name, _)) = after.split_once('"') else { continue };
        let rows = name.split(' ').filter_map(|word| word.strip_prefix('#')?.parse().ok());
        found.extend(rows.map(|row| (row, Test::Lab(name.to_owned()))));
    }
    found
}

fn functions(file: &TextFile) -> Vec<(u32, Test)> {
    let mut found = Vec::new();
    for line in file.text.lines() {
        let Some(name) = line.trim_start().strip_prefix("fn row_") else { continue };
        let name = name.split(['(', '<']).next().unwrap_or_default();
        let Some(row) = name.split('_').next().and_then(|row| row.parse().ok()) else { continue };
        let test = Test::Function { name: format!("row_{name}"), file: file.path.clone() };
        found.push((row, test));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_found_by_the_rows_in_their_names() {
        let file = |path: &str, text: &str| TextFile { path: path.into(), text: text.into() };
        let files = [
            file(LAB, "Case { name: \"07 a: b #1 #17\", run: x },\nCase {\n name: \"08 c\",\n},"),
            file("crates/a/tests/b.rs", "#[test]\nfn row_17_it_holds() {}\nfn row_x() {}\n"),
            file("docs/c.md", "fn row_18_no()"),
        ];
        let lab = Test::Lab("07 a: b #1 #17".to_owned());
        let function =
            Test::Function { name: "row_17_it_holds".into(), file: "crates/a/tests/b.rs".into() };
        let expected = BTreeMap::from([(1, vec![lab.clone()]), (17, vec![lab, function])]);
        assert_eq!(tests_by_row(&files), expected);
    }
}
