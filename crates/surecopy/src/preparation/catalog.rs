//! What is remembered, as the engine asks for it, and what the engine finds, as it is remembered.

use std::ffi::OsString;
use std::sync::atomic::Ordering;

use surecopy_engine::{Catalog, ListedPart, MOST_REMEMBERED_ENTRIES, Sums};
use surecopy_fs::{FileSystem, Metadata, Moment, RelPath};
use surecopy_index::{Estimate, Listed, Recorder};

use super::memory::Memory;

impl<F: FileSystem> Memory<F> {
    /// Writes down something that was found at a path of a source.
    fn record(&self, source: usize, path: &RelPath, found: impl FnOnce(&Recorder, &RelPath)) {
        if !self.asked.records {
            return;
        }
        let Some(known) = self.known_of(source) else { return };
        let path = known.beneath.join_path(path);
        let now = || (self.clock)();
        self.places[known.place].record(&self.index, now, &self.troubles, |recorder| {
            found(recorder, &path);
        });
    }
}

impl<F: FileSystem> Catalog for Memory<F> {
    fn entries(&self, mapping: usize, path: &RelPath) -> Option<Vec<(OsString, Metadata)>> {
        if self.troubles.has_any() {
            return None;
        }
        let known = self.known_of(mapping)?;
        let validated = known.validated.as_ref().filter(|found| self.is_believed(found))?;
        let place = &self.places[known.place];
        let entries = self.index.entries_at(
            place.location.id,
            &known.beneath.join_path(path),
            place.volume.id,
            MOST_REMEMBERED_ENTRIES as u64,
            |directory| validated.is_fresh(directory),
        );
        match entries {
            Ok(entries) => {
                self.served.fetch_add(u64::from(entries.is_some()), Ordering::Relaxed);
                entries
            }
            Err(error) => {
                self.troubles.add(error);
                None
            }
        }
    }

    fn sums(&self, mapping: usize, path: &RelPath) -> Option<Sums> {
        let known = self.known_of(mapping)?;
        let validated = known.validated.as_ref().filter(|found| self.is_believed(found))?;
        let path = known.beneath.join_path(path);
        // Where something is gone, the directory it stood in is stale, unless it went just now.
        if validated.gone > 0 && validated.stale == 0 || !validated.is_fresh_beneath(&path) {
            return None;
        }
        let location = self.places[known.place].location.id;
        match self.index.estimate_in(location, &path) {
            Ok(estimate) => {
                let sums = estimate.filter(Estimate::is_complete).map(|estimate| Sums {
                    files: estimate.files,
                    bytes: estimate.bytes,
                    directories: estimate.directories,
                    others: estimate.others,
                })?;
                self.served.fetch_add(1, Ordering::Relaxed);
                Some(sums)
            }
            Err(error) => {
                self.troubles.add(error);
                None
            }
        }
    }

    fn now(&self) -> Moment {
        (self.clock)()
    }

    fn listed(&self, part: &ListedPart<'_>) {
        if part.part == 0 {
            self.listed.fetch_add(1, Ordering::Relaxed);
        }
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        self.record(part.mapping, part.path, |recorder, path| {
            if part.missed > 0 {
                // Nobody knows what else is in it, so nothing of it is remembered. The other parts of a
                // large directory wait for this one in vain.
                return recorder.unreadable(path);
            }
            recorder.listed(&Listed {
                path,
                began: &part.began,
                metadata: part.metadata,
                entries: part.entries,
                part: number(part.part),
                parts: number(part.parts),
            });
        });
    }

    fn scanned(&self, is_at_end: bool) {
        self.write_down(is_at_end);
    }

    fn was_otherwise(&self, mapping: usize, path: &RelPath) {
        let Some(known) = self.known_of(mapping) else { return };
        let Some(directory) = known.beneath.join_path(path).parent() else { return };
        self.otherwise.add(known.place, directory);
    }

    fn not_listed(&self, mapping: usize, path: &RelPath) {
        self.record(mapping, path, Recorder::unreadable);
    }
}
