//! Many small files: given up between groups, within one, and before the first.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use surecopy::{Phase, Snapshot, Step, StrategyChoice, VerifyPolicy};

use super::case::{Case, destination};
use crate::place::{Place, alone, partial_in};
use crate::running::{Ended, is_at};
use crate::snapshot::{Content, tree};

const SMALL_FILES: u64 = 900;

/// Whole small files, which are committed in groups.
fn small() -> Place {
    let place = Place::new();
    for number in 0..SMALL_FILES {
        place.file(&format!("small/{}/{number}", number % 30), 2000);
    }
    destination(&place);
    place
}

#[test]
fn small_files_are_given_up_at_once_and_those_that_are_there_are_whole() {
    use VerifyPolicy::{All, None as Not};
    let _machine = alone();
    let some_are_done: fn(&Snapshot) -> bool =
        |now| now.phase == Some(Phase::Copy) && now.items_done > 100;
    let flushing: fn(&Snapshot) -> bool = |now| is_at(now, Step::Flushing);
    let verifying: fn(&Snapshot) -> bool = |now| is_at(now, Step::Verifying);
    let auto = StrategyChoice::Auto;
    for case in [
        Case::new("small files, not verified", "small", auto, Not, some_are_done),
        Case::new("small files, verified", "small", auto, All, some_are_done),
        Case::new("small files, flushing a group", "small", auto, All, flushing),
        Case::new("small files, verifying a group", "small", auto, All, verifying),
    ] {
        case.measure(small, assert_whole);
    }
}

/// Every file at the destination is its source or was there before; the others leave no trace.
fn assert_whole(place: &Place, ended: &Ended) {
    let out = tree(&place.at("out"));
    let source = tree(&place.at("small"));
    let mut found = 0;
    for (path, entry) in &out {
        if path.starts_with("old") || path == Path::new("") {
            continue;
        }
        match &entry.content {
            Content::File(_) => {
                assert_eq!(Some(&entry.content), source.get(path).map(|entry| &entry.content));
                found += 1;
            }
            Content::Directory if path == Path::new("untouched") => {}
            Content::Directory => {
                let is_used = out.keys().any(|other| other.parent() == Some(path));
                assert!(is_used, "{path:?} is empty and was not there before");
                assert_eq!(partial_in(&place.at("out").join(path)), None);
            }
            other => panic!("{path:?}: {other:?}"),
        }
    }
    let tally = &ended.report.tally;
    assert_eq!((found, tally.ok + tally.cancelled), (tally.ok, SMALL_FILES));
    for name in ["untouched", "old", "old/file"] {
        let modified = out[Path::new(name)].modified;
        assert_eq!(modified.0, 978_307_209, "{name} was touched");
    }
}

#[test]
fn scanning_is_given_up_at_once_and_nothing_was_begun() {
    let _machine = alone();
    let sources = Place::new();
    for dir in 0..25 {
        let dir = sources.dir(&format!("many/{dir}"));
        for file in 0..400 {
            fs::write(dir.join(file.to_string()), "").expect("a file");
        }
    }
    let case = Case::new("scanning", "many", StrategyChoice::Auto, VerifyPolicy::All, |now| {
        now.phase == Some(Phase::ProgressiveScanning) && now.items_total > 100
    });
    let prepare = || {
        let place = Place::new();
        // A root may be a link; what it is made of is made once.
        symlink(sources.at("many"), place.at("many")).expect("a link");
        destination(&place);
        place
    };
    let check = |place: &Place, ended: &Ended| {
        assert_eq!(ended.items.len(), 0);
        assert_eq!(fs::read_dir(place.at("out")).expect("a directory").count(), 2);
    };
    case.measure(prepare, check);
}
