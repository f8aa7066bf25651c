//! Jobs that came to an end of some kind, and are resumed all the same.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use surecopy_engine::{ConflictPolicy, Control, Fact, ItemStatus, Outcome};
use surecopy_fs::{FileKind, FsErrorKind, Operation, RelPath};
use surecopy_testkit::FaultPlan;

use super::story::{Asked, Death, End, Story};
use crate::oracle::leftovers;
use crate::scene::Way;

const UPDATE: Asked = Asked::Policy(ConflictPolicy::Update);

#[test]
fn a_cancelled_job_goes_on_where_it_was() {
    let mut cancelled = 0;
    for way in Way::ALL {
        let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
        for operation in [Operation::CreatePartial, Operation::PublishNew, Operation::FlushDir] {
            for nth in 1..8 {
                let what = format!("{way:?}, cancelled at {operation:?} {nth}");
                let mut story = Story::new(way, UPDATE);
                let control = story.control.clone();
                story.fs.before(operation, move |_, count| {
                    if count == nth {
                        control.cancel();
                    }
                });
                let ran = story.run(Death::Never).ran;
                cancelled += u64::from(ran.report.outcome == Outcome::Cancelled);
                story.control = Control::new();
                story.resume(&end, &what);
                story.rests(&what);
            }
        }
    }
    assert!(cancelled > 60, "only {cancelled} jobs were cancelled");
}

#[test]
fn what_failed_is_tried_again_and_nothing_else() {
    let (end, ..) = End::undisturbed(Story::new(Way::Kernel, UPDATE));
    let mut story = Story::new(Way::Kernel, UPDATE);
    for name in ["one/b", "two/d", "replaced"] {
        story.fs.mode(format!("/src/{name}"), 0);
    }
    let ran = story.run(Death::Never).ran;
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.report.tally.failed, 3, "{}", ran.in_short());
    for name in ["one/b", "two/d", "replaced"] {
        story.fs.mode(format!("/src/{name}"), 0o644);
    }
    let ran = story.resume(&end, "three failed");
    assert_eq!(ran.report.planned.items, 3, "{}", ran.in_short());
    assert_eq!(ran.report.tally.ok, 3, "{}", ran.in_short());
    story.rests("three had failed");
}

/// What could not be removed when the disk was gone is removed when it is back.
#[test]
fn row_12_a_job_whose_disk_was_lost_goes_on_when_it_is_back() {
    let (mut lost, mut left) = (0, 0);
    for way in Way::ALL {
        let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
        for operation in [Operation::CreatePartial, Operation::Write, Operation::SetTimes] {
            for nth in 1..12 {
                let what = format!("{way:?}, lost at {operation:?} {nth}");
                let mut story = Story::new(way, UPDATE);
                let is_met = AtomicBool::new(false);
                story.fs.before(operation, move |fs, count| {
                    if count == nth && !is_met.swap(true, Ordering::Relaxed) {
                        fs.remount("/dst", |settings| settings.is_gone = true);
                    }
                });
                let ran = story.run(Death::Never).ran;
                lost += u64::from(matches!(ran.report.outcome, Outcome::Lost(_)));
                left += leftovers(&story.fs, "/dst").len();
                story.fs.remount("/dst", |settings| settings.is_gone = false);
                story.resume(&end, &what);
                story.rests(&what);
            }
        }
    }
    assert!(lost > 60 && left > 60, "{lost} were lost, {left} files were left");
}

#[test]
fn a_finished_job_finds_nothing_to_do() {
    for way in Way::ALL {
        for asked in [UPDATE, Asked::Content, Asked::Policy(ConflictPolicy::KeepBoth)] {
            let mut story = Story::new(way, asked);
            story.run(Death::Never).ran.all_done();
            story.rests(&format!("{way:?}, {asked:?}"));
            story.rests(&format!("{way:?}, {asked:?}, once more"));
        }
    }
}

/// What is never copied is no reason to do anything either.
#[test]
fn special_files_do_not_keep_a_finished_job_at_work() {
    let mut story = Story::new(Way::Kernel, UPDATE);
    story.fs.fifo("/src/pipe");
    story.source_changed();
    story.run(Death::Never).ran.all_done();
    story.fs.modified("/dst/one", surecopy_fs::Timestamp { secs: 77, nanos: 0 });
    let ran = story.run(Death::Never).ran;
    assert_eq!(ran.report.planned.items, 0, "{}", ran.in_short());
    let files = story.fs.tree("/src");
    let entries = files.values().filter(|entry| entry.kind != FileKind::Directory).count() as u64;
    assert_eq!(ran.report.planned.kept, entries, "{}", ran.in_short());
    let time = story.fs.stat("/dst/one").expect("it is there").modified;
    assert_eq!(time.secs, 77, "a directory was touched");
}

