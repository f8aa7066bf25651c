//! Permissions, groups and names that the kernel has its own say in.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use surecopy::{ConflictPolicy, CopyRequest, Preserve};

use crate::place::{Place, alongside, long_ago, set_times, skipped};
use crate::running::run;

const SET_GROUP_BIT: u32 = 0o2000;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the test made it").permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the test made it");
}

/// Directories made beneath one with the bit have it, so that a group goes on sharing the tree.
#[test]
fn directories_keep_the_group_bit_that_the_kernel_gives_them() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.dir("source");
    fs::create_dir(source.join("sub")).unwrap();
    fs::write(source.join("sub/file"), "content").unwrap();
    set_mode(&source.join("sub"), 0o750);
    let shared = place.dir("shared");
    set_mode(&shared, 0o2775);
    fs::create_dir(shared.join("probe")).unwrap();
    if mode(&shared.join("probe")) & SET_GROUP_BIT == 0 {
        return skipped("directories inherit no group bit here");
    }
    let ended = run(CopyRequest::new([&source], shared.join("copy")));
    assert_eq!(ended.codes(), []);
    assert_eq!(mode(&shared.join("copy/sub")), 0o2750);
    assert_ne!(mode(&shared.join("copy")) & SET_GROUP_BIT, 0);
    assert_eq!(mode(&shared), 0o2775);
}

#[test]
fn permissions_that_are_not_kept_stay_as_they_are() {
    let _machine = alongside();
    let place = Place::new();
    let (source, target) = (place.dir("source"), place.dir("target"));
    for (path, permissions, text) in [(&source, 0o777, "new"), (&target, 0o710, "the old")] {
        fs::write(path.join("file"), text).unwrap();
        set_mode(&path.join("file"), permissions & 0o666);
        set_mode(path, permissions);
    }
    let copy = CopyRequest::new([source.join("file")], &target).preserve(Preserve::NONE);
    assert_eq!(run(copy).codes(), []);
    assert_eq!(fs::read_to_string(target.join("file")).unwrap(), "new");
    assert_eq!((mode(&target), mode(&target.join("file"))), (0o710, 0o600));
}

/// What stands where the first name was to go is not what the other names are names of.
#[test]
fn further_names_are_not_given_to_a_strangers_file() {
    let _machine = alongside();
    let place = Place::new();
    let (source, target) = (place.dir("source"), place.dir("target"));
    fs::write(source.join("a"), "the source").unwrap();
    for name in ["b", "c"] {
        fs::hard_link(source.join("a"), source.join(name)).unwrap();
    }
    fs::write(target.join("a"), "a stranger").unwrap();
    let copy = CopyRequest::new([&source.join("a"), &source.join("b"), &source.join("c")], &target)
        .preserve(Preserve::ALL)
        .on_conflict(ConflictPolicy::Skip);
    assert_eq!(run(copy).codes(), []);
    let inode = |name: &str| fs::metadata(target.join(name)).unwrap().ino();
    assert_eq!(fs::read_to_string(target.join("a")).unwrap(), "a stranger");
    assert_eq!(fs::read_to_string(target.join("b")).unwrap(), "the source");
    assert_eq!(fs::read_to_string(target.join("c")).unwrap(), "the source");
    assert_ne!(inode("a"), inode("b"));
}

#[test]
fn a_directory_that_got_a_file_has_a_new_time() {
    let _machine = alongside();
    let place = Place::new();
    let target = place.dir("target");
    fs::write(place.at("file"), "content").unwrap();
    set_times(&target, long_ago(1_000));
    let before = fs::metadata(&target).unwrap().modified().unwrap();
    let ended = run(CopyRequest::new([place.at("file")], &target));
    assert_eq!(ended.codes(), []);
    assert!(fs::metadata(&target).unwrap().modified().unwrap() > before);
}
