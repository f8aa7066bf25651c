//! Conflict policies, names and collisions, through real runs.

use std::sync::Arc;

use surecopy_engine::{
    Action, ConflictPolicy, CopySpec, ErrorCode, Event, Filter, ItemKind, ItemStatus, Outcome,
    Rule, RuleAction, SkipReason,
};
use surecopy_fs::{Operation, Timestamp};
use surecopy_testkit::{FakeFs, VolumeSettings};

use crate::job::{Ran, carry_out, copy, spec};

const EARLY: Timestamp = Timestamp { secs: 1_000, nanos: 1 };
const LATE: Timestamp = Timestamp { secs: 2_000, nanos: 1 };

/// `/src` and `/dst` with files that stand in every relation to each other.
fn relations() -> FakeFs {
    let fs = FakeFs::new();
    for (name, source, time, target, target_time) in [
        ("equal", "same", EARLY, "same", EARLY),
        ("same-size", "abcd", EARLY, "wxyz", EARLY),
        ("older", "short", EARLY, "rather long", LATE),
        ("newer", "short", LATE, "rather long", EARLY),
        ("touched", "same", LATE, "same", EARLY),
    ] {
        fs.file(format!("/src/{name}"), source).modified(format!("/src/{name}"), time);
        fs.file(format!("/dst/{name}"), target).modified(format!("/dst/{name}"), target_time);
    }
    fs.file("/src/new", "new");
    fs
}

fn with_policy(policy: ConflictPolicy, change: fn(&mut CopySpec)) -> (Arc<FakeFs>, Ran) {
    let fs = relations();
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.conflict = policy;
    change(&mut spec);
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    (fs, ran)
}

/// What became of the items, sorted by name: `+` copied, `=` identical, `.` kept, `!` failed.
fn fates(ran: &Ran) -> String {
    let mut items: Vec<_> = ran.items().collect();
    items.sort_by(|left, right| left.target.cmp(&right.target));
    let fate = |status: &ItemStatus| match status {
        ItemStatus::Ok => '+',
        ItemStatus::Skipped(SkipReason::Identical | SkipReason::IdenticalContent) => '=',
        ItemStatus::Skipped(_) => '.',
        ItemStatus::Cancelled => 'c',
        ItemStatus::Error(_) => '!',
    };
    items.iter().map(|item| fate(&item.status)).collect()
}

#[test]
fn policies_decide() {
    // In order: equal, new, newer, older, same-size, touched.
    for (policy, wanted) in [
        (ConflictPolicy::Update, "=+++=+"),
        (ConflictPolicy::Replace, "++++++"),
        (ConflictPolicy::Newer, ".++..+"),
        (ConflictPolicy::Skip, ".+...."),
        (ConflictPolicy::Fail, "!+!!!!"),
        // Nobody can be asked.
        (ConflictPolicy::Ask, ".+...."),
    ] {
        let (fs, ran) = with_policy(policy, |_| {});
        assert_eq!(fates(&ran), wanted, "{policy:?}: {}", ran.in_short());
        for item in ran.items() {
            let name = item.target.file_name().expect("it has a name");
            let source = fs.read(std::path::Path::new("/src").join(name));
            if item.status == ItemStatus::Ok {
                assert_eq!(fs.read(&item.target), source);
            }
            assert_eq!(item.verified(), item.status == ItemStatus::Ok, "skipped is not verified");
        }
    }
}

#[test]
fn comparing_by_content_sees_through_times() {
    let (fs, ran) = with_policy(ConflictPolicy::Update, |spec| spec.by_content = true);
    assert_eq!(fates(&ran), "=++++=", "{}", ran.in_short());
    assert_eq!(fs.read("/dst/same-size").as_deref(), Some(&b"abcd"[..]));
}

#[test]
fn keeping_both_finds_free_names() {
    let fs = FakeFs::new();
    fs.file("/src/a.txt", "new").file("/dst/a.txt", "old").file("/dst/a (1).txt", "older");
    // Numbered names that the source itself has, which others would take by being numbered.
    fs.file("/src/b", "new b").file("/src/b (1)", "new b (1)").file("/dst/b", "old b");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.conflict = ConflictPolicy::KeepBoth;
    let fs = Arc::new(fs);
    carry_out(&fs, &spec).all_ok();
    let has = |name: &str, content: &str| {
        let found = fs.read(format!("/dst/{name}"));
        assert_eq!(found.as_deref(), Some(content.as_bytes()), "{name}: {:?}", fs.names("/dst"));
    };
    has("a.txt", "old");
    has("a (1).txt", "older");
    has("a (2).txt", "new");
    has("b", "old b");
    has("b (1)", "new b");
    has("b (1) (1)", "new b (1)");
}

