//! The sums of a plan: items, bytes, and the room they need.

use std::sync::Arc;

use surecopy_fs::{FileSystem, Metadata, Volume};

use super::item::{Action, PlannedItem};
use super::planner::Planner;
use super::scan::{Entry, Origin};
use crate::policy::ReflinkMode;
use crate::report::{ItemKind, Warning, WarningKind};

impl<F: FileSystem> Planner<'_, F> {
    pub(super) fn count(
        &mut self,
        entry: &Entry,
        item: PlannedItem,
        existing: Option<&Metadata>,
        volume: &Arc<Volume>,
    ) {
        let replaced = match item.action {
            Action::Replace(_) | Action::ReplaceIfContentDiffers(_) => existing.map(|m| m.size),
            Action::Create | Action::Merge | Action::Skip(_) => None,
        };
        let is_copied = !matches!(item.action, Action::Skip(_));
        let mut new_bytes = 0;
        if is_copied && item.kind == ItemKind::File {
            new_bytes = self.room_for(&entry.metadata, volume);
            self.warn_of_lost_holes(entry, volume);
        }
        // What may turn out to be equal may need no room. Refusing it here would refuse jobs that
        // fit; each such file is checked for room when it is found to differ.
        let is_decided = !matches!(item.action, Action::ReplaceIfContentDiffers(_));
        if is_copied && is_decided {
            self.state.has_remembered_needs |= entry.origin == Origin::Remembered;
            self.need(volume, new_bytes, replaced);
        }
        self.push(item, entry.metadata.size, replaced);
    }

    /// One more entry is to be made on a volume.
    pub(super) fn need(&mut self, volume: &Arc<Volume>, new_bytes: u64, replaced: Option<u64>) {
        let root = &self.root.mapping.destination_root;
        self.state.needs.add(volume, root, new_bytes, replaced);
    }

    /// Bytes a copy will occupy: none where blocks can be shared, only the data where holes stay.
    /// Whether a volume of such a file system really shares them (XFS can be made without) shows
    /// when the first file is copied; until then it is trusted, so that nothing is refused for room
    /// that it does not need. Each file is checked again before it is written.
    pub(super) fn room_for(&self, source: &Metadata, volume: &Volume) -> u64 {
        let may_share = volume.filesystem.can_share_blocks
            && volume.id == self.source_volume.id
            && self.spec.reflink != ReflinkMode::Never;
        if may_share {
            0
        } else if self.spec.preserve.holes && volume.filesystem.can_store_holes {
            source.size.min(source.allocated_bytes)
        } else {
            source.size
        }
    }

    pub(super) fn warn_of_lost_holes(&mut self, entry: &Entry, volume: &Volume) {
        let will_be_lost = !(self.spec.preserve.holes && volume.filesystem.can_store_holes);
        if self.spec.sparse_file_warning && entry.metadata.is_sparse() && will_be_lost {
            self.sink.warning(Warning {
                kind: WarningKind::SparseFile,
                path: self.root.show_source(&self.root.source_below(&entry.path)),
                message: format!(
                    "the file has holes that will not be kept: {} bytes long, {} bytes allocated",
                    entry.metadata.size, entry.metadata.allocated_bytes
                ),
            });
        }
    }

    pub(super) fn push(&mut self, item: PlannedItem, size_bytes: u64, replaced: Option<u64>) {
        let planned = &mut self.state.planned;
        planned.items += 1;
        let bytes = if item.kind == ItemKind::File { size_bytes } else { 0 };
        match item.action {
            Action::Skip(_) => planned.to_skip += 1,
            Action::ReplaceIfContentDiffers(_) => {
                planned.to_compare += 1;
                planned.bytes_to_compare += bytes;
            }
            Action::Create | Action::Merge | Action::Replace(_) => {
                planned.to_copy += 1;
                planned.bytes_to_copy += bytes;
                planned.to_replace += u64::from(replaced.is_some());
            }
        }
        self.sink.item(item);
    }
}
