//! `surecopy index`: which directories are remembered, and how much of that still holds.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead as _, BufReader, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Folder, Started, ended, of_type};
use crate::signals::{end, send};

fn folder() -> Folder {
    let folder = Folder::new();
    folder
        .write("photos/2023/a", "first")
        .write("photos/2024/b", "second")
        .write("docs/c", "third");
    folder
}

/// Where the index is when nobody says anything.
fn usual_index(folder: &Folder) -> PathBuf {
    folder.path("../home/.cache/surecopy/index.db")
}

/// Text without what differs from run to run: the folder, moments, durations and the size of the index.
fn plain(folder: &Folder, text: &str) -> String {
    let root = fs::canonicalize(folder.path("")).unwrap();
    let above = root.parent().unwrap().to_str().unwrap();
    let mut lines = Vec::new();
    for line in text.replace(above, "").lines() {
        let mut words: Vec<&str> = Vec::new();
        for word in line.split(' ') {
            let digits = word.bytes().filter(u8::is_ascii_digit).count();
            match (word.len(), digits) {
                (10, 8) if word.contains('-') => words.push("<day>"),
                (5 | 6, 4) if word.contains(':') => words.push(&"<time>,"[..word.len() + 1]),
                _ => words.push(word),
            }
        }
        // How far it is to be believed goes by the file system.
        let line = words.join(" ").replace("confidence medium", "confidence high");
        let line = match line.split_once("ready in ") {
            Some(_) => "ready in …".to_owned(),
            None => line,
        };
        lines.push(match line.strip_prefix("index ").and_then(|rest| rest.rsplit_once(", ")) {
            Some((rest, _)) => format!("index {rest}, …"),
            None => line,
        });
    }
    lines.join("\n")
}

#[track_caller]
fn refused(folder: &Folder, arguments: &[&str], code: i32, expected: &str) {
    let ended = folder.run(arguments);
    assert_eq!((ended.code, ended.stdout.as_str()), (code, ""), "{arguments:?}: {}", ended.stderr);
    let found = plain(folder, &ended.stderr);
    assert_eq!(found, expected, "{arguments:?}");
}

#[test]
fn before_the_first_location_there_is_nothing_to_tell() {
    let folder = folder();
    for arguments in [
        &["index", "list"][..],
        &["index", "list", "--json"],
        &["index", "scan"],
        &["index", "status"],
        &["index", "status", "--json"],
    ] {
        let ended = folder.run(arguments).all_done();
        let told = "no locations yet: there is no index at /home/.cache/surecopy/index.db";
        assert_eq!(ended.stdout, "", "{arguments:?}");
        assert_eq!(plain(&folder, &ended.stderr), told, "{arguments:?}");
    }
    for command in ["scan", "status", "remove"] {
        let told = "error: the index has no location photos: there is no index at /home/.cache/surecopy/index.db";
        refused(&folder, &["index", command, "photos"], 2, told);
    }
    assert!(!usual_index(&folder).exists(), "nobody has asked for an index");
    // One that is there and knows nothing.
    folder.run(&["index", "add", "--no-scan", "photos"]).all_done();
    folder.run(&["index", "remove", "photos"]).all_done();
    for command in ["list", "scan"] {
        let ended = folder.run(&["index", command]).all_done();
        assert_eq!(ended.stderr, "no locations yet: surecopy index add PATH adds one\n");
    }
    let ended = folder.run(&["index", "status"]).all_done();
    let told = plain(&folder, &ended.stdout);
    assert_eq!(told, "index /home/.cache/surecopy/index.db: 0 locations, …");
}

