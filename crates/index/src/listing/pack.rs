//! One part of a listing: a version, how many entries, the entries, and a sum over all of it.
//!
//! The sum also covers what the directory itself looked like and which part it is. A row that has come to
//! stand beside another than its own, as can happen in a damaged file, is found that way, and so is any
//! bit that has changed.

use std::ffi::OsString;

use surecopy_fs::Metadata;

use super::bytes::{Broken, Reader, put};
use super::entry::{Before, entry, put_entry};
use crate::stale::Seen;

/// Larger listings are in several parts.
pub(crate) const ENTRIES_OF_A_PART: usize = 1_000;

const VERSION: u8 = 1;

const SUM_BYTES: usize = 8;

/// Two bytes of flags, a name of one byte and its length, a size, a number and two halves of a time.
const LEAST_ENTRY_BYTES: usize = 8;

/// Packs a part of what was in a directory that looked like this before it was listed.
pub(crate) fn encode(seen: &Seen, part: u32, entries: &[(OsString, Metadata)]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(64 * entries.len() + 16);
    bytes.push(VERSION);
    put(&mut bytes, entries.len() as u64);
    let mut before = Before::NOTHING;
    for (name, metadata) in entries {
        put_entry(&mut bytes, name, metadata, &mut before);
    }
    let sum = sum(seen, part, &bytes);
    bytes.extend(sum);
    bytes
}

/// Takes back what was packed, or says that it was not.
pub(crate) fn decode(
    seen: &Seen,
    part: u32,
    bytes: &[u8],
) -> Result<Vec<(OsString, Metadata)>, Broken> {
    let (body, told) = bytes.split_last_chunk::<SUM_BYTES>().ok_or(Broken)?;
    if sum(seen, part, body) != *told {
        return Err(Broken);
    }
    unpack(body)
}

fn unpack(body: &[u8]) -> Result<Vec<(OsString, Metadata)>, Broken> {
    let mut reader = Reader::new(body);
    if reader.byte()? != VERSION {
        return Err(Broken);
    }
    let count = usize::try_from(reader.number()?).map_err(|_| Broken)?;
    // So that no number that stands there makes room for more than can be in it.
    if count > reader.left() / LEAST_ENTRY_BYTES {
        return Err(Broken);
    }
    let mut entries = Vec::with_capacity(count);
    let mut before = Before::NOTHING;
    for _ in 0..count {
        entries.push(entry(&mut reader, &mut before)?);
    }
    if reader.left() == 0 { Ok(entries) } else { Err(Broken) }
}

