//! A tree that changes at random, and what the index may remember of it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use surecopy_fs::{FileId, FileKind, FileSystem, Metadata, Node, RelPath, Times, Timestamp};
use surecopy_testkit::FakeFs;

use super::{Listing, PrepareMode};

/// What happens to the tree, to the clock, or to what is remembered. Paths are beneath the volume.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// A new file, or one that is rewritten in place with a content of this length.
    File(PathBuf, usize),
    /// A file is replaced by another one under its name.
    Replace(PathBuf, usize),
    Directory(PathBuf),
    Link(PathBuf),
    HardLink(PathBuf, PathBuf),
    Remove(PathBuf),
    /// What has the new name goes.
    Rename(PathBuf, PathBuf),
    /// A name becomes something else.
    Become(PathBuf, FileKind),
    Mode(PathBuf),
    /// Somebody sets the modification time of a directory to what it was at the last preparation, or so many
    /// seconds before that, as unpacking does.
    SetBack(PathBuf, i64),
    Pass(u64),
    SetClock(i64),
    StandStill(bool),
    Reboot,
    /// A preparation, of these sources.
    Prepare(Vec<PathBuf>, PrepareMode),
    /// One that is cancelled before so many of its calls.
    Cancelled(Vec<PathBuf>, PrepareMode, u64),
}

/// How much older than a listing a change has to be.
const WINDOW_NANOS: i128 = 1_000_000_000;

/// What was remembered of a directory, and when in the history.
struct Recorded {
    seen: Metadata,
    began: i128,
    at_step: usize,
}

pub(super) struct World {
    pub(super) fs: FakeFs,
    pub(super) root: PathBuf,
    pub(super) step: usize,
    /// Files that were rewritten in place, and when that was last.
    rewritten: BTreeMap<FileId, usize>,
    /// Locations that there are.
    locations: BTreeSet<PathBuf>,
    /// By location and path.
    recorded: BTreeMap<(PathBuf, PathBuf), Recorded>,
    /// When preparations were cancelled: what they listed may be remembered, and need not be.
    cancelled: Vec<usize>,
}

fn identity(seen: &Metadata) -> (FileId, Timestamp, Timestamp, u64, u64) {
    (seen.id, seen.modified, seen.changed, seen.size, seen.link_count)
}

impl World {
    pub(super) fn new(fs: &FakeFs, root: &Path) -> Self {
        Self {
            fs: fs.clone(),
            root: root.to_owned(),
            step: 0,
            rewritten: BTreeMap::new(),
            locations: BTreeSet::new(),
            recorded: BTreeMap::new(),
            cancelled: Vec::new(),
        }
    }

    fn at(&self, path: &Path) -> PathBuf {
        self.root.join(path)
    }

    /// What stands there, unless the way there leads through a link.
    fn kind(&self, path: &Path) -> Option<FileKind> {
        let leads_through_link = self.has_link(&self.root, &self.at(path.parent()?));
        let found = self.fs.stat(self.at(path)).filter(|_| !leads_through_link);
        found.map(|metadata| metadata.kind)
    }

    /// Whether there is a link between two paths, or the second is one.
    fn has_link(&self, above: &Path, path: &Path) -> bool {
        let is_link =
            |path: &Path| self.fs.stat(path).is_some_and(|found| found.kind == FileKind::Symlink);
        path.ancestors().take_while(|path| *path != above).any(is_link)
    }

    fn is_directory(&self, path: &Path) -> bool {
        path.as_os_str().is_empty() || self.kind(path) == Some(FileKind::Directory)
    }

    /// Whether a new name can stand there.
    fn has_room(&self, path: &Path) -> bool {
        self.fs.stat(self.at(path)).is_none() && self.is_directory(path.parent().unwrap())
    }

    /// FAT knows neither links nor pipes.
    fn is_fat(&self) -> bool {
        let root = self.fs.open_root(&self.root).unwrap();
        matches!(self.fs.volume(&root).unwrap().filesystem.name, "vfat" | "exfat")
    }