#[test]
fn what_is_added_is_known_from_then_on() {
    let folder = folder();
    folder.let_age();
    let ended = folder.run(&["index", "add", "photos", "./docs/"]).all_done();
    insta::assert_snapshot!(plain(&folder, &ended.stdout), @r"
    added /work/photos to the index
    added /work/docs to the index
    3 files, 16 B in 4 directories
    ready in …
    ");
    assert_eq!(ended.stderr, "");
    let listed = folder.run(&["index", "list"]).all_done();
    insta::assert_snapshot!(plain(&folder, &listed.stdout), @r"
    STATUS  FULL SCAN         FILES  SIZE  DIRECTORIES  PATH
    fresh   <day> <time>      2  11 B            3  /work/photos
    fresh   <day> <time>      1   5 B            1  /work/docs
    ");
    // A preparation and a copy list nothing of it.
    let ended = folder.run(&["prepare", "--json", "docs/../photos/2024/", "docs"]).all_done();
    let report = &ended.objects().pop().unwrap();
    assert_eq!((&report["files"], &report["listed_directories"]), (&2.into(), &0.into()));
    assert_eq!(report["is_exact"], true);
    let only = ["copy", "--prepare", "index-only", "photos", "backup"];
    folder.run(&only).all_done();
    assert_eq!(folder.read("backup/2024/b"), "second");
    // What has changed since is not to be had from the index alone, and is listed otherwise.
    folder.write("photos/2024/new", "fourth");
    let ended = folder.run(&only);
    assert_eq!(ended.code, 4, "{}", ended.stderr);
    assert!(ended.stderr.contains("SOURCE_NOT_INDEXED"), "{}", ended.stderr);
    folder.run(&["copy", "photos", "backup"]).all_done();
    assert_eq!(folder.read("backup/photos/2024/new"), "fourth");
}

#[test]
fn nothing_is_added_twice() {
    let folder = folder();
    folder.run(&["index", "add", "-q", "photos"]).all_done();
    let listed = || folder.run(&["index", "list", "--json"]).all_done().objects().len();
    for (typed, told) in [
        ("photos", "/work/photos is in the index already; surecopy index scan lists it anew"),
        (
            "photos/2024",
            "/work/photos/2024 is in the index already, as part of /work/photos; nothing is added",
        ),
        (
            "docs/../photos/2024/.",
            "/work/photos/2024 is in the index already, as part of /work/photos; nothing is added",
        ),
    ] {
        let ended = folder.run(&["index", "add", typed]).all_done();
        assert_eq!((ended.stdout.as_str(), plain(&folder, &ended.stderr).as_str()), ("", told));
    }
    assert_eq!(listed(), 1);
    // Of several, none is added when one cannot be.
    refused(
        &folder,
        &["index", "add", "docs", "."],
        2,
        "error: /work holds the location /work/photos; remove that one first, it becomes part of the new one",
    );
    assert_eq!(listed(), 1);
    let objects =
        folder.run(&["index", "add", "--json", "photos/2024", "docs"]).all_done().objects();
    let added = of_type(&objects, "location_added");
    assert_eq!((&added[0]["is_new"], &added[1]["is_new"]), (&false.into(), &true.into()));
    assert!(added[0]["part_of"].as_str().unwrap().ends_with("/work/photos"));
    assert_eq!(objects.last().unwrap()["type"], "prepare_report");
    assert_eq!((objects.last().unwrap()["directories"].as_u64(), listed()), (Some(1), 2));
}

#[test]
fn what_is_no_directory_is_not_added() {
    let folder = folder();
    let advice = "what to do: check the path; if it was there before, see whether its disk is still connected";
    let missing = format!("error: there is no such directory: gone\n{advice}");
    refused(&folder, &["index", "add", "photos", "gone"], 4, &missing);
    refused(&folder, &["index", "add", "docs/c"], 2, "error: not a directory: docs/c");
    assert_eq!(folder.run(&["index", "add", ""]).code, 2);
    assert!(!usual_index(&folder).exists());
}

#[test]
fn a_location_that_is_only_added_is_scanned_later() {
    let folder = folder();
    let ended = folder.run(&["index", "add", "--no-scan", "photos"]).all_done();
    assert_eq!(plain(&folder, &ended.stdout), "added /work/photos to the index");
    let listed = folder.run(&["index", "list"]).all_done();
    insta::assert_snapshot!(listed.stdout.lines().next().unwrap(), @"STATUS         FULL SCAN  FILES  SIZE  DIRECTORIES  PATH");
    assert!(
        listed.stdout.contains("\nnever scanned  never          -     -            -  /"),
        "{listed:?}"
    );
    let status = folder.run(&["index", "status", "photos"]).all_done();
    insta::assert_snapshot!(plain(&folder, &status.stdout), @r"
    /work/photos: never scanned
      no full scan yet, never validated, not watched
    index /home/.cache/surecopy/index.db: 1 location, …
    ");
    let objects = folder.run(&["index", "status", "--json"]).all_done().objects();
    assert_eq!(
        (&objects[0]["files"], &objects[0]["fresh_directories"]),
        (&Value::Null, &Value::Null)
    );
    let ended = folder.run(&["index", "scan", "photos"]).all_done();
    assert_eq!(plain(&folder, &ended.stdout), "2 files, 11 B in 3 directories\nready in …");
    let ended = folder.run(&["index", "scan", "-q"]).all_done();
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn the_status_says_what_still_holds() {
    let folder = folder();
    folder.let_age();
    folder.run(&["index", "add", "-q", "photos", "docs"]).all_done();
    folder.write("photos/2024/new", "fourth");
    fs::remove_dir_all(folder.path("photos/2023")).unwrap();
    let status = folder.run(&["index", "status"]).all_done();
    insta::assert_snapshot!(plain(&folder, &status.stdout), @r"
    /work/photos: stale
      2 files, 11 B in 3 directories, when they were last listed
      0 directories as the index has them (confidence high), 2 changed, new or never listed, 1 gone
      full scan <day> <time>, validated <day> <time>, not watched
      to list /work/photos
    /work/docs: fresh
      1 file, 5 B in 1 directory, when they were last listed
      all 1 directory as the index has them (confidence high)
      full scan <day> <time>, validated <day> <time>, not watched
    index /home/.cache/surecopy/index.db: 2 locations, …
    ");
    assert_eq!(status.stderr, "");
    // That was noted, and nothing was listed.
    let listed = folder.run(&["index", "list", "--json"]).all_done().objects();
    assert_eq!((&listed[0]["status"], &listed[0]["files"]), (&"stale".into(), &2.into()));
    let objects = folder.run(&["index", "status", "--json", "docs"]).all_done().objects();
    let types: Vec<_> = objects.iter().map(|object| object["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["location_status", "index_status"]);
    assert_eq!(objects[0]["fresh_directories"], 1);
    assert_eq!(objects[1]["locations"], 2);
    folder.run(&["index", "scan"]).all_done();
    let objects = folder.run(&["index", "list", "--json"]).all_done().objects();
    assert_eq!((&objects[0]["status"], &objects[0]["files"]), (&"fresh".into(), &2.into()));
    assert_eq!(objects[0]["directories"], 2);
}

#[test]
fn the_status_is_what_was_found_even_if_it_cannot_be_noted() {
    let folder = folder();
    folder.let_age();
    folder.run(&["index", "add", "-q", "photos", "docs"]).all_done();
    folder.write("photos/2024/new", "fourth");
    folder.write("docs/new", "fifth");
    let held = rusqlite::Connection::open(usual_index(&folder)).unwrap();
    held.execute_batch("BEGIN IMMEDIATE").unwrap();
    let human = folder.run(&["index", "status"]).all_done();
    let json = folder.run(&["index", "status", "--json"]).all_done();
    for ended in [&human, &json] {
        insta::allow_duplicates! {
            insta::assert_snapshot!(plain(&folder, &ended.stderr), @"warning: what was found is not noted: another program holds the index /home/.cache/surecopy/index.db");
        }
    }
    let told = plain(&folder, &human.stdout);
    assert!(told.starts_with("/work/photos: stale\n"), "{told}");
    assert!(told.contains("\n/work/docs: stale\n"), "{told}");
    assert_eq!(told.matches("validated <day> <time>").count(), 2, "{told}");
    for object in of_type(&json.objects(), "location_status") {
        assert_eq!(object["status"], "stale");
        assert_ne!(object["last_modification_check"], Value::Null);
    }
    drop(held);
    let ended = folder.run(&["index", "status"]).all_done();
    assert_eq!(ended.stderr, "");
}

#[test]
fn a_location_that_cannot_be_reached_keeps_no_other_one() {
    let folder = folder();
    folder.run(&["index", "add", "-q", "photos", "docs"]).all_done();
    fs::rename(folder.path("photos"), folder.path("elsewhere")).unwrap();
    folder.write("docs/more", "and more");
    let ended = folder.run(&["index", "scan"]);
    assert_eq!(ended.code, 1);
    insta::assert_snapshot!(plain(&folder, &ended.stderr), @r"
    error: 1 item could not be looked at
    SOURCE_MISSING (1 item):
      /work/photos: open directory: No such file or directory (os error 2)
      what to do: check the path; if it was there before, see whether its disk is still connected
    ");
    assert!(ended.stdout.starts_with("2 files, 13 B in 1 directory\n"), "{}", ended.stdout);
    let ended = folder.run(&["index", "status"]);
    assert_eq!(ended.code, 1);
    assert_eq!(ended.stderr, "error: 1 location cannot be reached\n");
    let told = plain(&folder, &ended.stdout);
    assert!(told.starts_with("/work/photos: cannot be reached (SOURCE_MISSING)\n  open"), "{told}");
    assert!(told.contains("\n/work/docs: "), "{told}");
    // Nothing of it is forgotten: its disk may come back.
    fs::rename(folder.path("elsewhere"), folder.path("photos")).unwrap();
    folder.run(&["index", "status"]).all_done();
    // In its place, there may be something else meanwhile.
    fs::remove_dir_all(folder.path("photos")).unwrap();
    folder.write("photos", "a file");
    let ended = folder.run(&["index", "scan", "--json", "photos"]);
    let report = ended.objects().pop().unwrap();
    assert_eq!((ended.code, &report["problems"], &report["exit_code"]), (1, &1.into(), &1.into()));
    assert_eq!(folder.run(&["index", "status", "photos"]).code, 1);
}

#[test]
fn what_is_removed_is_forgotten_and_nothing_else() {
    let folder = folder();
    folder.run(&["index", "add", "-q", "photos", "docs"]).all_done();
    let before = folder.listing();
    let no_location = "error: the index has no location gone\nwhat to do: surecopy index list shows the locations of an index";
    refused(&folder, &["index", "remove", "docs", "gone"], 2, no_location);
    let part = "error: photos/2024 is no location, but part of the location /work/photos\nwhat to do: surecopy index list shows the locations of an index";
    refused(&folder, &["index", "remove", "photos/2024"], 2, part);
    let listed = || folder.run(&["index", "list", "--json"]).all_done().objects().len();
    assert_eq!(listed(), 2);
    let ended = folder.run(&["index", "remove", "docs", "docs/"]).all_done();
    assert_eq!(plain(&folder, &ended.stdout), "removed /work/docs from the index");
    assert_eq!((listed(), folder.listing()), (1, before));
    // What is gone can be forgotten too.
    fs::remove_dir_all(folder.path("photos")).unwrap();
    let objects = folder.run(&["index", "remove", "--json", "photos"]).all_done().objects();
    assert_eq!(objects[0]["type"], "location_removed");
    assert_eq!(listed(), 0);
}

#[test]
fn names_are_exact_whatever_they_hold() {
    let folder = Folder::new();
    let odd = OsStr::from_bytes(b"caf\xe9 \xf0\x9f\x90\xa6");
    folder.write(PathBuf::from(odd).join("a"), "first");
    let mut add = folder.command(&["index", "add"]);
    ended(add.arg(odd)).all_done();
    let listed = folder.run(&["index", "list"]).all_done();
    assert!(listed.stdout.ends_with("/work/caf\\xe9 🐦\"\n"), "{}", listed.stdout);
    let objects = folder.run(&["index", "list", "--json"]).all_done().objects();
    assert!(objects[0]["path_bytes"].as_str().unwrap().ends_with("636166e920f09f90a6"));
    for command in ["scan", "status", "remove"] {
        ended(folder.command(&["index", command]).arg(odd)).all_done();
    }
}

#[test]
fn another_index_can_be_named() {
    let folder = folder();
    folder.run(&["index", "add", "-q", "--index", "mine.db", "photos"]).all_done();
    assert!(folder.path("mine.db").exists() && !usual_index(&folder).exists());
    let mut list = folder.command(&["index", "list", "--json"]);
    assert_eq!(ended(list.env("SURECOPY_INDEX", "mine.db")).all_done().objects().len(), 1);
    let homeless = ended(folder.command(&["index", "list"]).env_remove("HOME"));
    assert_eq!(homeless.code, 2);
    let told =
        "error: there is no home directory where the index would be: name one with --index\n";
    assert_eq!(homeless.stderr, told);
}

#[test]
fn an_index_that_cannot_be_used_ends_what_is_about_it() {
    let folder = folder();
    folder.write("note.txt", "this is a note, and it stays as it is");
    for arguments in [
        &["index", "add", "--index", "note.txt", "photos"][..],
        &["index", "list", "--index", "note.txt"],
        &["index", "scan", "--index", "note.txt"],
        &["index", "status", "--index", "note.txt"],
        &["index", "remove", "--index", "note.txt", "photos"],
    ] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (5, ""), "{arguments:?}");
        assert!(ended.stderr.contains("is not an index of surecopy"), "{}", ended.stderr);
    }
    assert_eq!(folder.read("note.txt"), "this is a note, and it stays as it is");
}

#[test]
fn an_index_that_is_broken_is_set_aside_and_said_so() {
    let folder = folder();
    folder.run(&["index", "add", "-q", "photos"]).all_done();
    fs::write(usual_index(&folder), "no database any more").unwrap();
    let ended = folder.run(&["index", "list"]).all_done();
    let lines: Vec<&str> = ended.stderr.lines().collect();
    assert_eq!((ended.stdout.as_str(), lines.len()), ("", 2), "{}", ended.stderr);
    assert!(lines[0].starts_with("warning: the index was damaged; it is now /"), "{}", lines[0]);
    assert!(lines[1].starts_with("no locations yet"), "{}", lines[1]);
    // The new one is as good as any.
    let ended = folder.run(&["index", "add", "photos"]).all_done();
    assert_eq!(ended.stderr, "");
}

#[test]
fn what_cannot_be_remembered_is_an_error_of_a_scan() {
    let folder = Folder::new();
    for number in 0..2_000 {
        folder.write(format!("many/{}/a file with a name {number}", number % 500), "");
    }
    folder.run(&["index", "add", "--no-scan", "many"]).all_done();
    // A preparation does not mind.
    let prepare = ["prepare", "many"];
    let ended = folder.run_with_small_files(128, &prepare).all_done();
    assert!(ended.stderr.contains("warning: "), "{}", ended.stderr);
    for quiet in [&[][..], &["-q"]] {
        let ended = folder.run_with_small_files(128, &[&["index", "scan"], quiet].concat());
        assert_eq!(ended.code, 5, "{}", ended.stderr);
        let told = "error: not all of it is remembered in the index\n";
        assert!(ended.stderr.ends_with(told), "{}", ended.stderr);
    }
    let ended = folder.run_with_small_files(128, &["index", "scan", "--json"]);
    assert_eq!((ended.code, &ended.objects().pop().unwrap()["exit_code"]), (5, &5.into()));
    // When there is room again, nothing is amiss.
    folder.run(&["index", "scan"]).all_done();
    let objects = folder.run(&["index", "list", "--json"]).all_done().objects();
    assert_eq!((&objects[0]["status"], &objects[0]["files"]), (&"fresh".into(), &2_000.into()));
}

#[test]
fn a_scan_that_is_cancelled_keeps_what_it_has_found() {
    let folder = Folder::new();
    for number in 0..3_000 {
        folder.write(format!("many/{}/{number}", number % 1_000), "x");
    }
    let mut command = folder.command(&["index", "add", "--json", "many"]);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = Started::new(&mut command);
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""type":"preparation""#) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ends before it begins");
    }
    send("INT", &child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    // It may have come to its end just before.
    let code = end(&mut child).code();
    assert!(matches!(code, Some(130 | 0)), "{code:?}");
    let report: Value = serde_json::from_str(rest.lines().last().unwrap()).unwrap();
    let outcome = if code == Some(130) { "cancelled" } else { "finished" };
    assert_eq!((&report["type"], &report["outcome"]), (&"prepare_report".into(), &outcome.into()));
    let listed = folder.run(&["index", "list", "--json"]).all_done().objects();
    assert_eq!(listed.len(), 1, "the location stays");
    let known = listed[0]["files"].as_u64();
    if code == Some(130) {
        assert_eq!(listed[0]["last_full_scan"], Value::Null);
        assert!(known < Some(3_000) || listed[0]["unknown_directories"] == 0, "{listed:?}");
    }
    // What is missing is found by whoever looks next.
    let prepared = folder.run(&["prepare", "--json", "many"]).all_done().objects().pop().unwrap();
    assert_eq!((&prepared["files"], &prepared["is_exact"]), (&3_000.into(), &true.into()));
}

#[test]
fn the_help_in_short() {
    let folder = Folder::new();
    let help = |arguments: &[&str]| folder.run(arguments).all_done().stdout;
    insta::assert_snapshot!(help(&["index", "-h"]), @r"
    Keep the index: which directories are remembered, and how much of that still holds

    Usage: surecopy index <COMMAND>

    Commands:
      add     Add directories to the index, as locations, and list all that is in them
      list    List what the index has: its locations, and how much was in them
      scan    List all directories in locations anew, changed or not, and remember what they hold
      status  Look how much of what the index has still holds, without listing anything
      remove  Have the index forget locations

    Options:
      -h, --help  Print help (see more with '--help')

    Exit status:
        0  all done
        1  some items failed; the others are done
        2  wrong usage: options, settings, patterns
        4  refused before anything was written
        5  what is recorded could not be written, or cannot be trusted
      130  cancelled; what was not finished is as it was before
    ");
    insta::assert_snapshot!(help(&["index", "add", "-h"]), @r"
    Add directories to the index, as locations, and list all that is in them

    Usage: surecopy index add [OPTIONS] <PATH>...

    Arguments:
      <PATH>...  Directories to add

    Options:
          --no-scan       Only add them, and list nothing
      -j, --jobs <N>      How many threads look; 0 goes by the number of cores
          --index <FILE>  Use this index instead of the usual one
      -h, --help          Print help (see more with '--help')

    Output:
          --progress <WHEN>  When to show progress, on stderr [default: auto] [possible values: auto,
                             always, never]
      -q, --quiet            Show errors only
      -v, --verbose...       Show which subtrees have changed, and every warning; twice: how long each
                             phase took, too
          --json             Write one JSON object a line to stdout, and nothing else there
    ");
    insta::assert_snapshot!(help(&["index", "list", "-h"]), @r"
    List what the index has: its locations, and how much was in them

    Usage: surecopy index list [OPTIONS]

    Options:
          --json          Write one JSON object a line to stdout, and nothing else there
          --index <FILE>  Use this index instead of the usual one
      -h, --help          Print help (see more with '--help')
    ");
    insta::assert_snapshot!(help(&["index", "scan", "-h"]), @r"
    List all directories in locations anew, changed or not, and remember what they hold

    Usage: surecopy index scan [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Locations to scan; all of them if none is named

    Options:
      -j, --jobs <N>      How many threads look; 0 goes by the number of cores
          --index <FILE>  Use this index instead of the usual one
      -h, --help          Print help (see more with '--help')

    Output:
          --progress <WHEN>  When to show progress, on stderr [default: auto] [possible values: auto,
                             always, never]
      -q, --quiet            Show errors only
      -v, --verbose...       Show which subtrees have changed, and every warning; twice: how long each
                             phase took, too
          --json             Write one JSON object a line to stdout, and nothing else there
    ");
    insta::assert_snapshot!(help(&["index", "status", "-h"]), @r"
    Look how much of what the index has still holds, without listing anything

    Usage: surecopy index status [OPTIONS] [PATH]...

    Arguments:
      [PATH]...  Locations to look at; all of them if none is named

    Options:
          --json          Write one JSON object a line to stdout, and nothing else there
          --index <FILE>  Use this index instead of the usual one
      -h, --help          Print help (see more with '--help')
    ");
    insta::assert_snapshot!(help(&["index", "remove", "-h"]), @r"
    Have the index forget locations

    Usage: surecopy index remove [OPTIONS] <PATH>...

    Arguments:
      <PATH>...  Locations to forget

    Options:
          --json          Write one JSON object a line to stdout, and nothing else there
          --index <FILE>  Use this index instead of the usual one
      -h, --help          Print help (see more with '--help')
    ");
}
