//! A damaged index: a cache, so that whatever is in it costs a warning and a scan, and no file.

use std::fs;

use surecopy_testkit::fuzz::{Verdict, hold_values};

use super::damage::{apply, damage};
use super::outside::{files, run, tree};
use crate::program::Folder;

/// What is asked of it.
const QUESTIONS: &[&[&str]] = &[
    &["index", "status"],
    &["index", "status", "--json"],
    &["index", "scan"],
    &["index", "list"],
    &["prepare", "src"],
    &["prepare", "--json", "src"],
];

#[test]
fn a_damaged_index_costs_no_file() {
    let folder = Folder::new();
    for name in ["a", "b", "sub/c", "sub/deep/d", "other/e"] {
        folder.write(format!("src/{name}"), name);
    }
    folder.let_age();
    folder.run(&["index", "add", "src"]).all_done();
    let index = folder.path("../home/.cache/surecopy/index.db");
    let whole = fs::read(&index).unwrap();
    let source = tree(&folder.path("src"));
    let questions = proptest::sample::select(QUESTIONS.to_vec());
    hold_values("a_damaged_index", 25, &(damage(), questions), |(damage, question)| {
        for suffix in ["-wal", "-shm"] {
            drop(fs::remove_file(format!("{}{suffix}", index.display())));
        }
        fs::write(&index, &whole).unwrap();
        drop(fs::remove_dir_all(folder.path("dst")));
        let damaged = apply(&index, &damage);
        let said = run(&folder, question);
        // What is new is there whatever the index says, since only what is fresh by the directory's own
        // times is not looked at.
        let copied = run(&folder, &["copy", "--no-ledger", "-q", "src/", "dst"]);
        let context = format!("{damaged:?}: {}{}", copied.stdout, copied.stderr);
        assert!(tree(&folder.path("src")) == source, "{context}");
        if copied.code == 0 {
            let (source, target) = (files(&folder.path("src")), files(&folder.path("dst")));
            assert_eq!(source, target, "{context}");
        }
        let is_told = said.code != 0 || copied.code != 0 || !said.stderr.is_empty();
        if is_told { Verdict::Refused } else { Verdict::Taken }
    });
}
