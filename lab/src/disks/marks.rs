//! Blocks that a disk knows again: each says of which file it is, and which of its blocks.
//!
//! A disk that damages only such blocks leaves the metadata of the file system alone.

use surecopy_testkit::Random;

use super::image::BLOCK;

/// Nothing else on a disk begins so.
const MAGIC: &[u8; 8] = b"\xf5SCBLOCK";

/// Which block of which file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    pub(crate) file: u32,
    pub(crate) block: u32,
}

impl Mark {
    /// What a block says of itself, if anything.
    pub(crate) fn read(block: &[u8]) -> Option<Self> {
        let rest = block.strip_prefix(MAGIC)?;
        let (file, rest) = rest.split_first_chunk()?;
        let (block, _) = rest.split_first_chunk()?;
        Some(Self { file: u32::from_le_bytes(*file), block: u32::from_le_bytes(*block) })
    }

    fn write(self, block: &mut [u8]) {
        let mark = [MAGIC, &self.file.to_le_bytes()[..], &self.block.to_le_bytes()].concat();
        // The last block of a file may be too short to say anything.
        if let Some(place) = block.get_mut(..mark.len()) {
            place.copy_from_slice(&mark);
        }
    }
}

/// The content of a file, marked at the beginning of each block. Different for each file.
pub(crate) fn content(file: u32, length: usize) -> Vec<u8> {
    let mut bytes = Random::new(u64::from(file) + 1).bytes(length);
    for (number, block) in (0..).zip(bytes.chunks_mut(BLOCK)) {
        Mark { file, block: number }.write(block);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_block_says_what_it_is() {
        let bytes = content(7, 3 * BLOCK + 5);
        let marks: Vec<_> = bytes.chunks(BLOCK).map(Mark::read).collect();
        let mark = |block| Some(Mark { file: 7, block });
        assert_eq!(marks, [mark(0), mark(1), mark(2), None]);
        assert_eq!(Mark::read(&[0; BLOCK]), None);
        assert_ne!(content(8, BLOCK)[100..], bytes[100..BLOCK]);
    }
}
