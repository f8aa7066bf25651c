//! The examples do what they show. `cargo test` builds them beside the tests; with `--test` alone it
//! does not, and they may be missing or old.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn run(example: &str, arguments: &[&Path]) -> Output {
    let tests = std::env::current_exe().expect("a test is a program");
    let folder: PathBuf =
        tests.ancestors().nth(2).expect("cargo builds tests in deps/").join("examples");
    Command::new(folder.join(example)).args(arguments).output().expect("the example is built")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn copy_file() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("a"), folder.path().join("b"));
    fs::write(&source, "content").unwrap();
    let output = run("copy_file", &[&source, &target]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("7 bytes\nstatus ok"), "{output:?}");
    assert_eq!(fs::read(&target).unwrap(), b"content");

    let output = run("copy_file", &[&folder.path().join("missing"), &target]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("missing"), "{output:?}");
    assert_eq!(run("copy_file", &[&source]).status.code(), Some(2));
}

#[test]
fn copy_tree() {
    let folder = tempfile::tempdir().unwrap();
    let (source, target) = (folder.path().join("a"), folder.path().join("b"));
    fs::create_dir_all(source.join("deep")).unwrap();
    fs::write(source.join("deep/file"), "content").unwrap();
    let output = run("copy_tree", &[&source, &target]);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(fs::read(target.join("deep/file")).unwrap(), b"content");

    let output = run("copy_tree", &[&source.join("deep/file"), &target]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert!(text(&output.stderr).contains("not a directory"), "{output:?}");
}

#[test]
fn watch_progress() {
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("target");
    fs::create_dir(&target).unwrap();
    let sources = ["a", "b"].map(|name| folder.path().join(name));
    for source in &sources {
        fs::write(source, "content").unwrap();
    }
    let output = run("watch_progress", &[&sources[0], &sources[1], &target]);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&output.stdout).contains("2 items in "), "{output:?}");
    assert_eq!(fs::read(target.join("b")).unwrap(), b"content");
}
