//! What holds a parser against random input has to find what is wrong with careless ones.

use surecopy_testkit::fuzz::{Verdict, hold};

/// A count, a colon, and so many bytes.
fn samples() -> Vec<Vec<u8>> {
    vec![b"5:first".to_vec(), b"0:".to_vec(), b"12:twelve bytes".to_vec()]
}

fn parts(input: &[u8]) -> Option<(usize, &[u8])> {
    let at = input.iter().position(|byte| *byte == b':')?;
    let count = std::str::from_utf8(&input[..at]).ok()?.parse().ok()?;
    Some((count, &input[at + 1..]))
}

fn verdict(is_taken: bool) -> Verdict {
    if is_taken { Verdict::Taken } else { Verdict::Refused }
}

#[test]
fn what_is_careful_is_held() {
    hold("careful", 2_000, samples(), |input| {
        verdict(parts(input).is_some_and(|(count, rest)| rest.get(..count).is_some()))
    });
}

#[test]
#[should_panic(expected = "out of range for slice")]
fn a_parser_that_believes_a_count_is_found() {
    hold("careless", 2_000, samples(), |input| {
        verdict(parts(input).is_some_and(|(count, rest)| rest[..count].len() == count))
    });
}

#[test]
#[should_panic(expected = "it made room for")]
fn a_parser_that_makes_room_for_what_it_is_told_is_found() {
    hold("roomy", 2_000, samples(), |input| {
        // Beyond this the system refuses it, which is found too, and ends all tests.
        let room = parts(input).filter(|(count, _)| *count < 1 << 62);
        let room: Vec<u8> = Vec::with_capacity(room.map_or(0, |(count, _)| count.min(6 << 30)));
        verdict(room.capacity() == 0)
    });
}

#[test]
#[should_panic(expected = "0 refused")]
fn a_parser_that_takes_everything_is_found() {
    hold("yes", 100, samples(), |_| Verdict::Taken);
}
