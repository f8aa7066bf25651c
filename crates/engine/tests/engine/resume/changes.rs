//! What others change between the death of one run and the beginning of the next.

use std::path::Path;

use surecopy_engine::{ConflictPolicy, ErrorCode, ItemStatus, Outcome, WarningKind};
use surecopy_fs::{FileSystem, Operation, Timestamp};
use surecopy_testkit::FakeFs;

use super::story::{Asked, Death, End, Story};
use crate::oracle::is_ours;
use crate::scene::Way;

const UPDATE: Asked = Asked::Policy(ConflictPolicy::Update);
const LATER: Timestamp = Timestamp { secs: 5_000, nanos: 1 };

/// A job of which some items are recorded as done, others published without anybody knowing.
fn interrupted(way: Way, asked: Asked) -> Story {
    for call in 1..200 {
        let mut story = Story::new(way, asked);
        story.run(Death::AtCall(call));
        story.bury(true);
        if find_one_of_each(&story).is_some() {
            return story;
        }
    }
    panic!("no run is in such a state");
}

/// One that is recorded as done, and one that is only published.
fn one_of_each(story: &Story) -> (String, String) {
    find_one_of_each(story).expect("the job was interrupted in such a state")
}

fn find_one_of_each(story: &Story) -> Option<(String, String)> {
    let name = |path: &Path| path.strip_prefix("/dst").expect("same").display().to_string();
    let done = story.done();
    let is_file = |path: &Path| {
        story.fs.read(path).is_some_and(|bytes| bytes.len() < 100)
            && story.fs.stat(path).is_some_and(|found| found.link_count == 1)
            && story.fs.stat(format!("/src/{}", name(path))).is_some_and(|s| s.link_count == 1)
    };
    let in_flight = story.visible().into_iter().find(|path| !done.contains(path) && is_file(path));
    let done = done.iter().find(|path| is_file(path))?;
    Some((name(done), name(&in_flight?)))
}

fn other_file(fs: &FakeFs, path: &str) {
    fs.remove(path).file(path, "another program's").modified(path, LATER);
}

#[test]
fn a_source_that_changed_is_copied_as_it_is_now() {
    for way in Way::ALL {
        let (done, in_flight) = one_of_each(&interrupted(way, UPDATE));
        for name in [&done, &in_flight] {
            let change = |story: &mut Story| {
                let path = format!("/src/{name}");
                story.fs.file(&path, "what it is now").modified(&path, LATER);
                story.source_changed();
            };
            let mut all_along = Story::new(way, UPDATE);
            change(&mut all_along);
            let (end, ..) = End::undisturbed(all_along);
            let mut story = interrupted(way, UPDATE);
            change(&mut story);
            let ran = story.run(Death::Never).ran;
            ran.all_done();
            story.is_as(&end, &format!("{way:?}, {name}: {}", ran.in_short()));
            story.rests("the source had changed");
        }
    }
}

#[test]
fn what_was_copied_stays_when_its_source_is_gone() {
    for way in Way::ALL {
        let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
        let mut story = interrupted(way, UPDATE);
        let (done, in_flight) = one_of_each(&story);
        for name in [&done, &in_flight] {
            let path = std::path::PathBuf::from(format!("/src/{name}"));
            let dir = path.parent().expect("it is in /src");
            // The times of directories are no matter here.
            let modified = story.fs.stat(dir).expect("it is there").modified;
            story.fs.remove(&path).modified(dir, modified);
        }
        story.source_changed();
        let ran = story.run(Death::Never).ran;
        ran.all_done();
        story.is_as(&end, &format!("{way:?}, {done} and {in_flight}: {}", ran.in_short()));
    }
}

#[test]
fn a_target_that_was_changed_or_deleted_is_dealt_with_by_policy() {
    for way in Way::ALL {
        let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
        for is_deleted in [true, false] {
            let mut story = interrupted(way, UPDATE);
            let (done, _) = one_of_each(&story);
            let path = format!("/dst/{done}");
            if is_deleted {
                story.fs.remove(&path);
            } else {
                story.fs.write(&path, 0, "scribbled");
            }
            let ran = story.run(Death::Never).ran;
            assert_eq!(ran.all_done().item(&path).status, ItemStatus::Ok, "{}", ran.in_short());
            story.is_as(&end, &format!("{way:?}, {done}: {}", ran.in_short()));
        }
    }
}

/// Of several names of one file, the first is gone: the others become names of the new one.
#[test]
fn names_of_one_file_stay_names_of_one_file() {
    for way in [Way::Kernel, Way::NoExchange] {
        let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
        let mut story = Story::new(way, UPDATE);
        story.run(Death::Never).ran.all_done();
        story.fs.remove("/dst/new");
        let ran = story.run(Death::Never).ran;
        assert_eq!(ran.report.tally.ok, 4, "{}", ran.all_done().in_short());
        story.is_as(&end, &format!("{way:?}: {}", ran.in_short()));
        story.rests("a first name was gone");
    }
}

/// Another program's file has the name of one that was published without anybody knowing.
#[test]
fn another_programs_file_is_left_to_the_policy() {
    for way in Way::ALL {
        for policy in [ConflictPolicy::Newer, ConflictPolicy::KeepBoth, ConflictPolicy::Skip] {
            let mut story = interrupted(way, Asked::Policy(policy));
            let (_, in_flight) = one_of_each(&story);
            let path = format!("/dst/{in_flight}");
            other_file(&story.fs, &path);
            let ran = story.run(Death::Never).ran;
            let what = format!("{way:?}, {policy:?}, {in_flight}: {}", ran.in_short());
            assert_eq!(ran.report.tally.failed, 0, "{what}");
            assert_eq!(story.fs.read(&path).as_deref(), Some(&b"another program's"[..]), "{what}");
            // What had been replaced is the user's, and so is the word about it.
            let told = ran.warned_of(WarningKind::LeftBehind);
            for left in crate::oracle::leftovers(&story.fs, "/dst") {
                assert!(told.contains(&Path::new("/dst").join(&left)), "{left:?}: {what}");
            }
        }
    }
}

