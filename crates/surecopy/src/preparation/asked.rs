//! What is asked for: which index, and how far it is to be used.

use std::path::PathBuf;

use surecopy_engine::Mapping;
use surecopy_fs::RelPath;

/// What is made of what is remembered of sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PrepareMode {
    /// Directories that are as they are remembered are not listed again.
    #[default]
    Auto,
    /// All of them are listed, and remembered anew.
    Scan,
    /// None is listed. Where something is not as it is remembered, that is all there is to say.
    IndexOnly,
}

impl PrepareMode {
    /// Every mode.
    pub const ALL: [PrepareMode; 3] =
        [PrepareMode::Auto, PrepareMode::Scan, PrepareMode::IndexOnly];

    /// Its stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            PrepareMode::Auto => "auto",
            PrepareMode::Scan => "scan",
            PrepareMode::IndexOnly => "index-only",
        }
    }
}

/// What becomes of a source that the index has no location for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unknown {
    /// It becomes a location, and the index is made if there is none.
    Added,
    /// Nothing is remembered of it.
    LeftOut,
}

/// How an index is to be used.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    /// Its file.
    pub(crate) index: PathBuf,
    pub(crate) mode: PrepareMode,
    pub(crate) unknown: Unknown,
    /// Directories are only taken for what is remembered of them when that is to be believed.
    pub(crate) distrusts_low_confidence: bool,
    /// Nothing of the sources is left out.
    pub(crate) is_unfiltered: bool,
    /// What is found is written down.
    pub(crate) records: bool,
}

/// A source: a directory that exists, and what is meant beneath it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SourceRoot<'a> {
    pub(crate) root: &'a PathBuf,
    pub(crate) below: &'a RelPath,
}

impl<'a> SourceRoot<'a> {
    pub(crate) fn of_mapping(mapping: &'a Mapping) -> Self {
        Self { root: &mapping.source_root, below: &mapping.source }
    }
}
