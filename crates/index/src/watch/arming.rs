//! Setting watches on the directories of a location, some at a time.
//!
//! A directory is watched first and listed then, so that what comes to it is either told or found. What
//! the index knows of one that came while the location was watched is marked only after that: whatever
//! was listed of it before may have changed unseen.

use std::ffi::OsString;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Node};

use super::facts::{LostReason, WatchFact};
use super::gathered::Gathered;
use super::place::{Place, Standing, ToArm};
use super::running::Session;
use super::source::{EventSource, NotWatched, Watches};

/// So many are watched before it is looked again what has happened.
const SOME: usize = 256;

impl<F: FileSystem, S: EventSource> Session<'_, F, S> {
    /// Watches some of the directories of a location that are still to be watched.
    pub(super) fn arm(&mut self, number: usize) {
        let place = &mut self.places[number];
        if place.to_arm.is_empty() || place.watches.is_none() {
            return;
        }
        let root = match self.fs.open_root(&place.path) {
            Ok(root) => root,
            Err(error) => {
                return self.lose(number, LostReason::Missing(error.source.to_string()));
            }
        };
        for _ in 0..SOME {
            let Some(next) = place.to_arm.pop() else { break };
            let armed = arm_one(self.fs, &root, place, &next);
            match armed {
                Ok((dir, names)) => {
                    place.directories += 1;
                    let id = self.fs.metadata(Node::Dir(&dir)).map(|metadata| metadata.id);
                    if id.is_ok_and(|id| self.own.are_in(id)) {
                        Gathered::note_home(&self.gathered, number, &next.path);
                    }
                    let has_come = next.has_come;
                    let below =
                        names.iter().map(|name| ToArm { path: next.path.join(name), has_come });
                    place.to_arm.extend(below);
                    if has_come {
                        place.come.insert(next.path);
                    }
                }
                Err(NotWatched::Gone) => {}
                Err(NotWatched::Closed) => {
                    place.closed += 1;
                    place.come.insert(next.path);
                }
                Err(NotWatched::Limit) => {
                    return self.lose(number, LostReason::TooManyDirectories);
                }
                Err(error @ NotWatched::Failed(_)) => {
                    return self.lose(number, LostReason::Failed(error.to_string()));
                }
            }
        }
        if place.to_arm.is_empty() && place.standing == Standing::Arming {
            place.standing = Standing::Watched;
            place.must_check = true;
            let fact = WatchFact::Started {
                location: place.id,
                directories: place.directories,
                closed: place.closed,
                is_network: place.is_network,
            };
            self.tell(fact);
        }
    }
}

/// Watches a directory; returns those in it.
fn arm_one<F: FileSystem, W: Watches>(
    fs: &F,
    root: &F::Dir,
    place: &mut Place<W>,
    next: &ToArm,
) -> Result<(F::Dir, Vec<OsString>), NotWatched> {
    // What is no directory, or a link to one, is not even asked for.
    let dir = fs.open_dir(root, &next.path).map_err(|error| not_watched(&error))?;
    if let Some(watches) = &mut place.watches {
        watches.add(&place.path.join(next.path.as_path()))?;
    }
    let names = fs.list_directories(&dir).map_err(|error| not_watched(&error))?;
    Ok((dir, names))
}

fn not_watched(error: &FsError) -> NotWatched {
    match error.kind {
        FsErrorKind::NotFound | FsErrorKind::NotADirectory | FsErrorKind::LinkInPath => {
            NotWatched::Gone
        }
        FsErrorKind::PermissionDenied | FsErrorKind::NotPermitted => NotWatched::Closed,
        _ => NotWatched::Failed(error.source.to_string()),
    }
}
