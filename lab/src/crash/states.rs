//! In which states a power cut can leave the disks.
//!
//! At any moment, what was written to a disk before its last flush is there. Of what was written
//! since, anything may be there: all of it, none, or some, in whatever order it was written.

use std::fmt;

use surecopy_testkit::Random;

use crate::disks::{BLOCK, Entry, Image, Log};

/// A power cut, and what becomes of the writes that were not flushed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Cut {
    /// How many entries of the log had happened.
    pub(super) position: usize,
    kept: Kept,
}

/// What the disks keep of the writes that were not flushed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Kept {
    None,
    All,
    /// Each with even chances.
    Some(u64),
    /// All but one.
    AllButOne(u64),
    /// Nothing but one.
    One(u64),
    /// All, and the last of them only in part.
    Torn(u64),
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut after {} entries, not flushed and kept: {:?}", self.position, self.kept)
    }
}

/// Chooses about so many cuts, spread evenly over the log: right after flushes, after any write, and
/// right before flushes with only some of the writes before them.
pub(super) fn choose(log: &Log, seed: u64, count: usize) -> Vec<Cut> {
    let mut random = Random::new(seed);
    let flushes: Vec<usize> = (0..log.entries.len())
        .filter(|place| matches!(log.entries[*place], Entry::Flush { .. }))
        .collect();
    // Between two flushes there must be something that can be kept or not.
    let before_flushes: Vec<usize> = flushes
        .iter()
        .copied()
        .filter(|place| *place > 0 && !flushes.contains(&(place - 1)))
        .collect();
    let mut cuts = Vec::new();
    // A flush covers one disk only; of the others anything may be there as well.
    cuts.extend(spread(&flushes, count / 3).map(|place| {
        let kept = if random.below(2) == 0 { Kept::None } else { Kept::Some(random.next()) };
        Cut { position: place + 1, kept }
    }));
    let places: Vec<usize> = (0..log.entries.len()).collect();
    let rest = count - cuts.len();
    cuts.extend(
        spread(&places, rest / 3).map(|place| Cut { position: place + 1, kept: Kept::All }),
    );
    // Several for the same flush where there are few: each draws anew.
    let rest = count - cuts.len();
    for number in 0..if before_flushes.is_empty() { 0 } else { rest } {
        let place = before_flushes[number * before_flushes.len() / rest];
        let draw = random.next();
        let kept = match number % 6 {
            0 => Kept::AllButOne(draw),
            1 => Kept::One(draw),
            2 => Kept::Torn(draw),
            _ => Kept::Some(draw),
        };
        cuts.push(Cut { position: place, kept });
    }
    cuts.sort();
    cuts.dedup();
    cuts
}

/// At most so many of the places, evenly spread.
fn spread(places: &[usize], count: usize) -> impl Iterator<Item = usize> {
    let count = count.min(places.len());
    (0..count).map(move |number| places[number * places.len() / count])
}

/// Builds the disks' content after each of the cuts, which come in order.
pub(super) struct Builder<'a> {
    log: &'a Log,
    /// What is on each disk for sure.
    flushed: Vec<Image>,
    /// The entries that were written to each disk since.
    unflushed: Vec<Vec<usize>>,
    position: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(log: &'a Log, before: Vec<Image>) -> Self {
        let unflushed = vec![Vec::new(); before.len()];
        Self { log, flushed: before, unflushed, position: 0 }
    }

    /// The disks after this cut, which is not before the one asked for last.
    pub(super) fn build(&mut self, cut: &Cut) -> Vec<Image> {
        while self.position < cut.position {
            let entry = &self.log.entries[self.position];
            let disk = entry.disk();
            self.unflushed[disk].push(self.position);
            if matches!(entry, Entry::Flush { .. }) {
                for place in self.unflushed[disk].drain(..) {
                    keep(&mut self.flushed[disk], &self.log.entries[place], usize::MAX);
                }
            }
            self.position += 1;
        }
        let mut images = self.flushed.clone();
        for (image, writes) in images.iter_mut().zip(&self.unflushed) {
            keep_some(image, self.log, writes, &cut.kept);
        }
        images
    }
}

