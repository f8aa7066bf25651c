//! The power cut at every step: after the reboot every name shows its complete old or its complete
//! new self, and what was reported as copied is there.

use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;

use surecopy_fs::FileSystem;
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs};

use crate::job::{Ran, carry_out};
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
    let before = Before::of(&fake);
    let mut spec = way.spec(&fake);
    spec.workers = workers;
    // Several groups, so that some items are reported long before the cut.
    spec.limits.group_max_files = 4;
    let fs = CrashFs::new(fake);
    let fs = Arc::new(match step {
        Some(step) => fs.power_off_at(step),
        None => fs,
    });
    let ran = carry_out(&fs, &spec);
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
fn the_power_may_go_at_any_step_with_all_that_a_volume_can_offer() {
    at_any_step([Way::Kernel, Way::Staged]);
}

#[test]
fn the_power_may_go_at_any_step_on_volumes_that_offer_less() {
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
fn the_power_may_go_while_four_workers_are_at_it() {
    for way in Way::ALL {
        let steps = run_until(way, None, 4).0.steps();
        for step in (1..=steps).step_by(9) {
            let (fs, before, ran) = run_until(way, Some(step), 4);
            check(&fs, &before, &ran, &format!("{way:?}, power off at {step}, 4 workers"));
        }
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
