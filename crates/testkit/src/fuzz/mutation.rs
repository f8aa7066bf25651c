//! Changes to a sample. They are values, so that of an input that fails the fewest are found that do.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;

/// Input as somebody could have written it.
pub type Sample = Vec<u8>;

/// A sample that may have been changed. It is shown as text with escapes.
#[derive(Clone)]
pub struct Input(pub Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Nothing that is made of a sample becomes larger.
const LARGEST_BYTES: usize = 1 << 20;

/// What a number is replaced by: the ends of every width, what only looks like a number, and no number.
const VALUES: &[&str] = &[
    "0",
    "-1",
    "1",
    "255",
    "999999999",
    "1000000000",
    "2147483648",
    "4294967295",
    "4294967296",
    "1152921504606846976",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "18446744073709551615",
    "18446744073709551616",
    "00",
    "0x10",
    "1.5",
    "1e400",
    "1_000",
    "null",
    "true",
    "[]",
    "{}",
    "\"7\"",
];

/// What is put in somewhere: what ends, opens or escapes something in one of our texts.
const TOKENS: &[&[u8]] = &[
    b"\0",
    b"\n",
    b"\r\n",
    b"\t",
    b" ",
    b"/",
    b"../",
    b"..",
    b".",
    b"~",
    b"\\",
    b"\"",
    b"'",
    b"\\\"",
    b"\\u0000",
    b"\\ud800",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b",",
    b":",
    b"=",
    b"#",
    b";",
    b"- ",
    b"+ ",
    b"*",
    b"**",
    b"?",
    b"{a,b}",
    b"[!a]",
    b"\x1b[31m",
    b"\x9b",
    b"\xff",
    b"\xc3",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
    b"\xed\xa0\x80",
    b"-",
    b"KiB",
    b"null",
];

/// One change.
#[derive(Debug, Clone)]
pub enum Mutation {
    /// One bit is another.
    Flip(Index, u8),
    /// One byte is another.
    Set(Index, u8),
    /// It ends there.
    Truncate(Index),
    /// What is between is gone.
    Remove(Index, Index),
    /// What is between is there so many times more.
    Repeat(Index, Index, u16),
    /// A part of another sample stands there as well.
    Splice {
        /// Which sample.
        from: Index,
        /// What of it.
        part: (Index, Index),
        /// Where it comes to stand.
        at: Index,
    },
    /// One of its numbers is this text.
    Number(Index, &'static str),
    /// This stands there as well, so many times.
    Insert(Index, &'static [u8], u16),
}

impl Mutation {
    /// What becomes of an input.
    pub fn apply(&self, input: &mut Vec<u8>, samples: &[Sample]) {
        let place = |at: &Index, input: &[u8]| at.index(input.len() + 1);
        let between = |one: &Index, other: &Index, bytes: &[u8]| {
            let (one, other) = (one.index(bytes.len() + 1), other.index(bytes.len() + 1));
            one.min(other)..one.max(other)
        };
        match self {
            Mutation::Flip(at, bit) if !input.is_empty() => {
                let at = at.index(input.len());
                input[at] ^= 1 << (bit & 7);
            }
            Mutation::Set(at, byte) if !input.is_empty() => {
                let at = at.index(input.len());
                input[at] = *byte;
            }
            Mutation::Flip(..) | Mutation::Set(..) => {}
            Mutation::Truncate(at) => input.truncate(place(at, input)),
            Mutation::Remove(from, to) => drop(input.drain(between(from, to, input))),
            Mutation::Repeat(from, to, times) => {
                let range = between(from, to, input);
                let part = input[range.clone()].repeat(usize::from(*times));
                insert(input, range.end, &part);
            }
            Mutation::Splice { from, part: (start, end), at } if !samples.is_empty() => {
                let other = &samples[from.index(samples.len())];
                let at = place(at, input);
                insert(input, at, &other[between(start, end, other)]);
            }
            Mutation::Splice { .. } => {}
            Mutation::Number(which, text) => {
                let numbers = numbers(input);
                if !numbers.is_empty() {
                    let range = numbers[which.index(numbers.len())].clone();
                    input.splice(range, text.bytes());
                }
            }
            Mutation::Insert(at, token, times) => {
                let at = place(at, input);
                insert(input, at, &token.repeat(usize::from(*times)));
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, part: &[u8]) {
    if input.len() + part.len() <= LARGEST_BYTES {
        input.splice(at..at, part.iter().copied());
    }
}

/// Where digits stand.
fn numbers(input: &[u8]) -> Vec<std::ops::Range<usize>> {
    let mut found: Vec<std::ops::Range<usize>> = Vec::new();
    for (at, _) in input.iter().enumerate().filter(|(_, byte)| byte.is_ascii_digit()) {
        match found.last_mut() {
            Some(last) if last.end == at => last.end = at + 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// Some changes, one to five.
pub fn mutations() -> BoxedStrategy<Vec<Mutation>> {
    let at = any::<Index>;
    // Mostly once; now and then as often as something nested deeply needs it.
    let times = || prop_oneof![4 => Just(1u16), 2 => 2..64u16, 1 => 64..4_000u16];
    let one = prop_oneof![
        3 => (at(), 0..8u8).prop_map(|(at, bit)| Mutation::Flip(at, bit)),
        2 => (at(), any::<u8>()).prop_map(|(at, byte)| Mutation::Set(at, byte)),
        1 => at().prop_map(Mutation::Truncate),
        1 => (at(), at()).prop_map(|(from, to)| Mutation::Remove(from, to)),
        1 => (at(), at(), times()).prop_map(|(from, to, times)| Mutation::Repeat(from, to, times)),
        2 => (at(), (at(), at()), at())
            .prop_map(|(from, part, at)| Mutation::Splice { from, part, at }),
        4 => (at(), proptest::sample::select(VALUES))
            .prop_map(|(which, text)| Mutation::Number(which, text)),
        3 => (at(), proptest::sample::select(TOKENS), times())
            .prop_map(|(at, token, times)| Mutation::Insert(at, token, times)),
    ];
    // Boxed, as its own type would fill pages wherever it is named.
    proptest::collection::vec(one, 1..6).boxed()
}

/// One of these samples, as it is or changed.
pub fn mutated(samples: Vec<Sample>) -> BoxedStrategy<Input> {
    let changes = prop_oneof![1 => Just(Vec::new()), 19 => mutations()];
    let strategy = (any::<Index>(), changes).prop_map(move |(which, changes)| {
        let mut input = samples[which.index(samples.len())].clone();
        for change in &changes {
            change.apply(&mut input, &samples);
        }
        Input(input)
    });
    strategy.boxed()
}
