//! What goes wrong with an index while it is used. A run goes on without it.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use surecopy_index::{Index, IndexError};

/// So much is remembered of it; what comes after is more of the same.
const MOST: usize = 16;

/// What there is to say of the use of an index: about which file, and what.
pub(crate) type Notices = Vec<(PathBuf, String)>;

/// What has gone wrong so far.
#[derive(Debug, Default)]
pub(super) struct Troubles {
    has_any: AtomicBool,
    errors: Mutex<Vec<IndexError>>,
}

impl Troubles {
    pub(super) fn add(&self, error: IndexError) {
        self.has_any.store(true, Ordering::Relaxed);
        let mut errors = self.errors.lock().unwrap_or_else(PoisonError::into_inner);
        if errors.len() < MOST {
            errors.push(error);
        }
    }

    /// Something has gone wrong, so that the index is better not asked any more.
    pub(super) fn has_any(&self) -> bool {
        self.has_any.load(Ordering::Relaxed)
    }

    /// Says what went wrong, each thing once, and puts an index aside that is damaged.
    pub(super) fn settle(self, index: Index, path: &Path) -> Notices {
        let errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        let mut texts: Vec<String> = Vec::new();
        if errors.iter().any(|error| matches!(error, IndexError::Damaged { .. })) {
            texts.push(match index.replace_damaged() {
                Ok(index) => index.notice().map(ToString::to_string).unwrap_or_default(),
                Err(error) => unused(&error),
            });
        } else {
            for text in errors.iter().map(unused) {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts.into_iter().map(|text| (path.to_owned(), text)).collect()
    }
}

/// What a user is told of an index that cannot be used.
pub(super) fn unused(error: &IndexError) -> String {
    format!("{error}; the sources are scanned")
}
