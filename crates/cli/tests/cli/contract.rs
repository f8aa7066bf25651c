//! The examples in `docs/formats/events.md` have exactly the members of what the program writes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::program::Folder;
use crate::verify::rot;
use crate::watch::watched;

const DOCUMENT: &str =
    include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/formats/events.md"));

/// Members of each type of object, those of objects inside it too: `times.copy`.
type Members = BTreeMap<String, BTreeSet<String>>;

fn examples() -> Vec<Value> {
    let mut objects = Vec::new();
    for rest in DOCUMENT.split("```json\n").skip(1) {
        let block = rest.split("```").next().unwrap();
        for object in serde_json::Deserializer::from_str(block).into_iter::<Value>() {
            objects.push(object.unwrap_or_else(|error| panic!("{error} in {block}")));
        }
    }
    objects
}

/// Everything that the program writes in some different runs.
fn written() -> Vec<Value> {
    let mut objects = copied();
    objects.extend(looked_back());
    objects.extend(prepared());
    objects.extend(indexed());
    objects.extend(watched());
    objects
}

/// What is written of an index with a location that has changed and one that is gone.
fn indexed() -> Vec<Value> {
    let folder = Folder::new();
    folder.write("src/a/1", "first").write("src/b/2", "second").write("gone/3", "third").let_age();
    let mut objects = Vec::new();
    for (arguments, code) in [
        (&["index", "add", "--json", "--no-scan", "src", "src/a"][..], 0),
        (&["index", "scan", "--json"], 0),
        (&["index", "list", "--json"], 0),
        (&["index", "add", "-q", "gone"], 0),
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}", ended.stderr);
        objects.extend(ended.objects());
    }
    folder.write("src/a/4", "fourth");
    std::fs::remove_dir_all(folder.path("gone")).unwrap();
    objects.extend(folder.run(&["index", "status", "--json"]).objects());
    objects.extend(folder.run(&["index", "remove", "--json", "src"]).all_done().objects());
    // Those of a preparation are told elsewhere, of one that had something to go by.
    let is_of_index = |object: &Value| {
        let name = object["type"].as_str().unwrap();
        name.starts_with("location") || name.starts_with("index")
    };
    objects.retain(is_of_index);
    objects
}

/// What is written of a tree that is known and has changed.
fn prepared() -> Vec<Value> {
    let folder = Folder::new();
    folder.write("src/a/1", "first").write("src/b/2", "second").let_age();
    folder.run(&["prepare", "src"]).all_done();
    folder.write("src/a/3", "third");
    folder.run(&["prepare", "--json", "src"]).all_done().objects()
}

/// What is written of a job that is in the ledger already.
fn looked_back() -> Vec<Value> {
    let folder = Folder::new();
    folder.write("taken/a", "taken").write("free/a", "first");
    assert_eq!(folder.run(&["copy", "-q", "--on-conflict", "fail", "free/", "taken"]).code, 1);
    let mut objects = folder.run(&["audit", "--json", "1"]).all_done().objects();
    folder.write("src/a", "first").write("src/b", "second").write("src/c", "third");
    folder.write("dst/a", "old").write("dst/b", "older");
    let copied = ["copy", "-q", "--strategy", "staged", "--keep-replaced", "src/", "dst"];
    folder.run(&copied).all_done();
    folder.write("dst/b", "changed since");
    rot(&folder, "dst/c", "thIrd");
    for (arguments, code) in [
        (&["verify", "--json", "2"][..], 3),
        (&["status", "--json"], 0),
        (&["audit", "--json", "2"], 0),
        (&["audit", "--check", "--json", "2"], 0),
        (&["undo", "-n", "--json", "2"], 0),
        (&["undo", "--json", "2"], 1),
        (&["undo", "--json", "--discard", "2"], 0),
        (&["jobs", "prune", "--json", "-n", "--older-than", "0"], 0),
    ] {
        let ended = folder.run(arguments);
        assert_eq!(ended.code, code, "{arguments:?}: {}{}", ended.stdout, ended.stderr);
        objects.extend(ended.objects());
    }
    objects
}

fn copied() -> Vec<Value> {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/sub/b", "second").write("list", "a\ngone\nsocket\n");
    let _socket = std::os::unix::net::UnixListener::bind(folder.path("src/socket")).unwrap();
    let mut objects = folder.run_json(&["-n", "src/", "dst"]).1;
    objects.extend(folder.run_json(&["--files-from", "list", "src/", "dst"]).1);
    objects.extend(folder.run_json(&["src/", "dst"]).1);
    objects
}