#[test]
fn an_empty_directory_that_is_new_is_made_when_a_finished_job_is_resumed() {
    let mut story = Story::new(Way::Kernel, UPDATE);
    story.run(Death::Never).ran.all_done();
    story.fs.dir("/src/empty-too").mode("/src/empty-too", 0o750);
    let ran = story.run(Death::Never).ran;
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    let made = story.fs.stat("/dst/empty-too").expect("it is made");
    assert_eq!((made.kind, made.mode), (FileKind::Directory, 0o750));
    story.rests("an empty directory was new");
}

/// Directories are private until the run that made them ends. One that died leaves them so; those
/// above the target have no source to take permissions from.
#[test]
fn directories_of_a_dead_run_get_their_permissions() {
    let story = || {
        let mut story = Story::new(Way::Kernel, UPDATE);
        story.spec = crate::job::spec(&story.fs, &["/src/"], "/dst/new/above");
        story.spec.limits.group_max_files = 4;
        story.spec.preserve.permissions = false;
        story
    };
    let (end, steps, _) = End::undisturbed(story());
    let (mut made, mut untold) = (0, 0);
    for step in 1..=steps {
        let mut story = story();
        story.run(Death::AtStep(step));
        story.bury(true);
        let is_made = |fact: &Fact| matches!(fact, Fact::DirectoryMade { .. });
        let told = story.ledger.facts().iter().filter(|fact| is_made(fact)).count();
        let is_dir = |entry: &&surecopy_testkit::Entry| entry.kind == FileKind::Directory;
        let there = story.fs.tree("/dst").values().filter(is_dir).count() - 1;
        if told < there {
            // It died before it could tell.
            untold += 1;
            continue;
        }
        made += u64::from(told > 0);
        story.resume(&end, &format!("killed at {step}"));
    }
    assert!(made > 100 && untold < 30, "directories were made in {made} runs, {untold} untold");
}

/// A directory that cannot be looked at in the end keeps nothing from being copied; but somebody has to come
/// back to it, although there is nothing else to do.
#[test]
fn directories_that_could_not_be_finished_are_finished_by_the_next_run() {
    let (end, ..) = End::undisturbed(Story::new(Way::Kernel, UPDATE));
    let mut unfinished = 0;
    for nth in 1..20 {
        let mut story = Story::new(Way::Kernel, UPDATE);
        story.fs.before(Operation::FlushVolume, move |fs, count| {
            if count == nth {
                fs.mode("/src/one", 0);
            }
        });
        let ran = story.run(Death::Never).ran;
        story.fs.mode("/src/one", 0o755);
        unfinished += ran.report.tally.unfinished_directories;
        story.resume(&end, &format!("unreadable from flush {nth}"));
        story.rests("all directories are finished");
    }
    assert!(unfinished > 0, "the directory was always finished before");
}

/// What could not be looked at for what a dead run has left is looked at by the run after that.
#[test]
fn row_17_a_place_that_could_not_be_put_in_order_is_put_in_order_later() {
    let (end, steps, _) = End::undisturbed(Story::new(Way::Kernel, UPDATE));
    let mut kept_from = 0;
    for step in (1..=steps).step_by(7) {
        for operation in [Operation::List, Operation::Metadata, Operation::RemoveFile] {
            let mut story = Story::new(Way::Kernel, UPDATE);
            story.run(Death::AtStep(step));
            story.bury(true);
            let plan = FaultPlan::once(1, FsErrorKind::PermissionDenied).only(operation);
            let (ran, _) = story.run_failing(plan);
            kept_from += ran.report.tally.left_behind;
            story.resume(&end, &format!("killed at {step}, then kept from {operation:?}"));
        }
    }
    assert!(kept_from > 0, "all was in order at once");
}

