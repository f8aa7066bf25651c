//! The end of a run at the destination: directories that came to nothing go, and the others get
//! their own metadata, deepest first, because everything done in a directory changes its times.

use std::cell::RefCell;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use surecopy_fs::{FileSystem, FsError, Node, RelPath, Support};

use crate::context::{Context, Stop};
use crate::error::{ItemError, Side};
use crate::metadata::{Applying, apply};
use crate::plan::PlannedItem;
use crate::report::{ItemKind, ItemReport, ItemStatus, LossCause, Warning, WarningKind};

/// Completes the directories of a run. When it was ended early, only what was created and is used
/// is completed, and nothing new is made. Returns how many directories it came to could not be given what
/// they are to have.
pub(crate) fn finish_directories<F: FileSystem>(
    context: &Context<'_, F>,
    directories: &[PlannedItem],
    ended_early: bool,
) -> u64 {
    let finish = Finish { context, volumes: RefCell::default(), unfinished: RefCell::default() };
    let below = |item: &PlannedItem| context.roots[item.mapping].target_below(item);
    let mut wanted: Vec<(&PlannedItem, RelPath)> =
        directories.iter().rev().map(|item| (item, below(item))).collect();
    let mut idle = Vec::new();
    if !ended_early {
        (idle, wanted) =
            wanted.into_iter().partition(|(item, path)| finish.came_to_nothing(item.mapping, path));
    }
    let clock = context.outside.clock;
    let begun = clock.now();
    // What goes changes the times of what stays, so it goes first.
    finish.put_back();
    let mut left = None;
    for (item, path) in wanted {
        if ended_early && !context.directories.is_created(item.mapping, &path) {
            continue;
        }
        let is_late = || clock.now().saturating_sub(begun) > PATIENCE;
        if finish.is_lost(item.mapping) || finish.may_leave() && is_late() {
            left.get_or_insert((item.mapping, path));
            continue;
        }
        finish.complete(item, &path);
    }
    // An empty directory may just have been made in one that had come to nothing.
    for (item, path) in idle {
        if context.directories.has_published(item.mapping, &path) {
            finish.complete(item, &path);
        }
    }
    finish.open_up();
    if let Some((mapping, path)) = left {
        context.warn(Warning {
            kind: WarningKind::Directory,
            path: context.roots[mapping].show_target(&path),
            message: format!(
                "this directory and others that the job made do not have their permissions and times \
                 yet: they get them when the job is {}",
                if context.outside.journal.remembers_directories() { "resumed" } else { "run again" }
            ),
        });
    }
    // Whoever cancels does not wait for the device, which may have much to write for others. What
    // was published is durable already, names included; what is left here is how directories look.
    if !context.outside.control.is_cancelled() {
        finish.flush();
    }
    let unfinished = finish.unfinished.borrow().len();
    unfinished as u64
}

/// Whoever cancels waits this long, at most, for how directories look.
const PATIENCE: Duration = Duration::from_millis(150);

struct Finish<'c, 'r, F: FileSystem> {
    context: &'c Context<'r, F>,
    /// The volumes on which directories were completed.
    volumes: RefCell<BTreeMap<u64, Completed<'c, F>>>,
    /// Directories that could not be completed: where each of them is.
    unfinished: RefCell<BTreeSet<PathBuf>>,
}

/// What was completed on one volume.
struct Completed<'c, F: FileSystem> {
    /// To flush the volume by; opened before anything was changed, so that it learns of all errors.
    dir: F::Dir,
    shown: PathBuf,
    /// To be flushed one by one where the volume cannot be flushed as a whole.
    directories: Vec<(usize, RelPath, Option<&'c PlannedItem>)>,
}

