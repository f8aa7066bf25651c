//! What the journal is told: before anything is made, before anything is visible, and at the end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use surecopy_engine::{
    Control, CopySpec, ErrorCode, Fact, ItemId, ItemStatus, Journal, JournalError, StrategyChoice,
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
    Staged(PathBuf),
    Publishing(PathBuf),
    Ended,
}

/// Follows the facts, and says what is out of order.
fn follow(facts: &[Fact]) -> BTreeMap<ItemId, Known> {
    let mut known: BTreeMap<ItemId, Known> = BTreeMap::new();
    for fact in facts {
        match fact {
            Fact::Staging { item, partial } => {
                let before = known.insert(*item, Known::Staged(partial.clone()));
                assert_ne!(before, Some(Known::Ended), "{item:?} is staged after its end");
            }
            Fact::Publishing { items } => {
                for publication in items {
                    let partial = publication.partial.clone();
                    let staged = known.insert(publication.item, Known::Publishing(partial.clone()));
                    assert_eq!(staged, Some(Known::Staged(partial)), "{publication:?}");
                }
            }
            Fact::Ended { item, report } => {
                let before = known.insert(*item, Known::Ended);
                if report.status == ItemStatus::Ok {
                    let partial = report.partial.clone().expect("what was copied was partial");
                    assert_eq!(before, Some(Known::Publishing(partial)), "{report:?}");
                }
                assert_ne!(before, Some(Known::Ended), "{item:?} ends twice");
            }
            Fact::Refused { .. } => {}
        }
    }
    known
}

#[test]
fn every_item_is_staged_then_published_then_ended() {
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
        assert!(known.values().all(|known| *known == Known::Ended), "{way:?}: {known:?}");
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
            assert_eq!(publication.partial.parent(), target.parent(), "{publication:?}");
            assert_eq!(publication.backup.parent(), target.parent(), "{publication:?}");
            assert!(is_ours(&publication.partial) && is_ours(&publication.backup));
            assert_ne!(publication.partial, publication.backup);
            let old = ids.iter().find(|(name, _)| target.ends_with(name));
            let seen = publication.replaces.map(|seen| seen.id);
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
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError> {
        let mut wrong = self.wrong.lock().expect("no code panics while holding this lock");
        for fact in &facts {
            match fact {
                Fact::Staging { partial, .. } if self.fs.exists(partial) => {
                    wrong.push(format!("{} was made before it was told", partial.display()));
                }
                Fact::Publishing { items } => {
                    for publication in items {
                        if !self.fs.exists(&publication.partial) {
                            wrong.push(format!("no {} to publish", publication.partial.display()));
                        }
                        let now = self.fs.stat(&publication.target).map(|found| found.id);
                        if now != publication.replaces.map(|seen| seen.id) {
                            wrong.push(format!("{} is another", publication.target.display()));
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
fn no_partial_file_is_made_that_was_not_told_before() {
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
        fs.reset_counts();
        let journal = Watching {
            fs: Arc::clone(&fs),
            recording: Recording::default(),
            wrong: Mutex::default(),
        };
        let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
        let wrong = journal.wrong.into_inner().expect("no code panics while holding this lock");
        assert!(wrong.is_empty(), "{way:?}: {wrong:#?}");
        let facts = journal.recording.facts();
        follow(&facts);
        let told: Vec<String> = facts
            .iter()
            .filter_map(|fact| match fact {
                Fact::Staging { partial, .. } => partial.file_name(),
                _ => None,
            })
            .map(|name| name.to_string_lossy().into_owned())
            .collect();
        let made: Vec<String> =
            made(&fs).into_iter().filter(|name| name.ends_with(".partial")).collect();
        assert!(made.len() as u64 >= ran.report.planned.items, "{way:?}: {made:?}");
        assert_eq!(made, told, "{way:?}: {}", ran.in_short());
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
