//! What a preparation has found, in words.

use std::path::Path;

use surecopy::Outcome;
use surecopy::index::Subtrees;
use surecopy::preparation::{Prepared, PreparedSource};

use super::phases::phase_name;
use super::validated::{directories, validated};
use super::view::{HumanView, Verbosity};
use crate::amounts::{Bytes, Count, Millis};
use crate::shown::Shown;

/// Says what there is, and how that is known.
pub(crate) fn end_prepare(view: &mut HumanView, prepared: &Prepared) {
    for error in &prepared.problems {
        view.failure(error);
    }
    let headline = (prepared.problem_count > 0)
        .then(|| format!("{} could not be looked at", Count(prepared.problem_count, "item")));
    let mut lines = vec![sums(prepared)];
    lines.extend(origin(prepared));
    lines.extend(unknown(prepared));
    if view.verbosity() != Verbosity::Normal {
        lines.extend(prepared.sources.iter().flat_map(subtrees));
    }
    lines.push(timings(prepared));
    view.end_again(headline, &prepared.outcome, &lines);
}

/// Says that what was found is not all remembered. Why, a warning has said.
pub(crate) fn end_unremembered(view: &HumanView) {
    view.alert("not all of it is remembered in the index");
}

fn sums(prepared: &Prepared) -> String {
    let mut line = String::new();
    if prepared.outcome == Outcome::Cancelled {
        line.push_str("cancelled; so far: ");
    } else if !prepared.is_exact && prepared.problem_count == 0 {
        line.push_str("as far as the index knows: ");
    }
    let (files, bytes) = (Count(prepared.files, "file"), Bytes(prepared.bytes));
    line.push_str(&format!("{files}, {bytes}"));
    if prepared.others > 0 {
        line.push_str(&format!(", {} besides", Count(prepared.others, "other item")));
    }
    line.push_str(&format!(" in {}", directories(prepared.directories)));
    line
}

/// How much of it was known, and what that was worth.
fn origin(prepared: &Prepared) -> Vec<String> {
    let mut lines = Vec::new();
    let Some(confidence) = prepared.confidence else { return lines };
    lines.push(validated(
        prepared.fresh_directories,
        prepared.stale_directories,
        prepared.gone_directories,
        confidence.as_str(),
    ));
    if let Some(estimate) = prepared.estimate
        && (estimate.files, estimate.bytes) != (prepared.files, prepared.bytes)
    {
        let (files, bytes) = (Count(estimate.files, "file"), Bytes(estimate.bytes));
        lines.push(format!("the index had {files}, {bytes}"));
    }
    lines
}

/// What nobody has looked at, where nothing but the index was asked.
fn unknown(prepared: &Prepared) -> Vec<String> {
    let mut lines = Vec::new();
    if prepared.is_exact || prepared.outcome != Outcome::Finished || prepared.problem_count > 0 {
        return lines;
    }
    if prepared.unknown_sources > 0 {
        lines.push(format!("nothing is known of {}", Count(prepared.unknown_sources, "source")));
    }
    let never_listed = prepared.estimate.map_or(0, |estimate| estimate.unknown_directories);
    if never_listed > 0 {
        lines.push(format!("{} never listed", directories(never_listed)));
    }
    lines
}

fn subtrees(source: &PreparedSource) -> Vec<String> {
    let Some(found) = &source.subtrees else { return Vec::new() };
    subtree_lines(source.location.as_deref().unwrap_or(Path::new("")), found)
}

/// Which subtrees of a location have changed, and which have not.
pub(crate) fn subtree_lines(location: &Path, found: &Subtrees) -> Vec<String> {
    let place = |path: &surecopy::RelPath| match path.is_root() {
        true => location.to_owned(),
        false => location.join(path.as_path()),
    };
    let line = |word: &str, path| format!("  {word:<7} {}", Shown(&place(path)));
    let mut lines: Vec<String> = found.stale.iter().map(|path| line("to list", path)).collect();
    lines.extend(found.fresh.iter().map(|path| line("as was", path)));
    if found.has_more {
        lines.push("  and more".to_owned());
    }
    lines
}

fn timings(prepared: &Prepared) -> String {
    let mut parts = Vec::new();
    for (phase, duration) in &prepared.phases {
        if phase.is_preparation() {
            parts.push(format!("{} {}", phase_name(*phase), Millis(*duration)));
        }
    }
    let ended = if prepared.outcome == Outcome::Cancelled { "ended after" } else { "ready in" };
    format!("{ended} {} ({})", Millis(prepared.duration), parts.join(", "))
}
