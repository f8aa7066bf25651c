//! How often a source is read, by the system's own count.

use crate::child;
use crate::place::{Place, alongside};

const MIB: u64 = 1 << 20;

/// What else a process reads: its own counters, the table of mounts.
const ASIDE: u64 = MIB / 4;

/// Copies 24 MiB in a process of its own, without reading back, so that whatever is read is the
/// source. Returns how often that was read.
fn times_read(strategy: &str, buffer_reuse: &str) -> u64 {
    let (place, files) = (Place::new(), 48);
    for number in 0..files {
        place.file(&format!("source/{number}"), MIB / 2);
    }
    let size = files * MIB / 2;
    let settings = [
        ("strategy", strategy),
        ("buffer_reuse", buffer_reuse),
        ("verify_policy", "all"),
        ("read_back", "none"),
        // A shared block is not read at all.
        ("reflink", "never"),
    ];
    let said = child::copy(&place.at("source"), &place.at("copy"), &settings);
    println!("{strategy}, buffer reuse {buffer_reuse}: {said:?} for {size} bytes");
    assert_eq!((said["ok"], said[strategy]), (files, files));
    let times = said["reported"] / size;
    assert_eq!(said["reported"], times * size);
    assert_eq!(said["by_items"], said["reported"]);
    let (least, most) = (times * size, times * size + ASIDE);
    assert!((least..most).contains(&said["read"]), "the items say {times} times: {said:?}");
    times
}

#[test]
fn the_source_is_read_once_when_the_buffer_is_reused() {
    let _machine = alongside();
    assert_eq!(times_read("staged", "on"), 1);
    assert_eq!(times_read("direct", "on"), 1);
}

#[test]
fn the_source_is_read_twice_when_it_is_not() {
    let _machine = alongside();
    assert_eq!(times_read("staged", "off"), 2);
    assert_eq!(times_read("direct", "off"), 2);
}

#[test]
fn reading_back_adds_one_pass_over_the_copy_and_none_over_the_source() {
    let _machine = alongside();
    let place = Place::new();
    let size = 24 * MIB;
    let source = place.file("source", size);
    let settings = [("strategy", "staged"), ("verify_policy", "all"), ("read_back", "cache")];
    let said = child::copy(&source, &place.at("copy"), &settings);
    assert_eq!(said["reported"], size);
    assert!((2 * size..2 * size + ASIDE).contains(&said["read"]), "{said:?}");
}
