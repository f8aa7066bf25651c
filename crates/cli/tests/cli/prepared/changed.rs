//! A copy of a tree that changed since it was indexed is what a copy without an index is.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::Command;
use std::time::SystemTime;

use super::{DAY, copy_of_index, date, index, modified, tree};
use crate::program::{Folder, of_type};

/// A tree in which all that can happen to one has happened since it was indexed, and a destination that
/// knows some of it already.
fn changed() -> Folder {
    let folder = Folder::new();
    for name in [
        "grown",
        "shrunk",
        "same-size",
        "quiet",
        "gone",
        "to-link",
        "to-folder",
        "future",
        "mode",
        "one",
        "untouched/file",
        "untouched/deep/quiet",
        "untouched/deep/file",
        "back/old",
        "to-file/below",
        "moved-away/file",
        "other/file",
    ] {
        folder
            .write(format!("src/{name}"), &format!("this is what {name} was when it was indexed"));
    }
    fs::hard_link(folder.path("src/one"), folder.path("src/untouched/two")).unwrap();
    folder
        .write("elsewhere/in/file", "came with its folder")
        .write("more/file", "of another source");
    for path in ["elsewhere/in/file", "elsewhere/in", "elsewhere"] {
        date(&folder.path(path), SystemTime::now() - 300 * DAY);
    }
    symlink("src", folder.path("way")).unwrap();
    // What a copy meets that is not the first.
    folder.write("there/grown", "older").write("there/untouched/file", "newer");
    folder.write("there/same-size", "this is what same-size was when it was indexed");
    date(&folder.path("there/grown"), SystemTime::now() - 30 * DAY);
    date(&folder.path("there/untouched/file"), SystemTime::now() + 30 * DAY);
    date(&folder.path("there/same-size"), modified(&folder.path("src/same-size")));
    index(&folder, &["src", "more"]);

    let at = |name: &str| folder.path(format!("src/{name}"));
    fs::write(at("grown"), "x".repeat(5_000)).unwrap();
    fs::write(at("shrunk"), "x").unwrap();
    for name in ["same-size", "quiet", "untouched/deep/quiet"] {
        let (length, before) = (fs::metadata(at(name)).unwrap().len(), modified(&at(name)));
        fs::write(at(name), "y".repeat(usize::try_from(length).unwrap())).unwrap();
        if name.ends_with("quiet") {
            date(&at(name), before);
        }
    }
    fs::write(
        at("untouched/deep/file"),
        "rewritten where no name came or went, and longer than it was before that",
    )
    .unwrap();
    fs::write(at("untouched/file"), "-").unwrap();
    fs::remove_file(at("gone")).unwrap();
    fs::write(at("new"), "appeared").unwrap();
    fs::remove_file(at("to-link")).unwrap();
    symlink("one", at("to-link")).unwrap();
    fs::remove_file(at("to-folder")).unwrap();
    fs::create_dir(at("to-folder")).unwrap();
    fs::write(at("to-folder/inside"), "inside").unwrap();
    fs::remove_dir_all(at("to-file")).unwrap();
    fs::write(at("to-file"), "a file now").unwrap();
    date(&at("future"), SystemTime::now() + 4_000 * DAY);
    fs::set_permissions(at("mode"), fs::Permissions::from_mode(0o640)).unwrap();
    // A folder whose time is set back to what it was, and one that comes with old times.
    let before = modified(&at("back"));
    fs::write(at("back/new"), "hidden by nothing but the change time").unwrap();
    date(&at("back"), before);
    fs::rename(folder.path("elsewhere/in"), at("moved-in")).unwrap();
    fs::rename(at("moved-away"), folder.path("elsewhere/out")).unwrap();
    let future = SystemTime::now() + 400 * DAY;
    fs::write(at("other/new"), "in a folder from the future").unwrap();
    date(&at("other"), future);
    folder
}

/// Copies `there` as it is.
fn meet(folder: &Folder, name: &str) {
    let copied =
        Command::new("cp").arg("-a").arg(folder.path("there")).arg(folder.path(name)).status();
    assert!(copied.unwrap().success());
}

