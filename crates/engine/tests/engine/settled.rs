//! What is said to be settled is not looked at again, so nothing of it may be back after a power cut.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use surecopy_engine::{Control, Fact, ItemId};
use surecopy_testkit::{CrashFs, CrashStyle, FakeFs, VolumeSettings};

use crate::job::{Recording, carry_out_with, spec};

/// Files that replace others, in directories of which the last two are on a volume of their own.
fn scene(can_flush_group: bool) -> FakeFs {
    let settings = || {
        let mut settings = VolumeSettings::of("ext4");
        settings.can_flush_group = can_flush_group;
        settings
    };
    let fs = FakeFs::new();
    fs.mount("/dst", settings()).mount("/dst/e", settings());
    for directory in ["a", "b", "c", "e/x", "e/y"] {
        for name in ["1", "2", "3"] {
            fs.file(format!("/src/{directory}/{name}"), "new");
            fs.file(format!("/dst/{directory}/{name}"), "what was there");
        }
    }
    fs
}

/// The names under which what was settled may not be found, going by the journal.
fn settled(facts: &[Fact]) -> Vec<PathBuf> {
    let mut backups: BTreeMap<ItemId, PathBuf> = BTreeMap::new();
    let mut settled = Vec::new();
    for fact in facts {
        match fact {
            Fact::Publishing { items } => backups.extend(items.iter().map(|publication| {
                let target = &publication.report.target;
                (publication.item, target.with_file_name(&publication.backup))
            })),
            Fact::Settled { items } => {
                settled.extend(items.iter().map(|item| backups[item].clone()))
            }
            _ => {}
        }
    }
    settled
}

#[test]
fn row_13_what_is_settled_is_not_back_after_a_power_cut() {
    for (can_flush_group, group) in [(false, 1), (false, 2), (true, 2), (true, 4)] {
        let run_until = |step: Option<u64>| {
            let fake = scene(can_flush_group);
            let mut spec = spec(&fake, &["/src/"], "/dst");
            spec.limits.group_max_files = group;
            let fs = CrashFs::new(fake);
            let fs = Arc::new(match step {
                Some(step) => fs.power_off_at(step),
                None => fs,
            });
            let journal = Recording::default();
            let ran = carry_out_with(&fs, &spec, &journal, &Control::new());
            (fs, journal, ran)
        };
        let (undisturbed, journal, ran) = run_until(None);
        ran.all_ok();
        assert_eq!(settled(&journal.facts()).len(), 15, "{}", ran.in_short());
        let mut early = 0;
        for step in 1..=undisturbed.steps() {
            let (fs, journal, ran) = run_until(Some(step));
            let found = fs.after_crash(CrashStyle::OnlyDurable);
            let settled = settled(&journal.facts());
            for name in &settled {
                let name = name.display();
                assert!(!found.exists(name.to_string()), "{name} at {step}: {}", ran.in_short());
            }
            early += usize::from(!settled.is_empty());
        }
        assert!(early > 0, "nothing was settled before the end");
    }
}
