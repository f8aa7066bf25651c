//! Undoing a job: what was replaced is back, what was new is gone, and what was changed since stays.

use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{
    Control, ErrorCode, Event, Fact, ItemError, Outcome, RootIdentity, UndoReport, Undone,
};
use surecopy_fs::{FsErrorKind, Operation, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::done::{Again, Ran, Volumes, shown};
use crate::job::{Recording, spec};
use crate::oracle::leftovers;
use crate::scene::Way;

/// Undoes with what is there, and says what the journal was told.
pub(crate) fn undo(ran: &Ran) -> (UndoReport, Vec<Event>, Vec<Fact>) {
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let (report, events) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
    (report, events, journal.facts())
}

pub(crate) fn undone(facts: &[Fact]) -> usize {
    facts.iter().filter(|fact| matches!(fact, Fact::Undone { .. })).count()
}

#[test]
fn everything_is_as_it_was() {
    for way in Way::ALL {
        let ran = Ran::of(way);
        assert_ne!(ran.before, ran.after);
        assert!(!leftovers(&ran.fs, "/dst").is_empty(), "{way:?}: nothing was kept");
        let (report, events, facts) = undo(&ran);
        assert_eq!(report.outcome, Outcome::Finished, "{way:?}: {report:#?}");
        assert_eq!((report.restored, report.refused, report.failed), (3, 0, 0), "{report:#?}");
        assert_eq!(report.removed + 3, ran.items.len() as u64, "{report:#?}");
        assert_eq!(report.directories_removed, ran.made.len() as u64, "{report:#?}");
        assert_eq!((report.directories_left, report.warnings), (0, 0), "{report:#?}");
        assert_eq!(shown(&ran.fs), ran.before, "{way:?}");
        assert!(leftovers(&ran.fs, "/dst").is_empty(), "{way:?}");
        assert_eq!(undone(&facts), ran.items.len());
        let told = events.iter().filter(|event| matches!(event, Event::ItemUndone { .. })).count();
        assert_eq!(told, ran.items.len());
        assert_eq!(ran.fs.open_handles(), 0);
        // A second time there is nothing left to do.
        let (report, _, _) = undo(&ran);
        assert_eq!((report.already, report.refused), (ran.items.len() as u64, 0), "{report:#?}");
        assert_eq!(shown(&ran.fs), ran.before, "{way:?}");
    }
}

#[test]
fn few_open_files_are_enough() {
    let mut ran = Ran::of(Way::Kernel);
    ran.spec.open_files = 1;
    let (report, ..) = undo(&ran);
    assert_eq!((report.restored, report.failed), (3, 0), "{report:#?}");
    assert_eq!(shown(&ran.fs), ran.before);
}

/// Changes one thing, undoes, and says why the item was refused. Nothing of it was touched.
#[track_caller]
fn refused(way: Way, item: &str, change: impl Fn(&Ran)) -> ItemError {
    let ran = Ran::of(way);
    change(&ran);
    let target = Path::new("/dst").join(item);
    let (was, kept) = (ran.fs.read(&target), ran.item(item).kept.clone());
    let kept = kept.map(|name| target.with_file_name(name));
    let look = |fs: &FakeFs| kept.as_ref().map(|kept| (fs.exists(kept), fs.read(kept)));
    let was_kept = look(&ran.fs);
    let (report, events, facts) = undo(&ran);
    assert_eq!((report.refused, report.failed), (1, 0), "{way:?} {item}: {report:#?}");
    assert_eq!(ran.fs.read(&target), was, "{way:?}: {item} was touched");
    assert_eq!(look(&ran.fs), was_kept, "{way:?}: what was kept of {item} was touched");
    let id = ran.item(item).item;
    assert!(!facts.iter().any(|fact| matches!(fact, Fact::Undone { item } if *item == id)));
    let [error] = &report.errors[..] else { panic!("{report:#?}") };
    assert!(events.contains(&Event::ItemRefused(error.clone())));
    // All others are undone all the same.
    assert_eq!(undone(&facts) + 1, ran.items.len());
    error.clone()
}

#[test]
fn what_was_changed_since_is_left_as_it_is() {
    for way in Way::ALL {
        for item in ["replaced", "one/a", "two/deep/e"] {
            let path = format!("/dst/{item}");
            let path = path.as_str();
            let written = refused(way, item, |ran| {
                ran.fs.write(path, 0, "W");
            });
            assert_eq!(written.code, ErrorCode::TargetChanged);
            assert!(written.message.contains("changed since"), "{written}");
            let exchanged = refused(way, item, |ran| {
                ran.fs.remove(path).file(path, "somebody's");
            });
            assert_eq!(exchanged.code, ErrorCode::TargetChanged);
            let linked = refused(way, item, |ran| {
                ran.fs.remove(path).symlink(path, "elsewhere");
            });
            assert_eq!(linked.code, ErrorCode::TargetChanged);
        }
        let gone = refused(way, "replaced", |ran| {
            ran.fs.remove("/dst/replaced").remove(ran.kept("replaced"));
        });
        assert!(gone.message.contains("removed since"), "{gone}");
        assert_eq!(gone.details, None);
    }
}

#[test]
fn without_what_it_replaced_an_item_is_left_as_it_is() {
    for way in Way::ALL {
        let gone = refused(way, "replaced", |ran| {
            ran.fs.remove(ran.kept("replaced"));
        });
        assert!(gone.message.contains("not there any more"), "{gone}");
        let changed = refused(way, "replaced", |ran| {
            ran.fs.write(ran.kept("replaced"), 0, "W");
        });
        assert!(changed.message.contains("replaced was changed"), "{changed}");
    }
    let mut ran = Ran::of(Way::Kernel);
    let at = ran.items.iter().position(|item| item.path.as_path() == Path::new("replaced"));
    ran.items[at.unwrap()].kept = None;
    let (report, ..) = undo(&ran);
    assert_eq!((report.refused, report.restored), (1, 2), "{report:#?}");
    assert!(report.errors[0].message.contains("not kept"), "{report:#?}");
}

#[test]
fn a_new_file_that_somebody_removed_is_undone() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.remove("/dst/new");
    for name in ["c", "b", "a"] {
        ran.fs.remove(format!("/dst/one/{name}"));
    }
    ran.fs.remove("/dst/one");
    let (report, events, facts) = undo(&ran);
    assert_eq!((report.already, report.refused, report.failed), (4, 0, 0), "{report:#?}");
    assert_eq!(undone(&facts), ran.items.len());
    let target = Path::new("/dst/one/a").to_owned();
    assert!(events.contains(&Event::ItemUndone { target, how: Undone::Already }));
    assert_eq!(shown(&ran.fs), ran.before);
}

