//! How far a preparation is: a share that begins at 0, never goes back, never jumps, and ends at 1, and is
//! told of as long as something is done.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use serde_json::Value;

use crate::program::{Folder, Started, of_type};

/// So much may be added from one object to the next, give or take how numbers are written.
const MOST_AT_ONCE: f64 = 0.5 + 1e-9;

/// Runs and reads each object when it comes.
fn read(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let mut command = folder.command(arguments);
    let mut child = Started::new(command.stdout(Stdio::piped()).stderr(Stdio::inherit()));
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let objects: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    assert!(child.wait().unwrap().success(), "{arguments:?}");
    objects
}

/// The `phase` objects of a preparation.
fn preparation(objects: &[Value]) -> Vec<&Value> {
    let phases = of_type(objects, "phase").into_iter();
    phases.filter(|phase| phase.get("share").is_some()).collect()
}

fn share(object: &Value) -> f64 {
    object["share"].as_f64().unwrap()
}

/// Checks the shares of a preparation that comes to its end.
#[track_caller]
fn must_be_smooth(objects: &[Value], arguments: &[&str]) {
    let phases = preparation(objects);
    let shares: Vec<f64> = phases.iter().copied().map(share).collect();
    let with_begin: Vec<f64> = [0.0].into_iter().chain(shares.iter().copied()).collect();
    let is_smooth = |two: &[f64]| two[0] <= two[1] && two[1] - two[0] <= MOST_AT_ONCE;
    assert!(with_begin.windows(2).all(is_smooth), "{arguments:?}: {shares:?}");
    assert_eq!(shares.last(), Some(&1.0), "{arguments:?}: {shares:?}");
    // A phase begins, is told of, and ends.
    for phase in ["quick_assessment", "staleness_validation", "progressive_scanning", "ready"] {
        let states = phases.iter().filter(|object| object["phase"] == phase);
        let states: Vec<&str> = states.map(|object| object["state"].as_str().unwrap()).collect();
        if let [first, between @ .., last] = &states[..] {
            assert_eq!((*first, *last), ("started", "finished"), "{arguments:?}: {phase}");
            assert!(between.iter().all(|state| *state == "progress"), "{arguments:?}: {states:?}");
        } else {
            assert!(states.is_empty(), "{arguments:?}: {phase}: {states:?}");
        }
    }
    let counts: Vec<u64> = phases.iter().filter_map(|phase| phase["entries"].as_u64()).collect();
    let last = phases.last().unwrap();
    assert_eq!((&last["phase"], &last["state"]), (&"ready".into(), &"finished".into()));
    assert!(counts.iter().all(|count| count <= counts.last().unwrap()), "{counts:?}");
}

/// A phase that takes so long is told of between its beginning and its end, on any machine.
const LONG_SECONDS: f64 = 0.3;

/// How long each phase of the preparation took that came to its end.
fn durations(objects: &[Value]) -> Vec<(&str, f64)> {
    let ends = preparation(objects).into_iter().filter(|phase| phase["state"] == "finished");
    ends.map(|end| (end["phase"].as_str().unwrap(), end["duration_seconds"].as_f64().unwrap()))
        .collect()
}

/// Checks that each phase was told of as long as it lasted. A machine that is busy with other things tells
/// of it eight times as seldom as is promised, and passes. Of a beginning and an end, nothing is proved.
#[track_caller]
fn must_be_told_of(objects: &[Value], arguments: &[&str]) {
    let phases = preparation(objects);
    for (phase, seconds) in durations(objects) {
        let is_told = |object: &&&Value| object["phase"] == phase && object["state"] == "progress";
        let told = phases.iter().filter(is_told).count();
        if seconds >= LONG_SECONDS {
            let least = (seconds / 0.05 / 8.0).max(1.0);
            assert!(told as f64 >= least, "{arguments:?}: {phase}: {told} in {seconds} s");
        }
    }
}

#[track_caller]
fn runs_smoothly(folder: &Folder, arguments: &[&str]) -> Vec<Value> {
    let objects = read(folder, arguments);
    must_be_smooth(&objects, arguments);
    must_be_told_of(&objects, arguments);
    objects
}

