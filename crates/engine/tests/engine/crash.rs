//! The power cut at every step: after the reboot every name shows its complete old or its complete
//! new self, and what was reported as copied is there.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use surecopy_engine::{Control, CopySpec, Fact, Journal, JournalError};
use surecopy_fs::{FileSystem, Operation};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, VolumeSettings};

use crate::announced::Announced;
use crate::job::{Ran, carry_out, carry_out_with, spec};
use crate::oracle::Before;
use crate::scene::{Way, scene};

const STYLES: [CrashStyle; 6] = [
    CrashStyle::OnlyDurable,
    CrashStyle::NamesSurvive,
    CrashStyle::Everything,
    CrashStyle::Seeded(1),
    CrashStyle::Seeded(2),
    CrashStyle::Seeded(3),
];

fn run_until(way: Way, step: Option<u64>, workers: usize) -> (Arc<CrashFs>, Before, Ran) {
    let fake = scene(way);
    let mut spec = way.spec(&fake);
    spec.workers = workers;
    // Several groups, so that some items are reported long before the cut.
    spec.limits.group_max_files = 4;
    run_on(fake, &spec, step)
}

fn run_on(fake: FakeFs, spec: &CopySpec, step: Option<u64>) -> (Arc<CrashFs>, Before, Ran) {
    let before = Before::of(&fake);
    let fs = CrashFs::new(fake);
    let fs = Arc::new(match step {
        Some(step) => fs.power_off_at(step),
        None => fs,
    });
    let ran = carry_out(&fs, spec);
    (fs, before, ran)
}

fn check(fs: &CrashFs, before: &Before, ran: &Ran, what: &str) {
    for style in STYLES {
        let found = fs.after_crash(style);
        let now = found.tree("/dst");
        let told = |wrong| panic!("{what}, {style:?}: {wrong}\n{}", ran.in_short());
        before.whole(&now).and_then(|()| before.as_reported(ran, &now)).unwrap_or_else(told);
        assert_eq!(found.tree("/src"), before.source, "the source changed: {what}");
    }
}

#[test]
fn row_13_the_power_may_go_at_any_step_with_all_that_a_volume_can_offer() {
    at_any_step([Way::Kernel, Way::Staged]);
}

#[test]
fn row_13_the_power_may_go_at_any_step_on_volumes_that_offer_less() {
    at_any_step([Way::Plain, Way::NoExchange]);
}

fn at_any_step(ways: [Way; 2]) {
    for way in ways {
        let (undisturbed, _, ran) = run_until(way, None, 1);
        ran.all_ok();
        let mut reported = 0;
        for step in 1..=undisturbed.steps() {
            let (fs, before, ran) = run_until(way, Some(step), 1);
            assert!(fs.fired(), "the power stayed on");
            check(&fs, &before, &ran, &format!("{way:?}, power off at {step}"));
            reported += u64::from(ran.report.tally.ok > 0);
        }
        assert!(reported > 50, "the claim about reported items was tried {reported} times only");
    }
}

#[test]
fn row_13_the_power_may_go_while_four_workers_are_at_it() {
    for way in Way::ALL {
        let steps = run_until(way, None, 4).0.steps();
        for step in (1..=steps).step_by(9) {
            let (fs, before, ran) = run_until(way, Some(step), 4);
            check(&fs, &before, &ran, &format!("{way:?}, power off at {step}, 4 workers"));
        }
    }
}

/// Says of each item whether it would be there, were the power to go when its end is recorded.
struct CutAtEnds {
    fs: Arc<CrashFs>,
    ended: Arc<Mutex<BTreeMap<PathBuf, bool>>>,
    announced: Mutex<Announced>,
}

impl CutAtEnds {
    fn new(fs: &Arc<CrashFs>) -> Self {
        Self { fs: Arc::clone(fs), ended: Arc::default(), announced: Mutex::default() }
    }

    #[track_caller]
    fn all_survived(&self, items: usize) {
        let ended = self.ended.lock().expect("no code panics while holding this lock");
        assert_eq!(ended.len(), items);
        let lost: Vec<_> = ended.iter().filter(|(_, was_there)| !**was_there).collect();
        assert!(lost.is_empty(), "reported, and lost: {lost:?}");
    }
}

