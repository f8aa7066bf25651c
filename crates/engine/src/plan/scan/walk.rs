//! The walk through a source: everything in its order, handed on by one thread.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread::{Builder, Scope, ScopedJoinHandle};

use surecopy_fs::{FileKind, FileSystem, Node, RelPath};

use super::ahead::Ahead;
use super::bounds::Bounds;
use super::entry::{Entry, Origin, ScanSink};
use super::listing::{CHECKED_ENTRIES, Found, Listed, Part};
use super::order::{Done, Next, Task};
use crate::control::{Cancelled, Control};
use crate::plan::catalog::Catalog;
use crate::policy::Filter;
use crate::report::{Progress, ScanShare};

/// What is scanned.
pub(crate) struct Source<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) root: &'a F::Dir,
    /// Its number, by which the catalog knows it.
    pub(crate) mapping: usize,
    /// What is scanned, beneath `root`.
    pub(crate) top: &'a RelPath,
    pub(crate) filter: &'a Filter,
    /// What is remembered of it.
    pub(crate) catalog: Option<&'a dyn Catalog>,
    pub(crate) progress: &'a Progress,
    /// Which part of all that is scanned it is, as far as that can be said beforehand.
    pub(crate) share: ScanShare,
    pub(crate) control: &'a Control,
    pub(crate) bounds: Bounds,
}

/// Walks one source.
pub(crate) fn scan<F: FileSystem>(
    source: &Source<'_, F>,
    sink: &mut dyn ScanSink,
) -> Result<(), Cancelled> {
    let &Source { fs, root, top, filter, .. } = source;
    let start = match top.split() {
        None => fs.metadata(Node::Dir(root)),
        Some((parent, name)) => {
            fs.open_dir(root, &parent).and_then(|dir| fs.metadata_at(&dir, &name))
        }
    };
    match start {
        Err(error) => sink.unreadable(RelPath::root(), None, error),
        Ok(metadata) => {
            let is_directory = metadata.kind == FileKind::Directory;
            // A source that was named is subject to the rules under its own name.
            let name = top.name().map(|name| RelPath::root().join(name));
            let is_excluded = name.is_some_and(|name| filter.is_excluded(&name, is_directory));
            if !is_excluded {
                let is_entered = sink.entry(Entry::read(RelPath::root(), metadata));
                if is_directory && is_entered {
                    return walk(source, sink);
                }
            }
        }
    }
    source.progress.scan(source.share);
    Ok(())
}

fn walk<F: FileSystem>(source: &Source<'_, F>, sink: &mut dyn ScanSink) -> Result<(), Cancelled> {
    let ahead = Ahead::new(&source.bounds);
    std::thread::scope(|scope| {
        let mut walk = Walk {
            source,
            ahead: &ahead,
            scope,
            missing: source.bounds.listers,
            listers: Vec::new(),
            alone: 0,
        };
        let walked = catch_unwind(AssertUnwindSafe(|| walk.tree(sink)));
        // However the walk has ended: the scope waits for the listers.
        ahead.end();
        walked.unwrap_or_else(|panic| resume_unwind(panic))
    })
}

struct Walk<'scope, 'env, F: FileSystem> {
    source: &'scope Source<'scope, F>,
    ahead: &'scope Ahead<F::Dir>,
    scope: &'scope Scope<'scope, 'env>,
    /// Listers that may still be started.
    missing: usize,
    listers: Vec<ScopedJoinHandle<'scope, ()>>,
    /// How much the walk has listed by itself.
    alone: usize,
}