fn keep_some(image: &mut Image, log: &Log, writes: &[usize], kept: &Kept) {
    let pick = |seed: &u64| Random::new(*seed).below(writes.len().max(1) as u64);
    let (mut random, chosen) = match kept {
        Kept::None | Kept::All => (Random::new(0), 0),
        Kept::Some(seed) => (Random::new(*seed), 0),
        Kept::AllButOne(seed) | Kept::One(seed) => (Random::new(*seed), pick(seed)),
        Kept::Torn(seed) => (Random::new(*seed), writes.len().saturating_sub(1) as u64),
    };
    for (number, place) in writes.iter().enumerate() {
        let is_chosen = number as u64 == chosen;
        let blocks = match kept {
            Kept::None => 0,
            Kept::All => usize::MAX,
            Kept::Some(_) if random.below(2) == 0 => 0,
            Kept::Some(_) => usize::MAX,
            Kept::AllButOne(_) if is_chosen => 0,
            Kept::One(_) if !is_chosen => 0,
            Kept::Torn(_) if is_chosen => usize::try_from(random.below(64)).unwrap_or_default(),
            Kept::AllButOne(_) | Kept::One(_) | Kept::Torn(_) => usize::MAX,
        };
        keep(image, &log.entries[*place], blocks);
    }
}

/// Keeps the first blocks of a write.
fn keep(image: &mut Image, entry: &Entry, blocks: usize) {
    if let Entry::Write { at, data, .. } = entry {
        let length = data.len().min(blocks.saturating_mul(BLOCK));
        image.apply(*at, &data[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(disk: usize, place: u64) -> Entry {
        Entry::Write { disk, at: place * BLOCK as u64, data: vec![b'0' + place as u8; BLOCK] }
    }

    /// Two disks: one with two writes, a flush and two more writes; the other with one, flushed last.
    fn log() -> Log {
        let entries = vec![
            write(0, 1),
            write(1, 1),
            write(0, 2),
            Entry::Flush { disk: 0 },
            write(0, 3),
            write(0, 4),
            Entry::Flush { disk: 1 },
        ];
        Log { entries }
    }

    /// The numbers of the blocks that are there.
    fn blocks(position: usize, kept: Kept) -> Vec<Vec<u64>> {
        let log = log();
        let mut builder = Builder::new(&log, vec![Image::empty(1 << 20), Image::empty(1 << 20)]);
        let images = builder.build(&Cut { position, kept });
        let is_there = |image: &Image, place: u64| image.bytes(place * BLOCK as u64, 1) != [0];
        images
            .iter()
            .map(|image| (1..6).filter(|place| is_there(image, *place)).collect())
            .collect()
    }

    #[test]
    fn what_was_flushed_is_there_whatever_becomes_of_the_rest() {
        assert_eq!(blocks(3, Kept::None), [[]; 2].map(Vec::<u64>::from));
        assert_eq!(blocks(4, Kept::None), [vec![1, 2], vec![]]);
        assert_eq!(blocks(6, Kept::All), [vec![1, 2, 3, 4], vec![1]]);
        assert_eq!(blocks(7, Kept::None), [vec![1, 2], vec![1]]);
    }

    #[test]
    fn later_writes_are_there_without_earlier_ones() {
        let found: Vec<_> = (0..64).map(|seed| blocks(6, Kept::Some(seed)).remove(0)).collect();
        for expected in [vec![1, 2], vec![1, 2, 3], vec![1, 2, 4], vec![1, 2, 3, 4]] {
            assert!(found.contains(&expected), "{expected:?} never came");
        }
        let found: Vec<_> = (0..64).map(|seed| blocks(6, Kept::One(seed)).remove(0)).collect();
        assert!(found.contains(&vec![1, 2, 4]) && !found.contains(&vec![1, 2]));
    }

    #[test]
    fn cuts_are_spread_over_the_whole_log_and_the_same_for_the_same_seed() {
        let mut entries = Vec::new();
        for place in 0..100 {
            entries.extend([write(0, place % 8), write(0, place % 7), Entry::Flush { disk: 0 }]);
        }
        let log = Log { entries };
        let cuts = choose(&log, 7, 90);
        assert_eq!(cuts, choose(&log, 7, 90));
        assert_ne!(cuts, choose(&log, 8, 90));
        assert!(cuts.len() > 80 && cuts.len() <= 90, "{}", cuts.len());
        let quarters: Vec<_> = (0..4)
            .map(|quarter| {
                let within = quarter * 75..(quarter + 1) * 75;
                cuts.iter().filter(|cut| within.contains(&cut.position)).count()
            })
            .collect();
        assert!(quarters.iter().all(|number| (18..28).contains(number)), "{quarters:?}");
    }
}
