//! What each option of `surecopy copy` comes to: its member of the `job` object, or what it does.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::program::Folder;

/// The `job` object of a dry run with these options, without what differs from run to run.
fn job(folder: &Folder, options: &[&str]) -> Value {
    let mut arguments = vec!["-n"];
    arguments.extend(options);
    arguments.extend(["a", "b"]);
    let (code, mut objects) = folder.run_json(&arguments);
    assert_eq!(code, 0, "{options:?}");
    assert!(objects[0]["started"].take().is_string());
    objects.swap_remove(0)
}

#[test]
fn an_option_changes_its_members_of_the_job_and_no_other() {
    let all = [
        "timestamps",
        "permissions",
        "xattrs",
        "acls",
        "links",
        "holes",
        "owner",
        "group",
        "hard-links",
        "set-id",
    ];
    let rows: &[(&[&str], Value)] = &[
        (&["--verify", "all"], json!({"verify": "all"})),
        (&["--read-back", "cache"], json!({"read_back": "cache"})),
        (&["--digest", "sha256"], json!({"digest": "sha256"})),
        (&["--strategy", "staged"], json!({"strategy": "staged"})),
        (&["--reflink", "never"], json!({"reflink": "never"})),
        (&["--jobs", "11"], json!({"workers": 11})),
        (&["-j", "11"], json!({"workers": 11})),
        (&["--retries", "7"], json!({"retries": 7})),
        (&["--fail-fast"], json!({"fail_fast": true})),
        (&["--on-conflict", "skip"], json!({"on_conflict": "skip"})),
        (&["--update"], json!({"on_conflict": "newer"})),
        (&["-u"], json!({"on_conflict": "newer"})),
        (&["--checksum"], json!({"checksum": true})),
        (&["-c"], json!({"checksum": true})),
        (&["--preserve", "owner,links"], json!({"preserve": ["links", "owner"]})),
        (&["--preserve", "none"], json!({"preserve": []})),
        (&["--preserve=-acls,-holes"], json!({"preserve": [all[0], all[1], all[2], all[4]]})),
        (&["--archive"], json!({"preserve": all})),
        (&["-a"], json!({"preserve": all})),
        (&["-a", "--preserve=-set-id"], json!({"preserve": all[..9]})),
        (&["--set", "digest=sha256"], json!({"digest": "sha256"})),
        (&["--profile", "fast-network"], json!({"retries": 4, "workers": 16})),
        (&["--profile", "fast-network", "--retries", "7"], json!({"retries": 7, "workers": 16})),
    ];
    let folder = Folder::new();
    folder.write("a", "a");
    let plain = job(&folder, &[]);
    for (options, members) in rows {
        let mut expected = plain.clone();
        for (name, value) in members.as_object().unwrap() {
            assert_ne!(&plain[name], value, "{options:?} could not be missed");
            expected[name] = value.clone();
        }
        assert_eq!(job(&folder, options), expected, "{options:?}");
    }
}

/// A folder with one file that can be copied, and one whose target is protected.
fn protected() -> Folder {
    let folder = Folder::new();
    folder.write("src/free", "new").write("src/kept", "new and longer").write("dst/kept", "old");
    fs::set_permissions(folder.path("dst/kept"), Permissions::from_mode(0o444)).unwrap();
    folder
}

#[test]
fn targets_without_write_permission_are_replaced_only_when_that_is_asked_for() {
    let folder = protected();
    assert_eq!(folder.run(&["copy", "src/", "dst"]).code, 1);
    assert_eq!(folder.read("dst/kept"), "old");
    folder.run(&["copy", "--replace-read-only", "src/", "dst"]).all_done();
    assert_eq!(folder.read("dst/kept"), "new and longer");
}

#[test]
fn a_failure_stops_the_others_only_when_that_is_asked_for() {
    let folder = protected();
    let ended = folder.run(&["copy", "--fail-fast", "src/", "dst"]);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert_eq!(folder.listing(), ["dst", "dst/kept", "src", "src/free", "src/kept"]);
    assert_eq!(folder.run(&["copy", "src/", "dst"]).code, 1);
    assert_eq!(folder.read("dst/free"), "new");
}
