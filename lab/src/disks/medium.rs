//! What a disk is made of: a file, and what its faults do to that.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::faults::{Faults, Kind};
use super::image::BLOCK;

/// Which bit of a block turns around: one in the middle.
const BIT: (usize, u8) = (BLOCK / 2 + 5, 0x10);

/// The file beneath a disk.
pub(super) struct Medium {
    file: File,
    pub(super) size: u64,
    /// Of two blocks that are to be exchanged, the one that came first: where it was written, by file.
    waiting: HashMap<u32, (u64, Vec<u8>)>,
    /// Blocks that rot when they have been flushed.
    rotting: Vec<u64>,
}

impl Medium {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let file = File::options().read(true).write(true).open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { file, size, waiting: HashMap::new(), rotting: Vec::new() })
    }

    /// What a read gives.
    pub(super) fn read(&self, faults: &mut Faults, at: u64, length: u32) -> io::Result<Vec<u8>> {
        let length = u64::from(length).min(self.size.saturating_sub(at));
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        self.file.read_exact_at(&mut bytes, at)?;
        for block in whole_blocks(at, &mut bytes) {
            match faults.at_read(block) {
                Some(Kind::FlipOnRead) => flip(block),
                Some(_) => return Err(bad()),
                None => {}
            }
        }
        Ok(bytes)
    }

    /// Does what a write does.
    pub(super) fn write(&mut self, faults: &mut Faults, at: u64, data: &[u8]) -> io::Result<()> {
        let mut data = data.to_vec();
        // What is not written is found again by what is there afterwards.
        let mut keeps = Vec::new();
        let mut exchanged = Vec::new();
        let mut place = at.next_multiple_of(BLOCK as u64);
        for block in whole_blocks(at, &mut data) {
            match faults.at_write(block) {
                None => {}
                Some((Kind::Drop, _)) => keeps.push(place),
                Some((Kind::Stale, _)) => make_older(block),
                Some((Kind::Rot, _)) => self.rotting.push(place),
                Some((Kind::Swap, mark)) => match self.waiting.remove(&mark.file) {
                    None => {
                        self.waiting.insert(mark.file, (place, block.to_vec()));
                    }
                    Some((first_place, first)) => {
                        exchanged.push((first_place, block.to_vec()));
                        exchanged.push((place, first));
                    }
                },
                Some((Kind::Flip, _)) => flip(block),
                Some(_) => return Err(bad()),
            }
            place += BLOCK as u64;
        }
        if faults.is_dead() {
            return Err(bad());
        }
        let mut kept = Vec::new();
        for place in keeps {
            let mut block = vec![0; BLOCK];
            self.file.read_exact_at(&mut block, place)?;
            kept.push((place, block));
        }
        self.file.write_all_at(&data, at)?;
        for (place, block) in kept.into_iter().chain(exchanged) {
            self.file.write_all_at(&block, place)?;
        }
        Ok(())
    }

    /// Does what a flush does. The files of the lab are in memory: there is nothing to wait for.
    pub(super) fn flush(&mut self, faults: &Faults) -> io::Result<()> {
        if faults.is_dead() {
            return Err(bad());
        }
        for place in self.rotting.drain(..) {
            let mut block = vec![0; BLOCK];
            self.file.read_exact_at(&mut block, place)?;
            flip(&mut block);
            self.file.write_all_at(&block, place)?;
        }
        Ok(())
    }
}

fn bad() -> io::Error {
    io::Error::other("the disk is bad")
}

fn flip(block: &mut [u8]) {
    block[BIT.0] ^= BIT.1;
}

/// All but the mark of it.
fn make_older(block: &mut [u8]) {
    for byte in &mut block[64..] {
        *byte = !*byte;
    }
}

