//! Lists of names: what is not there is told, and nothing is asked twice.

use std::sync::Arc;

use surecopy_engine::{
    Control, CopySpec, ErrorCode, Filter, ItemStatus, Outcome, Rule, RuleAction,
};
use surecopy_fs::{Operation, RelPath};
use surecopy_testkit::FakeFs;

use crate::job::{Ran, Recording, carry_out, carry_out_with, spec};
use crate::oracle::adds_up;

fn only(fs: &FakeFs, sources: &[&str], names: &[&str]) -> CopySpec {
    let mut spec = spec(fs, sources, "/dst");
    let path = |name: &&str| RelPath::new(*name).expect("a plain path");
    spec.filter = Filter::default().only(names.iter().map(path));
    spec
}

fn codes(ran: &Ran) -> Vec<(String, ErrorCode)> {
    let problems = ran.report.problems.iter();
    problems.map(|it| (it.error.path.display().to_string(), it.error.code)).collect()
}

#[test]
fn a_name_that_is_not_there_is_told_of_each_source() {
    let fs = FakeFs::new();
    fs.file("/one/a", "a").file("/two/b", "b").file("/file", "f").dir("/dst");
    let spec = only(&fs, &["/one/", "/two/", "/file"], &["a", "b", "gone/c"]);
    let ran = carry_out(&Arc::new(fs), &spec);
    adds_up(&ran);
    let missing = ["/one/gone/c", "/two/gone/c", "/file/gone/c"];
    assert_eq!(codes(&ran), missing.map(|path| (path.to_owned(), ErrorCode::SourceMissing)));
    assert_eq!(ran.code("/dst/gone/c"), ErrorCode::SourceMissing);
    for target in ["/dst/a", "/dst/b"] {
        assert_eq!(ran.item(target).status, ItemStatus::Ok, "{}", ran.in_short());
    }
}

/// Whether it exists is not known, and the scan has said why.
#[test]
fn names_in_a_directory_that_cannot_be_read_are_not_said_to_be_missing() {
    let fs = FakeFs::new();
    fs.file("/src/locked/deep/a", "a").file("/src/locked/b", "b").mode("/src/locked", 0);
    fs.file("/src/good", "x").dir("/dst");
    let spec = only(&fs, &["/src/"], &["locked/deep/a", "locked/b", "good"]);
    let ran = carry_out(&Arc::new(fs), &spec);
    assert_eq!(codes(&ran), [("/src/locked".to_owned(), ErrorCode::SourceUnreadable)]);
}

#[test]
fn a_name_that_cannot_be_looked_for_is_told_with_the_reason_and_once() {
    let fs = FakeFs::new();
    // Left out by a rule, the scan does not meet it; and the other source has no such name.
    fs.file("/one/out/deep/a", "a")
        .mode("/one/out", 0)
        .file("/one/good", "x")
        .dir("/two")
        .dir("/dst");
    let mut spec = only(&fs, &["/one/", "/two/"], &["out/deep/a", "good"]);
    let rule = Rule::new(RuleAction::Exclude, "out/").expect("a good pattern");
    let listed = ["out/deep/a", "good"].map(|name| RelPath::new(name).expect("a plain path"));
    spec.filter = Filter::new(vec![rule]).only(listed);
    let ran = carry_out(&Arc::new(fs), &spec);
    assert_eq!(codes(&ran), [("/one/out/deep/a".to_owned(), ErrorCode::SourceUnreadable)]);
}

#[test]
fn what_the_scan_has_met_is_not_looked_for_again() {
    let names = ["a", "deep/b", "deep/er/c"];
    let asked = |listed: &[&str]| {
        let fs = FakeFs::new();
        for name in names {
            fs.file(format!("/src/{name}"), "x");
        }
        fs.dir("/dst");
        let mut job = only(&fs, &["/src/"], listed);
        job.dry_run = true;
        let fs = Arc::new(fs);
        let ran = carry_out(&fs, &job);
        assert!(ran.report.problems.is_empty(), "{}", ran.in_short());
        assert_eq!(ran.report.planned.items, 3);
        (fs.count(Operation::OpenDir), fs.count(Operation::Metadata))
    };
    assert_eq!(asked(&names), asked(&["a", "deep"]));
}

#[test]
fn looking_for_many_names_can_be_cancelled() {
    let fs = FakeFs::new();
    fs.file("/src/good", "x").dir("/dst");
    let names: Vec<String> = (0..1000).map(|nth| format!("gone/{nth}")).collect();
    let mut names: Vec<&str> = names.iter().map(String::as_str).collect();
    names.push("good");
    let spec = only(&fs, &["/src/"], &names);
    let control = Arc::new(Control::new());
    let switch = Arc::clone(&control);
    fs.reset_counts();
    fs.before(Operation::OpenDir, move |_, nth| {
        if nth == 100 {
            switch.cancel();
        }
    });
    let fs = Arc::new(fs);
    let ran = carry_out_with(&fs, &spec, &Recording::default(), &control);
    assert_eq!(ran.report.outcome, Outcome::Cancelled);
    assert_eq!(fs.count(Operation::OpenDir), 100, "it went on looking");
}

#[test]
fn each_source_may_have_a_list_of_its_own() {
    let fs = FakeFs::new();
    fs.file("/one/x", "1").file("/one/y", "1").file("/two/x", "2").file("/two/y", "2");
    fs.file("/three/x", "3").file("/alone", "4").file("/other", "5").dir("/dst");
    let sources = ["/one", "/two", "/three", "/alone", "/other"];
    let mut spec = spec(&fs, &sources, "/dst");
    let path = |name: &&str| RelPath::new(*name).expect("a plain path");
    // The last is a source itself. Of the one that is a file, something is listed that was in it.
    let lists = [&["x"][..], &["gone"], &[], &["was/in/it"], &[""]];
    spec.own_filters =
        lists.iter().map(|names| Filter::default().only(names.iter().map(path))).collect();
    let ran = carry_out(&Arc::new(fs), &spec);
    adds_up(&ran);
    let copied = ran.items().filter(|item| item.status == ItemStatus::Ok);
    let mut copied: Vec<_> = copied.map(|item| item.target.display().to_string()).collect();
    copied.sort();
    assert_eq!(copied, ["/dst/one/x", "/dst/other"], "{}", ran.in_short());
    let missing = ["/two/gone", "/alone/was/in/it"];
    assert_eq!(codes(&ran), missing.map(|path| (path.to_owned(), ErrorCode::SourceMissing)));
}
