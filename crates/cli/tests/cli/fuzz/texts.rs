//! Texts that a user hands over: the configuration file, variables, patterns and lists of names.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt as _;

use surecopy_testkit::fuzz::{Verdict, hold};

use super::outside::{run, tree};
use crate::program::{Ended, Folder, ended};

fn folder() -> Folder {
    let folder = Folder::new();
    folder.write("src/a", "first").write("src/sub/b.tmp", "second").write("src/sub/c", "third");
    folder
}

/// It was taken, or is a mistake of the user's.
#[track_caller]
fn verdict(ended: &Ended) -> Verdict {
    match ended.code {
        0 => Verdict::Taken,
        2 => Verdict::Refused,
        code => panic!("{code}: {}", ended.stderr),
    }
}

#[test]
fn configuration_files() {
    let folder = folder();
    let samples = [
        "verify_policy = \"all\"\nretries = 3 # a few\n[table]\n",
        "# nothing\n\nstaged_chunk_bytes = \"8MiB\"\npreserve = [\"timestamps\", \"permissions\"]\n",
        "jobs = 4\nbuffer_reuse = true\nprofile = \"low-memory\"\ngroup_max_bytes = 33_554_432\n",
    ];
    let samples = samples.map(|text| text.as_bytes().to_vec()).into();
    hold("configuration_files", 60, samples, |input| {
        fs::write(folder.path("config.toml"), input).unwrap();
        let shown = run(&folder, &["config", "--config", "config.toml", "show"]);
        if shown.code == 0 {
            // What can be read can be changed, and is then as it was but for that.
            let set = ["config", "--config", "config.toml", "set", "retries", "5"];
            run(&folder, &set).all_done();
            let get = ["config", "--config", "config.toml", "get", "retries"];
            assert!(run(&folder, &get).all_done().stdout.contains('5'));
        }
        verdict(&shown)
    });
}

#[test]
fn variables() {
    let folder = folder();
    let samples = ["8MiB", "1.5 GiB", "4_194_304", "auto", "all", "timestamps,owner", "none", "7"];
    let samples = samples.map(|text| text.as_bytes().to_vec()).into();
    hold("variables", 80, samples, |input| {
        let value: Vec<u8> = input.iter().copied().filter(|byte| *byte != 0).take(60_000).collect();
        let mut command = folder.command(&["config", "show"]);
        for name in ["STAGED_CHUNK_BYTES", "RETRIES", "PRESERVE", "VERIFY_POLICY"] {
            // Only one counts for each input, so that the others do not refuse it.
            let is_it = name.len() % 4 == value.len() % 4;
            if is_it {
                command.env(format!("SURECOPY_{name}"), OsString::from_vec(value.clone()));
            }
        }
        verdict(&ended(&mut command))
    });
}

#[test]
fn patterns_and_lists_of_names() {
    let folder = folder();
    let source = tree(&folder.path("src"));
    let samples = [
        "# a comment\n*.tmp\n+ keep.tmp\n- /sub/**/c\n\n[a-c]?\n",
        "sub/\r\n/a\r\n**/{b,c}.tmp\r\n",
        "a\nsub/c\n",
        "a\0sub\0",
    ];
    let samples = samples.map(|text| text.as_bytes().to_vec()).into();
    hold("patterns_and_lists_of_names", 80, samples, |input| {
        // Each pattern takes some 10 KB and a tenth of a millisecond, so that is enough of them.
        let input = &input[..input.len().min(16 * 1024)];
        fs::write(folder.path("list"), input).unwrap();
        let copy = ["copy", "-n", "--no-ledger", "src/", "dst"];
        let option = ["--exclude-from=list", "--include-from=list", "--files-from=list"];
        let option = option[input.len() % 3];
        let from0: &[&str] = if input.contains(&0) { &["--from0"] } else { &[] };
        let ended = run(&folder, &[&copy[..], &[option], from0].concat());
        assert!(tree(&folder.path("src")) == source && !folder.path("dst").exists());
        match ended.code {
            // A listed name that is not there is refused before anything is done.
            1 | 4 => Verdict::Refused,
            _ => verdict(&ended),
        }
    });
}
