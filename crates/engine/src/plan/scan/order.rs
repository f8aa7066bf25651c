//! What is to be listed next, and what was found until the walk takes it.
//!
//! A path comes before another one exactly when the scan comes to it first, so the order of the scan is
//! the order of the paths.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use surecopy_fs::RelPath;

use super::bounds::Bounds;
use super::listing::{Large, Listed, Part};

/// One piece of work.
pub(super) enum Task<D> {
    /// List this directory.
    Directory(RelPath),
    /// Look at this part of a large one.
    Part(Arc<Large<D>>, usize),
}

/// A piece of work that was done.
pub(super) enum Done<D> {
    Directory(RelPath, Listed<D>),
    Part(Arc<Large<D>>, usize, Part),
}

/// What there is for the walk.
pub(super) enum Next<D> {
    /// What comes next of the directory, and whether that was all of it.
    Part(Part, bool),
    /// It is for the walk to do.
    Task(Task<D>),
    /// Somebody is at it still.
    NotYet,
}

pub(super) struct Order<D> {
    /// Directories that nobody has begun.
    waiting: BTreeSet<RelPath>,
    /// Directories that were begun, until the walk has taken all of them.
    begun: BTreeMap<RelPath, Begun<D>>,
    /// Those among them of which a part is still to be begun.
    unfinished: BTreeSet<RelPath>,
    /// How many directories are being listed right now.
    opening: usize,
    /// How many of these two there may be when another directory is begun: each may stay open.
    open_limit: usize,
    /// The weight of what was listed and not taken.
    weight: usize,
    /// How much that may be, give or take what is being listed.
    weight_limit: usize,
    /// Nothing is begun ahead of the walk until it has taken half of what there is.
    is_full: bool,
}

/// A directory that was begun.
struct Begun<D> {
    /// Parts that the walk has not taken.
    parts: BTreeMap<usize, Part>,
    /// How many it has taken.
    taken: usize,
    /// How many there are, when that is known.
    all: Option<usize>,
    /// A large one, while parts of it are to be begun, and the first such part.
    rest: Option<(Arc<Large<D>>, usize)>,
}

/// What comes first of all that nobody has begun.
enum First<'a> {
    /// The first directory that waits.
    Directory,
    /// A part of this large one.
    PartOf(&'a RelPath),
}

impl<D> Order<D> {
    /// Nothing yet.
    pub(super) fn new(bounds: &Bounds) -> Self {
        Self {
            waiting: BTreeSet::new(),
            begun: BTreeMap::new(),
            unfinished: BTreeSet::new(),
            opening: 0,
            open_limit: bounds.listers + 1,
            weight: 0,
            weight_limit: bounds.ahead_entries,
            is_full: false,
        }
    }

    /// What comes next for the walk, which is at this directory.
    pub(super) fn next_of(&mut self, path: &RelPath) -> Next<D> {
        let Some(begun) = self.begun.get_mut(path) else {
            self.waiting.remove(path);
            return Next::Task(self.begin(path.clone()));
        };
        if let Some(part) = begun.parts.remove(&begun.taken) {
            begun.taken += 1;
            let is_last = begun.all == Some(begun.taken);
            if is_last {
                self.begun.remove(path);
            }
            self.taken(part.weight());
            return Next::Part(part, is_last);
        }
        let is_next_begun = begun.rest.as_ref().is_none_or(|(_, next)| *next > begun.taken);
        let task = if is_next_begun {
            // Somebody is at it. To do what comes after it takes no longer than to wait for it.
            self.begin_next()
        } else {
            self.begin_part(path)
        };
        task.map_or(Next::NotYet, Next::Task)
    }

    /// Begins the first that nobody has begun, if there is room for it.
    pub(super) fn begin_next(&mut self) -> Option<Task<D>> {
        match self.first()? {
            First::Directory => {
                let path = self.waiting.pop_first()?;
                Some(self.begin(path))
            }
            First::PartOf(path) => {
                let path = path.clone();
                self.begin_part(&path)
            }
        }
    }

    /// Whether there is something to begin, and room for it.
    pub(super) fn can_begin(&self) -> bool {
        self.first().is_some()
    }

    /// Keeps what was found, unless it was left out meanwhile.
    pub(super) fn keep(&mut self, done: Done<D>) {
        let (path, nth, part) = match done {
            Done::Part(large, nth, part) => (large.path.clone(), nth, part),
            Done::Directory(path, listed) => {
                self.opening -= 1;
                let Some(begun) = self.begun.get_mut(&path) else { return };
                match listed {
                    Listed::Whole(part) => {
                        begun.all = Some(1);
                        (path, 0, part)
                    }
                    Listed::Large(large) => {
                        begun.all = Some(large.parts());
                        begun.rest = Some((Arc::new(large), 0));
                        self.unfinished.insert(path);
                        return;
                    }
                }
            }
        };
        let Some(begun) = self.begun.get_mut(&path) else { return };
        self.waiting.extend(part.directories.iter().map(|entry| entry.path.clone()));
        self.weight += part.weight();
        self.is_full |= self.weight >= self.weight_limit;
        begun.parts.insert(nth, part);
    }

    /// Nothing of this directory is wanted any more.
    pub(super) fn leave_out(&mut self, path: &RelPath) {
        while let Some(below) = first_below(self.waiting.range(path.clone()..), path) {
            self.waiting.remove(&below);
        }
        let begun = |order: &Self| {
            first_below(order.begun.range(path.clone()..).map(|(below, _)| below), path)
        };
        while let Some(below) = begun(self) {
            self.unfinished.remove(&below);
            let begun = self.begun.remove(&below);
            let parts = begun.iter().flat_map(|begun| begun.parts.values());
            let weight = parts.map(Part::weight).sum();
            self.taken(weight);
        }
    }

    /// Few large directories are open at a time: each stays open until its last part is begun.
    fn first(&self) -> Option<First<'_>> {
        if self.is_full {
            return None;
        }
        let may_open = self.unfinished.len() + self.opening < self.open_limit;
        match (self.waiting.first(), self.unfinished.first()) {
            (Some(_), None) if may_open => Some(First::Directory),
            (Some(directory), Some(large)) if may_open && directory < large => {
                Some(First::Directory)
            }
            (_, large) => large.map(First::PartOf),
        }
    }

    fn begin(&mut self, path: RelPath) -> Task<D> {
        let begun = Begun { parts: BTreeMap::new(), taken: 0, all: None, rest: None };
        self.begun.insert(path.clone(), begun);
        self.opening += 1;
        Task::Directory(path)
    }

    fn begin_part(&mut self, path: &RelPath) -> Option<Task<D>> {
        let begun = self.begun.get_mut(path)?;
        let (large, part) = begun.rest.take()?;
        if part + 1 < large.parts() {
            begun.rest = Some((Arc::clone(&large), part + 1));
        } else {
            self.unfinished.remove(path);
        }
        Some(Task::Part(large, part))
    }

    fn taken(&mut self, weight: usize) {
        self.weight -= weight;
        self.is_full &= self.weight > self.weight_limit / 2;
    }
}

fn first_below<'a>(
    mut paths: impl Iterator<Item = &'a RelPath>,
    above: &RelPath,
) -> Option<RelPath> {
    paths.next().filter(|path| path.starts_with(above)).cloned()
}