#[test]
fn a_copy_is_the_source_and_says_what_was_corrected() {
    let folder = changed();
    copy_of_index(&folder, "human.db");
    let ended = folder.run(&["copy", "--index", "human.db", "src/", "human"]).all_done();
    let corrected = ended.stdout.lines().find(|line| line.starts_with("corrected: ")).unwrap();
    // The rest is in folders that have changed, and these were listed.
    assert_eq!(corrected, "corrected: other than the index had it: 1 larger, 1 smaller");
    assert!(ended.stderr.contains("untouched/file: the file has 1 byte"), "{}", ended.stderr);

    copy_of_index(&folder, "json.db");
    let (code, objects) = folder.run_json(&["--index", "json.db", "src/", "json"]);
    let report = of_type(&objects, "report")[0];
    assert_eq!((code, &report["outcome"]), (0, &"finished".into()));
    let expected = serde_json::json!({"grew": 1, "shrank": 1, "vanished": 0, "replaced": 0});
    assert_eq!(report["corrected"], expected);
    let warnings = of_type(&objects, "warning");
    assert_eq!(warnings.iter().filter(|warning| warning["kind"] == "corrected").count(), 2);
    let validated = of_type(&objects, "validated")[0];
    assert_eq!(validated["confidence"], "high");
    assert!(
        validated["fresh"].as_u64() >= Some(2) && validated["gone"].as_u64() == Some(2),
        "{validated}"
    );

    let mut source = tree(&folder.path("src"));
    for (_, entry) in source.iter_mut() {
        // Only -a keeps them.
        entry.same_as = None;
    }
    assert_eq!(tree(&folder.path("human")), source);
    assert_eq!(tree(&folder.path("json")), source);
}

#[test]
fn every_way_to_copy_comes_to_what_it_comes_to_without_an_index() {
    let folder = changed();
    let source = tree(&folder.path("src"));
    let mut ways: Vec<Vec<&str>> = vec![
        vec!["src"],
        vec!["src/"],
        vec!["-a", "src/"],
        vec!["--exclude", "*e", "src/"],
        vec!["--include", "grown", "--exclude", "*", "src/"],
        vec!["src", "more"],
        vec!["src/untouched", "src/back", "src/grown", "src/to-link"],
        vec!["src", "src/untouched"],
        vec!["way/"],
        vec!["way/untouched/", "way/back"],
        vec!["--on-conflict", "keep-both", "-a", "src/", "more/"],
        vec!["--prepare", "scan", "src/"],
        vec!["--prepare", "index-only", "src/"],
        vec!["--prepare", "index-only", "src/untouched"],
    ];
    for policy in ["update", "replace", "newer", "skip", "keep-both", "fail"] {
        ways.push(vec!["--on-conflict", policy, "src/"]);
    }
    for (number, way) in ways.iter().enumerate() {
        let name = format!("{number}.db");
        copy_of_index(&folder, &name);
        let mut codes = Vec::new();
        for (kind, how) in [("with", vec!["--index", &name]), ("without", vec!["--no-index"])] {
            if kind == "without" && way.contains(&"--prepare") {
                // The same, without a word of it.
                let others: Vec<&str> = way.iter().copied().skip(2).collect();
                codes.push(copy(&folder, number, kind, &how, &others));
            } else {
                codes.push(copy(&folder, number, kind, &how, way));
            }
        }
        let (with, without) = (format!("{number}-with"), format!("{number}-without"));
        if way.contains(&"index-only") {
            let is_known = way.contains(&"src/untouched");
            assert_eq!(codes, if is_known { [0, 0] } else { [4, 0] }, "{way:?}");
            if !is_known {
                continue;
            }
        }
        assert_eq!(codes[0], codes[1], "{way:?}");
        assert_eq!(tree(&folder.path(with)), tree(&folder.path(without)), "{way:?}");
        // What was found by it is as good for the next.
        if [&["src/"][..], &["-a", "src/"], &["src", "more"], &["way/"]].contains(&&way[..]) {
            let again = format!("{number}-again");
            meet(&folder, &again);
            let code = copy(&folder, number, "again", &["--index", &name], way);
            assert_eq!(code, codes[1], "{way:?}");
            let (again, without) = (folder.path(again), folder.path(format!("{number}-without")));
            assert_eq!(tree(&again), tree(&without), "{way:?}");
        }
    }
    assert_eq!(tree(&folder.path("src")), source, "the source is as it was");
}

/// Copies over what is there already; returns the exit status.
fn copy(folder: &Folder, number: usize, kind: &str, how: &[&str], way: &[&str]) -> i32 {
    let target = format!("{number}-{kind}");
    if kind != "again" {
        meet(folder, &target);
    }
    let mut arguments = vec!["copy", "--accept-changed-content", "--verify", "none"];
    arguments.extend(how);
    arguments.extend(way);
    arguments.push(&target);
    folder.run(&arguments).code
}

#[test]
fn a_dry_run_leaves_the_index_as_it_was() {
    let folder = changed();
    let before = fs::read(folder.path("index.db")).unwrap();
    let listing = folder.listing();
    for way in [&["src/", "new"][..], &["src", "there"], &["-a", "src/", "more/", "there"]] {
        let mut arguments = vec!["copy", "-n", "--index", "index.db"];
        arguments.extend(way);
        let ended = folder.run(&arguments).all_done();
        assert!(ended.stdout.contains("nothing was written"), "{}", ended.stdout);
        assert_eq!(folder.listing(), listing);
        assert!(fs::read(folder.path("index.db")).unwrap() == before, "the index was written to");
    }
    // Nor is one made.
    folder.run(&["copy", "-n", "--index", "none.db", "src/", "new"]).all_done();
    assert_eq!(folder.listing(), listing);
}
