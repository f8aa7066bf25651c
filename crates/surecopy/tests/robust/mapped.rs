//! Files that are cut while they are compared through memory maps. A process that is not prepared
//! for it dies of the bus error; this one fails the item.

use std::fs::{self, OpenOptions};
use std::path::Path;

use surecopy::{CopyRequest, ErrorCode, ItemStatus, StrategyChoice, VerifyPolicy};

use crate::place::{Place, alongside, long_ago, partial_in, set_times, skipped};
use crate::running::{Ended, has_verified, run_watched, was_moved_by_kernel};
use crate::snapshot::tree;

/// More than one window.
const SIZE: u64 = 80 << 20;

const TRIES: usize = 4;

/// Copies a file of its own, and cuts it when reading back has begun but is far from the end. On a
/// busy machine that may be over too soon, and is tried again.
fn cut_while_compared(retries: u32, cut: impl Fn(&Place)) -> Option<(Place, Ended)> {
    for _ in 0..TRIES {
        let place = Place::new();
        place.file("source", SIZE);
        place.dir("out");
        set_times(&place.at("out"), long_ago(3));
        let ended = copy_and_cut(&place, retries, || cut(&place));
        if ended.was_reached && was_moved_by_kernel(ended.only()) {
            return Some((place, ended));
        }
    }
    skipped("this volume does not copy inside the kernel, or is too fast to be disturbed");
    None
}

/// The job is held while the file is cut, so that reading back cannot have ended.
fn copy_and_cut(place: &Place, retries: u32, cut: impl FnOnce()) -> Ended {
    let copy = CopyRequest::new([place.at("source")], place.at("out/target"))
        .exact_target(true)
        .strategy(StrategyChoice::Direct)
        .verify(VerifyPolicy::All)
        .jobs(1)
        .retries(retries);
    let mut cut = Some(cut);
    run_watched(copy, |now, control| {
        if cut.is_none() || !has_verified(now, 1) || now.bytes_verified > SIZE / 4 {
            return false;
        }
        control.pause();
        let is_there = partial_in(&place.at("out")).is_some();
        if is_there && let Some(cut) = cut.take() {
            cut();
        }
        control.resume();
        is_there
    })
}

fn truncate(path: &Path, bytes: u64) {
    let file = OpenOptions::new().write(true).open(path).expect("a file to cut");
    file.set_len(bytes).expect("a file can be cut");
}

/// The destination is empty, and was never touched.
fn assert_empty(place: &Place) {
    let out = tree(&place.at("out"));
    assert_eq!(out.len(), 1, "{:?}", out.keys());
    assert_eq!(
        fs::metadata(place.at("out")).expect("a directory").modified().ok(),
        Some(long_ago(3))
    );
}

#[test]
fn row_41_a_source_that_is_cut_while_it_is_compared_fails_the_item_only() {
    let _machine = alongside();
    for bytes in [0, 4096 + 1] {
        let cut = |place: &Place| truncate(&place.at("source"), bytes);
        if let Some((place, ended)) = cut_while_compared(0, cut) {
            assert_eq!(ended.codes(), [ErrorCode::SourceChanged], "{ended:?}");
            assert_empty(&place);
        }
    }
}

#[test]
fn row_41_a_partial_file_that_is_cut_while_it_is_compared_is_never_published() {
    let _machine = alongside();
    for bytes in [0, 4096 + 1] {
        if let Some((place, ended)) = cut_while_compared(0, |place| cut_partial(place, bytes)) {
            assert_eq!(ended.codes(), [ErrorCode::VerifyMismatch], "{ended:?}");
            assert_empty(&place);
        }
    }
}

#[test]
fn a_partial_file_that_was_cut_is_made_again() {
    let _machine = alongside();
    if let Some((place, ended)) = cut_while_compared(1, |place| cut_partial(place, 4096)) {
        let item = ended.only();
        assert_eq!(item.status, ItemStatus::Ok, "{item:?}");
        assert_eq!(item.retries[0].code, ErrorCode::VerifyMismatch);
        assert!(fs::read(place.at("out/target")).unwrap() == fs::read(place.at("source")).unwrap());
        assert_eq!(partial_in(&place.at("out")), None);
    }
}

fn cut_partial(place: &Place, bytes: u64) {
    let partial = partial_in(&place.at("out")).expect("a file that is compared");
    truncate(&partial, bytes);
}
