//! What the journal is told: before anything is made, before anything is visible, and at the end.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use surecopy_engine::{
    Control, CopySpec, ErrorCode, Fact, ItemId, ItemStatus, Journal, JournalError, Seen,
    StrategyChoice,
};
use surecopy_fs::Operation;
use surecopy_testkit::FakeFs;

use crate::job::{Ran, Recording, carry_out_with};
use crate::oracle::is_ours;
use crate::scene::{Way, scene};

fn run(fs: &Arc<FakeFs>, spec: &CopySpec) -> (Ran, Vec<Fact>) {
    let journal = Recording::default();
    let ran = carry_out_with(fs, spec, &journal, &Control::new());
    (ran, journal.facts())
}

/// How far each item has got.
#[derive(Debug, PartialEq)]
enum Known {
    Publishing(OsString),
    Ended,
    Settled,
}

/// Follows the facts, and says what is out of order.
fn follow(facts: &[Fact]) -> BTreeMap<ItemId, Known> {
    let mut known: BTreeMap<ItemId, Known> = BTreeMap::new();
    for fact in facts {
        match fact {
            Fact::Publishing { items } => {
                for publication in items {
                    let partial = publication.partial.clone();
                    let before = known.insert(publication.item, Known::Publishing(partial));
                    assert!(!matches!(before, Some(Known::Ended | Known::Settled)), "{before:?}");
                }
            }
            Fact::Ended { item, report } => {
                let before = known.insert(*item, Known::Ended);
                if report.status == ItemStatus::Ok {
                    let partial = report.partial.as_deref().and_then(Path::file_name);
                    let partial = partial.expect("what was copied was partial").to_owned();
                    assert_eq!(before, Some(Known::Publishing(partial)), "{report:?}");
                }
                assert!(!matches!(before, Some(Known::Ended | Known::Settled)), "{item:?}");
            }
            Fact::Settled { items } => {
                for item in items {
                    let before = known.insert(*item, Known::Settled);
                    assert_eq!(before, Some(Known::Ended), "{item:?} is settled before its end");
                }
            }
            _ => {}
        }
    }
    known
}

#[test]
fn every_item_is_published_then_ended_then_settled() {
    for way in Way::ALL {
        let fs = Arc::new(scene(way));
        let old = fs.clone();
        let replaced = ["replaced", "big-replaced", "link-replaced"];
        let ids: Vec<_> = replaced
            .iter()
            .map(|name| (*name, old.stat(format!("/dst/{name}")).expect("it is there").id))
            .collect();
        let (ran, facts) = run(&fs, &way.spec(fs.as_ref()));
        ran.all_ok();
        let known = follow(&facts);
        assert_eq!(known.len() as u64, ran.report.planned.items, "{way:?}");
        assert!(known.values().all(|known| *known == Known::Settled), "{way:?}: {known:?}");
        let publications: Vec<_> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Publishing { items } => Some(items),
                _ => None,
            })
            .flatten()
            .collect();
        assert_eq!(publications.len() as u64, ran.report.planned.items, "{way:?}");
        for publication in publications {
            let target = &publication.target;
            assert!(is_ours(Path::new(&publication.partial)), "{publication:?}");
            assert!(is_ours(Path::new(&publication.backup)), "{publication:?}");
            assert_ne!(publication.partial, publication.backup);
            assert_eq!(publication.report.target, Path::new("/dst").join(target.as_path()));
            let landed = publication.report.landed.expect("what is published is known again");
            let now = fs.stat(&publication.report.target).expect("it is there");
            assert_eq!(landed.target, Seen::of(&now), "{publication:?}");
            let old = ids.iter().find(|(name, _)| target.as_path().ends_with(name));
            let seen = landed.replaced.map(|seen| seen.id);
            assert_eq!(seen, old.map(|(_, id)| *id), "{way:?}: {publication:?}");
        }
    }
}

/// A journal that looks at the destination each time it is told something.
struct Watching {
    fs: Arc<FakeFs>,
    recording: Recording,
    wrong: Mutex<Vec<String>>,
}

impl Journal for Watching {
    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        self.recording.note(facts)
    }

    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut wrong = self.wrong.lock().expect("no code panics while holding this lock");
        for fact in &facts {
            match fact {
                Fact::Planned { .. } if !made(&self.fs).is_empty() => {
                    wrong.push(format!("{:?} was made before the plan was told", made(&self.fs)));
                }
                Fact::Publishing { items } => {
                    for publication in items {
                        let target = &publication.report.target;
                        let partial = target.with_file_name(&publication.partial);
                        if !self.fs.exists(&partial) {
                            wrong.push(format!("no {} to publish", partial.display()));
                        }
                        let now = self.fs.stat(target).map(|found| found.id);
                        let replaced = publication.report.landed.and_then(|seen| seen.replaced);
                        if now != replaced.map(|seen| seen.id) {
                            wrong.push(format!("{} is another", target.display()));
                        }
                    }
                }
                _ => {}
            }
        }
        drop(wrong);
        self.recording.record(facts)
    }
}

/// The names that were really made, in order.
fn made(fs: &FakeFs) -> Vec<String> {
    let making = [Operation::CreatePartial, Operation::CreateSymlink, Operation::HardLink];
    let operations = fs.operations().into_iter();
    operations.filter(|(done, _)| making.contains(done)).map(|(_, name)| name).collect()
}

#[test]
fn every_partial_file_carries_the_number_of_the_run() {
    for way in Way::ALL {
        let fs = Arc::new(scene(way));
        // A source that changes once: its partial file is made twice, under two names.
        fs.before(Operation::OpenSource, |fs, nth| {
            if nth == 3 {
                fs.write("/src/replaced", 0, "W");
            }
        });
        let mut spec = way.spec(fs.as_ref());
        spec.strategy = StrategyChoice::Staged;
        spec.limits.group_max_files = 2;
        spec.nonce = 0xfeed;
        fs.reset_counts();
        let journal = Watching {
            fs: Arc::clone(&fs),
            recording: Recording::default(),
            wrong: Mutex::default(),
        };
        let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
        let wrong = journal.wrong.into_inner().expect("no code panics while holding this lock");
        assert!(wrong.is_empty(), "{way:?}: {wrong:#?}");
        follow(&journal.recording.facts());
        let made: Vec<String> =
            made(&fs).into_iter().filter(|name| name.ends_with(".partial")).collect();
        assert!(made.len() as u64 >= ran.report.planned.items, "{way:?}: {made:?}");
        let is_known = |name: &String| name.starts_with(".surecopy-000000000000feed-");
        assert!(made.iter().all(is_known), "{way:?}: {made:?}");
    }
}

#[test]
fn what_was_refused_is_told() {
    let fs = scene(Way::Kernel);
    fs.mode("/src/one/a", 0);
    let fs = Arc::new(fs);
    let (ran, facts) = run(&fs, &Way::Kernel.spec(fs.as_ref()));
    assert_eq!(ran.report.tally.failed, 1, "{}", ran.in_short());
    let refused: Vec<_> = facts
        .iter()
        .filter_map(|fact| match fact {
            Fact::Refused { report } => Some(report),
            _ => None,
        })
        .collect();
    assert_eq!(refused.len(), 1, "{facts:#?}");
    assert_eq!(refused[0].target, PathBuf::from("/dst/one/a"));
    assert!(matches!(&refused[0].status, ItemStatus::Error(error)
        if error.code == ErrorCode::SourceUnreadable));
}
