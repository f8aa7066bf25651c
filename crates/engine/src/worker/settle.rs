//! Saying that nothing is left of what was published, once that is durable: a replaced file whose
//! removal was not flushed may be back after a power cut, and then somebody has to know of it.

use std::sync::Arc;

use surecopy_fs::{FileSystem, RelPath, Volume};

use super::take::Worker;
use crate::directories::flush_names_in;
use crate::plan::ItemId;
use crate::record::Fact;

/// A published item whose replaced file was removed.
pub(super) struct Removed {
    pub(super) item: ItemId,
    pub(super) volume: Arc<Volume>,
    /// Its mapping, and its directory beneath the destination root.
    pub(super) place: (usize, RelPath),
}

/// So many may wait for a flush that covers them; then there is one for their sake.
const MOST: usize = 1000;

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Notes those whose removal is covered by a flush that was just made.
    pub(super) fn settle(&mut self, is_covered: impl Fn(&Removed) -> bool) {
        let covered = self.removed.extract_if(.., |removed| is_covered(removed));
        let items: Vec<ItemId> = covered.map(|removed| removed.item).collect();
        if !items.is_empty() {
            self.context.note(vec![Fact::Settled { items }]);
        }
    }

    /// Flushes for the sake of removals alone when too many wait.
    pub(super) fn settle_if_many(&mut self) {
        if self.removed.len() >= MOST {
            self.settle_all();
        }
    }

    /// Flushes what removals are left. What cannot be flushed is looked at when the job is resumed.
    pub(super) fn settle_all(&mut self) {
        while let Some(last) = self.removed.last() {
            let (volume, place) = (Arc::clone(&last.volume), last.place.clone());
            let is_one = self.removed.iter().all(|removed| removed.place == place);
            let point = if is_one { None } else { self.handles.flush_point(&volume) };
            let fs = self.context.fs();
            if let Some(point) = point
                && self
                    .handles
                    .flush_through(&volume, || fs.flush_volume(&point))
                    .is_ok_and(|flushed| flushed.is_done())
            {
                self.settle(|removed| removed.volume.id == volume.id);
                continue;
            }
            let root = &self.context.roots[place.0].destination;
            let flushed =
                fs.open_dir(root, &place.1).and_then(|directory| flush_names_in(fs, &directory));
            match flushed {
                Ok(()) => self.settle(|removed| removed.place == place),
                Err(error) => {
                    tracing::debug!(%error, directory = ?place.1, "a removal is not durable");
                    self.removed.retain(|removed| removed.place != place);
                }
            }
        }
    }
}
