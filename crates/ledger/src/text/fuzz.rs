//! What stands in columns and records, changed at random: it is refused, or it is taken as something that
//! is the same after it was written and read again.

use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use surecopy_engine::CopySpec;
use surecopy_fs::VolumeIdentity;
use surecopy_testkit::fuzz::{Sample, Verdict, hold};

use super::group_text::tests::{gist_of, report};
use super::group_text::{Read, Told};
use super::path_text::{from_hex, to_hex};
use super::records::PlanSums;
use super::{gist, group_text, request, seen, short_name};
use crate::job::{ProgressRecord, Sums};

/// Records of one to four reports that say anything that one can say.
fn records() -> Vec<Sample> {
    let mut runner = TestRunner::deterministic();
    let reports = proptest::collection::vec(report(), 1..5);
    let record = |_| {
        let reports = reports.new_tree(&mut runner).unwrap().current();
        let told = |(number, report)| {
            let item = Some(number);
            Told { item, report, mapping: number as usize % 2, publication: None }
        };
        group_text::to_text((0..).zip(&reports).map(told).collect()).unwrap().into_bytes()
    };
    (0..40).map(record).collect()
}

fn written(read: &[Read]) -> String {
    fn told(read: &Read) -> Told<'_> {
        let Read { item, report, mapping, publication } = read;
        Told { item: *item, report, mapping: *mapping, publication: publication.clone() }
    }
    group_text::to_text(read.iter().map(told).collect()).unwrap()
}

#[test]
fn reports_in_a_record() {
    let samples = records();
    hold("reports_in_a_record", 600, samples, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
        let (read, gists) = (group_text::from_text(text), gist::from_text(text));
        // What is asked for of a report never says something else than all of it.
        if let (Ok(read), Ok(gists)) = (&read, &gists) {
            let whole: Vec<_> = read.iter().map(|read| gist_of(&read.report)).collect();
            assert_eq!(gists, &whole, "{text}");
        }
        let Ok(read) = read else { return Verdict::Refused };
        assert!(gists.is_ok(), "{text}");
        if !read.is_empty() {
            let text = written(&read);
            let again = group_text::from_text(&text).unwrap();
            for (read, again) in read.iter().zip(&again) {
                assert_eq!((read.item, read.mapping), (again.item, again.mapping), "{text}");
                assert_eq!(read.report, again.report, "{text}");
            }
            assert_eq!(written(&again), text);
        }
        Verdict::Taken
    });
}

fn requests() -> Vec<Sample> {
    let bare = CopySpec { dry_run: true, ..CopySpec::new(Vec::new()) };
    [bare, request::tests::full()].map(|spec| request::to_text(&spec).unwrap().into_bytes()).into()
}

#[test]
fn what_was_asked_for() {
    hold("what_was_asked_for", 400, requests(), |input| {
        let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
        let read = request::from_text(text);
        if let Ok(spec) = &read {
            let text = request::to_text(spec).unwrap();
            let again = request::from_text(&text).unwrap();
            assert_eq!(format!("{again:?}"), format!("{spec:?}"), "{text}");
        }
        Verdict::from(&read)
    });
}

#[test]
fn what_is_remembered_of_a_file() {
    let samples = vec![vec![0; seen::LENGTH], (0..36).collect()];
    hold("what_is_remembered_of_a_file", 400, samples, |input| {
        let read = seen::from_bytes(input);
        if let Ok(read) = &read {
            assert_eq!(seen::to_bytes(*read), input);
            assert!(read.modified.nanos < 1_000_000_000);
        }
        Verdict::from(&read)
    });
}

#[test]
fn hexadecimal_and_volumes() {
    let samples = vec![b"00ff17".to_vec(), b"uuid:594335e0-884d-49c2".to_vec()];
    hold("hexadecimal_and_volumes", 400, samples, |input| {
        let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
        let (bytes, volume) = (from_hex(text), text.parse::<VolumeIdentity>());
        if let Some(bytes) = &bytes {
            assert_eq!(to_hex(bytes), text);
        }
        if let Ok(volume) = &volume {
            assert_eq!(volume.as_str(), text);
        }
        if bytes.is_some() || volume.is_ok() { Verdict::Taken } else { Verdict::Refused }
    });
}

#[test]
fn sums_and_counters() {
    let sums = Sums { ok: 1, bytes_ok: u64::MAX, ..Sums::default() };
    let progress = ProgressRecord { phase: Some("copy".to_owned()), ..ProgressRecord::default() };
    let samples = vec![
        serde_json::to_vec(&sums).unwrap(),
        serde_json::to_vec(&progress).unwrap(),
        serde_json::to_vec(&PlanSums::default()).unwrap(),
        b"[0,2,17]".to_vec(),
    ];
    hold("sums_and_counters", 400, samples, |input| {
        let sums = serde_json::from_slice::<Sums>(input);
        if let Ok(sums) = &sums {
            let again = serde_json::to_vec(sums).unwrap();
            assert_eq!(serde_json::from_slice::<Sums>(&again).unwrap(), *sums);
        }
        let progress = serde_json::from_slice::<ProgressRecord>(input);
        if let Ok(progress) = &progress {
            let again = serde_json::to_vec(progress).unwrap();
            assert_eq!(serde_json::from_slice::<ProgressRecord>(&again).unwrap(), *progress);
        }
        let plan = serde_json::from_slice::<PlanSums>(input).map(PlanSums::read);
        let positions = serde_json::from_slice::<Vec<usize>>(input);
        let is_taken = sums.is_ok() || progress.is_ok() || plan.is_ok() || positions.is_ok();
        if is_taken { Verdict::Taken } else { Verdict::Refused }
    });
}

/// Damage can change the name of a member, and what it said may not just be lost then.
#[test]
fn members_that_nobody_knows_are_refused() {
    let members = ["digest_algorithm", "evidence", "partial", "retries", "replaced"];
    let mut renamed = [0; 5];
    for record in records() {
        let text = String::from_utf8(record).unwrap();
        for (member, renamed) in members.iter().zip(&mut renamed) {
            let other = text.replacen(&format!("\"{member}\""), "\"other\"", 1);
            if other == text {
                continue;
            }
            *renamed += 1;
            assert!(group_text::from_text(&other).is_err(), "{member}: {other}");
        }
    }
    assert!(renamed.iter().all(|count| *count > 0), "{renamed:?}");
    // Where no names are said, there is nothing for a part of one to stand in.
    assert!(short_name::read(b"0", b"/to/a", None, short_name::PARTIAL).is_err());
}