/// The blocks of a disk that lie wholly in what is read or written at a place.
fn whole_blocks(at: u64, bytes: &mut [u8]) -> impl Iterator<Item = &mut [u8]> {
    let before = at.next_multiple_of(BLOCK as u64) - at;
    let before = usize::try_from(before).unwrap_or_default().min(bytes.len());
    bytes[before..].chunks_exact_mut(BLOCK)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::faults::Fault;
    use super::super::marks::content;
    use super::*;

    /// Writes a file of nine blocks as a disk with a fault does, in one piece and in single blocks, over zeroes,
    /// and gives what is there after a flush, the number of blocks that were hit, and how it went.
    fn written(fault: Fault) -> (Vec<u8>, u32, bool) {
        let of = |pieces: usize| {
            let path = std::env::temp_dir().join(format!("medium-{}-{fault}", std::process::id()));
            fs::write(&path, vec![0; 16 * BLOCK]).expect("a file for the disk");
            let mut medium = Medium::open(&path).expect("it is there");
            fs::remove_file(&path).expect("it was made");
            let mut faults = Faults::default();
            faults.set(Some(fault));
            let data = content(1, 9 * BLOCK);
            let mut at = 3 * BLOCK as u64;
            let mut is_ok = true;
            for piece in data.chunks(pieces) {
                is_ok &= medium.write(&mut faults, at, piece).is_ok();
                at += piece.len() as u64;
            }
            is_ok &= medium.flush(&faults).is_ok();
            let fired = faults.fired();
            faults.set(None);
            let length = u32::try_from(data.len()).expect("it is small");
            let there = medium.read(&mut faults, 3 * BLOCK as u64, length);
            (there.expect("the medium is whole"), fired, is_ok)
        };
        let single = of(BLOCK);
        if single.2 {
            assert_eq!(of(9 * BLOCK), single, "{fault}");
        }
        single
    }

    /// Which blocks are not as they were written.
    fn wrong(there: &[u8]) -> Vec<usize> {
        let data = content(1, 9 * BLOCK);
        let same = |number: &usize| {
            let range = number * BLOCK..(number + 1) * BLOCK;
            there[range.clone()] == data[range]
        };
        (0..9).filter(|number| !same(number)).collect()
    }

    #[test]
    fn each_fault_damages_what_it_says_and_nothing_else() {
        let data = content(1, 9 * BLOCK);
        let block = |number: usize| &data[number * BLOCK..(number + 1) * BLOCK];
        for kind in [Kind::Drop, Kind::Stale, Kind::Flip, Kind::Rot] {
            let (there, fired, is_ok) = written(Fault::always(kind, 4));
            assert_eq!((wrong(&there), fired, is_ok), (vec![4], 1, true), "{kind:?}");
            let bits: u32 = block(4)
                .iter()
                .zip(&there[4 * BLOCK..5 * BLOCK])
                .map(|(a, b)| (a ^ b).count_ones())
                .sum();
            assert_eq!(bits == 1, matches!(kind, Kind::Flip | Kind::Rot), "{kind:?}");
        }
        let (there, fired, is_ok) = written(Fault::always(Kind::Swap, 4));
        assert_eq!((wrong(&there), fired, is_ok), (vec![4, 5], 2, true));
        assert_eq!(
            (&there[4 * BLOCK..5 * BLOCK], &there[5 * BLOCK..6 * BLOCK]),
            (block(5), block(4))
        );
        let (there, fired, is_ok) = written(Fault::always(Kind::WriteError, 4));
        assert_eq!((wrong(&there), fired, is_ok), (vec![4], 1, false));
        let (there, fired, is_ok) = written(Fault::always(Kind::Dead, 4));
        assert_eq!((wrong(&there), fired, is_ok), (vec![4, 5, 6, 7, 8], 1, false));
    }

    #[test]
    fn what_is_wrong_when_it_is_read_is_right_on_the_medium() {
        let path = std::env::temp_dir().join(format!("medium-read-{}", std::process::id()));
        let data = content(1, 9 * BLOCK);
        fs::write(&path, &data).expect("a file for the disk");
        let medium = Medium::open(&path).expect("it is there");
        fs::remove_file(&path).expect("it was made");
        let mut faults = Faults::default();
        faults.set(Some(Fault::once(Kind::FlipOnRead, 2)));
        let read = |faults: &mut Faults| medium.read(faults, 0, 9 * BLOCK as u32);
        assert_eq!(wrong(&read(&mut faults).expect("it is read")), [2]);
        assert_eq!(wrong(&read(&mut faults).expect("it is read")), [0; 0]);
        assert_eq!(faults.fired(), 1);
        faults.set(Some(Fault::always(Kind::ReadError, 2)));
        assert!(read(&mut faults).is_err());
    }
}
