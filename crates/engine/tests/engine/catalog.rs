//! What is remembered of sources may be wrong, and the copy is right: it is that of a run which
//! remembers nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy_engine::{
    Catalog, ConflictPolicy, Control, CopySpec, Corrected, ErrorCode, Filter, ItemKind, ItemStatus,
    ListedPart, MemoryWorkList, NoJournal, Outcome, Rule, RuleAction, SkipReason, StrategyChoice,
    WarningKind,
};
use surecopy_fs::{FileKind, Metadata, Moment, Operation, RelPath, Timestamp};
use surecopy_testkit::{Entry, FakeFs, VolumeSettings};

use crate::job::{Ran, Records, carry_out, carry_out_remembering, spec};
use crate::scene::{Way, scene};

/// Everything beneath a directory, as it was at some time; and what turned out to be otherwise.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory(
    BTreeMap<RelPath, Vec<(OsString, Metadata)>>,
    Arc<Mutex<BTreeSet<RelPath>>>,
);

impl Memory {
    pub(crate) fn of(fs: &FakeFs, top: &str) -> Self {
        let mut memory = Self::default();
        for (path, entry) in fs.tree(top) {
            let path = RelPath::new(&path).expect("it is beneath the top");
            if entry.kind == FileKind::Directory {
                memory.0.entry(path.clone()).or_default();
            }
            if let Some((parent, name)) = path.split() {
                let now = fs.stat(Path::new(top).join(path.as_path())).expect("it is in the tree");
                memory.0.entry(parent).or_default().push((name, now));
            }
        }
        memory
    }

    /// Nothing is remembered of this directory.
    pub(crate) fn without(mut self, path: &str) -> Self {
        self.0.remove(&RelPath::new(path).expect("a plain path")).expect("it was remembered");
        self
    }
}

impl Catalog for Memory {
    fn entries(&self, _: usize, path: &RelPath) -> Option<Vec<(OsString, Metadata)>> {
        self.0.get(path).cloned()
    }

    fn now(&self) -> Moment {
        let wall = Timestamp { secs: 0, nanos: 0 };
        Moment { wall, since_boot: Duration::ZERO, boot: None }
    }

    fn listed(&self, _: &ListedPart<'_>) {}

    fn not_listed(&self, _: usize, _: &RelPath) {}

    fn was_otherwise(&self, mapping: usize, path: &RelPath) {
        assert_eq!(mapping, 0, "there is one");
        self.1.lock().expect("no code panics while holding this lock").insert(path.clone());
    }
}

fn remembering(fs: &Arc<FakeFs>, spec: &CopySpec, memory: &Memory) -> Ran {
    let work = MemoryWorkList::default();
    let records = Records { journal: &NoJournal, work: &work, history: None };
    carry_out_remembering(fs, spec, &records, Some(memory), &Control::new())
}

/// What a job comes to: the destination, which names are names of one file, and how each item ended.
#[derive(Debug, PartialEq)]
struct Result {
    tree: BTreeMap<PathBuf, Entry>,
    names_of_one: BTreeSet<BTreeSet<PathBuf>>,
    items: BTreeMap<PathBuf, (ItemKind, ItemStatus, u64)>,
    /// Of bytes: to copy, copied, to read back, read back.
    counters: [u64; 4],
}

impl Result {
    fn of(fs: &FakeFs, ran: &Ran) -> Self {
        let tree = fs.tree("/dst");
        let mut names: BTreeMap<u64, BTreeSet<PathBuf>> = BTreeMap::new();
        for (path, _) in tree.iter().filter(|(_, entry)| entry.kind == FileKind::File) {
            let id = fs.stat(Path::new("/dst").join(path)).expect("it is in the tree").id;
            names.entry(id.file).or_default().insert(path.clone());
        }
        let of = |item: &surecopy_engine::ItemReport| {
            (item.target.clone(), (item.kind, item.status.clone(), item.size_bytes))
        };
        let now = &ran.counters;
        assert_eq!(now.items_total, now.items_done);
        Self {
            tree,
            names_of_one: names.into_values().filter(|names| names.len() > 1).collect(),
            items: ran.items().map(of).collect(),
            counters: [now.bytes_total, now.bytes_copied, now.verify_total, now.bytes_verified],
        }
    }
}

/// How a job is to be carried out.
#[derive(Debug, Clone, Copy)]
struct Asked {
    way: Way,
    policy: ConflictPolicy,
    by_content: bool,
    hard_links: bool,
}

impl Asked {
    fn all() -> Vec<Asked> {
        let mut all = Vec::new();
        for way in [Way::Kernel, Way::Staged] {
            for policy in ConflictPolicy::ALL {
                for (by_content, hard_links) in [(false, false), (true, false), (false, true)] {
                    all.push(Asked { way, policy, by_content, hard_links });
                }
            }
        }
        all
    }

