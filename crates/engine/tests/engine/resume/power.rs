//! The power goes, in the first run or while another one puts in order what that has left.

use surecopy_engine::ConflictPolicy;
use surecopy_fs::Operation;
use surecopy_testkit::CrashStyle;

use super::story::{Asked, Death, End, Story};
use crate::scene::Way;

const UPDATE: Asked = Asked::Policy(ConflictPolicy::Update);

const STYLES: [CrashStyle; 5] = [
    CrashStyle::NamesSurvive,
    CrashStyle::Everything,
    CrashStyle::Seeded(1),
    CrashStyle::Seeded(2),
    CrashStyle::Seeded(3),
];

/// Two of the styles for each point; over some points, all of them.
fn styles(point: u64) -> [CrashStyle; 2] {
    let other = usize::try_from(point).expect("few points") % STYLES.len();
    [CrashStyle::OnlyDurable, STYLES[other]]
}

/// Cuts the power at every step and resumes after the boot.
fn at_every_step(way: Way, stride: usize) {
    let (end, steps, _) = End::undisturbed(Story::new(way, UPDATE));
    let (mut tried, mut promised) = (0, 0);
    for step in (1..=steps).step_by(stride) {
        let mut story = Story::new(way, UPDATE);
        let life = story.run(Death::AtStep(step));
        for style in styles(step / stride as u64) {
            let what = format!("{way:?}, power off at {step}, {style:?}");
            let mut booted = story.after_crash(&life, style, step % 2 == 0);
            booted.keeps_its_word(&end, &what);
            promised += booted.done().len();
            booted.resume(&end, &what);
            booted.keeps_its_word(&end, &what);
            tried += 1;
        }
    }
    assert!(tried > 80 && promised > tried, "{tried} cuts, {promised} items recorded before");
}

#[test]
fn row_13_a_run_goes_on_after_a_power_cut_where_names_are_exchanged() {
    at_every_step(Way::Kernel, 2);
    at_every_step(Way::Staged, 9);
}

#[test]
fn row_13_a_run_goes_on_after_a_power_cut_on_volumes_that_offer_less() {
    at_every_step(Way::Plain, 6);
    at_every_step(Way::NoExchange, 6);
}

/// How many steps it takes to put in order what was left: then the roots are opened to prepare the
/// job, which opened both before to look at them.
fn steps_of_recovery(story: &Story, log: &[Operation]) -> u64 {
    assert!(!story.past().in_flight.publications.is_empty());
    let mut roots = log.iter().enumerate().filter(|(_, step)| **step == Operation::OpenRoot);
    let (third, _) = roots.nth(2).expect("the job is prepared");
    third as u64
}

/// A run dies while something is being published, and the next one at every step of putting that in
/// order, by itself or with the power.
fn twice(way: Way, stride: usize) {
    let (end, steps, _) = End::undisturbed(Story::new(way, UPDATE));
    let (mut first, mut tried, mut finished) = (0, 0, 0);
    for step in 1..=steps {
        let begin = || {
            let mut story = Story::new(way, UPDATE);
            let life = story.run(Death::AtStep(step));
            story.bury(step % 2 == 0);
            (story, life)
        };
        let (mut story, life) = begin();
        if story.past().in_flight.publications.is_empty() {
            continue;
        }
        first += 1;
        if first % stride != 0 {
            continue;
        }
        let copy = story.after_crash(&life, CrashStyle::Everything, true);
        let all = story.run(Death::Never);
        for second in 1..=steps_of_recovery(&copy, &all.fs.log()) {
            let what = format!("{way:?}, killed at {step}, and at {second} while recovering");
            let (mut story, life) = begin();
            let again = story.run_on(life.fs.for_another_process(), Death::AtStep(second));
            for style in styles(second) {
                let what = format!("{what} with the power, {style:?}");
                let mut booted = story.after_crash(&again, style, second % 2 == 0);
                booted.keeps_its_word(&end, &what);
                finished += booted.done().len();
                booted.resume(&end, &what);
            }
            story.bury(second % 2 == 0);
            story.resume(&end, &what);
            tried += 1;
        }
    }
    assert!(first > 30 && tried > 40 && finished > 100, "{first}, {tried}, {finished}");
}

#[test]
fn row_17_putting_in_order_may_be_interrupted_where_names_are_exchanged() {
    twice(Way::Kernel, 29);
}

#[test]
fn row_17_putting_in_order_may_be_interrupted_on_volumes_that_offer_less() {
    twice(Way::Plain, 61);
    twice(Way::NoExchange, 47);
}

/// Directories that a killed run has made are no less new than those that the next one makes, so what
/// is copied into them is durable only with their names.
#[test]
fn row_17_the_power_may_go_when_a_killed_run_is_gone_on_with() {
    for way in [Way::Kernel, Way::Plain, Way::NoExchange] {
        // Each file for itself, so that no flush is made for the sake of another directory.
        let begin = || {
            let mut story = Story::new(way, UPDATE);
            story.spec.limits.group_max_files = 1;
            story
        };
        let (end, steps, _) = End::undisturbed(begin());
        let (mut tried, mut promised) = (0, 0);
        for first in (1..=steps).step_by(37) {
            let killed = || {
                let mut story = begin();
                let life = story.run(Death::AtStep(first));
                // The record of a directory may be lost with the process that made it.
                story.bury(first % 2 == 0);
                (story, life)
            };
            let (mut story, life) = killed();
            let steps = story.run_on(life.fs.for_another_process(), Death::Never).fs.steps();
            for second in (1..=steps).step_by(19) {
                let what = format!("{way:?}, killed at {first}, power off at {second} of the next");
                let (mut story, life) = killed();
                let again = story.run_on(life.fs.for_another_process(), Death::AtStep(second));
                let booted = story.after_crash(&again, CrashStyle::OnlyDurable, true);
                booted.keeps_its_word(&end, &what);
                promised += booted.done().len();
                tried += 1;
            }
        }
        assert!(tried > 100 && promised > tried, "{tried} cuts, {promised} items recorded before");
    }
}
