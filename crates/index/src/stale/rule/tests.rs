//! The rule, case by case.

use surecopy_fs::BootId;

use super::*;

const BEGAN: i128 = 2_000 * SECOND;

fn at(nanos: i128) -> Timestamp {
    let secs = i64::try_from(nanos.div_euclid(SECOND)).unwrap();
    Timestamp { secs, nanos: u32::try_from(nanos.rem_euclid(SECOND)).unwrap() }
}

fn clock(boot: u128, offset_secs: i128) -> ClockSetting {
    ClockSetting { boot: Some(BootId(boot)), offset_nanos: offset_secs * SECOND }
}

/// A directory that was changed long before it was listed, and not since.
fn calm() -> (Remembered, Present<'static>) {
    let time = at(BEGAN - 600 * SECOND);
    let seen = Seen { volume: 0, file: 7, modified: time, changed: time, size: 40, link_count: 2 };
    let remembered = Remembered {
        state: State::Fresh,
        seen: Some(seen),
        began_nanos: BEGAN,
        clock: Some(clock(1, 1_000)),
    };
    let present = Present { seen, kind: FilesystemKind::named("ext4"), clock: clock(1, 1_000) };
    (remembered, present)
}

/// What the rule says when a case has made something else of a calm directory.
#[track_caller]
fn check(expected: Option<StaleReason>, case: impl FnOnce(&mut Remembered, &mut Present<'static>)) {
    let (mut remembered, mut present) = calm();
    case(&mut remembered, &mut present);
    let expected = expected.map_or(Freshness::Fresh, Freshness::Stale);
    assert_eq!(judge(&remembered, &present), expected);
}

fn kind(present: &mut Present<'static>, name: &str) {
    present.kind = FilesystemKind::named(name);
}

/// Gives the directory these times, then and now.
fn times(remembered: &mut Remembered, present: &mut Present<'_>, modified: i128, changed: i128) {
    present.seen.modified = at(modified);
    present.seen.changed = at(changed);
    remembered.seen = Some(present.seen);
}

#[test]
fn what_was_not_touched_is_fresh() {
    for name in ["ext4", "ext3", "vfat", "exfat", "nfs", "fuse", "brandnewfs"] {
        check(None, |_, present| kind(present, name));
    }
}

#[test]
fn what_is_known_without_a_look_counts_first() {
    check(Some(StaleReason::NeverListed), |remembered, _| remembered.seen = None);
    check(Some(StaleReason::NeverListed), |remembered, _| remembered.clock = None);
    check(Some(StaleReason::Marked), |remembered, _| remembered.state = State::Stale);
    check(Some(StaleReason::Unwatched), |remembered, _| remembered.state = State::Unknown);
}

#[test]
fn every_part_of_what_was_seen_counts() {
    check(Some(StaleReason::Replaced), |_, present| present.seen.file += 1);
    check(Some(StaleReason::Replaced), |_, present| present.seen.volume = 9);
    check(Some(StaleReason::Changed), |_, present| present.seen.size += 1);
    check(Some(StaleReason::Changed), |_, present| present.seen.link_count += 1);
    check(Some(StaleReason::Changed), |_, present| present.seen.modified.nanos += 1);
    check(Some(StaleReason::Changed), |_, present| present.seen.modified.secs -= 1);
    // The modification time was set back, which the change time shows.
    for name in ["ext4", "vfat", "brandnewfs"] {
        check(Some(StaleReason::Changed), |_, present| {
            kind(present, name);
            present.seen.changed.secs += 1;
        });
    }
}

#[test]
fn what_was_changed_shortly_before_it_was_listed_is_stale() {
    let limit = |name: &str, nanos: i128| {
        for (before, expected) in [(nanos + 1, None), (nanos, Some(StaleReason::TooRecent))] {
            check(expected, |remembered, present| {
                kind(present, name);
                times(remembered, present, BEGAN - before, BEGAN - before);
            });
        }
        check(Some(StaleReason::TooRecent), |remembered, present| {
            kind(present, name);
            times(remembered, present, BEGAN + 3_600 * SECOND, BEGAN - 600 * SECOND);
        });
    };
    limit("ext4", SECOND);
    limit("exfat", SECOND);
    // Listed when our clock shows 11.05: the kernel may still date the next change 10.99, which is
    // stored as 10, like the one before it.
    limit("ext3", SECOND + SECOND / 10);
    limit("vfat", 2 * SECOND + SECOND / 10);
    limit("nfs", 60 * SECOND);
}

#[test]
fn a_recent_change_time_counts_where_there_is_one() {
    for (name, expected) in [("ext4", Some(StaleReason::TooRecent)), ("vfat", None)] {
        check(expected, |remembered, present| {
            kind(present, name);
            times(remembered, present, BEGAN - 600 * SECOND, BEGAN);
        });
    }
}

#[test]
fn row_36_a_clock_that_was_set_makes_everything_stale_in_the_same_boot() {
    for (step, expected) in [
        (0, None),
        (2, None),
        (-2, None),
        (3, Some(StaleReason::ClockSet)),
        (-3, Some(StaleReason::ClockSet)),
        (-86_400, Some(StaleReason::ClockSet)),
        (10 * 365 * 86_400, Some(StaleReason::ClockSet)),
    ] {
        check(expected, |_, present| present.clock = clock(1, 1_000 + step));
    }
    // Another boot has another offset in any case.
    check(None, |_, present| present.clock = clock(2, 5_000_000));
}

#[test]
fn a_directory_without_times_is_stale_where_only_they_would_tell() {
    for (name, expected) in [("vfat", Some(StaleReason::Undated)), ("ext4", None)] {
        check(expected, |remembered, present| {
            kind(present, name);
            times(remembered, present, 0, BEGAN - 600 * SECOND);
        });
    }
}

#[test]
fn row_36_a_small_step_of_the_clock_makes_recent_changes_stale() {
    for (step, before, expected) in [
        (2, 3, Some(StaleReason::TooRecent)),
        (-2, 3, Some(StaleReason::TooRecent)),
        (-2, 4, None),
        (0, 3, None),
    ] {
        check(expected, |remembered, present| {
            times(remembered, present, BEGAN - before * SECOND, BEGAN - before * SECOND);
            present.clock = clock(1, 1_000 + step);
        });
    }
}

#[test]
fn numbers_that_are_made_up_do_not_outlive_a_boot() {
    for (name, expected) in [
        ("ext4", None),
        ("nfs", None),
        ("vfat", Some(StaleReason::Renumbered)),
        ("fuse", Some(StaleReason::Renumbered)),
    ] {
        check(expected, |_, present| {
            kind(present, name);
            present.clock = clock(2, 5_000);
        });
    }
    // Where nobody knows which boot it is, it may be another.
    check(Some(StaleReason::Renumbered), |remembered, present| {
        kind(present, "vfat");
        remembered.clock = Some(ClockSetting { boot: None, offset_nanos: 0 });
        present.clock.boot = None;
    });
}

#[test]
fn a_volume_within_a_location_may_be_another_one_with_the_same_number() {
    let other = |remembered: &mut Remembered, present: &mut Present<'_>| {
        present.seen.volume = 9;
        remembered.seen = Some(present.seen);
    };
    check(Some(StaleReason::OtherVolume), other);
    check(Some(StaleReason::OtherVolume), |remembered, present| {
        other(remembered, present);
        present.clock = clock(2, 1_000);
    });
}
