//! `surecopy undo`, and what can be done about what it refuses.

use crate::program::{Folder, of_type};

/// A job that has replaced `dst/a`, and kept it.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/sub/b", "second").write("dst/a", "old");
    folder.run(&["copy", "--keep-replaced", "src/", "dst"]).all_done();
    folder
}

/// Where `dst/a` is kept.
fn kept(folder: &Folder) -> String {
    let names = folder.listing();
    let name = names.iter().find(|name| name.ends_with(".backup")).unwrap();
    folder.path(name).to_str().unwrap().to_owned()
}

#[test]
fn a_refusal_says_where_the_old_file_is_and_what_to_do() {
    let folder = folder();
    folder.write("dst/a", "edited since");
    let kept = kept(&folder);
    let audit = folder.run(&["audit", "-v", "1"]).all_done().stdout;
    assert!(audit.contains(&format!("what it replaced is kept as {kept}\n")), "{audit}");
    let objects = folder.run(&["audit", "--json", "1"]).all_done().objects();
    let items = of_type(&objects, "audit_item");
    let paths: Vec<_> = items.iter().filter_map(|item| item["kept_as"].as_str()).collect();
    assert_eq!(paths, [kept.as_str()]);
    let ended = folder.run(&["undo", "1"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    let stderr = ended.stderr;
    assert!(stderr.contains("/dst/a: it was changed since it was copied\n"), "{stderr}");
    assert!(stderr.contains(&format!("    what it replaced is kept as {kept}\n")), "{stderr}");
    assert!(stderr.contains("what to do: move what stands there away and undo again"), "{stderr}");
    let object = folder.run(&["undo", "--json", "1"]).objects().remove(1);
    assert!(object["error"]["details"].as_str().unwrap().ends_with(&kept), "{object}");
    assert!(object["error"]["suggestion"].as_str().unwrap().starts_with("move what"), "{object}");
    std::fs::rename(folder.path("dst/a"), folder.path("mine")).unwrap();
    folder.run(&["undo", "1"]).all_done();
    assert_eq!((folder.read("dst/a"), folder.read("mine")), ("old".into(), "edited since".into()));
    assert!(!std::path::Path::new(&kept).exists());
    // Nothing is kept any more.
    let objects = folder.run(&["audit", "--json", "1"]).all_done().objects();
    assert!(of_type(&objects, "audit_item").iter().all(|item| item["kept_as"].is_null()));
}

#[test]
fn programs_are_told_what_would_be_done() {
    let folder = folder();
    let objects = folder.run(&["undo", "-n", "--json", "1"]).all_done().objects();
    assert_eq!((&objects[0]["type"], &objects[0]["run"]), (&"job".into(), &"undo".into()));
    assert_eq!(objects[0]["dry_run"], true);
    let plan = |action: &str| {
        let plans = of_type(&objects, "undo_plan");
        let is_so = |plan: &&&serde_json::Value| plan["action"] == action;
        let of_this = plans.iter().filter(is_so).map(|plan| plan["target"].as_str().unwrap());
        of_this.map(str::to_owned).collect::<Vec<_>>()
    };
    let path = |name: &str| folder.path(name).to_str().unwrap().to_owned();
    assert_eq!(plan("restore"), [path("dst/a")]);
    assert_eq!(plan("remove"), [path("dst/sub/b")]);
    let report = objects.last().unwrap();
    assert_eq!(report["type"], "undo_plan_report");
    assert_eq!((&report["restore"], &report["remove"]), (&1.into(), &1.into()));
    assert_eq!(
        (plan("remove_if_empty"), &report["remove_if_empty"]),
        (vec![path("dst/sub")], &1.into())
    );
    let objects = folder.run(&["undo", "-n", "--json", "--discard", "1"]).all_done().objects();
    assert_eq!((&objects[0]["run"], &objects[1]["action"]), (&"discard".into(), &"discard".into()));
    assert_eq!(folder.read("dst/a"), "first");
    // Nothing of a job that kept nothing is said on stdout.
    folder.run(&["copy", "src/", "other"]).all_done();
    let ended = folder.run(&["undo", "-n", "--json", "2"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (2, ""));
}

#[test]
fn a_job_that_is_undone_is_not_undone_again() {
    let folder = folder();
    folder.write("src/sub/deeper/c", "third");
    folder.run(&["resume", "1"]).all_done();
    let planned = folder.run(&["undo", "-n", "1"]).all_done().stdout;
    let lines: Vec<_> = planned.lines().filter(|line| line.starts_with("remove, empty ")).collect();
    // In the order in which they would go.
    assert!(lines[0].ends_with("/dst/sub/deeper") && lines[1].ends_with("/dst/sub"), "{planned}");
    assert!(planned.contains(", and those of 2 directories that are empty then\n"), "{planned}");
    folder.run(&["undo", "1"]).all_done();
    let told = "job 1 was undone before: nothing is left to undo";
    for arguments in [&["undo", "1"][..], &["undo", "-n", "1"]] {
        let again = folder.run(arguments).all_done().stdout;
        assert_eq!(again.lines().last().unwrap(), told, "{again}");
    }
    let objects = folder.run(&["undo", "-n", "--json", "1"]).all_done().objects();
    assert_eq!(objects.len(), 2, "{objects:?}");
    assert_eq!(objects[1]["remove_if_empty"], 0);
}

#[test]
fn what_was_given_up_is_not_undone_by_half() {
    let folder = folder();
    folder.run(&["undo", "--discard", "1"]).all_done();
    let before = folder.listing();
    for arguments in [&["undo", "-n", "1"][..], &["undo", "1"], &["undo", "--json", "1"]] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{arguments:?}");
        let told = "error: job 1 cannot be undone: the replaced files that it kept were given up\n";
        assert_eq!(ended.stderr, told);
    }
    assert_eq!(folder.listing(), before);
    let status = folder.run(&["status", "1"]).all_done().stdout;
    assert!(!status.contains("partly undone"), "{status}");
}

/// No details name anything then.
#[test]
fn of_a_new_file_that_was_changed_nothing_is_said_to_be_kept() {
    let folder = folder();
    folder.write("dst/sub/b", "edited since");
    let ended = folder.run(&["undo", "1"]);
    assert_eq!(ended.code, 1, "{}", ended.stdout);
    assert!(!ended.stderr.contains("details"), "{}", ended.stderr);
    assert!(ended.stderr.contains("move it away and undo again"), "{}", ended.stderr);
    let object = folder.run(&["undo", "--json", "1"]).objects().remove(1);
    assert!(object["error"]["suggestion"].as_str().unwrap().starts_with("if it was"), "{object}");
}

/// What the second copy found gone is not removed twice.
#[test]
fn what_was_copied_again_is_planned_once() {
    let folder = folder();
    std::fs::remove_file(folder.path("dst/sub/b")).unwrap();
    assert_eq!(folder.run(&["verify", "1"]).code, 3);
    folder.run(&["resume", "1"]).all_done();
    let planned = folder.run(&["undo", "-n", "1"]).all_done().stdout;
    assert!(planned.contains("would put back 1 replaced file and remove 1 file,"), "{planned}");
    let objects = folder.run(&["undo", "-n", "--json", "1"]).all_done().objects();
    assert_eq!(objects.last().unwrap()["remove"], 1);
    let report = folder.run(&["undo", "--json", "1"]).all_done().objects().pop().unwrap();
    assert_eq!((&report["restored"], &report["removed"]), (&1.into(), &1.into()), "{report}");
}

#[test]
fn what_a_later_copy_replaced_comes_back_and_goes() {
    let folder = folder();
    folder.write("src/sub/b", "another second");
    folder.run(&["resume", "1"]).all_done();
    let plan = folder.run(&["undo", "-n", "--json", "1"]).all_done().objects().pop().unwrap();
    let report = folder.run(&["undo", "--json", "1"]).all_done().objects().pop().unwrap();
    for (planned, done) in [("restore", "restored"), ("remove", "removed")] {
        assert_eq!(plan[planned], report[done], "{plan} {report}");
    }
}

#[test]
fn what_somebody_removed_was_not_undone() {
    let folder = folder();
    std::fs::remove_file(folder.path("dst/sub/b")).unwrap();
    let stdout = folder.run(&["undo", "1"]).all_done().stdout;
    assert!(stdout.contains("\ngone already: 1\n"), "{stdout}");
    assert!(!stdout.contains("undone before"), "{stdout}");
}