fn sum(seen: &Seen, part: u32, body: &[u8]) -> [u8; SUM_BYTES] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seen.to_bytes()).update(&part.to_be_bytes()).update(body);
    let mut sum = [0; SUM_BYTES];
    sum.copy_from_slice(&hasher.finalize().as_bytes()[..SUM_BYTES]);
    sum
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use proptest::prelude::*;
    use surecopy_fs::{FileId, FileKind, Timestamp};

    use super::*;

    const SEEN: Seen = Seen {
        volume: 0,
        file: 7,
        modified: Timestamp { secs: 1, nanos: 2 },
        changed: Timestamp { secs: 3, nanos: 4 },
        size: 5,
        link_count: 2,
    };

    fn time() -> impl Strategy<Value = Timestamp> {
        let secs = prop_oneof![any::<i64>(), 1_700_000_000i64..1_700_000_100];
        (secs, 0..1_000_000_000u32).prop_map(|(secs, nanos)| Timestamp { secs, nanos })
    }

    fn name() -> impl Strategy<Value = OsString> {
        proptest::collection::vec(any::<u8>(), 1..20)
            .prop_filter("a plain name", |bytes| {
                bytes != b"." && bytes != b".." && !bytes.contains(&b'/') && !bytes.contains(&0)
            })
            .prop_map(OsString::from_vec)
    }

    prop_compose! {
        fn metadata()(
            kind in 0..6usize,
            size in prop_oneof![any::<u64>(), 0..10_000u64],
            allocated in proptest::option::of(any::<u64>()),
            (mode, uid, gid) in prop_oneof![Just((0o644, 0, 0)), any::<(u32, u32, u32)>()],
            link_count in prop_oneof![Just(1), any::<u64>()],
            id in prop_oneof![any::<(u64, u64)>(), (Just(3), 1_000..1_010u64)],
            modified in time(),
            others in proptest::array::uniform3(proptest::option::of(time())),
            created in proptest::option::of(any::<bool>()),
            is_immutable in any::<bool>(),
        ) -> Metadata {
            let kinds = [
                FileKind::File, FileKind::Directory, FileKind::Symlink,
                FileKind::Fifo, FileKind::Socket, FileKind::Device,
            ];
            let [accessed, changed, made] = others.map(|time| time.unwrap_or(modified));
            Metadata {
                kind: kinds[kind],
                size,
                allocated_bytes: allocated.unwrap_or(size.div_ceil(4096).saturating_mul(4096)),
                mode, uid, gid, link_count,
                id: FileId { volume: id.0, file: id.1 },
                modified, accessed, changed,
                created: created.map(|_| made),
                is_immutable,
            }
        }
    }

    proptest! {
        #[test]
        fn what_was_packed_comes_back(
            entries in proptest::collection::vec((name(), metadata()), 0..40),
        ) {
            let bytes = encode(&SEEN, 3, &entries);
            prop_assert_eq!(decode(&SEEN, 3, &bytes), Ok(entries));
        }

        #[test]
        fn a_changed_bit_is_found(
            entries in proptest::collection::vec((name(), metadata()), 0..10),
            at in any::<proptest::sample::Index>(),
            bit in 0..8u32,
        ) {
            let mut bytes = encode(&SEEN, 0, &entries);
            let at = at.index(bytes.len());
            bytes[at] ^= 1u8 << bit;
            prop_assert_eq!(decode(&SEEN, 0, &bytes), Err(Broken));
        }

        #[test]
        fn any_bytes_are_a_listing_or_broken(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            // Both may be; neither may panic.
            let (first, second) = (unpack(&body), decode(&SEEN, 0, &body));
            prop_assert!(first.is_err() || body.first() == Some(&VERSION));
            prop_assert!(second.is_err());
        }

        #[test]
        fn a_listing_with_a_wrong_byte_is_still_one_or_broken(
            entries in proptest::collection::vec((name(), metadata()), 1..10),
            at in any::<proptest::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<proptest::sample::Index>(),
        ) {
            let mut body = encode(&SEEN, 0, &entries);
            body.truncate(body.len() - SUM_BYTES);
            prop_assert_eq!(unpack(&body[..cut.index(body.len())]), Err(Broken));
            let at = at.index(body.len());
            body[at] = byte;
            if let Ok(read) = unpack(&body) {
                let root = surecopy_fs::RelPath::root();
                read.iter().for_each(|(name, _)| assert_eq!(root.join(name).depth(), 1));
            }
        }
    }

    #[test]
    fn a_part_belongs_to_its_directory_and_place() {
        let bytes = encode(&SEEN, 1, &[]);
        assert_eq!(decode(&SEEN, 1, &bytes), Ok(vec![]));
        assert_eq!(decode(&SEEN, 2, &bytes), Err(Broken));
        assert_eq!(decode(&Seen { file: 8, ..SEEN }, 1, &bytes), Err(Broken));
    }

    #[test]
    fn a_count_makes_no_room_by_itself() {
        let mut body = vec![VERSION];
        put(&mut body, u64::MAX);
        assert_eq!(unpack(&body), Err(Broken));
        let mut body = vec![VERSION];
        put(&mut body, 1 << 40);
        body.extend([0; 100]);
        assert_eq!(unpack(&body), Err(Broken));
    }
}