/// The directory with the first name of a file cannot be read, so that a further one is copied by itself. It
/// becomes a name of the first one when that can be read, also when that is interrupted.
#[test]
fn names_of_one_file_that_were_copied_apart_become_one_in_the_end() {
    for policy in [ConflictPolicy::Update, ConflictPolicy::Replace, ConflictPolicy::KeepBoth] {
        let story = || {
            let story = Story::new(Way::Kernel, Asked::Policy(policy));
            story.fs.dir("/src/a").file("/src/a/first", "of both").mode("/src/a/first", 0o444);
            story.fs.dir("/src/b").link("/src/a/first", "/src/b/further");
            let mut story = story;
            story.source_changed();
            story
        };
        let (end, ..) = End::undisturbed(story());
        let apart = || {
            let mut story = story();
            story.fs.mode("/src/a", 0);
            let ran = story.run(Death::Never).ran;
            assert_eq!(ran.report.tally.failed, 1, "{}", ran.in_short());
            story.fs.mode("/src/a", 0o755);
            story
        };
        let mut whole = apart();
        let steps = whole.run(Death::Never).fs.steps();
        whole.is_as(&end, "not interrupted");
        for step in 1..=steps {
            let mut story = apart();
            let killed = story.run(Death::AtStep(step)).ran;
            story.bury(step % 2 == 0);
            let ran = story.run(Death::Never).ran;
            let what = format!(
                "{policy:?}, killed at {step}: {}, then {}",
                killed.in_short(),
                ran.in_short()
            );
            story.is_as(&end, &what);
        }
    }
}

/// A first name is in place, and its directory cannot be reached for a while: a further name is copied by
/// itself meanwhile, and becomes a name of it when it can be.
#[test]
fn names_that_were_copied_apart_because_the_first_was_out_of_reach_become_one() {
    let mut apart = 0;
    for way in Way::ALL {
        let story = || {
            let story = Story::new(way, Asked::Policy(ConflictPolicy::Replace));
            story.fs.dir("/src/a").file("/src/a/first", "of all").dir("/src/b").dir("/src/c");
            for further in ["/src/b/second", "/src/c/third"] {
                story.fs.link("/src/a/first", further);
            }
            let mut story = story;
            story.source_changed();
            story
        };
        let (end, steps, _) = End::undisturbed(story());
        for step in (1..=steps).step_by(3) {
            let mut story = story();
            story.run(Death::AtStep(step));
            story.bury(true);
            if !story.fs.exists("/dst/a/first") {
                continue;
            }
            story.fs.mode("/dst/a", 0);
            let ran = story.run(Death::Never).ran;
            story.fs.mode("/dst/a", 0o755);
            let number = |path: &str| story.fs.stat(path).map(|found| found.id.file);
            apart += u64::from(number("/dst/a/first") != number("/dst/b/second"));
            let what = format!("{way:?}, killed at {step}, then {}", ran.in_short());
            story.run(Death::Never).ran.all_done();
            story.is_as(&end, &what);
            story.rests(&what);
        }
    }
    assert!(apart > 0, "none were copied apart");
}

/// A directory that could not be opened when the job was planned, but when files were put into it.
#[test]
fn a_directory_that_was_refused_is_finished_by_the_next_run() {
    let (end, ..) = End::undisturbed(Story::new(Way::Kernel, UPDATE));
    let mut unfinished = 0;
    for nth in 1..12 {
        let mut story = Story::new(Way::Kernel, UPDATE);
        let plan = FaultPlan::once(nth, FsErrorKind::PermissionDenied).only(Operation::OpenDir);
        let (ran, fired) = story.run_failing(plan);
        assert!(fired, "{nth}");
        if ran.report.outcome != Outcome::Finished {
            continue;
        }
        unfinished += ran.report.tally.unfinished_directories;
        story.resume(&end, &format!("the {nth}th was refused: {}", ran.in_short()));
        story.rests(&format!("after the {nth}th"));
    }
    assert!(unfinished > 0, "none was refused");
}

