//! What is on a disk, held in memory: states of it are many, and differ little.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};

/// No file system here relies on less being written as a whole, and memory has pages of this size.
pub(crate) const BLOCK: usize = 4096;

type Block = [u8; BLOCK];

/// The content of a disk. Blocks of zeroes are left out, so that copies are cheap.
#[derive(Clone)]
pub(crate) struct Image {
    size: u64,
    blocks: BTreeMap<u64, Arc<Block>>,
}

impl Image {
    /// An empty disk.
    #[cfg(test)]
    pub(crate) fn empty(size: u64) -> Self {
        Self { size, blocks: BTreeMap::new() }
    }

    /// Reads a disk's image.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let mut file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let size = file.metadata()?.len();
        let mut blocks = BTreeMap::new();
        for number in 0..size / BLOCK as u64 {
            let mut block = [0; BLOCK];
            file.read_exact(&mut block)?;
            if block != [0; BLOCK] {
                blocks.insert(number, Arc::new(block));
            }
        }
        Ok(Self { size, blocks })
    }

    /// Writes it as a new sparse file.
    pub(crate) fn write(&self, path: &Path) -> Result<()> {
        let file = File::create_new(path).with_context(|| format!("create {}", path.display()))?;
        file.set_len(self.size)?;
        let mut run: Vec<u8> = Vec::new();
        let mut run_at = 0;
        for (number, block) in &self.blocks {
            let at = number * BLOCK as u64;
            if at != run_at + run.len() as u64 {
                file.write_all_at(&run, run_at)?;
                run.clear();
                run_at = at;
            }
            run.extend_from_slice(&**block);
        }
        file.write_all_at(&run, run_at)?;
        Ok(())
    }

    /// Changes what a write to the disk changes.
    pub(crate) fn apply(&mut self, mut at: u64, mut data: &[u8]) {
        while !data.is_empty() {
            let within = usize::try_from(at % BLOCK as u64).unwrap_or_default();
            let (now, later) = data.split_at(data.len().min(BLOCK - within));
            let block =
                self.blocks.entry(at / BLOCK as u64).or_insert_with(|| Arc::new([0; BLOCK]));
            Arc::make_mut(block)[within..within + now.len()].copy_from_slice(now);
            at += now.len() as u64;
            data = later;
        }
    }

    /// The bytes at a place, within one block.
    #[cfg(test)]
    pub(crate) fn bytes(&self, at: u64, length: usize) -> Vec<u8> {
        let within = usize::try_from(at % BLOCK as u64).expect("it is small");
        let block = self.blocks.get(&(at / BLOCK as u64)).map_or([0; BLOCK], |block| **block);
        block[within..within + length].to_vec()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_across_blocks_is_there_and_a_copy_keeps_what_was() {
        let mut image = Image::empty(1 << 20);
        image.apply(4090, b"0123456789");
        let before = image.clone();
        image.apply(4094, b"xx");
        assert_eq!(image.bytes(4090, 6), b"0123xx");
        assert_eq!(image.bytes(4096, 4), b"6789");
        assert_eq!(before.bytes(4090, 6), b"012345");
    }
}