/// Undoes one item on a volume that answers a request with an error after it did what it was asked
/// for, as when a server's answer is lost.
#[track_caller]
fn answer_is_lost(way: Way, item: &str, operation: Operation, done: fn(&FakeFs, &Path)) {
    answer_is_lost_of(way, item, |_| {}, operation, done);
}

/// The same after something was changed.
#[track_caller]
fn answer_is_lost_of(
    way: Way,
    item: &str,
    change: impl Fn(&Ran),
    operation: Operation,
    done: fn(&FakeFs, &Path),
) {
    let mut ran = Ran::of(way);
    change(&ran);
    ran.items.retain(|done| done.path.as_path() == Path::new(item));
    let kept = ran.items[0].kept.as_ref().map(|_| ran.kept(item)).unwrap_or_default();
    ran.fs.reset_counts();
    ran.fs.before(operation, move |fs, nth| {
        if nth == 1 {
            done(fs, &kept);
            fs.remount("/dst", |settings| settings.is_read_only = true);
        }
    });
    // The next request after the target was looked at again.
    ran.fs.before(Operation::FlushDir, |fs, _| {
        fs.remount("/dst", |settings| settings.is_read_only = false);
    });
    let (report, _, facts) = undo(&ran);
    assert_eq!((report.refused, report.failed), (0, 0), "{way:?}: {report:#?}");
    assert_eq!(undone(&facts), 1);
    assert_eq!(shown(&ran.fs).get(Path::new(item)), ran.before.get(Path::new(item)), "{way:?}");
    let kept = ran.items[0].kept.as_ref().map(|_| ran.kept(item));
    assert!(kept.is_none_or(|kept| !ran.fs.exists(kept)), "{way:?}");
}

#[test]
fn a_lost_answer_is_no_failure() {
    answer_is_lost(Way::Kernel, "one/a", Operation::RemoveFile, |fs, _| {
        fs.remove("/dst/one/a");
    });
    answer_is_lost(Way::Kernel, "replaced", Operation::Exchange, |fs, kept| {
        fs.rename("/dst/replaced", "/dst/between").rename(kept, "/dst/replaced");
        fs.rename("/dst/between", kept);
    });
    let is_gone = |ran: &Ran| {
        ran.fs.remove("/dst/replaced");
    };
    answer_is_lost_of(Way::Kernel, "replaced", is_gone, Operation::PublishNew, |fs, kept| {
        fs.rename(kept, "/dst/replaced");
    });
    answer_is_lost(Way::NoExchange, "replaced", Operation::Replace, |fs, kept| {
        fs.rename(kept, "/dst/replaced");
    });
}

