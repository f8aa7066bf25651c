//! Cases about flushing, about what is in memory, and about comparing through maps.

use std::ops::{ControlFlow, Range};

use surecopy_fs::{FileSystem, GroupFlush, MappedComparison, RelPath, Support};

use super::stage::{Stage, fine, os, pattern, skip};

pub(super) fn everything_can_be_flushed<F: FileSystem>(stage: &Stage<'_, F>) {
    let witness = fine("open", stage.fs.open_dir(&stage.dir, &RelPath::root()));
    let bytes = pattern(300_000);
    let file = stage.put("file", &bytes);
    let range = 0..200_000;
    let _done: Support<()> =
        fine("begin to write back", stage.fs.write_back(&file, range.clone(), 0..0));
    let _done: Support<()> = fine("await it", stage.fs.write_back(&file, 200_000..300_000, range));
    fine("flush the file", stage.fs.flush_file(&file));
    fine("flush the directory", stage.fs.flush_dir(&stage.dir));
    let group = fine("flush the volume", stage.fs.flush_volume(&witness));
    let is_offered = stage.volume().filesystem.group_flush != GroupFlush::No;
    assert!(is_offered || !group.is_done(), "a flush whose errors nobody hears of is not offered");
    assert_eq!(stage.read_all(&file), bytes);
    let source = fine("open", stage.fs.open_source(&stage.dir, os("file")));
    fine("flush through a handle for reading", stage.fs.flush_file(&source));
}

pub(super) fn dropped_pages_are_counted_as_gone<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(256 * 1024);
    let file = stage.put("file", &bytes);
    let length = bytes.len() as u64;
    let count = |length| fine("count", stage.fs.resident_bytes(&file, length));
    if let Support::Done(resident) = count(length) {
        assert_eq!(resident, length, "what was just written is in memory");
        assert_eq!(count(4096), Support::Done(4096), "only the first bytes are asked about");
    }
    fine("flush", stage.fs.flush_file(&file));
    match fine("drop", stage.fs.drop_cache(&file)) {
        Support::Unsupported => skip("cached pages cannot be dropped here"),
        Support::Done(()) => match count(length) {
            Support::Unsupported => skip("cached pages cannot be counted here"),
            Support::Done(resident) if stage.volume().filesystem.reads_back_from_device => {
                assert_eq!(resident, 0);
            }
            // There may be nowhere else to keep them; then the answer must say so.
            Support::Done(resident) => assert!(resident <= length),
        },
    }
    assert_eq!(stage.read_all(&file), bytes);
}

/// Compares, and returns what was handed over.
fn compare<F: FileSystem>(
    stage: &Stage<'_, F>,
    left: &F::File,
    right: &F::File,
    window: Range<u64>,
) -> Option<(MappedComparison, Vec<u8>)> {
    let mut seen = Vec::new();
    let mut each = |stretch: &[u8]| {
        seen.extend_from_slice(stretch);
        ControlFlow::Continue(())
    };
    let outcome = fine("compare", stage.fs.compare_mapped(left, right, window, &mut each));
    match outcome {
        Support::Done(comparison) => Some((comparison, seen)),
        Support::Unsupported => {
            assert!(seen.is_empty(), "nothing is handed over where nothing is compared");
            skip("no comparing through memory maps here");
            None
        }
    }
}

pub(super) fn equal_files_compare_equal_and_are_shown<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(150_001);
    let (left, right) = (stage.put("left", &bytes), stage.put("right", &bytes));
    for window in [0..150_001, 0..4096, 4096..150_001, 65_536..65_537, 8192..8192] {
        let (start, end) = (window.start as usize, window.end as usize);
        let Some((comparison, seen)) = compare(stage, &left, &right, window) else { return };
        assert_eq!(comparison, MappedComparison::Equal);
        assert!(seen == bytes[start..end], "all of the window is handed over, in order");
    }
}

pub(super) fn the_first_difference_is_found_exactly<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(150_001);
    let (left, right) = (stage.put("left", &bytes), stage.put("right", &bytes));
    for at in [0usize, 1, 4095, 4096, 65_535, 65_536, 70_000, 149_999, 150_000] {
        stage.write_all(&right, &[bytes[at] ^ 1], at as u64);
        let Some((comparison, seen)) = compare(stage, &left, &right, 0..150_001) else { return };
        assert_eq!(comparison, MappedComparison::DiffersAt(at as u64));
        assert!(seen.len() <= at && seen == bytes[..seen.len()], "only what is equal is shown");
        stage.write_all(&right, &bytes[at..=at], at as u64);
    }
    stage.write_all(&right, &[bytes[100_000] ^ 1], 100_000);
    if let Some((comparison, _)) = compare(stage, &left, &right, 0..98_304) {
        assert_eq!(comparison, MappedComparison::Equal, "outside the window nothing is compared");
    }
}

pub(super) fn a_comparison_stops_when_told<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(20_000);
    let (left, right) = (stage.put("left", &bytes), stage.put("right", &bytes));
    let mut calls = 0;
    let mut each = |_: &[u8]| {
        calls += 1;
        ControlFlow::Break(())
    };
    let outcome = stage.fs.compare_mapped(&left, &right, 0..20_000, &mut each);
    match fine("compare", outcome) {
        Support::Unsupported => assert_eq!(calls, 0),
        Support::Done(comparison) => {
            assert_eq!((comparison, calls), (MappedComparison::Stopped, 1));
        }
    }
}

pub(super) fn a_file_cut_off_under_a_map_is_survived<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(300_000);
    let (left, right) = (stage.put("left", &bytes), stage.put("right", &bytes));
    fine("cut off", stage.fs.set_length(&right, 4096));
    for (one, other) in [(&left, &right), (&right, &left)] {
        let Some((comparison, seen)) = compare(stage, one, other, 0..300_000) else { return };
        assert_eq!(comparison, MappedComparison::Faulted);
        assert!(seen.len() <= 8192 && bytes.starts_with(&seen), "{} bytes shown", seen.len());
    }
    assert_eq!(stage.read_all(&left), bytes, "life goes on");
}
