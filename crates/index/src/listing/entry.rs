//! One entry of a listing as bytes: its name and all that the file system said of it. Most numbers are
//! those of the entry before it, or near to them, or follow from others.

use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileId, FileKind, Metadata, Timestamp};

use super::bytes::{Broken, Reader, put, put_difference, put_time};
use crate::names::plain_name;

const KINDS: [FileKind; 6] = [
    FileKind::File,
    FileKind::Directory,
    FileKind::Symlink,
    FileKind::Fifo,
    FileKind::Socket,
    FileKind::Device,
];

/// The lowest three bits of the first byte are the kind.
const KIND: u8 = 0b111;
const IS_IMMUTABLE: u8 = 1 << 3;
const HAS_CREATED: u8 = 1 << 4;
const ACCESSED_AS_MODIFIED: u8 = 1 << 5;
const CHANGED_AS_MODIFIED: u8 = 1 << 6;
const CREATED_AS_MODIFIED: u8 = 1 << 7;

/// In the second byte.
const SAME_VOLUME: u8 = 1 << 0;
const SAME_OWNER_AND_MODE: u8 = 1 << 1;
const ONE_LINK: u8 = 1 << 2;
const WHOLE_BLOCKS: u8 = 1 << 3;
const KNOWN: u8 = SAME_VOLUME | SAME_OWNER_AND_MODE | ONE_LINK | WHOLE_BLOCKS;

/// How most file systems allocate.
const BLOCK_BYTES: u64 = 4096;

/// What an entry is likely to have in common with the next one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    id: FileId,
    mode: u32,
    uid: u32,
    gid: u32,
    modified: Timestamp,
}

impl Before {
    /// Before the first one.
    pub(super) const NOTHING: Before = Before {
        id: FileId { volume: 0, file: 0 },
        mode: 0,
        uid: 0,
        gid: 0,
        modified: Timestamp { secs: 0, nanos: 0 },
    };

    fn of(metadata: &Metadata) -> Self {
        let Metadata { id, mode, uid, gid, modified, .. } = *metadata;
        Self { id, mode, uid, gid, modified }
    }

    fn has_owner_and_mode_of(&self, metadata: &Metadata) -> bool {
        (self.mode, self.uid, self.gid) == (metadata.mode, metadata.uid, metadata.gid)
    }
}

pub(super) fn put_entry(
    into: &mut Vec<u8>,
    name: &OsStr,
    metadata: &Metadata,
    before: &mut Before,
) {
    let set = |condition: bool, bit: u8| if condition { bit } else { 0 };
    let Metadata { modified, accessed, changed, created, .. } = *metadata;
    let first = kind_bits(metadata.kind)
        | set(metadata.is_immutable, IS_IMMUTABLE)
        | set(created.is_some(), HAS_CREATED)
        | set(accessed == modified, ACCESSED_AS_MODIFIED)
        | set(changed == modified, CHANGED_AS_MODIFIED)
        | set(created == Some(modified), CREATED_AS_MODIFIED);
    let second = set(metadata.id.volume == before.id.volume, SAME_VOLUME)
        | set(before.has_owner_and_mode_of(metadata), SAME_OWNER_AND_MODE)
        | set(metadata.link_count == 1, ONE_LINK)
        | set(whole_blocks(metadata.size) == Some(metadata.allocated_bytes), WHOLE_BLOCKS);
    into.extend([first, second]);
    let name = name.as_encoded_bytes();
    put(into, name.len() as u64);
    into.extend_from_slice(name);
    put(into, metadata.size);
    if second & WHOLE_BLOCKS == 0 {
        put(into, metadata.allocated_bytes);
    }
    if second & SAME_OWNER_AND_MODE == 0 {
        for number in [metadata.mode, metadata.uid, metadata.gid] {
            put(into, number.into());
        }
    }
    if second & ONE_LINK == 0 {
        put(into, metadata.link_count);
    }
    if second & SAME_VOLUME == 0 {
        put(into, metadata.id.volume);
    }
    put_difference(into, metadata.id.file, before.id.file);
    put_time(into, modified, before.modified);
    let others = [(accessed, ACCESSED_AS_MODIFIED), (changed, CHANGED_AS_MODIFIED)];
    for (time, bit) in others.into_iter().chain(created.map(|time| (time, CREATED_AS_MODIFIED))) {
        if first & bit == 0 {
            put_time(into, time, modified);
        }
    }
    *before = Before::of(metadata);
}

pub(super) fn entry(
    from: &mut Reader<'_>,
    before: &mut Before,
) -> Result<(OsString, Metadata), Broken> {
    let (first, second) = (from.byte()?, from.byte()?);
    let kind = *KINDS.get(usize::from(first & KIND)).ok_or(Broken)?;
    if second & !KNOWN != 0 {
        return Err(Broken);
    }
    let length = from.number()?;
    let name = plain_name(from.bytes(length)?).ok_or(Broken)?;
    let size = from.number()?;
    let allocated_bytes = match second & WHOLE_BLOCKS {
        0 => from.number()?,
        _ => whole_blocks(size).ok_or(Broken)?,
    };
    let (mode, uid, gid) = match second & SAME_OWNER_AND_MODE {
        0 => (from.number_32()?, from.number_32()?, from.number_32()?),
        _ => (before.mode, before.uid, before.gid),
    };
    let link_count = if second & ONE_LINK == 0 { from.number()? } else { 1 };
    let volume = if second & SAME_VOLUME == 0 { from.number()? } else { before.id.volume };
    let id = FileId { volume, file: from.difference(before.id.file)? };
    let modified = from.time(before.modified)?;
    let mut time = |bit| if first & bit == 0 { from.time(modified) } else { Ok(modified) };
    let accessed = time(ACCESSED_AS_MODIFIED)?;
    let changed = time(CHANGED_AS_MODIFIED)?;
    let created = match first & HAS_CREATED {
        0 => None,
        _ => Some(time(CREATED_AS_MODIFIED)?),
    };
    let is_immutable = first & IS_IMMUTABLE != 0;
    let metadata = Metadata {
        kind,
        size,
        allocated_bytes,
        mode,
        uid,
        gid,
        link_count,
        id,
        modified,
        accessed,
        changed,
        created,
        is_immutable,
    };
    *before = Before::of(&metadata);
    Ok((name, metadata))
}

fn kind_bits(kind: FileKind) -> u8 {
    match kind {
        FileKind::File => 0,
        FileKind::Directory => 1,
        FileKind::Symlink => 2,
        FileKind::Fifo => 3,
        FileKind::Socket => 4,
        FileKind::Device => 5,
    }
}

fn whole_blocks(size: u64) -> Option<u64> {
    size.checked_next_multiple_of(BLOCK_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_bits_of_its_own() {
        for kind in KINDS {
            assert_eq!(KINDS[usize::from(kind_bits(kind))], kind);
        }
    }
}
