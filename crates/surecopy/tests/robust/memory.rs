//! Memory in use stays under the budget, whatever the size of files and however many are in flight.

use std::fs;

use crate::child;
use crate::place::{Place, alone};

const MIB: u64 = 1 << 20;
const FILES: u64 = 4;
const EACH: u64 = 150 * MIB;
const BUDGET: u64 = 64 * MIB;

/// The program itself, its stacks, and this test's own frame.
const BESIDES: u64 = 48 * MIB;

#[test]
fn large_files_in_flight_do_not_outgrow_the_budget() {
    let _machine = alone();
    let place = Place::roomy((FILES + 1) * EACH);
    // Names of one file are copied as files of their own unless hard links are kept.
    let first = place.file("source/0", EACH);
    for number in 1..FILES {
        fs::hard_link(&first, place.at(&format!("source/{number}"))).unwrap();
    }
    for strategy in ["staged", "direct"] {
        let settings = [
            ("strategy", strategy),
            ("memory_budget_bytes", "64MiB"),
            ("verify_policy", "all"),
            ("jobs", "4"),
        ];
        let target = place.at(strategy);
        let said = child::copy(&place.at("source"), &target, &settings);
        println!("{strategy}: {} KiB at most for {FILES} files of {EACH} bytes", said["peak_kib"]);
        assert_eq!(said["ok"], FILES);
        fs::remove_dir_all(target).unwrap();
        assert!(said["peak_kib"] * 1024 < BUDGET + BESIDES, "{strategy}: {said:?}");
    }
}

#[test]
fn many_small_files_do_not_outgrow_the_budget() {
    let _machine = alone();
    let place = Place::roomy(64 * MIB);
    for number in 0..2000 {
        let name = format!("source/{}/{number}", number % 20);
        place.file(&name, 1000);
    }
    let settings = [("memory_budget_bytes", "64MiB"), ("verify_policy", "all"), ("jobs", "4")];
    let said = child::copy(&place.at("source"), &place.at("copy"), &settings);
    println!("{} KiB at most for 2,000 small files", said["peak_kib"]);
    assert_eq!(said["ok"], 2000);
    assert!(said["peak_kib"] * 1024 < BUDGET + BESIDES, "{said:?}");
}
