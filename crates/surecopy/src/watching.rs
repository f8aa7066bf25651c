//! Keeping locations of the index fresh while things change.

use std::path::Path;

use surecopy_engine::Control;
use surecopy_fs::{MachineClock, NativeFs};
use surecopy_index::{
    Index, IndexError, Location, SystemEvents, Watch, WatchFact, WatchPace, Watched,
};

/// Watches locations until it is cancelled, or until there is none to watch any more: whatever changes in one marks exactly the directories
/// concerned, so that they are looked at by the next preparation. What could not be seen is looked for.
///
/// # Errors
///
/// The index cannot be used. One that is held by others or full for a while is waited for.
pub fn watch(
    index: &Index,
    locations: Watched<'_>,
    control: &Control,
    observer: &dyn Fn(&WatchFact),
) -> Result<(), IndexError> {
    let machine = MachineClock::new();
    let clock = || machine.now();
    let pace = WatchPace::default();
    Watch { index, locations, clock: &clock, control, observer, pace }
        .run(&NativeFs::new(), &SystemEvents)
}

/// The location that a path lies in, whatever directory the path begins in.
///
/// # Errors
///
/// The index cannot be used.
pub fn location_of(index: &Index, path: &Path) -> Result<Option<Location>, IndexError> {
    let Ok(plain) = surecopy_fs::plain_path(path) else { return Ok(None) };
    Ok(index.location_of(&plain)?.map(|(location, _)| location))
}
