//! What a bad disk does to blocks that it knows again, and how often it did it.
//!
//! Decides only; what is on the medium is [`super::medium`]'s business.

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Error, Result, bail};

use super::marks::Mark;

/// What is done to a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It is not written, and said to be: what was there before stays.
    Drop,
    /// An older version of the same block is there instead.
    Stale,
    /// One bit of it is turned around as it is written.
    Flip,
    /// It and the next block of the file are written in each other's place.
    Swap,
    /// Writing it is answered with an error.
    WriteError,
    /// It is written, and one bit of it turns around once it was flushed.
    Rot,
    /// Reading it is answered with an error.
    ReadError,
    /// It is whole, and one bit of what is read of it is not.
    FlipOnRead,
    /// From when it is written, every write to the disk and every flush is answered with an error.
    Dead,
}

const WORDS: [(Kind, &str); 9] = [
    (Kind::Drop, "drop"),
    (Kind::Stale, "stale"),
    (Kind::Flip, "flip"),
    (Kind::Swap, "swap"),
    (Kind::WriteError, "write-error"),
    (Kind::Rot, "rot"),
    (Kind::ReadError, "read-error"),
    (Kind::FlipOnRead, "flip-on-read"),
    (Kind::Dead, "dead"),
];

/// What is done to which block, and for how many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) kind: Kind,
    /// The block of this number,
    pub(crate) block: u32,
    /// of this file, or of every one.
    pub(crate) file: Option<u32>,
    /// So often and no more; `None`: always.
    pub(crate) times: Option<u32>,
}

impl Fault {
    /// Always, and in every file.
    pub(crate) fn always(kind: Kind, block: u32) -> Self {
        Self { kind, block, file: None, times: None }
    }

    #[cfg(test)]
    pub(crate) fn once(kind: Kind, block: u32) -> Self {
        Self { times: Some(1), ..Self::always(kind, block) }
    }

    /// The same in this file only.
    pub(crate) fn in_file(self, file: u32) -> Self {
        Self { file: Some(file), ..self }
    }

    fn is_for(&self, mark: Mark) -> bool {
        let is_block = |block| mark.block == block;
        let is_one = is_block(self.block) || self.kind == Kind::Swap && is_block(self.block + 1);
        is_one && self.file.is_none_or(|file| file == mark.file)
    }
}

/// As it is told to the server: the word, the block, the file and how often, with `*` for all.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = WORDS.iter().find(|(kind, _)| *kind == self.kind).map_or("", |(_, word)| word);
        let or_all = |number: Option<u32>| number.map_or("*".to_owned(), |n| n.to_string());
        write!(f, "{word} {} {} {}", self.block, or_all(self.file), or_all(self.times))
    }
}

impl FromStr for Fault {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let words: Vec<&str> = text.split(' ').collect();
        let [word, block, file, times] = words[..] else { bail!("{text:?} is no fault") };
        let number = |word: &str| (word != "*").then(|| word.parse()).transpose();
        let kind = WORDS.iter().find(|(_, known)| *known == word);
        let (kind, _) = kind.with_context(|| format!("{word:?} is no fault"))?;
        Ok(Self { kind: *kind, block: block.parse()?, file: number(file)?, times: number(times)? })
    }
}

/// The fault that a server was told of.
#[derive(Default)]
pub(super) struct Faults {
    fault: Option<Fault>,
    fired: u32,
    is_dead: bool,
}

impl Faults {
    /// From now on this, and nothing that was told before.
    pub(super) fn set(&mut self, fault: Option<Fault>) {
        *self = Self { fault, ..Self::default() };
    }

    /// How often something was done to a block since then.
    pub(super) fn fired(&self) -> u32 {
        self.fired
    }

    /// Whether every write is answered with an error.
    pub(super) fn is_dead(&self) -> bool {
        self.is_dead
    }

    /// What is to be done to a block that is written. It counts as done.
    pub(super) fn at_write(&mut self, block: &[u8]) -> Option<(Kind, Mark)> {
        self.at(block, |kind| !matches!(kind, Kind::ReadError | Kind::FlipOnRead))
    }

    /// What is to be done to a block that is read. It counts as done.
    pub(super) fn at_read(&mut self, block: &[u8]) -> Option<Kind> {
        let found = self.at(block, |kind| matches!(kind, Kind::ReadError | Kind::FlipOnRead));
        found.map(|(kind, _)| kind)
    }

    fn at(&mut self, block: &[u8], is_due: impl Fn(Kind) -> bool) -> Option<(Kind, Mark)> {
        let fault = self.fault.filter(|fault| is_due(fault.kind))?;
        let mark = Mark::read(block).filter(|mark| fault.is_for(*mark))?;
        // Of two blocks that are exchanged each is seen by itself, and is half of what happens.
        let times = if fault.kind == Kind::Swap { 2 } else { 1 };
        if fault.times.is_some_and(|most| self.fired >= most * times) {
            return None;
        }
        self.fired += 1;
        self.is_dead |= fault.kind == Kind::Dead;
        Some((fault.kind, mark))
    }
}

#[cfg(test)]
mod tests {
    use super::super::image::BLOCK;
    use super::super::marks;
    use super::*;

    #[test]
    fn what_is_told_to_a_server_is_understood() {
        for (kind, _) in WORDS {
            let fault = Fault::always(kind, 3);
            for fault in [fault, fault.in_file(9), Fault::once(kind, 0).in_file(0)] {
                assert_eq!(fault.to_string().parse::<Fault>().expect("it is one"), fault);
            }
        }
        for text in ["", "drop", "drop 1 2", "drop 1 2 3 4", "dorp 1 * *", "drop x * *"] {
            assert!(text.parse::<Fault>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn only_the_block_that_was_named_is_hit_and_so_often() {
        let (one, other) = (marks::content(1, 9 * BLOCK), marks::content(2, 9 * BLOCK));
        let hits = |fault: Fault| {
            let mut faults = Faults::default();
            faults.set(Some(fault));
            let blocks = one.chunks(BLOCK).chain(other.chunks(BLOCK)).chain(one.chunks(BLOCK));
            let hits: Vec<_> = blocks.filter_map(|block| faults.at_write(block)).collect();
            assert_eq!(faults.fired() as usize, hits.len());
            hits.iter().map(|(_, mark)| (mark.file, mark.block)).collect::<Vec<_>>()
        };
        let flip = Fault::always(Kind::Flip, 4);
        assert_eq!(hits(flip), [(1, 4), (2, 4), (1, 4)]);
        assert_eq!(hits(flip.in_file(2)), [(2, 4)]);
        assert_eq!(hits(Fault::once(Kind::Flip, 4)), [(1, 4)]);
        assert_eq!(hits(Fault::once(Kind::Swap, 4)), [(1, 4), (1, 5)]);
        assert_eq!(hits(Fault::always(Kind::ReadError, 4)), []);
    }
}