    /// Does what there is to do, if the tree is such that it can be done.
    pub(super) fn apply(&mut self, step: &Step) {
        let fs = self.fs.clone();
        match step {
            Step::Link(_)
            | Step::HardLink(..)
            | Step::Become(_, FileKind::Symlink | FileKind::Fifo)
                if self.is_fat() => {}
            Step::File(path, size) => match self.kind(path) {
                Some(FileKind::File) => {
                    fs.file(self.at(path), vec![1; *size]);
                    let id = fs.stat(self.at(path)).unwrap().id;
                    self.rewritten.insert(id, self.step);
                }
                None if self.has_room(path) => {
                    fs.file(self.at(path), vec![1; *size]);
                }
                _ => {}
            },
            Step::Replace(path, size) if self.kind(path) == Some(FileKind::File) => {
                let other = path.with_file_name("new");
                fs.file(self.at(&other), vec![2; *size]);
                fs.rename(self.at(&other), self.at(path));
            }
            Step::Directory(path) if self.has_room(path) => {
                fs.dir(self.at(path));
            }
            Step::Link(path) if self.has_room(path) => {
                fs.symlink(self.at(path), "a");
            }
            Step::HardLink(from, to)
                if self.kind(from) == Some(FileKind::File) && self.has_room(to) =>
            {
                fs.link(self.at(from), self.at(to));
            }
            Step::Remove(path) if self.kind(path).is_some() => {
                fs.remove(self.at(path));
            }
            Step::Rename(from, to)
                if self.kind(from).is_some()
                    && self.is_directory(to.parent().unwrap())
                    && !to.starts_with(from)
                    && !from.starts_with(to) =>
            {
                fs.rename(self.at(from), self.at(to));
            }
            Step::Become(path, kind) if self.kind(path).is_some_and(|now| now != *kind) => {
                fs.remove(self.at(path));
                match kind {
                    FileKind::Directory => fs.dir(self.at(path)),
                    FileKind::Symlink => fs.symlink(self.at(path), ".."),
                    FileKind::Fifo => fs.fifo(self.at(path)),
                    _ => fs.file(self.at(path), "become"),
                };
            }
            Step::Mode(path) if self.kind(path).is_some() => {
                let mode = fs.stat(self.at(path)).unwrap().mode ^ 0o020;
                fs.mode(self.at(path), mode);
            }
            Step::SetBack(path, secs) if self.is_directory(path) => self.set_back(path, *secs),
            Step::Pass(millis) => {
                fs.pass(Duration::from_millis(*millis));
            }
            Step::SetClock(millis) => {
                let now = fs.moment().wall.as_nanos() + i128::from(*millis) * 1_000_000;
                let secs = i64::try_from(now.div_euclid(1_000_000_000)).unwrap();
                let nanos = u32::try_from(now.rem_euclid(1_000_000_000)).unwrap();
                fs.set_clock(Timestamp { secs, nanos });
            }
            Step::StandStill(is_still) => {
                fs.set_tick(if *is_still { 0 } else { 1_000 });
            }
            Step::Reboot => {
                fs.reboot();
            }
            _ => {}
        }
    }

    fn set_back(&self, path: &Path, secs: i64) {
        let root = self.fs.open_root(&self.root).unwrap();
        let dir = self.fs.open_dir(&root, &RelPath::new(path).unwrap()).unwrap();
        let known = self.recorded.iter().find(|((_, known), _)| *known == self.at(path));
        let known = known.map(|(_, recorded)| recorded.seen.modified);
        let now = self.fs.stat(self.at(path)).unwrap().modified;
        let mut modified = known.unwrap_or(now);
        modified.secs -= secs;
        let times = Times { accessed: None, modified, created: None };
        self.fs.set_times(Node::Dir(&dir), times).unwrap();
    }

    /// Whether something is remembered of a source: only of directories, and not through links.
    pub(super) fn is_known(&self, source: &Path) -> bool {
        let found = self.fs.stat(source);
        let location = self.location_of(source);
        found.is_some_and(|found| found.kind == FileKind::Directory)
            && !self.has_link(&location, source)
    }

    /// The location that a directory lies in: the nearest, or itself, which becomes one.
    fn location_of(&self, path: &Path) -> PathBuf {
        let nearest = self.locations.iter().filter(|location| path.starts_with(location)).max();
        nearest.map_or_else(|| path.to_owned(), Clone::clone)
    }