#[test]
fn a_link_where_a_directory_was_is_not_followed() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.rename("/dst/one", "/moved").symlink("/dst/one", "/moved");
    let (report, ..) = undo(&ran);
    assert_eq!((report.refused, report.failed), (3, 0), "{report:#?}");
    assert_eq!(ran.fs.names("/moved"), ["a", "b", "c"]);
    assert_eq!(report.directories_left, 1, "{report:#?}");
    assert!(ran.fs.exists("/dst/one"));
}

#[test]
fn a_directory_that_is_in_use_stays() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.file("/dst/two/deep/theirs", "somebody's");
    let (report, ..) = undo(&ran);
    assert_eq!(report.directories_left, 2, "{report:#?}");
    assert_eq!(report.directories_removed + 2, ran.made.len() as u64, "{report:#?}");
    assert_eq!(ran.fs.read("/dst/two/deep/theirs"), Some(b"somebody's".to_vec()));
    assert_eq!(ran.fs.names("/dst/two"), ["deep"]);
}

/// Another program replaces the target between the look and the exchange.
#[test]
fn a_file_that_comes_in_between_gets_its_name_back() {
    let ran = Ran::of(Way::Kernel);
    let old = ran.before[Path::new("replaced")].clone();
    ran.fs.before(Operation::Exchange, |fs, _| {
        if fs.read("/dst/replaced") == fs.read("/src/replaced") {
            fs.file("/dst/theirs", "somebody's").rename("/dst/theirs", "/dst/replaced");
        }
    });
    ran.fs.reset_counts();
    let (report, _, facts) = undo(&ran);
    assert_eq!((report.refused, report.restored), (1, 2), "{report:#?}");
    assert_eq!(ran.fs.count(Operation::Exchange), 4);
    assert_eq!(ran.fs.read("/dst/replaced"), Some(b"somebody's".to_vec()));
    let kept = ran.fs.read(ran.kept("replaced")).expect("it is kept");
    assert_eq!(surecopy_testkit::EntryContent::Bytes(kept), old.1);
    assert_eq!(undone(&facts) + 1, ran.items.len());
}

/// ... and again, while it is given back.
#[test]
fn the_newest_of_several_files_that_come_in_between_is_visible() {
    let ran = Ran::of(Way::Kernel);
    let id = ran.item("replaced").item;
    let items: Vec<_> = ran.items.iter().filter(|item| item.item == id).cloned().collect();
    ran.fs.reset_counts();
    ran.fs.before(Operation::Exchange, |fs, nth| {
        if nth <= 2 {
            fs.file("/dst/theirs", format!("number {nth}"));
            fs.rename("/dst/theirs", "/dst/replaced");
        }
    });
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let (report, _) = Again::new(&fs, &ran.spec, &items, &journal).undo(&[]);
    assert_eq!((report.refused, report.failed), (0, 1), "{report:#?}");
    let [error] = &report.errors[..] else { panic!("{report:#?}") };
    assert_eq!(error.code, ErrorCode::DurabilityUnknown);
    assert_eq!(ran.fs.count(Operation::Exchange), 3);
    assert_eq!(ran.fs.read("/dst/replaced"), Some(b"number 2".to_vec()));
    assert_eq!(ran.fs.read(ran.kept("replaced")), Some(b"number 1".to_vec()));
    assert_eq!(journal.facts(), []);
}

#[test]
fn a_cancel_leaves_recorded_what_is_done() {
    let ran = Ran::of(Way::Kernel);
    let control = Control::new();
    let switch = control.clone();
    ran.fs.reset_counts();
    ran.fs.before(Operation::Exchange, move |_, _| switch.cancel());
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let mut again = Again::new(&fs, &ran.spec, &ran.items, &journal);
    again.control = control;
    let (report, _) = again.undo(&ran.made);
    assert_eq!((report.outcome, report.restored), (Outcome::Cancelled, 1));
    let done = undone(&journal.facts());
    assert!((1..ran.items.len()).contains(&done), "{done}");
    assert_eq!(report.directories_removed, 0);
    ran.is_whole(&ran.fs, "cancelled");
    let (report, ..) = undo(&ran);
    assert_eq!((report.outcome, report.already), (Outcome::Finished, done as u64));
    assert_eq!(shown(&ran.fs), ran.before);
}

