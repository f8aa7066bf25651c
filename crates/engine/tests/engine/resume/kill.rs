//! The process dies at every step, and another one goes on.

use surecopy_engine::ConflictPolicy;
use surecopy_testkit::VolumeSettings;

use super::story::{Asked, Death, End, Story};
use crate::scene::Way;

/// Kills a run at every step and at every call to the ledger, resumes it, and looks once more.
fn at_every_step(way: Way, asked: Asked, stride: usize) {
    let (end, steps, calls) = End::undisturbed(Story::new(way, asked));
    assert!(steps > 300 && calls > 10, "{way:?}, {asked:?}: {steps} steps, {calls} calls");
    let steps = (1..=steps).step_by(stride).map(Death::AtStep);
    let calls = (1..=calls).map(Death::AtCall);
    let (mut tried, mut resumed) = (0, 0);
    for death in steps.chain(calls) {
        for are_notes_kept in [true, false] {
            let what = format!("{way:?}, {asked:?}, {death:?}, notes kept: {are_notes_kept}");
            let mut story = Story::new(way, asked);
            let life = story.run(death);
            assert!(life.has_died, "{what}");
            if !are_notes_kept && !story.ledger.has_notes() {
                // The same once more.
                continue;
            }
            story.bury(are_notes_kept);
            let ran = story.resume(&end, &what);
            tried += 1;
            resumed += u64::from(ran.report.planned.kept > 0);
            if tried % 3 == 0 {
                story.rests(&what);
            }
        }
    }
    assert!(tried > resumed && resumed > tried / 2, "{resumed} of {tried} kept something");
}

#[test]
fn row_01_a_run_may_be_killed_at_any_step_where_names_are_exchanged() {
    at_every_step(Way::Kernel, Asked::Policy(ConflictPolicy::Update), 1);
}

#[test]
fn row_01_a_run_may_be_killed_in_a_streamed_copy() {
    at_every_step(Way::Staged, Asked::Policy(ConflictPolicy::Update), 4);
}

#[test]
fn row_01_a_run_may_be_killed_at_any_step_where_old_files_are_linked() {
    at_every_step(Way::NoExchange, Asked::Policy(ConflictPolicy::Update), 1);
}

#[test]
fn row_01_a_run_may_be_killed_at_any_step_where_old_files_are_copied() {
    at_every_step(Way::Plain, Asked::Policy(ConflictPolicy::Update), 1);
}

/// Where files have no lasting numbers, a new file that has the size and the time of the one that it
/// replaces looks like it.
#[test]
fn a_run_may_be_killed_where_files_have_no_lasting_numbers() {
    let mut tried = 0;
    for way in [Way::Kernel, Way::NoExchange, Way::Plain] {
        for asked in [Asked::Content, Asked::Policy(ConflictPolicy::Replace)] {
            let story = || {
                let story = Story::new(way, asked);
                story.fs.remount("/dst", |settings| {
                    settings.filesystem = VolumeSettings::of("fuseblk").filesystem;
                });
                // Permissions are not stored, so they do not tell old from new.
                story.fs.mode("/dst/equal", 0o600).mode("/dst/same-size", 0o600);
                story
            };
            let (end, steps, _) = End::undisturbed(story());
            for step in (1..=steps).step_by(5) {
                let what = format!("{way:?}, {asked:?}, killed at {step}");
                let mut story = story();
                story.run(Death::AtStep(step));
                story.bury(step % 2 == 0);
                let ran = story.run(Death::Never).ran;
                ran.all_done();
                story.is_as(&end, &format!("{what}: {}", ran.in_short()));
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "only {tried} deaths");
}

#[test]
fn a_run_that_goes_by_content_may_be_killed() {
    at_every_step(Way::Kernel, Asked::Content, 3);
    at_every_step(Way::Plain, Asked::Content, 7);
}

#[test]
fn a_run_that_keeps_both_or_replaces_may_be_killed() {
    at_every_step(Way::NoExchange, Asked::Policy(ConflictPolicy::KeepBoth), 4);
    at_every_step(Way::Staged, Asked::Policy(ConflictPolicy::Replace), 5);
}
