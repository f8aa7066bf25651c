//! Applies every rule to the repository and prints what it finds.

use std::process::ExitCode;

use anyhow::{Context, Result};

use super::code::Source;
use super::finding::Finding;
use super::{documents, edges, naming, words};
use crate::workspace::Workspace;

/// Rules about one Rust source file.
static SOURCE_RULES: &[fn(&Source) -> Vec<Finding>] = &[
    words::forbidden_words,
    words::forbidden_std_modules,
    words::ambient_clocks,
    words::platform_conditions,
    naming::drawer_names,
    naming::module_doc,
    naming::length,
    naming::index_files,
];

/// Checks the repository; every broken rule is listed, not only the first.
pub(crate) fn run(workspace: &Workspace) -> Result<ExitCode> {
    let files = workspace.text_files()?;
    let metadata = workspace
        .output("cargo", &["metadata", "--format-version", "1", "--no-deps", "--quiet"])?;
    let metadata = serde_json::from_str(&metadata).context("reading cargo metadata")?;

    let mut findings = edges::crate_edges(&metadata);
    let mut sources = 0;
    for file in files.iter().filter(|file| file.path.ends_with(".rs")) {
        let source = Source::read(&file.path, &file.text);
        findings.extend(SOURCE_RULES.iter().flat_map(|rule| rule(&source)));
        sources += 1;
    }
    findings.extend(documents::decisions_are_linked(&files));
    findings.extend(documents::architecture_is_short(&files));
    findings.extend(documents::dead_links(&files));
    findings.extend(documents::machine_paths(&files, &workspace.root().to_string_lossy()));

    findings.sort();
    findings.dedup();
    for finding in &findings {
        eprintln!("{finding}");
    }
    if findings.is_empty() {
        println!("tidy: {sources} sources and {} files in all keep the rules", files.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("tidy: {} broken rules", findings.len());
    Ok(ExitCode::FAILURE)
}
