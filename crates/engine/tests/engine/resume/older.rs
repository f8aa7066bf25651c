//! What is remembered is older than what is there: facts were lost, files were not.

use surecopy_engine::{ConflictPolicy, ItemStatus, Outcome};
use surecopy_fs::Operation;

use super::story::{Asked, Death, End, Story};
use crate::scene::Way;

/// A job for each policy. One that fails where something is finds nothing.
fn story(asked: Asked) -> Story {
    let story = Story::new(Way::Kernel, asked);
    if asked == Asked::Policy(ConflictPolicy::Fail) {
        for name in story.fs.names("/dst") {
            story.fs.remove(std::path::Path::new("/dst").join(name));
        }
    }
    story
}

const ALL: [Asked; 7] = [
    Asked::Content,
    Asked::Policy(ConflictPolicy::Update),
    Asked::Policy(ConflictPolicy::Replace),
    Asked::Policy(ConflictPolicy::Newer),
    Asked::Policy(ConflictPolicy::Skip),
    Asked::Policy(ConflictPolicy::KeepBoth),
    Asked::Policy(ConflictPolicy::Fail),
];

/// Runs the job, to its end or until it is cancelled.
fn run(asked: Asked, cancelled_at: Option<u64>) -> Story {
    let mut story = story(asked);
    if let Some(nth) = cancelled_at {
        let control = story.control.clone();
        story.fs.before(Operation::CreatePartial, move |_, count| {
            if count == nth {
                control.cancel();
            }
        });
    }
    let ran = story.run(Death::Never).ran;
    let outcome = if cancelled_at.is_some() { Outcome::Cancelled } else { Outcome::Finished };
    assert_eq!(ran.report.outcome, outcome, "{}", ran.in_short());
    story.control = surecopy_engine::Control::new();
    story
}

#[test]
fn facts_may_be_lost_and_nothing_is_copied_a_second_time() {
    let mut tried = 0;
    for asked in ALL {
        let (end, ..) = End::undisturbed(story(asked));
        for cancelled_at in [None, Some(6)] {
            let known = run(asked, cancelled_at).ledger.facts().len();
            for lost in 0..=known {
                let what =
                    format!("{asked:?}, cancelled: {cancelled_at:?}, {lost} of {known} lost");
                let mut story = run(asked, cancelled_at);
                let before = story.fs.tree("/dst");
                story.ledger.forget_last(lost);
                // Once to see what is there, and once to see whether that is remembered.
                for _ in 0..2 {
                    let ran = story.run(Death::Never).ran;
                    let told = format!("{what}: {}", ran.in_short());
                    assert_eq!(ran.report.tally.failed, 0, "{told}");
                    story.is_as(&end, &told);
                    for item in ran.items().filter(|item| item.status == ItemStatus::Ok) {
                        let path = item.target.strip_prefix("/dst").expect("it is in /dst");
                        let (then, now) = (before.get(path), story.fs.tree("/dst"));
                        assert!(
                            cancelled_at.is_some() && then != now.get(path),
                            "{path:?}: {told}"
                        );
                    }
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 300, "only {tried} losses");
}
