//! Large files: given up in the middle, at every step.

use std::fs;

use surecopy::{CopyRequest, Mechanism, Phase, Snapshot, Step, StrategyChoice, VerifyPolicy};

use super::case::{Case, destination};
use crate::place::{Place, alone, long_ago, set_times, skipped};
use crate::running::{has_copied, has_verified, is_at};
use crate::snapshot::{assert_same, tree};

const MIB: u64 = 1 << 20;
const LARGE: u64 = 80 * MIB;

/// Sources are made once; each try links to them, in a tree of its own.
fn large(sources: &Place, new_name: bool) -> Place {
    let place = Place::new();
    let name = if new_name { "large/new/deeper/file" } else { "large/old/file" };
    fs::create_dir_all(place.at(name).parent().expect("a parent")).expect("a directory");
    fs::hard_link(sources.at("large"), place.at(name)).expect("a hard link");
    destination(&place);
    place
}

fn large_cases() -> Vec<Case> {
    use StrategyChoice::{Direct, Staged};
    use VerifyPolicy::{All, None as Not};
    let copying: fn(&Snapshot) -> bool = |now| has_copied(now, 16 * MIB);
    let flushing: fn(&Snapshot) -> bool = |now| is_at(now, Step::Flushing);
    let verifying: fn(&Snapshot) -> bool = |now| has_verified(now, 1);
    let digesting: fn(&Snapshot) -> bool = |now| is_at(now, Step::Copying);
    let mut cases = vec![
        Case::new("copying, staged, not verified", "large", Staged, Not, copying),
        Case::new("copying, staged, verified", "large", Staged, All, copying),
        Case::new("copying, copy_file_range, not verified", "large", Direct, Not, copying),
        Case::new("copying, copy_file_range, verified", "large", Direct, All, copying),
        Case::new("digesting the source apart", "large", Staged, All, digesting),
        Case::new("flushing, staged", "large", Staged, All, flushing),
        Case::new("flushing, copy_file_range", "large", Direct, All, flushing),
        Case::new("verifying by digest", "large", Staged, All, verifying),
        Case::new("verifying through memory maps", "large", Direct, All, verifying),
        Case::new("verifying by digest, from the cache", "large", Staged, All, verifying),
    ];
    cases[4].setting = Some(("buffer_reuse", "off"));
    cases[9].setting = Some(("read_back", "cache"));
    cases
}

#[test]
fn a_large_file_is_given_up_at_once_and_leaves_nothing() {
    let _machine = alone();
    let sources = Place::new();
    sources.file("large", LARGE);
    if !copies_in_kernel(&sources) {
        skipped("the cases of copy_file_range: this volume shares blocks or does not offer it");
    }
    for (index, case) in large_cases().into_iter().enumerate() {
        if case.strategy == StrategyChoice::Direct && !copies_in_kernel(&sources) {
            continue;
        }
        let before = tree(&large(&sources, true).at("out"));
        case.measure(
            || large(&sources, index % 2 == 0),
            |place, _| assert_same(&before, &tree(&place.at("out"))),
        );
    }
}

fn copies_in_kernel(sources: &Place) -> bool {
    let probe = sources.file("probe", 2 * MIB);
    let copy = CopyRequest::new([probe], sources.at("probe-copy")).exact_target(true);
    let ended = crate::running::run(copy.strategy(StrategyChoice::Direct));
    let was_copied =
        ended.items.iter().any(|item| item.mechanism == Some(Mechanism::CopyFileRange));
    fs::remove_file(sources.at("probe-copy")).is_ok() && was_copied
}

#[test]
fn what_other_programs_have_written_is_not_waited_for() {
    let _machine = alone();
    let sources = Place::new();
    sources.file("large", LARGE);
    let busy = || {
        let place = large(&sources, true);
        // Takes any disk a while, if somebody asks for it to be written.
        place.file("elsewhere", 1024 * MIB);
        place
    };
    let mut case = large_cases().swap_remove(1);
    case.name = "copying beside a program that has written much";
    let before = tree(&large(&sources, true).at("out"));
    case.measure(busy, |place, _| assert_same(&before, &tree(&place.at("out"))));
}

#[test]
fn comparing_with_the_target_is_given_up_at_once() {
    let _machine = alone();
    let sources = Place::new();
    sources.file("large", LARGE);
    let same = || {
        let place = large(&sources, false);
        fs::remove_file(place.at("out/old/file")).expect("our own file");
        fs::hard_link(place.at("large/old/file"), place.at("large/old/twin")).expect("a link");
        // The same content in another file, so that it has to be read.
        place.file("out/old/file", LARGE);
        for name in ["out/old/file", "out/old", "out"] {
            set_times(&place.at(name), long_ago(9));
        }
        place
    };
    let mut case = Case::new(
        "comparing with an existing target",
        "large",
        StrategyChoice::Auto,
        VerifyPolicy::All,
        |now| now.phase == Some(Phase::Copy),
    );
    case.by_content = true;
    let before = tree(&same().at("out"));
    case.measure(same, |place, _| assert_same(&before, &tree(&place.at("out"))));
}

#[test]
fn a_job_that_is_paused_is_given_up_at_once() {
    let _machine = alone();
    let sources = Place::new();
    sources.file("large", LARGE);
    let mut case = large_cases().swap_remove(1);
    case.name = "paused";
    case.is_paused = true;
    let before = tree(&large(&sources, false).at("out"));
    case.measure(
        || large(&sources, false),
        |place, _| assert_same(&before, &tree(&place.at("out"))),
    );
}