/// The run dies after exchanging its file with one that another program had put there a moment ago.
#[test]
fn a_file_that_was_replaced_by_mistake_gets_its_name_back() {
    const THEIRS: Option<&[u8]> = Some(b"another program's");
    let job = || Story::new(Way::Kernel, Asked::Policy(ConflictPolicy::Newer));
    let log = job().run(Death::Never).fs.log();
    let is_exchange = |step: &Operation| *step == Operation::Exchange;
    let exchange = log.iter().position(is_exchange).expect("files are replaced") as u64 + 1;
    let mut hidden = 0;
    for further in 1..=4 {
        let mut story = job();
        story.fs.before(Operation::Exchange, |fs, count| {
            if count == 1 {
                other_file(fs, "/dst/big-replaced");
            }
        });
        story.run(Death::AtStep(exchange + further));
        story.bury(true);
        let shows_theirs = |path: &Path| story.fs.read(Path::new("/dst").join(path));
        let left = crate::oracle::leftovers(&story.fs, "/dst");
        hidden += left.iter().filter(|path| shows_theirs(path).as_deref() == THEIRS).count();
        let ran = story.run(Death::Never).ran;
        let what = format!("{further} steps after the exchange: {}", ran.in_short());
        ran.all_done();
        assert_eq!(story.fs.read("/dst/big-replaced").as_deref(), THEIRS, "{what}");
        assert!(story.fs.names("/dst").iter().all(|name| !is_ours(Path::new(name))), "{what}");
    }
    assert!(hidden > 1, "{hidden} runs died while another program's file was hidden");
}

#[test]
fn files_with_names_like_ours_stay() {
    let mut story = interrupted(Way::Kernel, UPDATE);
    let nonce = story.spec.nonce;
    let names = [
        format!(".surecopy-{nonce:016x}-00000000ff.backup"),
        format!(".surecopy-{nonce:016x}-0000000000.partial.txt"),
        format!(".surecopy-{nonce:016x}-000.partial"),
        format!("surecopy-{nonce:016x}-0000000000.partial"),
    ];
    for name in &names {
        story.fs.file(format!("/dst/{name}"), "somebody's");
    }
    let left = format!("/dst/.surecopy-{nonce:016x}-00000000fe.partial");
    story.fs.file(&left, "ours, of the run that died").mode(&left, 0o044);
    story.run(Death::Never).ran.all_done();
    for name in &names {
        let now = story.fs.read(format!("/dst/{name}"));
        assert_eq!(now.as_deref(), Some(&b"somebody's"[..]), "{name}");
    }
    assert!(!story.fs.exists(&left));
}

#[test]
fn a_partial_file_that_somebody_holds_stays_and_is_told_of() {
    let mut story = interrupted(Way::Kernel, UPDATE);
    let name = format!(".surecopy-{:016x}-00000000fe.partial", story.spec.nonce);
    let dir = story.fs.open_root(Path::new("/dst")).expect("it is there");
    let held = story.fs.create_partial(&dir, name.as_ref()).expect("the name is free");
    let ran = story.run_beside(2);
    assert_eq!(ran.report.outcome, Outcome::Finished, "{}", ran.in_short());
    assert_eq!(ran.warned_of(WarningKind::LeftBehind).len(), 1, "{}", ran.in_short());
    assert!(story.fs.exists(Path::new("/dst").join(name)));
    drop(held);
}

#[test]
fn on_another_volume_nothing_is_touched_unless_that_is_accepted() {
    for way in Way::ALL {
        // One that does not say which it is is another too.
        let others = [Some("fake:another"), None];
        for (root, other) in [("/dst", others[0]), ("/src", others[0]), ("/dst", others[1])] {
            let (end, ..) = End::undisturbed(Story::new(way, UPDATE));
            let mut story = interrupted(way, UPDATE);
            let facts = story.ledger.facts().len();
            let (before, mut identity) = (story.fs.tree("/"), None);
            let other = other.map(|other| other.parse().expect("an identity"));
            story.fs.remount(root, |settings| {
                identity = std::mem::replace(&mut settings.identity, other);
            });
            for is_accepted in [false, true] {
                story.spec.accept_volume = is_accepted;
                let what = format!("{way:?}, {root}, accepted: {is_accepted}");
                if is_accepted {
                    story.resume(&end, &what);
                    continue;
                }
                let ran = story.run(Death::Never).ran;
                assert_eq!(ran.report.outcome, Outcome::Refused, "{what}: {}", ran.in_short());
                let codes: Vec<_> = ran.report.problems.iter().map(|p| p.error.code).collect();
                assert_eq!(codes, [ErrorCode::VolumeChanged], "{what}");
                assert_eq!(story.fs.tree("/"), before, "{what}");
                assert_eq!(story.ledger.facts().len(), facts, "{what}");
            }
            // The volume is there again.
            let mut story = interrupted(way, UPDATE);
            story.fs.remount(root, |settings| settings.identity = identity);
            story.resume(&end, &format!("{way:?}, {root} is back"));
        }
    }
}