#[test]
fn two_sources_with_one_target_are_not_merged() {
    let fs = FakeFs::new();
    fs.file("/one/file", "first").file("/two/file", "second").dir("/dst");
    let spec = spec(&fs, &["/one/file", "/two/file"], "/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
    assert_eq!(codes, [ErrorCode::DuplicateTarget]);
    assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (1, 1));
    assert_eq!(fs.read("/dst/file").as_deref(), Some(&b"first"[..]));
}

#[test]
fn row_35_names_that_become_one_at_the_destination_are_not_merged() {
    for names in [["File", "file"], ["caf\u{e9}", "cafe\u{301}"], ["Dir/x", "Dir/X"]] {
        let fs = FakeFs::new();
        fs.mount("/dst", VolumeSettings::of("vfat"));
        for name in names {
            fs.file(format!("/src/{name}"), name);
        }
        let fs = Arc::new(fs);
        let ran = copy(&fs, "/src/", "/dst");
        let codes: Vec<_> = ran.report.problems.iter().map(|problem| problem.error.code).collect();
        assert_eq!(codes, [ErrorCode::NameCollision], "{names:?}: {}", ran.in_short());
        assert_eq!((ran.report.tally.ok, ran.report.tally.failed), (1, 1), "{names:?}");
        let copied = ran.items().find(|item| item.status == ItemStatus::Ok).expect("one");
        assert_eq!(fs.read(&copied.target), fs.read(&copied.source));
    }
}

#[test]
fn names_that_a_volume_cannot_hold_are_refused_beforehand() {
    let fs = FakeFs::new();
    fs.mount("/dst", VolumeSettings::of("vfat"));
    let bad = ["a:b", "dot.", "space ", "CON", "com1.txt", "what?", "bell\u{7}"];
    for name in bad {
        fs.file(format!("/src/{name}"), "x");
    }
    fs.file("/src/good", "x").symlink("/src/link", "good");
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/", "/dst");
    for name in bad {
        assert_eq!(ran.code(format!("/dst/{name}")), ErrorCode::NameNotAllowed, "{name}");
    }
    assert_eq!(ran.code("/dst/link"), ErrorCode::LinksNotSupported);
    assert_eq!(ran.item("/dst/good").status, ItemStatus::Ok);
    assert_eq!(fs.count(Operation::CreatePartial), 1, "the others were not even begun");
    assert_eq!(fs.names("/dst"), ["good"]);
}

#[test]
fn odd_names_arrive_byte_for_byte() {
    use std::os::unix::ffi::OsStringExt;
    let fs = FakeFs::new();
    let names: Vec<std::ffi::OsString> = [
        vec![b'x'; 255],
        b"\xff\xfe not UTF-8 \x9b".to_vec(),
        b"line\nbreak".to_vec(),
        b"\x1b]0;title\x07".to_vec(),
        b"-rf".to_vec(),
        b" spaces ".to_vec(),
        b"...".to_vec(),
    ]
    .into_iter()
    .map(OsStringExt::from_vec)
    .collect();
    for name in &names {
        fs.file(std::path::Path::new("/src").join(name), name.as_encoded_bytes());
    }
    let fs = Arc::new(fs);
    fs.dir("/dst");
    for _ in 0..2 {
        // The second time, over what is there.
        let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
        spec.conflict = ConflictPolicy::Replace;
        carry_out(&fs, &spec).all_ok();
        assert_eq!(fs.names("/dst"), fs.names("/src"));
    }
}

#[test]
fn a_directory_is_not_replaced_by_a_file() {
    let fs = FakeFs::new();
    fs.file("/src/name", "a file").file("/dst/name/inside", "precious");
    fs.file("/src/dir/inside", "x").file("/dst/dir", "a file where a directory should go");
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/", "/dst");
    assert_eq!(ran.code("/dst/name"), ErrorCode::TargetKindDiffers);
    assert_eq!(ran.code("/dst/dir/inside"), ErrorCode::TargetKindDiffers);
    assert_eq!(ran.report.tally.ok, 0);
    assert_eq!(fs.read("/dst/name/inside").as_deref(), Some(&b"precious"[..]));
    assert!(fs.read("/dst/dir").is_some());
    assert_eq!(ran.report.outcome, Outcome::Finished, "there still was a directory to do");
}