impl<'c, F: FileSystem> Finish<'c, '_, F> {
    /// Whether directories can be left as they are: nobody waits for them to be finished, and who goes on
    /// with the job will be told of them.
    fn may_leave(&self) -> bool {
        let has_journal_failed = matches!(self.context.stopped(), Some(Stop::Journal(_)));
        self.context.outside.control.is_cancelled()
            && self.context.outside.journal.remembers_directories()
            && !has_journal_failed
    }

    /// Whether one end of a mapping is gone, so that its directories can only be left as they are.
    fn is_lost(&self, mapping: usize) -> bool {
        let Some(Stop::Lost(lost)) = self.context.stopped() else { return false };
        let mut places = self.context.roots.iter().map(|root| root.place(lost.side));
        let here = self.context.roots[mapping].place(lost.side);
        places.any(|place| place.path() == lost.root && place.volume() == here.volume())
    }

    /// A directory with nothing but failures in it; so may be the one above, then.
    fn came_to_nothing(&self, mapping: usize, path: &RelPath) -> bool {
        let directories = &self.context.directories;
        let nothing = directories.came_to_nothing(mapping, path);
        if nothing && let Some(parent) = path.parent() {
            directories.failed_in(mapping, &parent);
        }
        nothing
    }

    fn complete(&self, item: &'c PlannedItem, path: &RelPath) {
        let root = &self.context.roots[item.mapping];
        let fs = self.context.fs();
        let below = root.source_below(&item.path);
        let opened = fs.open_dir(&root.source, &below).and_then(|source| {
            let metadata = fs.metadata(Node::Dir(&source))?;
            Ok((source, metadata))
        });
        let (source, metadata) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                self.note_unfinished(item.mapping, path);
                return self.warn(root.show_source(&below), &error);
            }
        };
        let shown = root.show_target(path);
        let directory = self.context.directories.open(item.mapping, &root.destination, path);
        let target = match directory {
            Ok(target) => target,
            Err(error) => {
                self.note_unfinished(item.mapping, path);
                return self.fail(item, &error);
            }
        };
        self.context.note_directories();
        self.context.directories.published_in(item.mapping, path);
        self.remember(&target, item.mapping, path, Some(item));
        let volume = match self.context.volumes.of_dir(fs, &target) {
            Ok(volume) => volume,
            Err(error) => return self.leave_unfinished(item.mapping, path, &error),
        };
        let warnings = apply(&Applying {
            fs,
            source: Node::Dir(&source),
            metadata: &metadata,
            target: Node::Dir(&target),
            volume: &volume,
            preserve: self.context.spec.preserve,
            is_privileged: self.context.spec.is_privileged,
            creation_mask: self.context.spec.creation_mask,
            former_mode: (!self.context.directories.is_created(item.mapping, path))
                .then(|| fs.metadata(Node::Dir(&target)).ok().map(|found| found.mode))
                .flatten(),
            check: self.context.spec.verify != crate::policy::VerifyPolicy::None,
        });
        if warnings.iter().any(|warning| warning.cause == LossCause::Failed) {
            self.note_unfinished(item.mapping, path);
        }
        for warning in warnings {
            self.context.warn(Warning {
                kind: WarningKind::Loss,
                path: shown.clone(),
                message: format!("{}: {}", warning.loss.as_str(), warning.message),
            });
        }
    }

    fn remember(
        &self,
        target: &F::Dir,
        mapping: usize,
        path: &RelPath,
        item: Option<&'c PlannedItem>,
    ) {
        let fs = self.context.fs();
        let shown = || self.context.roots[mapping].show_target(path);
        let opened = fs.metadata(Node::Dir(target)).and_then(|metadata| {
            let mut volumes = self.volumes.borrow_mut();
            let completed = match volumes.entry(metadata.id.volume) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(vacant) => vacant.insert(Completed {
                    dir: fs.open_dir(target, &RelPath::root())?,
                    shown: shown(),
                    directories: Vec::new(),
                }),
            };
            completed.directories.push((mapping, path.clone(), item));
            Ok(())
        });
        if let Err(error) = opened {
            self.leave_unfinished(mapping, path, &error);
        }
    }

    /// A directory that could not be made, or made durable, is an item that failed.
    fn fail(&self, item: &PlannedItem, error: &FsError) {
        let root = &self.context.roots[item.mapping];
        let source = root.show_source(&root.source_below(&item.path));
        self.report_failure(source, root.show_target(&root.target_below(item)), error);
    }

    fn report_failure(&self, source: PathBuf, target: PathBuf, error: &FsError) {
        let mut report = ItemReport::new(ItemKind::Directory, source, target.clone(), 0);
        let error = ItemError::from_fs(error, Side::Destination, target);
        report.status = ItemStatus::Error(error);
        self.context.finish_unplanned(report);
    }

    /// Directories that were made on the way to a target have no source to take permissions from:
    /// they get what the user's mask leaves, as if made by hand.
    fn open_up(&self) {
        let (fs, directories) = (self.context.fs(), &self.context.directories);
        let mode = 0o777 & !self.context.spec.creation_mask;
        for (mapping, root) in self.context.roots.iter().enumerate() {
            let mut above = root.mapping.target.parent();
            while let Some(path) = above {
                if directories.is_created(mapping, &path) {
                    let done = fs.open_dir(&root.destination, &path).and_then(|dir| {
                        self.remember(&dir, mapping, &path, None);
                        let inherited = fs.metadata(Node::Dir(&dir))?.mode & 0o6000;
                        fs.set_permissions(Node::Dir(&dir), mode | inherited)
                    });
                    if let Err(error) = done {
                        self.leave_unfinished(mapping, &path, &error);
                    }
                }
                above = path.parent();
            }
        }
    }

    fn put_back(&self) {
        let root_of = |mapping: usize| Arc::clone(&self.context.roots[mapping].destination);
        for ((mapping, path), error) in self.context.directories.put_back(&root_of) {
            self.warn(self.context.roots[mapping].show_target(&path), &error);
        }
    }

    /// Directories' own metadata and the names of empty ones, on every volume they are on.
    fn flush(&self) {
        for completed in self.volumes.take().into_values() {
            match self.context.fs().flush_volume(&completed.dir) {
                Ok(Support::Done(())) => {}
                Ok(Support::Unsupported) => {
                    completed.directories.iter().for_each(|(mapping, path, item)| {
                        self.flush_directory(*mapping, path, *item);
                    });
                }
                Err(error) => {
                    for (mapping, path, _) in &completed.directories {
                        self.note_unfinished(*mapping, path);
                    }
                    self.report_failure(completed.shown.clone(), completed.shown, &error);
                }
            }
        }
    }

    fn flush_directory(&self, mapping: usize, path: &RelPath, item: Option<&PlannedItem>) {
        let (fs, root) = (self.context.fs(), &self.context.roots[mapping]);
        let directories = &self.context.directories;
        let flushed = fs.open_dir(&root.destination, path).and_then(|dir| {
            directories.flush_with_new_above(mapping, &root.destination, &dir, path)
        });
        let Err(error) = flushed else { return };
        self.note_unfinished(mapping, path);
        match item {
            Some(item) => self.fail(item, &error),
            None => self.report_failure(root.show_target(path), root.show_target(path), &error),
        }
    }

    /// Somebody is to come back to the directory, for whatever many reasons.
    fn note_unfinished(&self, mapping: usize, path: &RelPath) {
        let target = self.context.roots[mapping].show_target(path);
        self.unfinished.borrow_mut().insert(target);
    }

    /// The same, for this reason.
    fn leave_unfinished(&self, mapping: usize, path: &RelPath, error: &FsError) {
        self.note_unfinished(mapping, path);
        self.warn(self.context.roots[mapping].show_target(path), error);
    }

    fn warn(&self, path: PathBuf, error: &FsError) {
        let message = error.to_string();
        self.context.warn(Warning { kind: WarningKind::Directory, path, message });
    }
}
