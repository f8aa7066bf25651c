//! A source of events that a test holds in its hand.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use surecopy_index::{EventSource, Happening, Hear, NotWatched, Watches};

/// Tells what the test posts, to all who are watching.
#[derive(Clone, Default)]
pub(super) struct Post {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Default)]
struct Shared {
    open: Vec<(u64, Hear)>,
    next: u64,
    watched: BTreeSet<PathBuf>,
    limit: Option<usize>,
    mounts: u64,
}

pub(super) struct PostWatches {
    post: Post,
    number: u64,
    own: BTreeSet<PathBuf>,
}

impl Post {
    pub(super) fn tell(&self, happening: &Happening) {
        for (_, hear) in &self.shared.lock().unwrap().open {
            hear(happening.clone());
        }
    }

    pub(super) fn changed(&self, path: &str) {
        self.tell(&Happening::Changed(path.into()));
    }

    /// More directories than these cannot be watched.
    pub(super) fn limit(&self, limit: Option<usize>) {
        self.shared.lock().unwrap().limit = limit;
    }

    /// Something was mounted or unmounted.
    pub(super) fn mount(&self) {
        self.shared.lock().unwrap().mounts += 1;
    }

    pub(super) fn watched(&self) -> BTreeSet<PathBuf> {
        self.shared.lock().unwrap().watched.clone()
    }
}

impl EventSource for Post {
    type Watches = PostWatches;

    fn open(&self, hear: Hear) -> Result<PostWatches, NotWatched> {
        let mut shared = self.shared.lock().unwrap();
        let number = shared.next;
        shared.next += 1;
        shared.open.push((number, hear));
        Ok(PostWatches { post: self.clone(), number, own: BTreeSet::new() })
    }

    fn mount_state(&self, _: &Path) -> Option<u64> {
        Some(self.shared.lock().unwrap().mounts)
    }
}

impl Watches for PostWatches {
    fn add(&mut self, directory: &Path) -> Result<(), NotWatched> {
        let mut shared = self.post.shared.lock().unwrap();
        if shared.limit.is_some_and(|limit| shared.watched.len() >= limit) {
            return Err(NotWatched::Limit);
        }
        shared.watched.insert(directory.to_owned());
        self.own.insert(directory.to_owned());
        Ok(())
    }
}

impl Drop for PostWatches {
    fn drop(&mut self) {
        let mut shared = self.post.shared.lock().unwrap();
        shared.open.retain(|(number, _)| *number != self.number);
        for path in &self.own {
            shared.watched.remove(path);
        }
    }
}
