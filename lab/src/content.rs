//! Bytes for files: random enough that nothing in them repeats, the same for the same seed.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

const MIB: usize = 1 << 20;

/// Writes a file of random bytes, without holes.
pub(crate) fn write_random(path: &Path, size: u64, seed: u64) -> Result<()> {
    let mut file = File::create(path).with_context(|| format!("create {}", path.display()))?;
    let mut random = Random::new(seed);
    // Drawing is slow next to writing: large files repeat a block, each time with its number in it.
    let mut block = random.bytes(MIB.min(usize::try_from(size)?));
    let mut written = 0u64;
    while written < size {
        let length = block.len().min(usize::try_from(size - written)?);
        if length >= 8 {
            block[..8].copy_from_slice(&(written ^ seed).to_le_bytes());
        }
        file.write_all(&block[..length])?;
        written += length as u64;
    }
    file.sync_all()?;
    Ok(())
}

/// Fails unless both files hold the same bytes.
pub(crate) fn ensure_same(left: &Path, right: &Path) -> Result<()> {
    let read = |path: &Path| fs::read(path).with_context(|| format!("read {}", path.display()));
    ensure!(read(left)? == read(right)?, "{} and {} differ", left.display(), right.display());
    Ok(())
}