    /// The locations that the index has after a preparation that added all of them, or might have been
    /// stopped before that.
    pub(super) fn has_locations(&mut self, there: BTreeSet<PathBuf>, are_all_added: bool) {
        assert!(there.is_subset(&self.locations), "{there:?}, {:?}", self.locations);
        assert!(!are_all_added || there == self.locations, "{there:?}, {:?}", self.locations);
        self.locations = there;
    }

    /// A preparation was cancelled.
    pub(super) fn was_cancelled(&mut self) {
        self.cancelled.push(self.step);
    }

    /// The directories of a source that have to be listed because they have changed, or may have, since
    /// they were remembered.
    pub(super) fn due(&mut self, source: &Path) -> Vec<PathBuf> {
        if self.fs.stat(source).is_none_or(|found| found.kind != FileKind::Directory) {
            return Vec::new();
        }
        let location = self.location_of(source);
        self.locations.insert(location.clone());
        // Nothing is remembered of what is reached through a link in a location.
        let is_known = !self.has_link(&location, source);
        let directories = self.directories(source).into_iter();
        let is_stale = |path: &PathBuf| {
            if !is_known {
                return true;
            }
            let known = self.recorded.get(&(location.clone(), path.clone()));
            known.is_none_or(|known| {
                let seen = &known.seen;
                let last = seen.modified.as_nanos().max(seen.changed.as_nanos());
                let now = self.fs.stat(path).unwrap();
                identity(seen) != identity(&now) || known.began - last <= WINDOW_NANOS
            })
        };
        directories.filter(is_stale).collect()
    }

    fn directories(&self, source: &Path) -> Vec<PathBuf> {
        let tree = self.fs.tree(source).into_iter();
        let directories = tree.filter(|(_, entry)| entry.kind == FileKind::Directory);
        directories
            .map(
                |(path, _)| {
                    if path.as_os_str().is_empty() { source.into() } else { source.join(path) }
                },
            )
            .collect()
    }

    /// These were due in a preparation of the source, which had to list them unless one that was cancelled had
    /// done so.
    pub(super) fn record(
        &mut self,
        source: &Path,
        due: &[PathBuf],
        began: i128,
        remembered: &BTreeSet<PathBuf>,
    ) {
        if due.is_empty() {
            return;
        }
        let location = self.location_of(source);
        if self.has_link(&location, source) {
            return;
        }
        for path in due {
            let Some(seen) = self.fs.stat(path) else { continue };
            let place = (location.clone(), path.clone());
            let at_step = match remembered.contains(path) {
                true => self.listed_unseen(&place, &seen),
                false => self.step,
            };
            self.recorded.insert(place, Recorded { seen, began, at_step });
        }
    }

    /// When a directory was listed at the earliest that was due and yet is remembered.
    fn listed_unseen(&self, place: &(PathBuf, PathBuf), now: &Metadata) -> usize {
        let known = self.recorded.get(place);
        match known {
            // It was due only for being listed so soon after a change, and then was listed once more.
            Some(known) if identity(&known.seen) == identity(now) => known.at_step,
            _ => {
                let known = known.map_or(0, |known| known.at_step);
                let since = self.cancelled.iter().copied().find(|&step| step > known);
                since.unwrap_or_else(|| panic!("{place:?} was due, and is told as remembered"))
            }
        }
    }

    /// Checks what was found against what there is: the same names and kinds, in the same order. Sizes may
    /// differ where a file was rewritten in place after its directory was remembered.
    pub(super) fn check(&self, sources: &[PathBuf], found: &Listing, there: &Listing) {
        assert_eq!(found.names(), there.names());
        assert_eq!(found.problems, []);
        for (found, there) in found.found.iter().zip(&there.found) {
            let (before, now) = (&found.metadata, &there.metadata);
            if now.kind != FileKind::File || before.size == now.size {
                continue;
            }
            let source = sources[found.source].clone();
            let path = source.join(found.path.as_path());
            let location = self.location_of(&source);
            let parent = (location, path.parent().unwrap().to_owned());
            let known = self.recorded.get(&parent).map(|recorded| recorded.at_step);
            let rewritten = self.rewritten.get(&now.id).copied();
            assert!(
                found.is_remembered && rewritten.is_some() && rewritten >= known,
                "{}: {} is told and {} is there; rewritten {rewritten:?}, remembered {known:?}",
                path.display(),
                before.size,
                now.size,
            );
        }
    }
}