fn members(objects: &[Value]) -> Members {
    fn collect(prefix: &str, value: &Value, found: &mut BTreeSet<String>) {
        let Value::Object(members) = value else { return };
        for (name, value) in members {
            let name = format!("{prefix}{name}");
            // Which reasons and which states there are differs from run to run.
            if !matches!(&*name, "unverified" | "states" | "phase_seconds") {
                collect(&format!("{name}."), value, found);
            }
            found.insert(name);
        }
    }
    let mut all = Members::new();
    for object in objects {
        let Some(name) = object["type"].as_str() else { continue };
        // How many of these there are depends on the machine.
        if object["state"] == "progress" {
            continue;
        }
        collect("", object, all.entry(name.to_owned()).or_default());
    }
    // Only an item that failed has them.
    for name in ["item", "audit_item"] {
        if let Some(item) = all.get_mut(name) {
            item.retain(|name| !name.starts_with("error."));
        }
    }
    all
}

#[test]
fn the_document_shows_what_is_written() {
    assert_eq!(members(&examples()), members(&written()));
}

#[test]
fn every_type_of_object_has_an_example() {
    let types: BTreeSet<String> = members(&written()).into_keys().collect();
    let expected = [
        "audit_check",
        "audit_item",
        "audit_refused",
        "audit_summary",
        "damaged",
        "discard_report",
        "index_status",
        "item",
        "job",
        "job_status",
        "location",
        "location_added",
        "location_removed",
        "location_status",
        "phase",
        "plan",
        "preparation",
        "prepare_report",
        "problem",
        "pruned",
        "refused",
        "report",
        "undo_plan",
        "undo_plan_report",
        "undo_report",
        "undone",
        "validated",
        "verify_report",
        "warning",
        "watch",
    ];
    assert_eq!(types, expected.map(str::to_owned).into());
}

#[test]
fn every_kind_of_warning_is_in_the_document() {
    let (_, rest) = DOCUMENT.split_once("### `warning`\n").unwrap();
    let (_, rest) = rest.split_once("`kind` is ").unwrap();
    let (kinds, _) = rest.split_once(".\n").unwrap();
    let listed: Vec<&str> = kinds.split('`').skip(1).step_by(2).collect();
    assert_eq!(listed, surecopy::WarningKind::ALL.map(surecopy::WarningKind::as_str));
}

/// Every error in an object, with the type of the object.
fn errors(objects: &[Value]) -> Vec<(&str, &Value)> {
    fn collect<'a>(of: &'a str, value: &'a Value, found: &mut Vec<(&'a str, &'a Value)>) {
        match value {
            Value::Object(members) => {
                if members.contains_key("code") {
                    found.push((of, value));
                }
                members.values().for_each(|value| collect(of, value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| collect(of, value, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    for object in objects {
        collect(object["type"].as_str().unwrap_or("error"), object, &mut found);
    }
    found
}

#[test]
fn errors_in_the_document_are_what_is_written() {
    let (examples, written) = (examples(), written());
    let mut compared = BTreeSet::new();
    for (of, error) in errors(&examples) {
        let code = error["code"].as_str().unwrap();
        let known = surecopy::ErrorCode::from_text(code).unwrap_or_else(|| panic!("{code}"));
        if let Some(class) = error["class"].as_str() {
            assert_eq!(class, known.class().as_str(), "{code} in {of}");
        }
        for (_, real) in errors(&written).iter().filter(|it| it.0 == of && it.1["code"] == code) {
            assert_eq!(error["suggestion"], real["suggestion"], "{code} in {of}");
            compared.insert(format!("{of} {code}"));
        }
    }
    let expected = [
        "damaged VERIFY_MISMATCH",
        "location_status SOURCE_MISSING",
        "problem SOURCE_MISSING",
        "refused TARGET_CHANGED",
    ];
    assert_eq!(compared, expected.map(str::to_owned).into());
}

#[test]
fn a_job_and_a_report_come_once_for_each_run() {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/b", "second");
    folder.run(&["copy", "src/", "dst"]).all_done();
    let objects = folder.run(&["resume", "--reverify", "--json", "1"]).all_done().objects();
    let ends: Vec<_> = objects
        .iter()
        .filter_map(|object| object["type"].as_str())
        .filter(|name| *name == "job" || name.ends_with("report"))
        .collect();
    assert_eq!(ends, ["job", "verify_report", "job", "report"]);
    assert_eq!(
        (&objects[0]["type"], &objects.last().unwrap()["type"]),
        (&"job".into(), &"report".into())
    );
}
