//! This test program as a process of its own, for what is counted per process or needs a second
//! one: it runs a single test that plays the role it is given.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use surecopy::CopyRequest;

use crate::running::{Ended, run};

const ROLE: &str = "ROBUST_ROLE";
const RESULT: &str = "RESULT ";

/// A process that will play a role.
pub(crate) fn command(role: &str) -> Command {
    let program = env::current_exe().expect("this program");
    let mut command = Command::new(program);
    command.args(["--exact", "child::plays_its_role", "--ignored", "--nocapture"]);
    command.args(["--test-threads", "1"]).env(ROLE, role).current_dir("/");
    command
}

/// Numbers that a child says.
pub(crate) fn say(numbers: &[(&str, u64)]) {
    let words: Vec<String> =
        numbers.iter().map(|(name, value)| format!("{name}={value}")).collect();
    println!("\n{RESULT}{}", words.join(" "));
}

/// The numbers that a child said, by name.
pub(crate) fn heard(output: &str) -> BTreeMap<String, u64> {
    let line = output.lines().find_map(|line| line.strip_prefix(RESULT));
    let line = line.unwrap_or_else(|| panic!("the child said nothing:\n{output}"));
    let number = |word: &str| {
        let (name, value) = word.split_once('=').expect("a name and a value");
        (name.to_owned(), value.parse().expect("a number"))
    };
    line.split_whitespace().map(number).collect()
}

/// Copies in a child with these settings, and returns what the system counted.
pub(crate) fn copy(
    source: &Path,
    target: &Path,
    settings: &[(&str, &str)],
) -> BTreeMap<String, u64> {
    let settings: Vec<String> =
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let output = command("copy")
        .env("ROBUST_SOURCE", source)
        .env("ROBUST_TARGET", target)
        .env("ROBUST_SETTINGS", settings.join(","))
        .output()
        .expect("a child");
    let text = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{errors}");
    heard(&text)
}

/// A path that the parent gave.
pub(crate) fn given(name: &str) -> PathBuf {
    PathBuf::from(env::var_os(name).unwrap_or_else(|| panic!("{name} was not given")))
}

#[test]
#[ignore = "is run by other tests, as a process of its own"]
fn plays_its_role() {
    match env::var(ROLE).as_deref() {
        Ok("copy") => copy_and_count(),
        Ok("poll") => crate::replacing::poll_until_told(),
        Ok("threadless") => crate::threads::copy_without_threads(),
        Ok("unprivileged") => crate::source::copy_what_may_not_be_read(),
        Ok(other) => panic!("{other} is no role"),
        Err(_) => crate::place::skipped("no role was given"),
    }
}

fn copy_and_count() {
    let mut copy = CopyRequest::new([given("ROBUST_SOURCE")], given("ROBUST_TARGET"));
    let settings = env::var("ROBUST_SETTINGS").expect("settings");
    for setting in settings.split(',').filter(|setting| !setting.is_empty()) {
        let (name, value) = setting.split_once('=').expect("a name and a value");
        copy = copy.set(name, value).expect("a setting");
    }
    let before = counted("/proc/self/io", "rchar:");
    let ended = run(copy);
    let read = counted("/proc/self/io", "rchar:") - before;
    assert!(ended.codes().is_empty(), "{ended:?}");
    say(&[
        ("read", read),
        ("reported", ended.report.tally.source_bytes_read),
        ("by_items", ended.items.iter().map(|item| item.source_bytes_read).sum()),
        ("direct", with_strategy(&ended, surecopy::Strategy::Direct)),
        ("staged", with_strategy(&ended, surecopy::Strategy::Staged)),
        ("ok", ended.report.tally.ok),
        ("peak_kib", counted("/proc/self/status", "VmHWM:")),
    ]);
}

fn with_strategy(ended: &Ended, strategy: surecopy::Strategy) -> u64 {
    let by_memory = |item: &&surecopy::ItemReport| {
        item.strategy == Some(strategy) && item.mechanism == Some(surecopy::Mechanism::ReadWrite)
    };
    ended.items.iter().filter(by_memory).count() as u64
}

/// A number from a file of the system's.
fn counted(path: &str, name: &str) -> u64 {
    let text = fs::read_to_string(path).expect("a file of the system's");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("the line");
    line.split_whitespace().next().and_then(|word| word.parse().ok()).expect("a number")
}
