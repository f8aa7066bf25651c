//! What is remembered of a file, as bytes in a column and as numbers in JSON.

use surecopy_engine::Seen;
use surecopy_fs::{FileId, Timestamp};

use crate::error::{Fault, Result};

/// Volume, file, size and seconds with eight bytes each, nanoseconds with four; all big-endian.
pub(crate) const LENGTH: usize = 36;

/// Where size and time begin, counted from one as SQL does: by these two, one reading of a path is
/// compared with another.
pub(crate) const SIZE_AND_TIME: usize = 17;

/// As bytes.
pub(crate) fn to_bytes(seen: Seen) -> [u8; LENGTH] {
    let mut bytes = [0; LENGTH];
    bytes[..8].copy_from_slice(&seen.id.volume.to_be_bytes());
    bytes[8..16].copy_from_slice(&seen.id.file.to_be_bytes());
    bytes[16..24].copy_from_slice(&seen.size_bytes.to_be_bytes());
    bytes[24..32].copy_from_slice(&seen.modified.secs.to_be_bytes());
    bytes[32..].copy_from_slice(&seen.modified.nanos.to_be_bytes());
    bytes
}

/// From bytes.
pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Seen> {
    let bytes: &[u8; LENGTH] =
        bytes.try_into().map_err(|_| Fault::content("what is remembered of a file is cut off"))?;
    let eight = |at: usize| {
        let mut part = [0; 8];
        part.copy_from_slice(&bytes[at..at + 8]);
        part
    };
    let mut nanos = [0; 4];
    nanos.copy_from_slice(&bytes[32..]);
    let number = |at| u64::from_be_bytes(eight(at));
    let secs = i64::from_be_bytes(eight(24));
    from_numbers((number(0), number(8), number(16), secs, u32::from_be_bytes(nanos)))
}

/// In JSON: volume, file, size, seconds, nanoseconds.
pub(crate) type Numbers = (u64, u64, u64, i64, u32);

pub(crate) fn to_numbers(seen: Seen) -> Numbers {
    let Seen { id, size_bytes, modified } = seen;
    (id.volume, id.file, size_bytes, modified.secs, modified.nanos)
}

pub(crate) fn from_numbers((volume, file, size_bytes, secs, nanos): Numbers) -> Result<Seen> {
    // No file system says so, and with such a time no file is known again, and none can be given it.
    if nanos >= 1_000_000_000 {
        return Err(Fault::content(format!("a time with {nanos} ns beyond the second")));
    }
    Ok(Seen { id: FileId { volume, file }, size_bytes, modified: Timestamp { secs, nanos } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_is_kept() {
        for numbers in [(0, 0, 0, 0, 0), (u64::MAX, 1, u64::MAX, i64::MIN, 999_999_999)] {
            let seen = from_numbers(numbers).unwrap();
            let bytes = to_bytes(seen);
            assert_eq!(from_bytes(&bytes).unwrap(), seen);
            assert_eq!(to_numbers(seen), numbers);
            assert_eq!(bytes[SIZE_AND_TIME - 1..SIZE_AND_TIME + 7], numbers.2.to_be_bytes());
            assert!(from_bytes(&bytes[1..]).is_err());
        }
        assert!(from_numbers((1, 2, 3, 4, 1_000_000_000)).is_err());
    }
}
