//! What a lister hands over, and how it travels to the one who writes: packed by the thread that listed,
//! so that little is held in memory and the writer only writes.

use std::ffi::OsString;

use surecopy_fs::{FileKind, Metadata, Moment, RelPath};

use crate::listing::{ENTRIES_OF_A_PART, encode};
use crate::read::nanos;
use crate::stale::{ClockSetting, Seen};

/// A directory that was listed, or a part of a large one.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    /// Its path beneath the location.
    pub path: &'a RelPath,
    /// What the clocks showed before anything else was asked.
    pub began: &'a Moment,
    /// The directory's own metadata, looked up after that and before its names were listed.
    pub metadata: &'a Metadata,
    /// All that is in it, or in this part of it, in the order of the scan. Nothing is left out, whatever
    /// the scan makes of it.
    pub entries: &'a [(OsString, Metadata)],
    /// Which part this is, from 0.
    pub part: u32,
    /// How many parts there are, which may be handed over in any order.
    pub parts: u32,
}

/// Sums over what stands in a directory itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Counts {
    pub(super) files: u64,
    pub(super) bytes: u64,
    pub(super) directories: u64,
    pub(super) others: u64,
}

impl Counts {
    fn note(&mut self, metadata: &Metadata) {
        match metadata.kind {
            FileKind::File => {
                self.files += 1;
                // Files with holes may be of any size.
                self.bytes = self.bytes.saturating_add(metadata.size);
            }
            FileKind::Directory => self.directories += 1,
            FileKind::Symlink | FileKind::Fifo | FileKind::Socket | FileKind::Device => {
                self.others += 1;
            }
        }
    }

    pub(super) fn add(&mut self, other: &Counts) {
        self.files = self.files.saturating_add(other.files);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.directories = self.directories.saturating_add(other.directories);
        self.others = self.others.saturating_add(other.others);
    }
}

/// The same, ready to be written.
#[derive(Debug)]
pub(super) struct Packed {
    pub(super) path: RelPath,
    pub(super) seen: Seen,
    pub(super) began: i64,
    pub(super) clock: ClockSetting,
    pub(super) parts: u32,
    /// Numbers of parts, in order, and their bytes.
    pub(super) rows: Vec<(u32, Vec<u8>)>,
    pub(super) own: Counts,
    /// The names of the directories in it.
    pub(super) directories: Vec<OsString>,
}

/// A part that a lister hands over may be written in so many.
const ROWS_OF_A_PART: u32 = 1 << 12;

impl Packed {
    pub(super) fn of(listed: &Listed<'_>, root_volume: u64) -> Self {
        let seen = Seen::of(listed.metadata, root_volume);
        let mut own = Counts::default();
        let mut directories = Vec::new();
        for (name, metadata) in listed.entries {
            own.note(metadata);
            if metadata.kind == FileKind::Directory {
                directories.push(name.clone());
            }
        }
        let first = listed.part.saturating_mul(ROWS_OF_A_PART);
        let chunks = (first..).zip(listed.entries.chunks(ENTRIES_OF_A_PART));
        let rows = chunks.map(|(part, entries)| (part, encode(&seen, part, entries))).collect();
        Self {
            path: listed.path.clone(),
            seen,
            began: nanos(listed.began.wall.as_nanos()),
            clock: ClockSetting::at(listed.began),
            parts: listed.parts,
            rows,
            own,
            directories,
        }
    }

    /// How much it counts for when what is held in memory is limited.
    pub(super) fn weight(&self) -> usize {
        self.rows.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() + 256
    }

    /// Takes in another part of the same directory.
    pub(super) fn join(&mut self, other: Packed) {
        self.rows.extend(other.rows);
        self.own.add(&other.own);
        self.directories.extend(other.directories);
    }
}
