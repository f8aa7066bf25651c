//! Random trees, copied by this program, by cp and, where it is there, by rsync. In the lab the same is done
//! with more trees, on several kinds of volumes, with owners and attributes.

use std::path::Path;
use std::process::Command;

use surecopy_testkit::differential::Trial;

use crate::program::Folder;

const SEEDS: std::ops::Range<u64> = 53..59;

/// Runs the trial of a seed in a folder of its own.
fn trial(seed: u64, has_rsync: bool, options: &[&str]) -> Result<usize, String> {
    let folder = Folder::new();
    let ours = |more: &[&str], source: &Path, target: &Path| {
        let paths = [source.to_str().unwrap(), target.to_str().unwrap()];
        let copy = ["copy", "-q", "--no-ledger", "-T"];
        let ended = folder.run(&[&copy[..], options, more, &paths].concat());
        if ended.code == 0 { Ok(()) } else { Err(ended.stderr) }
    };
    let place = folder.path("");
    // Nothing that only the superuser can make, so that it is the same for whoever runs the tests.
    let (is_privileged, has_attributes) = (false, false);
    Trial { folder: &place, is_privileged, has_attributes, has_rsync, ours: &ours }.run(seed)
}

#[test]
fn row_53_random_trees_are_copied_as_cp_and_rsync_copy_them() {
    let has_rsync = Command::new("rsync").arg("--version").output().is_ok();
    if !has_rsync {
        eprintln!("no rsync here: trees are compared with those of cp alone");
    }
    let entries: usize = SEEDS
        .map(|seed| trial(seed, has_rsync, &["-a"]).unwrap_or_else(|error| panic!("{error}")))
        .sum();
    assert!(entries > 100, "{entries}");
}

#[test]
fn row_53_a_copy_that_keeps_less_is_found_to_differ() {
    let careless = SEEDS.map(|seed| trial(seed, false, &["--preserve=-timestamps"]));
    for found in careless {
        let error = found.unwrap_err();
        assert!(error.contains("ours differs"), "{error}");
    }
}