    fn spec(self, fs: &FakeFs) -> CopySpec {
        let mut spec = self.way.spec(fs);
        spec.conflict = self.policy;
        spec.by_content = self.by_content;
        spec.preserve.hard_links = self.hard_links;
        spec
    }
}

const LATER: Timestamp = Timestamp { secs: 2_000, nanos: 7 };

fn busy(way: Way) -> FakeFs {
    let fs = scene(way);
    for name in ["grew", "shrank", "touched", "other"] {
        for top in ["/src", "/src/one", "/dst"] {
            let path = format!("{top}/{name}");
            let content = if top == "/dst" { "what is there" } else { "what was remembered" };
            fs.file(&path, content).modified(&path, Timestamp { secs: 700, nanos: 0 });
        }
    }
    fs
}

/// Rewrites files in place, and puts others in their place: of that no directory says anything.
fn rewrite(fs: &FakeFs) {
    for top in ["/src", "/src/one"] {
        let path = |name: &str| format!("{top}/{name}");
        fs.write(path("grew"), 0, "what it is now, which is more").modified(path("grew"), LATER);
        fs.truncate(path("shrank"), 13).write(path("shrank"), 0, "what is there");
        fs.modified(path("shrank"), Timestamp { secs: 700, nanos: 0 });
        fs.write(path("touched"), 5, "is").modified(path("touched"), LATER);
        fs.remove(path("other"))
            .file(path("other"), "another file's")
            .modified(path("other"), LATER);
    }
    fs.truncate("/src/big-replaced", 100);
    fs.mode("/src/one/a", 0o640).write("/src/one/b", 0, "A");
}

#[test]
fn row_37_files_that_were_rewritten_are_copied_as_they_are() {
    for asked in Asked::all() {
        let plain = Arc::new(busy(asked.way));
        rewrite(&plain);
        let expected = carry_out(&plain, &asked.spec(&plain));
        let fs = Arc::new(busy(asked.way));
        let memory = Memory::of(&fs, "/src");
        rewrite(&fs);
        let ran = remembering(&fs, &asked.spec(&fs), &memory);
        let told = format!("{asked:?}: {}", ran.in_short());
        assert_eq!(Result::of(&fs, &ran), Result::of(&plain, &expected), "{told}");
        assert_eq!(ran.report.outcome, expected.report.outcome, "{told}");
        assert_eq!(expected.report.corrected, Corrected::default());
        let Corrected { grew, shrank, vanished, replaced } = ran.report.corrected;
        // Which are refused or skipped needs not be known for all of them.
        assert_eq!((grew, shrank), (2, 5), "{told}");
        assert_eq!((vanished, replaced), (0, 0), "{told}");
        assert_eq!(ran.warned_of(WarningKind::Corrected).len(), 7, "{told}");
        assert!(expected.warned_of(WarningKind::Corrected).is_empty());
    }
}

/// A name that was made elsewhere, which a directory that is listed shows.
#[test]
fn names_of_one_file_are_found_although_one_was_remembered_as_the_only_one() {
    for (policy, from) in [
        (ConflictPolicy::Update, "/src/one/a"),
        (ConflictPolicy::Replace, "/src/two/deep/e"),
        (ConflictPolicy::Update, "/src/replaced"),
    ] {
        for to in ["/src/two/aaa", "/src/two/zzz"] {
            let asked = Asked { way: Way::Kernel, policy, by_content: false, hard_links: true };
            let fs = Arc::new(busy(asked.way));
            let memory = Memory::of(&fs, "/src").without("two");
            fs.link(from, to);
            let ran = remembering(&fs, &asked.spec(&fs), &memory);
            let below = |path: &str| PathBuf::from(path.strip_prefix("/src/").unwrap());
            let names = BTreeSet::from([below(from), below(to)]);
            let found = Result::of(&fs, &ran);
            assert!(found.names_of_one.contains(&names), "{names:?}: {}", ran.in_short());
        }
    }
}

/// They fail like what vanishes between scan and copy without anything being remembered.
#[test]
fn what_vanished_fails_and_nothing_else_does() {
    for asked in Asked::all() {
        let gone = ["/src/one/a", "/src/replaced", "/src/link-replaced", "/src/two/deep"];
        let plain = Arc::new(busy(asked.way));
        for path in gone {
            plain.remove(path);
        }
        let expected = Result::of(&plain, &carry_out(&plain, &asked.spec(&plain)));
        let fs = Arc::new(busy(asked.way));
        let memory = Memory::of(&fs, "/src");
        for path in gone {
            fs.remove(path);
        }
        let ran = remembering(&fs, &asked.spec(&fs), &memory);
        let told = format!("{asked:?}: {}", ran.in_short());
        let mut found = Result::of(&fs, &ran);
        for path in gone {
            let target = PathBuf::from(path.replace("/src", "/dst"));
            let ended = found.items.remove(&target).expect("it was told of");
            let ItemStatus::Error(error) = ended.1 else { panic!("{path}: {told}") };
            assert_eq!((error.code, error.path), (ErrorCode::SourceMissing, path.into()), "{told}");
        }
        assert_eq!(found.tree, expected.tree, "{told}");
        assert_eq!(found.items, expected.items, "{told}");
        assert_eq!(found.counters, expected.counters, "{told}");
        assert_eq!(ran.report.corrected.vanished, 4, "{told}");
        assert_eq!(ran.report.outcome, Outcome::Finished);
    }
}

/// What stands in the way of nothing is not looked at before it is opened.
#[test]
fn what_has_become_something_else_is_dealt_with_as_that() {
    let build = || {
        let fs = FakeFs::new();
        for name in ["a-file", "b-file", "c-file", "kept.d/x", "left-out/y"] {
            fs.file(format!("/src/{name}"), name);
        }
        fs.dir("/src/d-dir").file("/src/e-dir/deep/file", "").fifo("/src/f-pipe");
        fs.symlink("/src/g-link", "elsewhere").file("/src/h-left-out", "");
        fs.mount("/dst", VolumeSettings::of("ext4"));
        fs
    };
    let change = |fs: &FakeFs| {
        for name in ["a-file", "b-file", "c-file", "d-dir", "e-dir", "f-pipe", "g-link"] {
            fs.remove(format!("/src/{name}"));
        }
        fs.file("/src/a-file/new", "in a directory").file("/src/a-file/deep/new", "deeper");
        fs.symlink("/src/b-file", "elsewhere").fifo("/src/c-file");
        fs.file("/src/d-dir", "a file").symlink("/src/e-dir", "a link");
        fs.file("/src/f-pipe", "a file").file("/src/g-link", "a file");
    };
    for strategy in [StrategyChoice::Direct, StrategyChoice::Staged] {
        let asked = |fs: &FakeFs| {
            let mut spec = spec(fs, &["/src/"], "/dst");
            spec.strategy = strategy;
            // Directories only: what was one is left out no more.
            let rule = |pattern| Rule::new(RuleAction::Exclude, pattern).unwrap();
            spec.filter = Filter::new(vec![rule("a-file/deep/"), rule("c-file")]);
            spec
        };
        let plain = Arc::new(build());
        change(&plain);
        let expected = carry_out(&plain, &asked(&plain));
        let fs = Arc::new(build());
        let memory = Memory::of(&fs, "/src");
        change(&fs);
        let ran = remembering(&fs, &asked(&fs), &memory);
        assert_eq!(Result::of(&fs, &ran), Result::of(&plain, &expected), "{}", ran.in_short());
        assert_eq!(ran.report.corrected.replaced, 6, "{}", ran.in_short());
        assert!(fs.exists("/dst/a-file/new") && !fs.exists("/dst/a-file/deep"));
    }
}

/// A pattern for directories leaves out what has become one.
#[test]
fn what_has_become_a_directory_is_subject_to_the_rules_for_directories() {
    let fs = FakeFs::new();
    fs.file("/src/cache", "").file("/src/other", "").mount("/dst", VolumeSettings::of("ext4"));
    let memory = Memory::of(&fs, "/src");
    fs.remove("/src/cache").file("/src/cache/file", "");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.filter = Filter::new(vec![Rule::new(RuleAction::Exclude, "cache/").unwrap()]);
    let fs = Arc::new(fs);
    let ran = remembering(&fs, &spec, &memory);
    ran.all_ok();
    assert_eq!(fs.names("/dst"), ["other"]);
}

#[test]
fn nothing_is_refused_for_a_size_that_was_remembered() {
    let fs = FakeFs::new();
    fs.file("/src/shrank", [7; 200]).file("/src/grew", [7; 50]).file("/src/large", [7; 150]);
    fs.mount("/dst", VolumeSettings::of("ext4"));
    let memory = Memory::of(&fs, "/src");
    fs.truncate("/src/shrank", 60).truncate("/src/grew", 120);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.preserve.hard_links = false;
    spec.limits.maximum_copy_file_size_bytes = Some(100);
    let fs = Arc::new(fs);
    let ran = remembering(&fs, &spec, &memory);
    assert_eq!(ran.item("/dst/shrank").status, ItemStatus::Ok);
    for path in ["/dst/grew", "/dst/large"] {
        assert_eq!(ran.code(path), ErrorCode::FileTooLarge);
    }
    assert_eq!(fs.names("/dst"), ["shrank"]);
    assert_eq!(ran.report.corrected, Corrected { grew: 1, shrank: 1, ..Corrected::default() });
}

/// Whoever remembers hears of it, be it found by planning or when a file is opened.
#[test]
fn what_was_otherwise_is_told() {
    for hard_links in [true, false] {
        let fs = FakeFs::new();
        fs.file("/src/d/shrank", [7; 200]).file("/src/d/grew", [7; 50]).file("/src/same", [7; 9]);
        fs.mount("/dst", VolumeSettings::of("ext4"));
        let memory = Memory::of(&fs, "/src");
        fs.truncate("/src/d/shrank", 60).truncate("/src/d/grew", 120);
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.preserve.hard_links = hard_links;
        assert_eq!(remembering(&Arc::new(fs), &spec, &memory).report.tally.ok, 3);
        let told: Vec<_> = memory.1.lock().unwrap().iter().cloned().collect();
        let expected = ["d/grew", "d/shrank"].map(|path| RelPath::new(path).unwrap());
        assert_eq!(told, expected, "hard links kept: {hard_links}");
    }
}

/// The room that is needed is summed from what is remembered, and before a job is refused for it, it is
/// looked at.
#[test]
fn no_job_is_refused_for_room_that_only_what_was_remembered_would_need() {
    for (now, fits) in [(1, true), (9, false)] {
        let fs = FakeFs::new();
        for file in 0..4 {
            fs.file(format!("/src/{file}"), vec![7; 9 * 4096]);
        }
        fs.mount("/dst", VolumeSettings::of("ext4").capacity_bytes(20 * 4096));
        let memory = Memory::of(&fs, "/src");
        for file in 0..4 {
            fs.truncate(format!("/src/{file}"), now * 4096);
        }
        let mut spec = spec(&fs, &["/src/"], "/dst");
        spec.preserve.hard_links = false;
        let fs = Arc::new(fs);
        let ran = remembering(&fs, &spec, &memory);
        if fits {
            ran.all_ok();
            assert!(ran.report.problems.is_empty(), "{}", ran.in_short());
            assert_eq!((ran.report.tally.ok, ran.counters.bytes_total), (4, 4 * 4096));
        } else {
            assert_eq!(ran.report.outcome, Outcome::Refused, "{}", ran.in_short());
            let codes: Vec<_> = ran.report.problems.iter().map(|p| p.error.code).collect();
            assert_eq!(codes, [ErrorCode::DestinationFull]);
            assert!(fs.names("/dst").is_empty());
        }
        assert_eq!(ran.report.planned.items, 4, "each was planned once");
    }
}

/// What cannot be looked at any more fails as it does when it is met by a scan.
#[test]
fn what_can_no_longer_be_looked_at_fails_as_without_a_catalog() {
    for asked in Asked::all() {
        let close = |fs: &FakeFs| {
            fs.mode("/src/one", 0o600).mode("/src/two/deep", 0).file("/dst/one/a", "there");
        };
        let plain = Arc::new(busy(asked.way));
        close(&plain);
        let expected = carry_out(&plain, &asked.spec(&plain));
        let fs = Arc::new(busy(asked.way));
        let memory = Memory::of(&fs, "/src").without("two/deep");
        close(&fs);
        let ran = remembering(&fs, &asked.spec(&fs), &memory);
        let told = format!("{asked:?}: {}", ran.in_short());
        assert!(expected.report.tally.failed >= 7, "{told}");
        assert_eq!(Result::of(&fs, &ran).tree, Result::of(&plain, &expected).tree, "{told}");
        let codes = |ran: &Ran| -> BTreeMap<PathBuf, Option<ErrorCode>> {
            let code = |status: &ItemStatus| match status {
                ItemStatus::Error(error) => Some(error.code),
                _ => None,
            };
            ran.items().map(|item| (item.target.clone(), code(&item.status))).collect()
        };
        assert_eq!(codes(&ran), codes(&expected), "{told}");
        assert_eq!(ran.report.corrected, Corrected::default(), "{told}");
    }
}

/// A pipe is not opened, nor a link when links are not kept, nor what is named like a partial file of
/// ours: whether that is what they are is looked at.
#[test]
fn nothing_is_left_out_for_what_was_remembered() {
    let fs = FakeFs::new();
    let ours = ".surecopy-00000000deadbeef-0000000001.partial";
    fs.fifo("/src/pipe").symlink("/src/link", "pipe").file(format!("/src/{ours}"), "");
    fs.mount("/dst", VolumeSettings::of("ext4"));
    let memory = Memory::of(&fs, "/src");
    fs.remove(format!("/src/{ours}")).file(format!("/src/{ours}/file"), "");
    for name in ["pipe", "link"] {
        fs.remove(format!("/src/{name}")).file(format!("/src/{name}"), "a file by now");
    }
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.preserve.hard_links = false;
    spec.preserve.links = false;
    let fs = Arc::new(fs);
    let ran = remembering(&fs, &spec, &memory);
    ran.all_ok();
    assert_eq!(fs.names("/dst"), [ours, "link", "pipe"]);
    assert_eq!(fs.names(format!("/dst/{ours}")), ["file"]);
    assert_eq!(ran.report.corrected.replaced, 3);
}

/// It costs what it saves only where something depends on it.
#[test]
fn what_nothing_depends_on_is_not_looked_at() {
    let fs = FakeFs::new();
    for directory in 0..10 {
        for file in 0..50 {
            fs.file(format!("/src/{directory}/{file}"), "content");
        }
    }
    fs.mount("/dst", VolumeSettings::of("ext4"));
    let memory = Memory::of(&fs, "/src");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.preserve.hard_links = false;
    spec.is_privileged = true;
    spec.dry_run = true;
    let fs = Arc::new(fs);
    let looked = |spec: &CopySpec| {
        fs.reset_counts();
        let ran = remembering(&fs, spec, &memory);
        assert_eq!((ran.report.planned.items, ran.report.planned.bytes_to_copy), (500, 3500));
        assert_eq!(fs.count(Operation::List), 0, "everything is remembered");
        fs.count(Operation::Metadata)
    };
    let few = looked(&spec);
    assert!(few < 40, "{few} looks: the roots and each directory");
    spec.preserve.hard_links = true;
    assert_eq!(looked(&spec), few + 500);
}

/// What was copied is known again by what was found, and not by what was remembered.
#[test]
fn what_was_copied_is_identical_for_the_next_run() {
    let fs = Arc::new(busy(Way::Kernel));
    let memory = Memory::of(&fs, "/src");
    rewrite(&fs);
    let mut spec = Way::Kernel.spec(fs.as_ref());
    spec.preserve.hard_links = false;
    let ran = remembering(&fs, &spec, &memory);
    assert!(ran.report.tally.ok > 10 && ran.report.tally.failed == 0, "{}", ran.in_short());
    let again = remembering(&fs, &spec, &memory);
    for item in again.items() {
        assert_eq!(item.status, ItemStatus::Skipped(SkipReason::Identical), "{}", again.in_short());
    }
}

/// Something else was mounted where a directory was remembered: the destination.
#[test]
fn the_destination_is_not_copied_into_itself_where_another_directory_was_remembered() {
    let fs = FakeFs::new();
    fs.file("/src/file", "x").file("/src/sub/inside", "y").link("/src/sub", "/m");
    let mut memory = Memory::of(&fs, "/src");
    let entries = memory.0.get_mut(&RelPath::root()).unwrap();
    let sub = entries.iter_mut().find(|(name, _)| name == "sub").unwrap();
    sub.1.id.file += 1_000;
    let fs = Arc::new(fs);
    let ran = remembering(&fs, &spec(fs.as_ref(), &["/src/"], "/m"), &memory);
    let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
    assert_eq!(codes, [ErrorCode::DestinationInsideSource], "{}", ran.in_short());
    assert_eq!(ran.report.tally.ok, 1, "{}", ran.in_short());
}
