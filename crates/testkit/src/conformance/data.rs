//! Cases about the bytes of a file: reading, writing, holes, lengths.

use std::ops::Range;

use surecopy_fs::{FileSystem, FsErrorKind, Node, Support};

use super::stage::{Stage, fine, os, pattern, refused, skip};

const MIB: u64 = 1 << 20;

pub(super) fn reads_end_where_the_file_ends<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(10_000);
    drop(stage.put("file", &bytes));
    let file = fine("open", stage.fs.open_source(&stage.dir, os("file")));
    assert_eq!(stage.read_all(&file), bytes);
    let mut buffer = [0xEEu8; 100];
    let count = fine("read across the end", stage.fs.read_at(&file, &mut buffer, 9_990));
    assert!((1..=10).contains(&count), "{count} bytes of 10 that are left");
    assert_eq!(&buffer[..count], &bytes[9_990..9_990 + count]);
    for offset in [10_000, 10_001, MIB] {
        assert_eq!(fine("read beyond", stage.fs.read_at(&file, &mut buffer, offset)), 0);
    }
    assert_eq!(fine("read nothing", stage.fs.read_at(&file, &mut [], 0)), 0);
    let empty = stage.put("empty", b"");
    assert_eq!(fine("read", stage.fs.read_at(&empty, &mut buffer, 0)), 0);
}

pub(super) fn what_was_never_written_reads_as_zeros<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"start");
    stage.write_all(&file, b"end", MIB);
    let bytes = stage.read_all(&file);
    assert_eq!(bytes.len() as u64, MIB + 3);
    assert_eq!((&bytes[..5], &bytes[bytes.len() - 3..]), (&b"start"[..], &b"end"[..]));
    assert!(bytes[5..bytes.len() - 3].iter().all(|byte| *byte == 0));
    stage.write_all(&file, b"middle", 500_000);
    let bytes = stage.read_all(&file);
    assert_eq!(bytes.len() as u64, MIB + 3, "writing inside does not change the length");
    assert_eq!(&bytes[500_000..500_006], b"middle");
}

pub(super) fn a_length_can_be_set_both_ways<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", &[7; 5000]);
    fine("shrink", stage.fs.set_length(&file, 10));
    assert_eq!(stage.read_all(&file), [7; 10]);
    fine("grow", stage.fs.set_length(&file, 5000));
    let bytes = stage.read_all(&file);
    assert_eq!(bytes.len(), 5000);
    assert!(bytes[10..].iter().all(|byte| *byte == 0), "what was cut off does not come back");
    fine("grow far", stage.fs.set_length(&file, 4 * MIB));
    let metadata = fine("read metadata", stage.fs.metadata(Node::File(&file)));
    assert_eq!(metadata.size, 4 * MIB);
    if stage.volume().filesystem.can_store_holes {
        assert!(metadata.is_sparse(), "growing makes a hole: {metadata:?}");
    }
}

pub(super) fn reserving_room_changes_no_content<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"kept");
    let before = fine("read metadata", stage.fs.metadata(Node::File(&file)));
    match fine("reserve", stage.fs.preallocate(&file, 100_000)) {
        Support::Unsupported => {
            let after = fine("read metadata", stage.fs.metadata(Node::File(&file)));
            assert_eq!((after.size, after.allocated_bytes), (4, before.allocated_bytes));
            assert_eq!(stage.read_all(&file), b"kept");
            skip("no reserving of room here");
            return;
        }
        Support::Done(()) => {}
    }
    let mut expected = b"kept".to_vec();
    expected.resize(100_000, 0);
    assert_eq!(stage.read_all(&file), expected);
    let metadata = fine("read metadata", stage.fs.metadata(Node::File(&file)));
    assert!(metadata.allocated_bytes >= 100_000, "{metadata:?}");
    assert!(fine("reserve less", stage.fs.preallocate(&file, 10)).is_done());
    assert_eq!(stage.read_all(&file), expected, "reserving less takes nothing away");
}

pub(super) fn data_is_found_and_never_missed<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"");
    fine("set length", stage.fs.set_length(&file, 4 * MIB));
    stage.write_all(&file, &[1; 100], MIB);
    stage.write_all(&file, &[2; 100], 3 * MIB);
    // Some file systems know of data only once it is on the device.
    fine("flush", stage.fs.flush_file(&file));
    let mut ranges: Vec<Range<u64>> = Vec::new();
    let mut at = 0;
    loop {
        match fine("find data", stage.fs.next_data(&file, at)) {
            Support::Unsupported => {
                assert_eq!(at, 0, "offered once, offered always");
                skip("holes cannot be found here");
                return;
            }
            Support::Done(None) => break,
            Support::Done(Some(range)) => {
                assert!(range.start >= at && range.end > range.start, "{range:?} from {at}");
                assert!(range.end <= 4 * MIB, "{range:?} goes beyond the end");
                at = range.end;
                ranges.push(range);
            }
        }
    }
    for written in [MIB, 3 * MIB] {
        let is_found = |offset: u64| ranges.iter().any(|range| range.contains(&offset));
        assert!(is_found(written) && is_found(written + 99), "{written} is not in {ranges:?}");
    }
    let end = fine("find data at the end", stage.fs.next_data(&file, 4 * MIB));
    assert_eq!(end, Support::Done(None));
}

pub(super) fn one_handle_serves_several_threads<F: FileSystem>(stage: &Stage<'_, F>) {
    const PIECE: usize = 1000;
    let file = stage.put("file", b"");
    std::thread::scope(|scope| {
        for lane in 0..4u8 {
            let file = &file;
            scope.spawn(move || {
                for round in 0..50usize {
                    let offset = ((round * 4 + usize::from(lane)) * PIECE) as u64;
                    stage.write_all(file, &[lane + 1; PIECE], offset);
                }
            });
        }
    });
    let bytes = stage.read_all(&file);
    assert_eq!(bytes.len(), 200 * PIECE);
    for (number, piece) in bytes.chunks(PIECE).enumerate() {
        let lane = (number % 4) as u8 + 1;
        assert!(piece.iter().all(|byte| *byte == lane), "piece {number} is mixed up");
    }
}

pub(super) fn a_file_too_large_is_refused<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = stage.put("file", b"kept");
    let result = stage.fs.write_at(&file, b"x", i64::MAX as u64);
    refused(
        "write at the end of numbers",
        result,
        &[FsErrorKind::FileTooLarge, FsErrorKind::InvalidInput],
    );
    assert_eq!(stage.read_all(&file), b"kept");
}