impl<'scope, F: FileSystem> Walk<'scope, '_, F> {
    fn tree(&mut self, sink: &mut dyn ScanSink) -> Result<(), Cancelled> {
        let progress = self.source.progress;
        let mut pending = vec![(RelPath::root(), self.source.share)];
        progress.find_directories(1);
        while let Some((directory, share)) = pending.pop() {
            progress.look_into(&directory);
            let below = self.directory(&directory, sink)?;
            progress.find_directories(below.len() as u64);
            progress.pass_directories(1);
            let (own, each) = share.split(below.len());
            progress.scan(own);
            pending.extend(below.into_iter().rev().map(|path| (path, each)));
        }
        Ok(())
    }

    /// Hands on what is in one directory, and returns the directories in it, in order.
    fn directory(
        &mut self,
        path: &RelPath,
        sink: &mut dyn ScanSink,
    ) -> Result<Vec<RelPath>, Cancelled> {
        let mut directories = Vec::new();
        // First of all what was remembered as something else.
        let mut entered = Vec::new();
        let mut is_last = false;
        while !is_last {
            let part;
            (part, is_last) = self.next_part(path)?;
            self.hand_on(part.found, &mut entered, sink)?;
            directories.extend(part.directories);
        }
        let has_found_more = !entered.is_empty();
        for entry in directories {
            let path = entry.path.clone();
            if sink.entry(entry) {
                entered.push(path);
            } else {
                self.ahead.leave_out(&path);
            }
        }
        if has_found_more {
            entered.sort();
        }
        Ok(entered)
    }

    /// Hands on what are no directories, and notes those among them that are by now.
    fn hand_on(
        &self,
        found: Vec<Found>,
        entered: &mut Vec<RelPath>,
        sink: &mut dyn ScanSink,
    ) -> Result<(), Cancelled> {
        for (index, found) in found.into_iter().enumerate() {
            if index % CHECKED_ENTRIES == CHECKED_ENTRIES - 1 {
                self.source.control.checkpoint()?;
            }
            match found {
                Found::Entry(entry) if entry.origin == Origin::Remembered => {
                    let path = entry.path.clone();
                    if sink.entry(entry) {
                        entered.push(path);
                    }
                }
                Found::Entry(entry) => {
                    sink.entry(entry);
                }
                Found::Unreadable { path, kind, error } => sink.unreadable(path, kind, error),
            }
        }
        Ok(())
    }

    /// The next part of a directory, and whether it is the last one.
    fn next_part(&mut self, path: &RelPath) -> Result<(Part, bool), Cancelled> {
        loop {
            self.source.control.checkpoint()?;
            match self.ahead.next_of(path) {
                Next::Part(part, is_last) => return Ok((part, is_last)),
                Next::Task(task) => {
                    let done = carry_out(self.source, task)?;
                    self.alone += self.weight(&done);
                    self.ahead.keep(done);
                    self.ask_for_help();
                }
                Next::NotYet => self.look_after_listers(),
            }
        }
    }

    /// Starts listers when there is more to list than the walk should do alone.
    fn ask_for_help(&mut self) {
        if self.alone < self.source.bounds.alone_entries
            || self.missing == 0
            || !self.ahead.has_work()
        {
            return;
        }
        for _ in 0..std::mem::take(&mut self.missing) {
            let (source, ahead) = (self.source, self.ahead);
            let work = move || list_ahead(source, ahead);
            match Builder::new().spawn_scoped(self.scope, work) {
                Ok(lister) => self.listers.push(lister),
                Err(error) => {
                    let started = self.listers.len();
                    tracing::debug!(%error, "{started} listers do it: there are no more threads");
                    break;
                }
            }
        }
    }

    fn weight(&self, done: &Done<F::Dir>) -> usize {
        match done {
            Done::Directory(_, Listed::Whole(part)) | Done::Part(_, _, part) => part.weight(),
            // It is worth some help at once.
            Done::Directory(_, Listed::Large(_)) => self.source.bounds.alone_entries,
        }
    }

    /// A lister that has panicked will never do what the walk waits for.
    fn look_after_listers(&mut self) {
        let ended = self.listers.iter().position(|lister| lister.is_finished());
        if let Some(Err(panic)) = ended.map(|index| self.listers.swap_remove(index).join()) {
            resume_unwind(panic);
        }
    }
}

/// What a lister does until all is listed, or the job is cancelled.
fn list_ahead<F: FileSystem>(source: &Source<'_, F>, ahead: &Ahead<F::Dir>) {
    let mut done = None;
    while let Some(task) = ahead.next(done.take()) {
        match carry_out(source, task) {
            Ok(it) => done = Some(it),
            Err(Cancelled) => return,
        }
    }
}

fn carry_out<F: FileSystem>(
    source: &Source<'_, F>,
    task: Task<F::Dir>,
) -> Result<Done<F::Dir>, Cancelled> {
    Ok(match task {
        Task::Directory(path) => {
            let listed = source.list(&path)?;
            Done::Directory(path, listed)
        }
        Task::Part(large, nth) => {
            let part = source.part(&large, nth)?;
            Done::Part(large, nth, part)
        }
    })
}