/// Two directories of one source must not become one either, and nothing of the second arrives.
#[test]
fn row_35_directories_that_become_one_at_the_destination_are_not_merged() {
    for is_there in [false, true] {
        let fs = FakeFs::new();
        fs.mount("/dst", VolumeSettings::of("vfat"));
        fs.file("/src/A/one", "1").file("/src/a/two", "2").file("/src/a/deep/three", "3");
        if is_there {
            fs.dir("/dst/A");
        }
        let fs = Arc::new(fs);
        let ran = copy(&fs, "/src/", "/dst");
        assert_eq!(fs.names("/dst"), ["A"], "{}", ran.in_short());
        assert_eq!(fs.names("/dst/A"), ["one"]);
        for target in ["/dst/a/two", "/dst/a/deep/three"] {
            assert_eq!(ran.code(target), ErrorCode::NameCollision);
        }
    }
}

#[test]
fn directories_of_several_sources_merge_when_spelled_the_same() {
    for (second, merges) in [("/two/Dir", true), ("/two/dir", false)] {
        let fs = FakeFs::new();
        fs.mount("/dst", VolumeSettings::of("vfat"));
        fs.file("/one/Dir/a", "a").file(format!("{second}/b"), "b");
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &spec(fs.as_ref(), &["/one/Dir", second], "/dst"));
        let wanted: &[&str] = if merges { &["a", "b"] } else { &["a"] };
        assert_eq!(fs.names("/dst/Dir"), wanted, "{}", ran.in_short());
        assert_eq!(ran.report.problems.is_empty(), merges);
    }
}

#[test]
fn a_file_and_a_directory_of_one_target_are_not_merged() {
    let fs = FakeFs::new();
    fs.file("/one/name", "a file").file("/two/name/inside", "x").dir("/dst");
    let spec = spec(&fs, &["/one/", "/two/"], "/dst");
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.code("/dst/name/inside"), ErrorCode::DuplicateTarget);
    assert_eq!(fs.read("/dst/name").as_deref(), Some(&b"a file"[..]));
}

#[test]
fn directories_whose_names_a_volume_cannot_hold_are_refused_beforehand() {
    let fs = FakeFs::new();
    fs.mount("/dst", VolumeSettings::of("vfat"));
    fs.file("/src/con/deep/file", "x").file("/src/good", "x");
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/", "/dst");
    assert_eq!(ran.code("/dst/con/deep/file"), ErrorCode::NameNotAllowed);
    assert_eq!(ran.item("/dst/good").status, ItemStatus::Ok);
    assert_eq!(fs.names("/dst"), ["good"]);
    assert_eq!(fs.count(Operation::CreateDir), 0);
}

#[test]
fn pipes_sockets_and_devices_are_not_replaced() {
    use surecopy_fs::FileKind;
    for kind in [FileKind::Fifo, FileKind::Socket, FileKind::Device] {
        for policy in [ConflictPolicy::Update, ConflictPolicy::Replace] {
            let fs = FakeFs::new();
            fs.file("/src/name", "a file").dir("/dst").special("/dst/name", kind);
            let mut spec = spec(&fs, &["/src/"], "/dst");
            spec.conflict = policy;
            let before = fs.tree("/dst");
            let fs = Arc::new(fs);
            let ran = carry_out(&fs, &spec);
            assert_eq!(ran.code("/dst/name"), ErrorCode::TargetKindDiffers, "{kind:?}");
            assert_eq!(fs.tree("/dst"), before);
        }
    }
}

/// Another name of the same file is a target like any other: there is just nothing to copy.
#[test]
fn another_name_of_the_same_file_is_identical() {
    let fs = FakeFs::new();
    fs.file("/src/a", "x").dir("/dst").link("/src/a", "/dst/a").link("/src/a", "/src/b");
    fs.link("/src/a", "/dst/b");
    let fs = Arc::new(fs);
    let ran = copy(&fs, "/src/", "/dst");
    assert_eq!(fates(&ran), "==", "{}", ran.in_short());
}

#[test]
fn every_link_that_is_left_out_is_warned_of() {
    let fs = FakeFs::new();
    fs.file("/src/a", "x").symlink("/src/l", "a").symlink("/src/deep/m", "../a").dir("/dst");
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.preserve = surecopy_engine::Preserve::NONE;
    let ran = carry_out(&Arc::new(fs), &spec);
    let warned = ran.warned_of(surecopy_engine::WarningKind::Loss);
    assert_eq!(warned, ["/src/l", "/src/deep/m"].map(std::path::PathBuf::from));
}

