//! Files to copy: the same ones every time, of random bytes.

use std::fs;
use std::path::Path;

use anyhow::Result;

/// A small generator of random numbers (SplitMix64), so that no crate's next version changes the data.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Between 0 and 1, without 0.
    fn part(&mut self) -> f64 {
        ((self.next() >> 11) + 1) as f64 / (1u64 << 53) as f64
    }

    /// Of a normal distribution (Box and Muller).
    fn normal(&mut self) -> f64 {
        (-2.0 * self.part().ln()).sqrt() * (std::f64::consts::TAU * self.part()).cos()
    }
}

/// The sizes of real trees are about log-normal.
const MEDIAN_BYTES: f64 = 4096.0;
const SPREAD: f64 = 1.2;
const MOST_BYTES: f64 = 1024.0 * 1024.0;

/// A tree of small files: so many directories of so many files each. Says how many bytes they have.
pub(crate) fn small_files(top: &Path, directories: usize, files: usize) -> Result<u64> {
    let mut random = Random(7);
    let block: Vec<u8> =
        (0..MOST_BYTES as usize / 8).flat_map(|_| random.next().to_le_bytes()).collect();
    let mut sum = 0;
    for directory in 0..directories {
        let directory = top.join(format!("d{directory:05}"));
        fs::create_dir_all(&directory)?;
        for file in 0..files {
            let size = (MEDIAN_BYTES * (SPREAD * random.normal()).exp()).min(MOST_BYTES) as usize;
            let begin = random.next() as usize % (block.len() - size + 1);
            fs::write(directory.join(format!("f{file:05}.dat")), &block[begin..begin + size])?;
            sum += size as u64;
        }
    }
    Ok(sum)
}