impl Journal for CutAtEnds {
    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.record(facts)
    }

    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut announced = self.announced.lock().expect("no code panics while holding this lock");
        for fact in announced.in_full(facts) {
            if let Fact::Ended { report, .. } = fact {
                let found = self.fs.after_crash(CrashStyle::OnlyDurable);
                let was_there = found.exists(&report.target);
                let mut ended = self.ended.lock().expect("no code panics while holding this lock");
                ended.insert(report.target, was_there);
            }
        }
        Ok(())
    }
}

/// Waits for another worker, far longer than it could take.
fn wait_until(is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(60), "the other worker does not come");
        std::thread::yield_now();
    }
}

/// One worker is about to create a directory. Another flushes the volume, and then publishes in the
/// new directory: its name was not covered by that flush.
#[test]
fn a_flush_does_not_cover_a_directory_that_was_just_being_created() {
    const BATCH: usize = 64;
    let fake = FakeFs::new();
    for nth in 0..BATCH {
        fake.file(format!("/first/new/{nth:03}"), "of the one who creates");
    }
    fake.file("/second/a", "flushed before").file("/second/new/z", "published in it");
    fake.mount("/dst", VolumeSettings::of("ext4"));
    let mut spec = spec(&fake, &["/first/", "/second/"], "/dst");
    (spec.workers, spec.limits.group_max_files) = (2, 1);
    let fs = Arc::new(CrashFs::new(fake));
    let (live, journal) = (fs.live(), CutAtEnds::new(&fs));
    let creator: Arc<OnceLock<ThreadId>> = Arc::default();
    let is_creator = |creator: &OnceLock<ThreadId>| {
        creator.get().is_some_and(|creator| *creator == std::thread::current().id())
    };
    let on_hook = Arc::clone(&creator);
    live.before(Operation::CreateDir, move |fs, nth| {
        if nth == 1 {
            on_hook.set(std::thread::current().id()).expect("it is the first");
            wait_until(|| fs.count(Operation::FlushVolume) > 0);
        }
    });
    // The other one begins after that, ...
    let on_hook = Arc::clone(&creator);
    live.before(Operation::CreatePartial, move |_, _| wait_until(|| on_hook.get().is_some()));
    // ... finds the directory when it has flushed its first file, ...
    let on_hook = Arc::clone(&creator);
    live.before(Operation::OpenDir, move |fs, _| {
        if !is_creator(&on_hook) && fs.count(Operation::FlushVolume) > 0 {
            wait_until(|| fs.exists("/dst/new"));
        }
    });
    // ... and ends its second before anybody else flushes the volume.
    let ended = Arc::clone(&journal.ended);
    live.before(Operation::FlushVolume, move |_, _| {
        let is_ended = || {
            ended
                .lock()
                .expect("no code panics while holding this lock")
                .contains_key(Path::new("/dst/new/z"))
        };
        if is_creator(&creator) {
            wait_until(is_ended);
        }
    });
    carry_out_with(&fs, &spec, &journal, &Control::new()).all_ok();
    journal.all_survived(BATCH + 2);
}

/// A flush of one volume does not cover the directories created on another.
#[test]
fn a_flush_of_one_volume_says_nothing_of_directories_on_another() {
    let fake = FakeFs::new();
    fake.file("/src/new/file", "on the volume above").file("/src/other/new/file", "on its own");
    fake.mount("/dst", VolumeSettings::of("ext4")).mount("/dst/other", VolumeSettings::of("ext4"));
    let spec = spec(&fake, &["/src/"], "/dst");
    let fs = Arc::new(CrashFs::new(fake));
    let journal = CutAtEnds::new(&fs);
    carry_out_with(&fs, &spec, &journal, &Control::new()).all_ok();
    journal.all_survived(2);
}

