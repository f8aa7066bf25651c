//! Writes the documents that are made from tables in the code, or checks that they are up to date.
//!
//! The product prints most of them itself, through hidden flags; this module only adds the heading that
//! says so and puts them in their place. It must not know what is in them. One holds the fault matrix.

use std::process::ExitCode;

use anyhow::{Context, Result, ensure};

use crate::matrix;
use crate::workspace::Workspace;

/// One generated document.
struct Document {
    /// Where it stands in the repository.
    path: &'static str,
    /// What makes the product print it.
    arguments: &'static [&'static str],
}

static DOCUMENTS: &[Document] = &[
    Document { path: "docs/settings.md", arguments: &["config", "explain", "--markdown"] },
    Document { path: "docs/error-codes.md", arguments: &["config", "codes", "--markdown"] },
];

const HEADING: &str =
    "<!-- Made by `cargo xtask docs` from the table in the code. Change that, not this. -->\n\n";

/// Writes every generated document.
pub(crate) fn write(workspace: &Workspace) -> Result<ExitCode> {
    for (path, text) in all(workspace)? {
        std::fs::write(workspace.root().join(path), text)
            .with_context(|| format!("writing {path}"))?;
        println!("wrote {path}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Compares every generated document with what would be written now.
pub(crate) fn check(workspace: &Workspace) -> Result<ExitCode> {
    let mut stale = 0;
    let all = all(workspace)?;
    for (path, wanted) in &all {
        let found = std::fs::read_to_string(workspace.root().join(path)).ok();
        if let Some(difference) = difference(found.as_deref(), wanted) {
            eprintln!("{path}: {difference}");
            stale += 1;
        }
    }
    if stale == 0 {
        println!("docs: {} generated documents are up to date", all.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("docs: run `cargo xtask docs` and commit the result");
    Ok(ExitCode::FAILURE)
}

/// Where each stands, and what has to be in it.
fn all(workspace: &Workspace) -> Result<Vec<(&'static str, String)>> {
    let mut all = Vec::new();
    for document in DOCUMENTS {
        all.push((document.path, render(workspace, document)?));
    }
    all.push((matrix::PATH, matrix::with_table(workspace)?));
    Ok(all)
}

fn render(workspace: &Workspace, document: &Document) -> Result<String> {
    let mut arguments = vec!["run", "--quiet", "--package", "surecopy-cli", "--"];
    arguments.extend_from_slice(document.arguments);
    let body = workspace.output("cargo", &arguments)?;
    ensure!(!body.trim().is_empty(), "the product printed nothing for {}", document.path);
    Ok(format!("{HEADING}{}\n", body.trim_end()))
}

/// How the document on disk differs from the one wanted; `None` when it does not.
fn difference(found: Option<&str>, wanted: &str) -> Option<String> {
    let Some(found) = found else { return Some("is missing".to_owned()) };
    if found == wanted {
        return None;
    }
    let first = found.lines().zip(wanted.lines()).position(|(found, wanted)| found != wanted);
    let line = first.unwrap_or_else(|| found.lines().count().min(wanted.lines().count())) + 1;
    Some(format!("is out of date from line {line} on"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stale_document_is_noticed() {
        let cases = [
            (None, "a\n", Some("is missing")),
            (Some("a\n"), "a\n", None),
            (Some("a\nb\n"), "a\nc\n", Some("is out of date from line 2 on")),
            (Some("a\n"), "a\nb\n", Some("is out of date from line 2 on")),
            (Some("a\nb\n"), "a\n", Some("is out of date from line 2 on")),
        ];
        for (found, wanted, expected) in cases {
            assert_eq!(difference(found, wanted).as_deref(), expected, "{found:?} {wanted:?}");
        }
    }
}