#[test]
fn another_volume_is_not_touched() {
    let ran = Ran::of(Way::Kernel);
    let identity = |text: &str| Some(text.parse().expect("an identity"));
    ran.fs.remount("/dst", |settings| settings.identity = identity("uuid:other"));
    let roots = vec![RootIdentity { source: None, destination: identity("uuid:the-one") }];
    let history = Volumes(roots);
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let mut again = Again::new(&fs, &ran.spec, &ran.items, &journal);
    again.history = Some(&history);
    let is_refused = |outcome: &Outcome, problems: &[surecopy_engine::Problem]| {
        assert_eq!(*outcome, Outcome::Refused);
        let codes: Vec<_> = problems.iter().map(|problem| problem.error.code).collect();
        assert_eq!(codes, [ErrorCode::VolumeChanged]);
    };
    let (report, events) = again.undo(&ran.made);
    is_refused(&report.outcome, &report.problems);
    assert!(matches!(&events[..], [Event::ProblemFound(_)]), "{events:?}");
    let (report, _) = again.discard();
    is_refused(&report.outcome, &report.problems);
    let (report, _) = again.recheck();
    is_refused(&report.outcome, &report.problems);
    assert_eq!((shown(&ran.fs), journal.calls()), (ran.after.clone(), 0));
    // The source's volume is not needed, and an other one may be accepted.
    let mut accepting = ran.spec.clone();
    accepting.accept_volume = true;
    again.spec = &accepting;
    let (report, _) = again.undo(&ran.made);
    assert_eq!((report.outcome, report.restored), (Outcome::Finished, 3));
}

#[test]
fn a_destination_that_is_not_there_is_refused() {
    let ran = Ran::of(Way::Kernel);
    ran.fs.remove("/src/empty");
    let mut spec = ran.spec.clone();
    spec.mappings[0].destination_root = "/nowhere".into();
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let (report, _) = Again::new(&fs, &spec, &ran.items, &journal).undo(&ran.made);
    assert_eq!((report.outcome, report.problems.len()), (Outcome::Refused, 1));
}

#[test]
fn what_cannot_be_flushed_is_not_recorded() {
    let ran = Ran::of(Way::Kernel);
    let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
    let (fs, journal) = (Arc::new(FaultFs::new(ran.fs.clone(), plan)), Recording::default());
    let (report, _) = Again::new(&fs, &ran.spec, &ran.items, &journal).undo(&ran.made);
    assert!(fs.fired());
    assert!(report.failed > 0, "{report:#?}");
    let is_unknown = |error: &ItemError| error.code == ErrorCode::DurabilityUnknown;
    assert!(report.errors.iter().all(is_unknown), "{report:#?}");
    assert_eq!(undone(&journal.facts()) as u64 + report.failed, ran.items.len() as u64);
}

/// No flush that failed is asked again, so nothing more is done in that directory.
#[test]
fn where_a_flush_has_failed_nothing_more_is_done() {
    let mut ran = Ran::of(Way::Kernel);
    // One directory at a time, and one of them twice.
    ran.spec.open_files = 1;
    let items = ["one/a", "two/d", "one/b"].map(|item| ran.item(item).clone());
    let plan = FaultPlan::once(1, FsErrorKind::Io).only(Operation::FlushDir);
    let (fs, journal) = (Arc::new(FaultFs::new(ran.fs.clone(), plan)), Recording::default());
    let (report, _) = Again::new(&fs, &ran.spec, &items, &journal).undo(&[]);
    assert!(fs.fired());
    assert_eq!((report.failed, report.removed), (2, 1), "{report:#?}");
    assert!(ran.fs.exists("/dst/one/b") && !ran.fs.exists("/dst/two/d"));
}

/// File numbers say nothing there, and content, compared when copying, is not known of the old file.
#[test]
fn without_lasting_numbers_what_cannot_be_told_apart_is_left() {
    for is_alike in [true, false] {
        let fake = FakeFs::new();
        let time = |secs| Timestamp { secs, nanos: 0 };
        fake.file("/src/file", "new bytes").modified("/src/file", time(1_000));
        fake.mount("/dst", VolumeSettings::of("vfat"));
        fake.file("/dst/file", "old bytes");
        fake.modified("/dst/file", time(if is_alike { 1_000 } else { 500 }));
        let mut spec = spec(&fake, &["/src/"], "/dst");
        spec.by_content = true;
        let ran = Ran::with(fake, spec);
        assert_ne!(ran.before, ran.after);
        let (report, ..) = undo(&ran);
        let expected = if is_alike { (0, 1) } else { (1, 0) };
        assert_eq!((report.restored, report.refused), expected, "{report:#?}");
        let shows = if is_alike { &ran.after } else { &ran.before };
        assert_eq!(shown(&ran.fs), *shows);
    }
}

#[test]
fn a_list_that_cannot_be_read_ends_it_with_what_is_done_recorded() {
    let ran = Ran::of(Way::Kernel);
    let (fs, journal) = (Arc::new(ran.fs.clone()), Recording::default());
    let mut again = Again::new(&fs, &ran.spec, &ran.items, &journal);
    again.list_fails_at = Some(2);
    let (report, _) = again.undo(&ran.made);
    assert!(matches!(report.outcome, Outcome::JournalFailed(_)), "{report:#?}");
    assert_eq!(undone(&journal.facts()), 4);
    ran.is_whole(&ran.fs, "the list ended early");
}