#[test]
fn small_trees_known_or_not() {
    let folder = Folder::new();
    folder
        .write("one/file", "one")
        .write("file", "alone")
        .write("two/a/b/c", "c")
        .write("two/d", "");
    fs::create_dir(folder.path("empty")).unwrap();
    folder.let_age();
    let mut number = 0;
    for sources in [&["empty"][..], &["one"], &["file"], &["two/"], &["one", "two", "empty"]] {
        for how in [
            &["--index", "index.db"][..],
            &["--index", "index.db"],
            &["--index", "index.db", "--prepare", "scan"],
            &["--no-index"],
        ] {
            let prepare = [&["prepare", "--json"][..], how, sources].concat();
            runs_smoothly(&folder, &prepare);
            number += 1;
            let target = format!("copies/{number}/");
            let copy = ["copy", "--json", "--no-ledger", "--verify", "none"];
            runs_smoothly(&folder, &[&copy[..], how, sources, &[&target]].concat());
        }
    }
    for sources in [&["empty"][..], &["one"], &["two/"], &["one", "two", "empty"]] {
        let only = ["prepare", "--json", "--index", "index.db", "--prepare", "index-only"];
        runs_smoothly(&folder, &[&only[..], sources].concat());
    }
}

/// The same sources are named as often as it takes for this machine to need long.
#[test]
fn one_that_takes_long_is_told_of_as_long_as_it_lasts() {
    let folder = Folder::new();
    for directory in 0..1_000 {
        folder.write(format!("src/{}/{directory}/file", directory % 20), "");
    }
    folder.let_age();
    folder.run(&["prepare", "-q", "--index", "index.db", "src/"]).all_done();
    for (how, phase) in [
        (&["--no-index"][..], "progressive_scanning"),
        (&["--index", "index.db"], "staleness_validation"),
    ] {
        let is_long = |times: &usize| {
            let sources = vec!["src/"; *times];
            let prepare = [&["prepare", "--json", "--jobs", "1"][..], how, &sources].concat();
            let objects = runs_smoothly(&folder, &prepare);
            durations(&objects).iter().any(|(name, took)| *name == phase && *took >= LONG_SECONDS)
        };
        let times = (4..16).map(|power| 1 << power).find(is_long);
        assert!(times.is_some(), "{phase} never takes long");
    }
}

#[test]
fn a_large_tree_known_or_not_or_in_part() {
    const DIRECTORIES: usize = 4_000;
    const FILES: usize = 4;
    let folder = Folder::new();
    for directory in 0..DIRECTORIES {
        let path = folder.path(format!("src/{}/{directory}", directory % 20));
        fs::create_dir_all(&path).unwrap();
        for file in 0..FILES {
            fs::write(path.join(file.to_string()), "").unwrap();
        }
    }
    // One that is listed in parts.
    fs::create_dir(folder.path("src/large")).unwrap();
    for file in 0..2_500 {
        fs::write(folder.path(format!("src/large/{file}")), "").unwrap();
    }
    folder.let_age();
    let all = (DIRECTORIES * FILES + 2_500) as u64;
    let prepare = ["prepare", "--json", "--index", "index.db", "src/"];
    let copy = ["copy", "--json", "-n", "--index", "index.db", "src/", "dst/"];
    for is_known in [false, true] {
        for arguments in [&prepare[..], &copy] {
            let objects = runs_smoothly(&folder, arguments);
            let last = preparation(&objects).last().map(|phase| phase["entries"].as_u64());
            assert_eq!(last, Some(Some(all)), "{arguments:?}");
            if is_known && arguments[0] == "prepare" {
                let scanned = of_type(&objects, "phase");
                assert!(scanned.iter().all(|phase| phase["phase"] != "progressive_scanning"));
            }
        }
    }
    for directory in (0..DIRECTORIES).step_by(1_000) {
        folder.write(format!("src/{}/{directory}/more", directory % 20), "more");
    }
    folder.let_age();
    runs_smoothly(&folder, &copy);
    let objects = runs_smoothly(&folder, &prepare);
    let report = of_type(&objects, "prepare_report")[0];
    assert_eq!(report["listed_directories"], 4);
    runs_smoothly(&folder, &["prepare", "--json", "--no-index", "src/"]);
    runs_smoothly(&folder, &["prepare", "--json", "--jobs", "1", "--no-index", "src/", "src/0"]);
}