/// Both are there before the job, so that nothing above them is to be flushed.
#[test]
fn a_flush_of_one_directory_says_nothing_of_another() {
    for way in Way::ALL {
        let run_until = |step: Option<u64>| {
            let fake = scene(way);
            fake.dir("/dst/one").dir("/dst/two").dir("/dst/two/deep");
            let spec = way.spec(&fake);
            run_on(fake, &spec, step)
        };
        let (undisturbed, _, ran) = run_until(None);
        ran.all_ok();
        let mut reported = 0;
        // In the end directories are flushed once more, as they are given their times.
        for step in (1..=undisturbed.steps()).step_by(3) {
            let (fs, before, ran) = run_until(Some(step));
            check(&fs, &before, &ran, &format!("{way:?}, power off at {step}"));
            reported += u64::from(ran.report.tally.ok > 0);
        }
        assert!(reported > 10, "{way:?}: items were reported in {reported} runs only");
    }
}

/// Replaces `/dst/file` in a way of its own, the power going at any step, and says whether the
/// oracle ever found fault with what the reboot showed.
fn is_caught(protocol: impl Fn(&CrashFs, &<CrashFs as FileSystem>::Dir) -> Option<()>) -> bool {
    let begin = |step: Option<u64>| {
        let fake = FakeFs::new();
        fake.file("/src/file", "all that is new").file("/dst/file", "all that is old");
        let before = Before::of(&fake);
        let fs = CrashFs::new(fake);
        let fs = match step {
            Some(step) => fs.power_off_at(step),
            None => fs,
        };
        if let Ok(dir) = fs.open_root(Path::new("/dst")) {
            // The power goes in the middle of it; what it answers then does not matter.
            let _is_complete = protocol(&fs, &dir).is_some();
        }
        (fs, before)
    };
    let steps = begin(None).0.steps();
    // One step more: the power goes after the last one.
    (1..=steps + 1).any(|step| {
        let (fs, before) = begin(Some(step));
        let mut found = STYLES.iter().map(|style| fs.after_crash(*style).tree("/dst"));
        found.any(|now| before.whole(&now).is_err())
    })
}

const PARTIAL: &str = ".surecopy-test.partial";
const BACKUP: &str = ".surecopy-test.backup";

fn write_new(fs: &CrashFs, dir: &<CrashFs as FileSystem>::Dir, flush: bool) -> Option<()> {
    let file = fs.create_partial(dir, OsStr::new(PARTIAL)).ok()?;
    fs.write_at(&file, b"all that is new", 0).ok()?;
    if flush {
        fs.flush_file(&file).ok()?;
    }
    Some(())
}

/// The control of the controls: what the engine does is not caught.
#[test]
fn the_engines_own_order_of_steps_is_not_caught() {
    assert!(!is_caught(|fs, dir| {
        write_new(fs, dir, true)?;
        fs.publish_new(dir, OsStr::new(PARTIAL), OsStr::new(BACKUP)).ok()?;
        fs.exchange(dir, OsStr::new(BACKUP), OsStr::new("file")).ok()?.done()?;
        fs.flush_dir(dir).ok()?;
        fs.remove_file(dir, OsStr::new(BACKUP)).ok()
    }));
}

#[test]
fn exchanging_under_the_name_of_a_partial_file_is_caught() {
    assert!(is_caught(|fs, dir| {
        write_new(fs, dir, true)?;
        fs.exchange(dir, OsStr::new(PARTIAL), OsStr::new("file")).ok()?.done()?;
        fs.flush_dir(dir).ok()?;
        fs.remove_file(dir, OsStr::new(PARTIAL)).ok()
    }));
}

#[test]
fn renaming_without_a_flush_is_caught() {
    assert!(is_caught(|fs, dir| {
        write_new(fs, dir, false)?;
        fs.replace(dir, OsStr::new(PARTIAL), OsStr::new("file")).ok()?;
        fs.flush_dir(dir).ok()
    }));
}

#[test]
fn moving_the_target_away_first_is_caught() {
    assert!(is_caught(|fs, dir| {
        write_new(fs, dir, true)?;
        fs.replace(dir, OsStr::new("file"), OsStr::new(BACKUP)).ok()?;
        fs.publish_new(dir, OsStr::new(PARTIAL), OsStr::new("file")).ok()?;
        fs.flush_dir(dir).ok()
    }));
}
