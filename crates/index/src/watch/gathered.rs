//! What was told of changes and is still to be written, in bounds.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use surecopy_fs::RelPath;

use super::own_files::OwnFiles;
use super::source::Happening;

/// More directories of one location, or more bytes of their paths, are not gathered.
pub(super) const MOST_DIRECTORIES: usize = 8_192;
const MOST_BYTES: usize = 4 << 20;

/// So many are written at once, without waiting for more.
const MANY: usize = 1_024;

/// What has come for one location.
#[derive(Debug, Default)]
pub(super) struct News {
    /// Directories in which something has changed.
    pub(super) changed: HashSet<RelPath>,
    /// Paths that a directory may have come to.
    pub(super) came: HashSet<RelPath>,
    /// There were more directories than are gathered.
    pub(super) has_spilled: bool,
    /// Some of what happened was not told.
    pub(super) has_overflowed: bool,
    /// Nothing more may be told.
    pub(super) failure: Option<String>,
    /// Something happened to the location's own directory.
    pub(super) is_root_in_doubt: bool,
    bytes: usize,
}

impl News {
    fn is_empty(&self) -> bool {
        self.changed.is_empty()
            && self.came.is_empty()
            && self.failure.is_none()
            && !(self.has_spilled || self.has_overflowed || self.is_root_in_doubt)
    }

    fn is_pressing(&self) -> bool {
        self.has_spilled || self.is_root_in_doubt || self.changed.len().max(self.came.len()) >= MANY
    }

    fn note_changed(&mut self, directory: RelPath) {
        self.make_room(&directory);
        if !self.has_spilled {
            self.changed.insert(directory);
        }
    }

    fn note_came(&mut self, path: RelPath) {
        self.make_room(&path);
        if !self.has_spilled {
            self.came.insert(path);
        }
    }

    fn make_room(&mut self, path: &RelPath) {
        if self.changed.contains(path) || self.came.contains(path) || self.has_spilled {
            return;
        }
        self.bytes += path.as_encoded_bytes().len();
        let count = self.changed.len() + self.came.len();
        if count >= MOST_DIRECTORIES || self.bytes > MOST_BYTES {
            // All of the location will be marked, and gone through for what is to be watched.
            self.has_spilled = true;
            (self.changed, self.came) = (HashSet::new(), HashSet::new());
        }
    }
}

/// Where one location's news come to.
#[derive(Debug)]
struct Inbox {
    root: PathBuf,
    /// What was watched before is not listened to any more.
    generation: u64,
    /// Directories that the files of the index stand in.
    homes: HashSet<RelPath>,
    news: News,
}

/// What has come for all locations.
#[derive(Debug)]
pub(super) struct Gathered {
    inboxes: Mutex<Vec<Inbox>>,
    came: Condvar,
    own: OwnFiles,
}

impl Gathered {
    pub(super) fn new(own: OwnFiles) -> Self {
        Self { inboxes: Mutex::default(), came: Condvar::new(), own }
    }

    /// Makes room for the news of one more location.
    pub(super) fn add(&self, root: PathBuf) {
        let (homes, news) = (HashSet::new(), News::default());
        self.inboxes().push(Inbox { root, generation: 0, homes, news });
    }

    fn inboxes(&self) -> MutexGuard<'_, Vec<Inbox>> {
        self.inboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets what has come for a location, and listens to a new generation of watches.
    pub(super) fn begin(&self, place: usize, generation: u64) {
        let inbox = &mut self.inboxes()[place];
        inbox.generation = generation;
        inbox.homes.clear();
        inbox.news = News::default();
    }

    /// The files of the index stand in this directory.
    pub(super) fn note_home(&self, place: usize, directory: &RelPath) {
        self.inboxes()[place].homes.insert(directory.clone());
    }

    /// Takes in what happened. Called by the source, whose thread must not be held up.
    pub(super) fn hear(&self, place: usize, generation: u64, happening: Happening) {
        let mut inboxes = self.inboxes();
        let inbox = &mut inboxes[place];
        if inbox.generation != generation {
            return;
        }
        let was_quiet = inbox.news.is_empty();
        inbox.hear(happening, &self.own);
        let is_news = if was_quiet { !inbox.news.is_empty() } else { inbox.news.is_pressing() };
        drop(inboxes);
        if is_news {
            self.came.notify_one();
        }
    }

    /// Waits for something to come, and a little for more; then hands it all out.
    pub(super) fn wait(&self, longest: Duration, gather: Duration) -> Vec<News> {
        let is_quiet = |inboxes: &mut Vec<Inbox>| inboxes.iter().all(|inbox| inbox.news.is_empty());
        let is_bearable =
            |inboxes: &mut Vec<Inbox>| !inboxes.iter().any(|inbox| inbox.news.is_pressing());
        let (mut inboxes, waited) = self
            .came
            .wait_timeout_while(self.inboxes(), longest, is_quiet)
            .unwrap_or_else(PoisonError::into_inner);
        if !waited.timed_out() && !longest.is_zero() {
            let gathered = self.came.wait_timeout_while(inboxes, gather, is_bearable);
            (inboxes, _) = gathered.unwrap_or_else(PoisonError::into_inner);
        }
        inboxes.iter_mut().map(|inbox| std::mem::take(&mut inbox.news)).collect()
    }
}

impl Inbox {
    fn hear(&mut self, happening: Happening, own: &OwnFiles) {
        let (path, may_be_directory) = match happening {
            Happening::Changed(path) => (path, false),
            Happening::Came(path) => (path, true),
            Happening::Overflowed => {
                self.news.has_overflowed = true;
                return;
            }
            Happening::Failed(message) => {
                self.news.failure = Some(message);
                return;
            }
        };
        let beneath = path.strip_prefix(&self.root).ok().map(RelPath::new);
        // What is beside the location is none of our business, and no source should tell of it.
        let Some(Ok(path)) = beneath else { return };
        let Some((parent, name)) = path.split() else {
            self.news.is_root_in_doubt = true;
            self.news.note_changed(path);
            return;
        };
        if self.homes.contains(&parent) && own.have(&name) {
            return;
        }
        self.news.note_changed(parent);
        if may_be_directory {
            self.news.note_came(path);
        }
    }
}
