//! `--json`: the shape of every object, their order, and a reader that goes away. The contract is
//! `docs/formats/events.md`.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::Stdio;

use serde_json::{Map, Value};

use crate::program::{Folder, of_type};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/sub/b", "second");
    std::os::unix::fs::symlink("a", folder.path("src/link")).unwrap();
    folder
}

/// The object with everything that differs from run to run replaced by what kind of value it is.
fn shape(value: &Value) -> Value {
    const VARIABLE: [&str; 7] = [
        "ledger",
        "started",
        "version",
        "workers",
        "throughput_bytes_per_second",
        "duration_seconds",
        "partial",
    ];
    match value {
        Value::Object(members) => Value::Object(
            members
                .iter()
                .map(|(name, value)| {
                    let is_variable = VARIABLE.contains(&name.as_str());
                    let value = if is_variable { kind(value) } else { shape(value) };
                    (name.clone(), value)
                })
                .collect::<Map<_, _>>(),
        ),
        Value::Array(values) => Value::Array(values.iter().map(shape).collect()),
        Value::Number(number) if number.is_f64() => kind(value),
        other => other.clone(),
    }
}

fn kind(value: &Value) -> Value {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "<boolean>",
        Value::Number(_) => "<number>",
        Value::String(_) => "<text>",
        Value::Array(_) => "<array>",
        Value::Object(_) => "<object>",
    };
    Value::from(name)
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(&shape(value)).unwrap()
}