#[test]
fn a_kept_first_name_is_linked_to_and_counted_once() {
    let mut story = Story::new(Way::Kernel, UPDATE);
    let before = End::undisturbed(Story::new(Way::Kernel, UPDATE)).0;
    let first = story.run(Death::Never).ran.all_done().item("/dst/new").clone();
    story.fs.remove("/dst/two/triplet");
    let ran = story.run(Death::Never).ran;
    let triplet = ran.item("/dst/two/triplet");
    assert_eq!(triplet.status, ItemStatus::Ok, "{}", ran.in_short());
    // It is the file that was proved, which is not said to have been left alone.
    assert_eq!((triplet.evidence, &triplet.digest), (first.evidence, &first.digest));
    assert!(first.evidence.is_verified() && ran.items().all(|item| item.target != first.target));
    story.is_as(&before, "a further name was lost");
    let files = story.fs.tree("/src");
    let entries = files.values().filter(|entry| entry.kind != FileKind::Directory).count() as u64;
    let planned = ran.report.planned;
    assert_eq!(planned.items + planned.kept, entries, "{planned:?}");
    // Of its names, only the one that was gone is not kept.
    let bytes: u64 =
        files.values().filter(|entry| entry.kind == FileKind::File).map(|file| file.size).sum();
    assert_eq!(planned.bytes_kept, bytes - files[Path::new("new")].size, "{planned:?}");
}

/// What stands there as it did when it was found to be damaged is the job's own; what was written to since is not.
#[test]
fn what_was_found_to_be_damaged_is_replaced_whatever_the_policy() {
    for (is_written_to, expected) in [(false, "a small file by the name of one/a"), (true, "mine")]
    {
        let mut story = Story::new(Way::Kernel, Asked::Policy(ConflictPolicy::Skip));
        story.run(Death::Never).ran.all_done();
        story.fs.mode("/dst/one/b", 0o600);
        if is_written_to {
            story.fs.file("/dst/one/a", "mine");
        }
        story.ledger.damaged.insert(RelPath::new("one/a").unwrap());
        let ran = story.run(Death::Never).ran;
        let is_copied = ran
            .items()
            .any(|item| item.target == Path::new("/dst/one/a") && item.status == ItemStatus::Ok);
        assert_eq!(is_copied, !is_written_to, "{}", ran.in_short());
        assert_eq!(story.fs.read("/dst/one/a").as_deref(), Some(expected.as_bytes()));
    }
}

/// It cannot be what the run that was cut short has made, however much its content is like that.
#[test]
fn what_has_the_content_and_not_the_permissions_is_not_taken_for_copied() {
    let mut story = Story::new(Way::Kernel, Asked::Policy(ConflictPolicy::Replace));
    let control = story.control.clone();
    story.fs.before(Operation::CreatePartial, move |_, _| control.cancel());
    let ran = story.run(Death::Never).ran;
    assert_eq!(ran.report.outcome, Outcome::Cancelled, "{}", ran.in_short());
    story.control = Control::new();
    let source = story.fs.stat("/src/two/d").expect("it is there");
    story.fs.file("/dst/two/d", "a small file by the name of two/d");
    story.fs.modified("/dst/two/d", source.modified).mode("/dst/two/d", 0o600);
    assert_ne!(source.mode & 0o777, 0o600);
    story.run(Death::Never).ran.all_done();
    assert_eq!(story.fs.stat("/dst/two/d").expect("it is there").mode, source.mode);
}

#[test]
fn what_has_another_size_or_time_than_the_source_is_left_to_the_policy() {
    let is_like_it = "WHAT IS TO REPLACE IT";
    let [skip, keep_both] = [ConflictPolicy::Skip, ConflictPolicy::KeepBoth];
    for (content, secs, policy) in [
        ("somebody else's", 0, skip),
        ("somebody else's", 0, keep_both),
        (is_like_it, 5, skip),
        (is_like_it, 5, keep_both),
    ] {
        let mut story = Story::new(Way::Kernel, Asked::Policy(policy));
        // The first of all, so that it is planned and never begun.
        story.fs.rename("/src/replaced", "/src/a").remove("/src/link-replaced");
        let control = story.control.clone();
        story.fs.before(Operation::CreatePartial, move |_, _| control.cancel());
        story.run(Death::Never);
        story.control = Control::new();
        let source = story.fs.stat("/src/a").expect("it is there");
        let mut time = source.modified;
        time.secs += secs;
        story.fs.file("/dst/a", content).modified("/dst/a", time);
        story.fs.mode("/dst/a", source.mode & 0o7777);
        let ran = story.run(Death::Never).ran;
        assert_eq!(ran.report.tally.failed, 0, "{policy:?}: {}", ran.in_short());
        let now = story.fs.read("/dst/a");
        assert_eq!(now.as_deref(), Some(content.as_bytes()), "{}", ran.in_short());
    }
}