#[test]
fn changed_permissions_arrive_on_a_later_run() {
    for by_content in [false, true] {
        let fs = FakeFs::new();
        fs.file("/src/a", "x").file("/src/same", "y").dir("/dst");
        let fs = Arc::new(fs);
        let mut spec = spec(fs.as_ref(), &["/src/"], "/dst");
        spec.by_content = by_content;
        carry_out(&fs, &spec).all_ok();
        fs.mode("/src/a", 0o750);
        assert_eq!(fates(&carry_out(&fs, &spec)), "+=");
        assert_eq!(fs.stat("/dst/a").expect("it is there").mode, 0o750);
        assert_eq!(fates(&carry_out(&fs, &spec)), "==", "and only once");
    }
}

#[test]
fn directories_that_are_there_are_not_planned_to_be_made() {
    let fs = FakeFs::new();
    fs.file("/one/old/new/f", "f").file("/one/shared/a", "a").file("/two/shared/b", "b");
    fs.dir("/dst/old");
    let mut spec = spec(&fs, &["/one/", "/two/"], "/dst");
    spec.dry_run = true;
    let ran = carry_out(&Arc::new(fs), &spec);
    let planned = ran.events.iter().filter_map(|event| match event {
        Event::ItemPlanned { source, item, .. } if item.kind == ItemKind::Directory => {
            Some((source.to_str().expect("a plain name"), item.action))
        }
        _ => None,
    });
    let wanted = [
        ("/one/", Action::Merge),
        ("/one/old", Action::Merge),
        ("/one/shared", Action::Create),
        ("/one/old/new", Action::Create),
        ("/two/", Action::Merge),
        ("/two/shared", Action::Merge),
    ];
    assert_eq!(planned.collect::<Vec<_>>(), wanted);
}

/// A dry run says of links what a run would do.
#[test]
fn equal_links_are_planned_as_such() {
    let fs = FakeFs::new();
    fs.symlink("/src/same", "a").symlink("/src/other", "b").symlink("/dst/other", "elsewhere");
    let fs = Arc::new(fs);
    let mut spec = spec(fs.as_ref(), &["/src/same"], "/dst");
    carry_out(&fs, &spec).all_ok();
    spec.mappings = crate::job::spec(fs.as_ref(), &["/src/"], "/dst").mappings;
    spec.dry_run = true;
    let planned = carry_out(&fs, &spec).report.planned;
    assert_eq!((planned.to_skip, planned.to_copy, planned.to_replace), (1, 1, 1));
    spec.dry_run = false;
    // In order: other, same.
    assert_eq!(fates(&carry_out(&fs, &spec)), "+=");
}

/// A further name is linked: whatever is chosen for moving bytes does not concern it.
#[test]
fn what_moves_no_bytes_has_no_strategy() {
    let fs = FakeFs::new();
    fs.file("/src/first", "x").link("/src/first", "/src/further").symlink("/src/link", "first");
    fs.file("/src/same", "equal").file("/dst/same", "equal").modified("/src/same", EARLY);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.by_content = true;
    let fs = Arc::new(fs);
    spec.dry_run = true;
    let plan = carry_out(&fs, &spec);
    let strategy_of = |name: &str| {
        let mut planned = plan.events.iter().filter_map(|event| match event {
            Event::ItemPlanned { target, item, .. } if target.ends_with(name) => Some(item),
            _ => None,
        });
        planned.next().unwrap_or_else(|| panic!("{name} was not planned: {plan:#?}")).strategy
    };
    spec.dry_run = false;
    let ran = carry_out(&fs, &spec);
    assert_eq!(fates(&ran), "+++=", "{}", ran.in_short());
    for (name, is_planned, is_moved) in [
        ("first", true, true),
        ("further", false, false),
        ("link", false, false),
        ("same", true, false),
    ] {
        assert_eq!(strategy_of(name).is_some(), is_planned, "{name}");
        let strategy = ran.item(format!("/dst/{name}")).strategy;
        assert_eq!(strategy.is_some(), is_moved, "{name}: {strategy:?}");
    }
}

#[test]
fn a_source_that_was_named_can_be_excluded_by_its_name() {
    let fs = FakeFs::new();
    fs.file("/src/a.o", "object").file("/src/b.c", "text").file("/src/cache/x", "x").dir("/dst");
    let mut spec = spec(&fs, &["/src/a.o", "/src/b.c", "/src/cache"], "/dst");
    let exclude = |pattern| Rule::new(RuleAction::Exclude, pattern).expect("a good pattern");
    spec.filter = Filter::new(vec![exclude("*.o"), exclude("cache/")]);
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.report.outcome, Outcome::Finished);
    assert_eq!(fs.names("/dst"), ["b.c"]);
}
