//! A target that is replaced again and again is, at every instant, there and whole.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Stdio;

use surecopy::{ConflictPolicy, CopyRequest, Outcome, ReadBack, VerifyPolicy};

use crate::child;
use crate::place::{AtEnd, Place, alone};
use crate::running::{run, run_during};

const REPLACEMENTS: u64 = 1000;

/// Bytes that say how many they are and what their sum is, so that a mixture shows.
fn version(number: u64, length: usize) -> Vec<u8> {
    let mut words: Vec<u64> = (0..length as u64).map(|index| index * (number + 3)).collect();
    words[0] = number;
    words[1] = length as u64;
    words[2] = 0;
    words[2] = words.iter().fold(0, |sum: u64, word| sum.rotate_left(1).wrapping_add(*word));
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Reads the target whole. Says which version it is, or what is wrong with it.
fn look(target: &Path) -> Result<u64, String> {
    let bytes = fs::read(target).map_err(|error| match error.kind() {
        ErrorKind::NotFound => "the target is missing".to_owned(),
        _ => format!("the target cannot be read: {error}"),
    })?;
    let (chunks, rest) = bytes.as_chunks::<8>();
    let mut words: Vec<u64> = chunks.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect();
    if words.len() < 3 || !rest.is_empty() || words[1] != words.len() as u64 {
        return Err(format!("the target is short: {} bytes", bytes.len()));
    }
    let sum = std::mem::take(&mut words[2]);
    let found = words.iter().fold(0, |sum: u64, word| sum.rotate_left(1).wrapping_add(*word));
    if found == sum { Ok(words[0]) } else { Err("the target is mixed".to_owned()) }
}

/// Whether the file that the target has shown is found under the name of a partial file. While it is
/// held open its number is given to no other.
fn is_found_as_partial(target: &Path) -> bool {
    let shown = fs::File::open(target).expect("the target is there");
    let number = shown.metadata().expect("it is open").ino();
    let names = fs::read_dir(target.parent().expect("a directory")).expect("it is there");
    let is_found = names
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_partial = path.extension().is_some_and(|extension| extension == "partial");
            // It may be gone by now.
            is_partial.then(|| fs::symlink_metadata(path).ok())?.map(|found| found.ino())
        })
        .any(|found| found == number);
    drop(shown);
    is_found
}

/// The role of the second process.
pub(crate) fn poll_until_told() {
    let (target, end) = (child::given("ROBUST_TARGET"), child::given("ROBUST_END"));
    let mut polls = [0_u64; 2];
    while polls.iter().sum::<u64>() % 64 != 63 || !end.exists() {
        let number = look(&target).unwrap_or_else(|what| panic!("after {polls:?} polls: {what}"));
        polls[usize::try_from(number).expect("a version")] += 1;
    }
    child::say(&[("first", polls[0]), ("second", polls[1])]);
}

#[test]
fn what_is_short_or_mixed_is_seen_as_such() {
    let place = Place::new();
    let target = place.at("target");
    let (first, second) = (version(0, 500), version(1, 500));
    assert_eq!(look(&target), Err("the target is missing".to_owned()));
    fs::write(&target, &second).unwrap();
    assert_eq!(look(&target), Ok(1));
    fs::write(&target, [&first[..2400], &second[2400..]].concat()).unwrap();
    assert_eq!(look(&target), Err("the target is mixed".to_owned()));
    fs::write(&target, &first[..3992]).unwrap();
    assert!(look(&target).is_err());
    fs::write(&target, "").unwrap();
    assert!(look(&target).is_err());
}

#[test]
fn the_visible_name_is_never_missing_short_or_mixed() {
    let _machine = alone();
    let place = Place::new();
    let (target, end) = (place.at("dir/target"), place.at("end"));
    place.dir("dir");
    let sources = [place.at("first"), place.at("second")];
    fs::write(&sources[0], version(0, 500)).unwrap();
    fs::write(&sources[1], version(1, 2500)).unwrap();
    fs::write(&target, version(1, 2500)).unwrap();
    let child = child::command("poll")
        .env("ROBUST_TARGET", &target)
        .env("ROBUST_END", &end)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = AtEnd::new(Some(child), |child| {
        if let Some(child) = child {
            child.kill().expect("a child of ours");
        }
    });
    let poll = |round| {
        look(&target).unwrap_or_else(|what| panic!("after {round} polls: {what}"));
        assert!(!is_found_as_partial(&target), "the old file has the name of a partial one");
    };
    let (replaced, polls) = run_during(poll, || {
        (0..REPLACEMENTS)
            .filter(|round| replace(&sources[usize::from(round % 2 == 1)], &target, *round))
            .count()
    });
    fs::write(&end, "").unwrap();
    let output = child.take().expect("still there").wait_with_output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    let said = child::heard(&text);
    println!("{replaced} replacements; {polls} polls by a thread, {said:?} by a process");
    assert_eq!(replaced as u64, REPLACEMENTS);
    assert!(polls > 0 && said["first"] > 0 && said["second"] > 0);
    let left: Vec<_> = fs::read_dir(place.at("dir")).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

fn replace(source: &Path, target: &Path, round: u64) -> bool {
    let policy = if round.is_multiple_of(4) { VerifyPolicy::All } else { VerifyPolicy::None };
    let ended = run(CopyRequest::new([source], target)
        .exact_target(true)
        .on_conflict(ConflictPolicy::Replace)
        .verify(policy)
        .read_back(ReadBack::Cache)
        .jobs(1));
    assert_eq!(ended.report.outcome, Outcome::Finished);
    assert_eq!(ended.codes(), []);
    ended.only().backup.is_some()
}
