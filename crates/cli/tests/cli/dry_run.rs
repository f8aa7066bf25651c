//! `-n` plans, prints and writes nothing.

use crate::program::{Folder, of_type};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/new", "new").write("src/sub/same", "same").write("src/old", "changed");
    folder.write("dst/old", "old");
    folder
}

#[test]
fn nothing_is_written() {
    let folder = folder();
    let before = folder.listing();
    for arguments in [&["copy", "-n", "src/", "dst"][..], &["copy", "-n", "src", "deep/new/"]] {
        let ended = folder.run(arguments).all_done();
        assert!(ended.stdout.contains("nothing was written"), "{}", ended.stdout);
        assert_eq!(folder.listing(), before);
        assert_eq!(folder.read("dst/old"), "old");
    }
}

#[test]
fn the_plan_says_what_would_happen() {
    let folder = folder();
    let (code, objects) = folder.run_json(&["-n", "src/", "dst"]);
    assert_eq!(code, 0);
    assert_eq!(objects[0]["dry_run"], true);
    let report = of_type(&objects, "report")[0];
    assert_eq!(report["outcome"], "planned");
    assert_eq!(report["planned"]["to_replace"], 1);
    assert_eq!(report["planned"]["bytes_to_copy"], 14);
    assert_eq!(report["bytes"]["copied"], 0);
}

#[test]
fn a_directory_that_is_there_is_not_to_be_created() {
    let folder = folder();
    let (_, objects) = folder.run_json(&["-n", "src/", "dst"]);
    let action = |target: &str| {
        let plan = of_type(&objects, "plan");
        let found = plan.iter().find(|object| object["target"] == target);
        found.unwrap_or_else(|| panic!("no {target}: {objects:#?}"))["action"].clone()
    };
    assert_eq!((action("dst"), action("dst/sub")), ("merge".into(), "create".into()));
}

/// What only a comparison can decide is neither to be copied nor to be skipped.
#[test]
fn the_plan_does_not_guess_what_a_comparison_will_say() {
    let folder = folder();
    folder.run(&["copy", "src/", "dst"]).all_done();
    let (_, objects) = folder.run_json(&["-n", "-c", "src/", "dst"]);
    let planned = &of_type(&objects, "report")[0]["planned"];
    assert_eq!(planned["to_compare"], planned["items"], "{planned}");
    assert_eq!(planned["bytes_to_compare"], 14, "{planned}");
    assert_eq!((&planned["to_copy"], &planned["to_replace"]), (&0.into(), &0.into()), "{planned}");
}

#[test]
fn each_file_is_listed_with_what_would_be_done_and_how() {
    let folder = folder();
    let ended = folder.run(&["copy", "-n", "--strategy", "staged", "src/", "dst"]).all_done();
    let files: Vec<&str> = ended.stdout.lines().filter(|line| line.contains(" staged ")).collect();
    let actions: Vec<_> = files.iter().filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(actions, ["create", "replace", "create"], "{}", ended.stdout);
}
