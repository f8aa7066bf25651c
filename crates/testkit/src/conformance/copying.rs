//! Cases about copying inside the kernel: clones and ranges.

use surecopy_fs::{FileSystem, Support};

use super::stage::{Stage, fine, os, pattern, skip};

pub(super) fn a_clone_is_whole_and_independent<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(100_000);
    let original = stage.put("original", &bytes);
    fine("flush", stage.fs.flush_file(&original));
    let source = fine("open", stage.fs.open_source(&stage.dir, os("original")));
    let copy = stage.put("copy", b"");
    match fine("clone", stage.fs.clone_file(&source, &copy)) {
        Support::Unsupported => {
            assert_eq!(stage.read_all(&copy), b"", "nothing was changed");
            skip("no clones here");
            return;
        }
        Support::Done(()) => {}
    }
    assert_eq!(stage.read_all(&copy), bytes);
    stage.write_all(&copy, b"changed", 50_000);
    assert_eq!(stage.read_all(&source), bytes, "writing to the copy leaves the original");
    stage.write_all(&original, b"other", 0);
    assert_eq!(&stage.read_all(&copy)[..5], &bytes[..5]);
}

pub(super) fn a_range_arrives_where_it_was<F: FileSystem>(stage: &Stage<'_, F>) {
    let bytes = pattern(200_000);
    drop(stage.put("original", &bytes));
    let source = fine("open", stage.fs.open_source(&stage.dir, os("original")));
    let copy = stage.put("copy", b"");
    let mut done = 50_000u64;
    loop {
        match fine("copy a range", stage.fs.copy_range(&source, &copy, done, 60_000)) {
            Support::Unsupported => {
                assert_eq!(done, 50_000, "offered once, offered always");
                assert_eq!(stage.read_all(&copy), b"", "nothing was changed");
                skip("no copying inside the kernel here");
                return;
            }
            Support::Done(0) => break,
            Support::Done(count) => {
                assert!(count <= 60_000, "{count} bytes of 60000");
                done += count;
            }
        }
    }
    assert_eq!(done, 200_000);
    let copied = stage.read_all(&copy);
    assert!(copied[..50_000].iter().all(|byte| *byte == 0));
    assert_eq!(&copied[50_000..], &bytes[50_000..]);
    let beyond = fine("beyond the end", stage.fs.copy_range(&source, &copy, 1 << 20, 1));
    assert_eq!(beyond, Support::Done(0));
    assert_eq!(stage.read_all(&copy).len(), 200_000);
}

pub(super) fn an_empty_file_copies_to_an_empty_file<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("original", b""));
    let source = fine("open", stage.fs.open_source(&stage.dir, os("original")));
    let copy = stage.put("copy", b"");
    let range = fine("copy a range", stage.fs.copy_range(&source, &copy, 0, 4096));
    assert!(matches!(range, Support::Unsupported | Support::Done(0)), "{range:?}");
    let _done: Support<()> = fine("clone", stage.fs.clone_file(&source, &copy));
    assert_eq!(stage.read_all(&copy), b"");
}
