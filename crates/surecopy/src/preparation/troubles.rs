//! What goes wrong with an index while it is used. A run goes on without it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use surecopy_index::{Index, IndexError};

use super::asked::{Asked, PrepareMode};

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

    /// Says what went wrong, each thing once, and puts an index aside that is damaged, unless nothing is to
    /// be written.
    pub(super) fn settle(self, index: Index, asked: &Asked) -> Notices {
        let errors = self.errors.into_inner().unwrap_or_else(PoisonError::into_inner);
        let is_damaged = |error: &IndexError| matches!(error, IndexError::Damaged { .. });
        let mut texts: Vec<String> = Vec::new();
        if asked.records && errors.iter().any(is_damaged) {
            texts.push(match index.replace_damaged() {
                Ok(index) => index.notice().map(ToString::to_string).unwrap_or_default(),
                Err(error) => error.to_string(),
            });
        } else {
            for text in errors.iter().map(failed) {
                if !texts.contains(&text) {
                    texts.push(text);
                }
            }
        }
        texts.into_iter().map(|text| (asked.index.clone(), text)).collect()
    }
}

/// What a user is told of an index that cannot be used.
pub(super) fn unused(error: &IndexError, mode: PrepareMode) -> String {
    match mode {
        PrepareMode::Auto | PrepareMode::Scan => format!("{error}; the sources are scanned"),
        PrepareMode::IndexOnly => error.to_string(),
    }
}

/// What a user is told of an index that failed while it was used.
fn failed(error: &IndexError) -> String {
    format!("{error}; what it did not tell was scanned, and not all that was found is remembered")
}
