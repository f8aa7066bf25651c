//! A job that is gone on with, and is told of its sources as they were when it was begun.

use std::sync::Arc;

use surecopy_engine::ConflictPolicy;
use surecopy_fs::Timestamp;

use super::story::{Asked, Death, End, Life, Story};
use crate::catalog::Memory;
use crate::scene::Way;

const LATER: Timestamp = Timestamp { secs: 5_000, nanos: 1 };

fn begin(way: Way, asked: Asked) -> Story {
    let mut story = Story::new(way, asked);
    story.spec.preserve.hard_links = false;
    story
}

/// Every file gets another content in place: of that no directory says anything.
fn rewrite(story: &mut Story) {
    for name in ["new", "replaced", "one/a", "one/c", "two/d", "two/deep/e", "same-size"] {
        let path = format!("/src/{name}");
        story.fs.write(&path, 0, "N").modified(&path, LATER);
    }
    story.fs.write("/src/one/b", 5, "and much more than that").modified("/src/one/b", LATER);
    story.source_changed();
}

#[test]
fn a_job_is_gone_on_with_as_if_nothing_were_remembered() {
    let policies = [
        Asked::Policy(ConflictPolicy::Update),
        Asked::Policy(ConflictPolicy::KeepBoth),
        Asked::Policy(ConflictPolicy::Skip),
        Asked::Policy(ConflictPolicy::Fail),
        Asked::Content,
    ];
    for way in [Way::Kernel, Way::Staged] {
        for asked in policies {
            let mut whole = begin(way, asked);
            whole.run(Death::Never);
            let calls = whole.ledger.calls();
            for call in (1..=calls).step_by(3) {
                let [(plain, expected), (story, ran)] = [false, true].map(|is_remembered| {
                    let mut story = begin(way, asked);
                    let memory = Memory::of(&story.fs, "/src");
                    story.run(Death::AtCall(call));
                    story.bury(true);
                    rewrite(&mut story);
                    story.catalog = is_remembered.then(|| Arc::new(memory) as _);
                    let Life { ran, .. } = story.run(Death::Never);
                    (story, ran)
                });
                let what = format!("{way:?}, {asked:?}, call {call}: {}", ran.in_short());
                story.is_as(&End::of(&plain.fs), &what);
                let ends = |ran: &crate::job::Ran| {
                    let mut ends: Vec<_> = ran
                        .items()
                        .map(|item| (item.target.clone(), item.status.clone(), item.size_bytes))
                        .collect();
                    ends.sort_by(|(one, ..), (other, ..)| one.cmp(other));
                    ends
                };
                assert_eq!(ends(&ran), ends(&expected), "{what}");
                assert_eq!(ran.report.planned.kept, expected.report.planned.kept, "{what}");
                assert_eq!(ran.report.tally.failed, expected.report.tally.failed, "{what}");
            }
        }
    }
}
