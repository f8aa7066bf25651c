//! The alarm about content that has changed although nobody changed it.

use std::sync::Arc;

use surecopy_engine::{DigestAlgorithm, ErrorCode, ItemStatus, WarningKind};

use super::story::{Death, Life, Story};
use crate::catalog::Memory;
use crate::job::{Ran, spec};
use crate::scene::Way;
use surecopy_fs::Timestamp;
use surecopy_testkit::{FakeFs, VolumeSettings};

const NOW: &str = "the content that the source has now";
const THEN: &str = "the content that an earlier job saw";

/// Copies one file that was copied by an earlier job with this content.
fn copy(way: Way, was: &str, is_there: bool, is_accepted: bool) -> (Story, Ran) {
    let fs = FakeFs::new();
    fs.file("/src/file", NOW).modified("/src/file", Timestamp { secs: 900, nanos: 0 });
    fs.mount("/dst", VolumeSettings::of("ext4"));
    if is_there {
        fs.file("/dst/file", "old").modified("/dst/file", Timestamp { secs: 800, nanos: 0 });
    }
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.strategy = way.spec(&fs).strategy;
    spec.accept_changed_content = is_accepted;
    let mut digester = DigestAlgorithm::default().begin();
    digester.update(was.as_bytes());
    let mut story = Story::of(fs, spec);
    story.ledger.digests.insert("file".to_owned(), digester.finish());
    let Life { ran, .. } = story.run(Death::Never);
    (story, ran)
}

#[test]
fn changed_content_is_told_and_replaces_nothing_unasked() {
    for way in [Way::Kernel, Way::Staged] {
        for is_there in [false, true] {
            for is_accepted in [false, true] {
                let what = format!("{way:?}, replaces: {is_there}, accepted: {is_accepted}");
                let (story, ran) = copy(way, THEN, is_there, is_accepted);
                let warned = ran.warned_of(WarningKind::BitRot);
                assert_eq!(warned, [std::path::PathBuf::from("/src/file")], "{what}");
                let now = story.fs.read("/dst/file");
                if is_there && !is_accepted {
                    assert_eq!(ran.code("/dst/file"), ErrorCode::BitRotSuspected, "{what}");
                    assert_eq!(now.as_deref(), Some("old".as_bytes()), "{what}");
                } else {
                    assert_eq!(ran.item("/dst/file").status, ItemStatus::Ok, "{what}");
                    assert_eq!(now.as_deref(), Some(NOW.as_bytes()), "{what}");
                }
                assert_eq!(story.fs.names("/dst"), ["file"], "{what}");
            }
        }
    }
}

#[test]
fn the_same_content_is_nothing_to_tell() {
    for way in [Way::Kernel, Way::Staged] {
        for is_there in [false, true] {
            let (story, ran) = copy(way, NOW, is_there, false);
            assert_eq!(ran.item("/dst/file").status, ItemStatus::Ok, "{}", ran.in_short());
            assert!(ran.warned_of(WarningKind::BitRot).is_empty(), "{}", ran.in_short());
            assert_eq!(story.fs.read("/dst/file").as_deref(), Some(NOW.as_bytes()));
        }
    }
}

/// A job that was refused for that is resumed, and goes on once it is allowed to.
#[test]
fn what_was_held_back_is_replaced_when_it_is_accepted_later() {
    let (mut story, ran) = copy(Way::Kernel, THEN, true, false);
    assert_eq!(ran.code("/dst/file"), ErrorCode::BitRotSuspected);
    story.spec.accept_changed_content = true;
    let Life { ran, .. } = story.run(Death::Never);
    assert_eq!(ran.item("/dst/file").status, ItemStatus::Ok, "{}", ran.in_short());
    assert_eq!(story.fs.read("/dst/file").as_deref(), Some(NOW.as_bytes()));
}

/// The digest of an earlier copy is that of a file of the size and time that were planned. Those of a
/// file that was rewritten since were only remembered.
#[test]
fn no_alarm_is_raised_for_a_time_that_was_remembered() {
    for way in [Way::Kernel, Way::Staged] {
        for is_remembered in [false, true] {
            let fs = FakeFs::new();
            fs.file("/src/file", "then").modified("/src/file", Timestamp { secs: 900, nanos: 0 });
            fs.mount("/dst", VolumeSettings::of("ext4"));
            let memory = Memory::of(&fs, "/src");
            fs.write("/src/file", 0, "when");
            if is_remembered {
                fs.modified("/src/file", Timestamp { secs: 5_000, nanos: 1 });
            } else {
                fs.modified("/src/file", Timestamp { secs: 900, nanos: 0 });
            }
            let mut spec = spec(&fs, &["/src/"], "/dst");
            spec.strategy = way.spec(&fs).strategy;
            spec.preserve.hard_links = false;
            let mut digester = DigestAlgorithm::default().begin();
            digester.update(b"then");
            let mut story = Story::of(fs, spec);
            story.ledger.digests.insert("file".to_owned(), digester.finish());
            story.catalog = Some(Arc::new(memory));
            let Life { ran, .. } = story.run(Death::Never);
            assert_eq!(ran.item("/dst/file").status, ItemStatus::Ok, "{}", ran.in_short());
            let warned = ran.warned_of(WarningKind::BitRot).len();
            assert_eq!(warned, usize::from(!is_remembered), "{}", ran.in_short());
        }
    }
}
