//! How a source file is named, how long it is and how it begins.

use super::code::Source;
use super::finding::Finding;

/// Names that say nothing about what is inside.
static DRAWERS: &[&str] = &["utils", "util", "helpers", "common", "manager", "misc", "imp"];

/// More lines than this and a file has more than one subject.
const MAXIMUM_LINES: usize = 800;

/// Files and folders named after nothing in particular.
pub(crate) fn drawer_names(source: &Source) -> Vec<Finding> {
    source
        .path
        .split('/')
        .map(|part| part.strip_suffix(".rs").unwrap_or(part))
        .filter(|part| DRAWERS.contains(part))
        .map(|part| {
            let message = format!("`{part}` is a drawer: name the file for the noun or verb in it");
            Finding::whole(source.path, message)
        })
        .collect()
}

/// Files that do not begin by saying what they are for.
pub(crate) fn module_doc(source: &Source) -> Vec<Finding> {
    // A `#!` line (not an attribute) and blank lines may come before the doc comment.
    let first = source
        .text
        .lines()
        .map(str::trim)
        .find(|line| !line.is_empty() && (!line.starts_with("#!") || line.starts_with("#![")));
    let says_something = first
        .is_some_and(|line| line.strip_prefix("//!").is_some_and(|doc| !doc.trim().is_empty()));
    if says_something {
        return Vec::new();
    }
    let message = "begin with `//!`: what the file is for, and what it must not do";
    vec![Finding::at(source.path, 1, message)]
}

/// Files that are too long to have one subject.
pub(crate) fn length(source: &Source) -> Vec<Finding> {
    if source.lines.len() <= MAXIMUM_LINES {
        return Vec::new();
    }
    let lines = source.lines.len();
    let message = format!("{lines} lines: over {MAXIMUM_LINES}, a file has more than one subject");
    vec![Finding::whole(source.path, message)]
}

/// How a line of a file that only names other files may begin.
static INDEX_BEGINNINGS: &[&str] = &[
    "mod ",
    "pub mod ",
    "pub(crate) mod ",
    "use ",
    "pub use ",
    "pub(crate) use ",
    "pub(super) use ",
    "#",
];

/// `lib.rs` and `mod.rs` with something in them besides docs, `mod` and `use`: code that nobody finds,
/// because its file is not named for it.
pub(crate) fn index_files(source: &Source) -> Vec<Finding> {
    if !source.path.ends_with("/lib.rs") && !source.path.ends_with("/mod.rs") {
        return Vec::new();
    }
    let mut is_inside = false;
    let mut findings = Vec::new();
    for line in source.product_lines() {
        let code = line.code.trim();
        if code.is_empty() {
            continue;
        }
        if !is_inside && !INDEX_BEGINNINGS.iter().any(|beginning| code.starts_with(beginning)) {
            let message = "only docs, `mod` and `use` belong here: give it a file with a name";
            findings.push(Finding::at(source.path, line.number, message));
            return findings;
        }
        is_inside = !code.ends_with(';') && !code.ends_with(']');
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(rule: fn(&Source) -> Vec<Finding>, path: &str, text: &str) -> usize {
        rule(&Source::read(path, text)).len()
    }

    #[test]
    fn drawers_are_found() {
        for path in ["crates/fs/src/utils.rs", "crates/fs/src/common/map.rs", "xtask/src/imp.rs"] {
            assert_eq!(count(drawer_names, path, ""), 1, "{path}");
        }
        for path in ["crates/fs/src/path.rs", "crates/fs/src/utilisation.rs"] {
            assert_eq!(count(drawer_names, path, ""), 0, "{path}");
        }
    }

    #[test]
    fn every_file_opens_with_its_purpose() {
        let cases = [
            ("//! For this.\nuse a;\n", 0),
            ("\n//! For this.\n", 0),
            ("use a;\n//! Late.\n", 1),
            ("//!\n//! Late.\n", 1),
            ("// For this.\n", 1),
            ("", 1),
            ("#![deny(unsafe_code)]\n//! Late.\n", 1),
        ];
        for (text, expected) in cases {
            assert_eq!(count(module_doc, "crates/fs/src/a.rs", text), expected, "{text:?}");
        }
    }

    #[test]
    fn index_files_only_name_others() {
        let index = "//! Doc.\n\nmod a;\n#[cfg(x)]\npub use a::{\n    B,\n    C,\n};\n";
        assert_eq!(count(index_files, "crates/fs/src/lib.rs", index), 0);
        assert_eq!(count(index_files, "crates/fs/src/lib.rs", "mod a;\nfn b() {}\n"), 1);
        assert_eq!(count(index_files, "crates/fs/src/os/mod.rs", "pub struct A;\n"), 1);
        assert_eq!(count(index_files, "crates/fs/src/path.rs", "pub struct A;\n"), 0);
    }

    #[test]
    fn long_files_are_found() {
        assert_eq!(count(length, "a.rs", &"x\n".repeat(MAXIMUM_LINES)), 0);
        assert_eq!(count(length, "a.rs", &"x\n".repeat(MAXIMUM_LINES + 1)), 1);
    }
}