#[test]
fn the_job_comes_first_and_the_report_last() {
    let (code, objects) = folder().run_json(&["src", "dst"]);
    assert_eq!(code, 0);
    insta::assert_snapshot!(pretty(&objects[0]), @r#"
    {
      "checksum": false,
      "digest": "blake3",
      "dry_run": false,
      "fail_fast": false,
      "job": 1,
      "ledger": "<text>",
      "mappings": [
        {
          "source": "src",
          "target": "dst"
        }
      ],
      "on_conflict": "update",
      "preserve": [
        "timestamps",
        "permissions",
        "xattrs",
        "acls",
        "links",
        "holes"
      ],
      "read_back": "device",
      "reflink": "auto",
      "retries": 2,
      "run": "copy",
      "schema": 1,
      "started": "<text>",
      "strategy": "auto",
      "type": "job",
      "verify": "lt_threshold",
      "version": "<text>",
      "workers": "<number>"
    }
    "#);
    assert_eq!(objects.last().unwrap()["type"], "report");
    assert_eq!(of_type(&objects, "job").len(), 1);
    assert_eq!(of_type(&objects, "report").len(), 1);
}

#[test]
fn an_item_has_every_member() {
    let (_, objects) =
        folder().run_json(&["--strategy", "staged", "--read-back", "cache", "src/", "dst"]);
    let items = of_type(&objects, "item");
    let item = items.iter().find(|item| item["target"] == "dst/a").unwrap();
    insta::assert_snapshot!(pretty(item), @r#"
    {
      "backup": null,
      "bytes_copied": 5,
      "digest": "22896bcbc3d1c76a0b90c4c3523dbea532ad63196fafdbd52cced52200d3dae4",
      "digest_algorithm": "blake3",
      "duration_seconds": "<number>",
      "error": null,
      "evidence": "cache",
      "kind": "file",
      "mapped_fallbacks": 0,
      "mechanism": "read_write",
      "metadata_warnings": [],
      "partial": "<text>",
      "policy": "lt_threshold",
      "retries": [],
      "rollback_performed": false,
      "rollback_succeeded": false,
      "size_bytes": 5,
      "skip_reason": null,
      "source": "src/a",
      "source_bytes_read": 5,
      "sparse_detected": false,
      "status": "ok",
      "strategy": "staged",
      "target": "dst/a",
      "throughput_bytes_per_second": "<number>",
      "times": {
        "backup": "<number>",
        "cleanup": "<number>",
        "copy": "<number>",
        "verify": "<number>"
      },
      "type": "item",
      "unverified_reason": null,
      "verified": true
    }
    "#);
}

#[test]
fn every_phase_that_begins_also_ends() {
    let (_, objects) = folder().run_json(&["src/", "dst"]);
    let phases = of_type(&objects, "phase");
    let names = |state: &str| -> Vec<String> {
        let found = phases.iter().filter(|phase| phase["state"] == state);
        found.map(|phase| phase["phase"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("started"), names("finished"));
    assert_eq!(names("started").first().map(String::as_str), Some("quick_assessment"));
}

#[test]
fn the_report_adds_up() {
    let (_, objects) = folder().run_json(&["src/", "dst"]);
    let report = of_type(&objects, "report")[0];
    insta::assert_snapshot!(
        report.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join("\n"),
        @r#"
    bytes
    corrected
    directories_incomplete
    duration_seconds
    evidence
    exit_code
    items
    items_with_metadata_warnings
    mapped_fallbacks
    metadata_incomplete
    outcome
    planned
    problems
    retries
    size_classes
    source_bytes_read
    source_bytes_saved
    times
    type
    unverified
    verified
    warnings
    "#
    );
    let items = of_type(&objects, "item");
    let with = |status: &str| items.iter().filter(|item| item["status"] == status).count() as u64;
    assert_eq!(report["items"]["ok"], with("ok"));
    assert_eq!(report["items"]["skipped"], with("skipped"));
    assert_eq!(report["items"]["failed"], with("error"));
    assert_eq!(report["bytes"]["ok"], 11);
    let verified = items.iter().filter(|item| item["verified"] == true).count() as u64;
    assert_eq!(report["verified"], verified);
    let evidence = report["evidence"].as_object().unwrap();
    let files = items.iter().filter(|item| item["kind"] == "file").count() as u64;
    assert_eq!(evidence.values().map(|count| count.as_u64().unwrap()).sum::<u64>(), files);
}

#[test]
fn a_failed_item_says_why_and_what_to_do() {
    let folder = folder();
    folder.write("dst/a", "other");
    let (code, objects) = folder.run_json(&["--on-conflict", "fail", "src/", "dst"]);
    assert_eq!(code, 1);
    let items = of_type(&objects, "item");
    let failed = items.iter().find(|item| item["status"] == "error").unwrap();
    insta::assert_snapshot!(pretty(&failed["error"]), @r#"
    {
      "class": "needs_user",
      "code": "TARGET_EXISTS",
      "details": null,
      "message": "the target exists",
      "os_error": null,
      "path": "dst/a",
      "suggestion": "choose another policy with --on-conflict, or another destination"
    }
    "#);
}

#[test]
fn without_verification_nothing_is_called_verified() {
    let (_, objects) = folder().run_json(&["--verify", "none", "src/", "dst"]);
    assert!(of_type(&objects, "item").iter().all(|item| item["verified"] == false));
    let report = of_type(&objects, "report")[0];
    assert_eq!(report["verified"], 0);
    assert_eq!(report["evidence"]["device"], 0);
    assert_eq!(report["evidence"]["cache"], 0);
}

#[test]
fn a_reader_that_has_gone_away_cancels_the_job() {
    let folder = folder();
    let mut command = folder.command(&["copy", "--json", "src", "dst"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    // The first line cannot be written if nobody holds the other end of the pipe, and nothing is
    // begun before it is.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    command.stdout(writer);
    let mut child = command.spawn().unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert!(!folder.listing().iter().any(|path| path.starts_with("dst")));
}

#[test]
fn lines_arrive_while_the_job_runs() {
    let folder = folder();
    let mut command = folder.command(&["copy", "--json", "src", "dst"]);
    let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    lines.read_line(&mut first).unwrap();
    assert!(first.starts_with(r#"{"type":"job","schema":1,"#), "{first}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert!(child.wait().unwrap().success());
}
