//! What is not a regular file, looks like one, or is a link where something else is expected.

use std::fs;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use surecopy::{
    ConflictPolicy, CopyRequest, ErrorCode, ItemStatus, SkipReason, StrategyChoice, VerifyPolicy,
    copy_file, copy_tree,
};

use crate::place::{Place, alongside, skipped};
use crate::running::run;
use crate::snapshot::{Content, assert_same, tree};

#[test]
fn row_28_pipes_sockets_and_devices_are_told_and_left_out() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.dir("source");
    fs::write(source.join("file"), "content").unwrap();
    mknodat(CWD, source.join("pipe"), FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let _socket = UnixListener::bind(source.join("socket")).unwrap();
    let ended = run(CopyRequest::new([&source], place.at("copy")));
    assert_eq!(ended.codes(), []);
    assert_eq!((ended.report.tally.ok, ended.report.tally.skipped), (1, 2));
    assert_eq!(fs::read_dir(place.at("copy")).unwrap().count(), 1);
    // By themselves as well, and a device that would never end among them.
    for special in [&source.join("pipe"), &source.join("socket"), Path::new("/dev/null")] {
        let ended = run(CopyRequest::new([special], place.at("single")).exact_target(true));
        let expected = ItemStatus::Skipped(SkipReason::SpecialFile);
        assert_eq!(ended.only().status, expected, "{special:?}");
        assert!(!place.at("single").exists());
    }
}

#[test]
fn row_28_files_that_only_look_empty_are_read_to_their_end() {
    let _machine = alongside();
    for strategy in [StrategyChoice::Direct, StrategyChoice::Staged] {
        for name in ["version", "filesystems", "devices"] {
            let (place, source) = (Place::new(), Path::new("/proc").join(name));
            let Ok(content) = fs::read(&source) else {
                skipped(&format!("{source:?} is not there"));
                continue;
            };
            assert_eq!(fs::metadata(&source).unwrap().len(), 0);
            let copy = CopyRequest::new([&source], place.at("copy")).exact_target(true);
            let ended = run(copy.strategy(strategy).verify(VerifyPolicy::All));
            let item = ended.only();
            assert_eq!(item.status, ItemStatus::Ok, "{item:?}");
            assert_eq!(fs::read(place.at("copy")).unwrap(), content, "{source:?}");
            assert_eq!(item.size_bytes, content.len() as u64);
        }
    }
}

#[test]
fn row_29_links_are_copied_as_they_are_and_never_followed() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.dir("source");
    let secret = place.file("outside/secret", 1000);
    for (name, text) in [
        ("dangling", Path::new("nowhere/at/all")),
        ("absolute", &secret),
        ("directory", &place.at("outside")),
        ("loop", Path::new("loop")),
        ("there", Path::new("back")),
        ("back", Path::new("there")),
        ("up", Path::new("..")),
        ("root", Path::new("/")),
    ] {
        symlink(text, source.join(name)).unwrap();
    }
    copy_tree(&source, place.at("copy")).unwrap();
    let copied = tree(&place.at("copy"));
    assert_same(&tree(&source), &copied);
    let links = copied.values().filter(|entry| matches!(entry.content, Content::Link(_))).count();
    assert_eq!(links, 8);
}

#[test]
fn row_29_a_link_in_the_targets_place_is_replaced_and_not_followed() {
    let _machine = alongside();
    for policy in [ConflictPolicy::Update, ConflictPolicy::Replace] {
        let place = Place::new();
        let source = place.file("source", 3000);
        place.file("outside/precious", 100);
        place.dir("out");
        symlink("../outside/precious", place.at("out/target")).unwrap();
        let before = tree(&place.at("outside"));
        let copy = CopyRequest::new([&source], place.at("out/target")).exact_target(true);
        let ended = run(copy.on_conflict(policy));
        assert_eq!(ended.only().status, ItemStatus::Ok);
        assert_same(&before, &tree(&place.at("outside")));
        assert!(fs::symlink_metadata(place.at("out/target")).unwrap().is_file());
        assert!(fs::read(place.at("out/target")).unwrap() == fs::read(&source).unwrap());
    }
}

#[test]
fn row_29_a_dangling_link_in_the_targets_place_makes_nothing_elsewhere() {
    let _machine = alongside();
    let place = Place::new();
    let source = place.file("source", 3000);
    place.dir("outside");
    place.dir("out");
    symlink("../outside/made", place.at("out/target")).unwrap();
    copy_file(&source, place.at("out/target")).unwrap();
    assert!(!place.at("outside/made").exists());
    assert!(fs::symlink_metadata(place.at("out/target")).unwrap().is_file());
}

#[test]
fn row_29_a_link_in_a_directorys_place_bars_the_way() {
    let _machine = alongside();
    let place = Place::new();
    place.file("source/sub/file", 100);
    place.file("source/sub/deeper/file", 100);
    place.file("source/other", 100);
    place.file("outside/file", 50);
    place.dir("out");
    symlink("../outside", place.at("out/sub")).unwrap();
    let before = tree(&place.at("outside"));
    let ended = run(CopyRequest::new([place.at("source/")], place.at("out"))
        .on_conflict(ConflictPolicy::Replace));
    assert!(!ended.codes().is_empty(), "{ended:?}");
    assert!(ended.codes().iter().all(|code| *code == ErrorCode::LinkInPath), "{ended:?}");
    assert_eq!(ended.report.tally.ok, 1);
    assert!(place.at("out/other").exists());
    assert_same(&before, &tree(&place.at("outside")));
    assert_eq!(fs::read_link(place.at("out/sub")).unwrap(), Path::new("../outside"));
}
