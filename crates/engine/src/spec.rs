//! One copy job, resolved: everything the engine needs to know, and no flag.

use std::ffi::OsStr;
use std::path::PathBuf;

use surecopy_fs::RelPath;

use crate::policy::ConflictPolicy;
use crate::policy::{
    DigestAlgorithm, Filter, Preserve, ReadBack, ReflinkMode, StrategyChoice, VerifyPolicy,
};

/// One source and where it goes. Both ends are given as a directory that exists and a path beneath
/// it, because everything beneath is resolved without following links.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// A directory that exists, as the user spelled it.
    pub source_root: PathBuf,
    /// What is copied, beneath `source_root`; the root itself for "the contents of".
    pub source: RelPath,
    /// The deepest directory above the target that exists.
    pub destination_root: PathBuf,
    /// Where it goes, beneath `destination_root`; parts that do not exist are created.
    pub target: RelPath,
}

impl Mapping {
    /// The source as one path, for people.
    pub fn source_path(&self) -> PathBuf {
        joined(&self.source_root, &self.source)
    }

    /// The target as one path, for people.
    pub fn target_path(&self) -> PathBuf {
        joined(&self.destination_root, &self.target)
    }

    /// The target of an entry, beneath the destination root: of the one at `path` beneath the source,
    /// with a last name of its own where it has one.
    pub(crate) fn target_below(&self, path: &RelPath, name: Option<&OsStr>) -> RelPath {
        let plain = self.target.join_path(path);
        match (name, plain.parent()) {
            (Some(name), Some(parent)) => parent.join(name),
            _ => plain,
        }
    }
}

/// A root and a path beneath it as one path. The current directory is not spelled out, as nobody
/// does who types a relative path.
pub(crate) fn joined(root: &std::path::Path, path: &RelPath) -> PathBuf {
    if path.is_root() {
        root.to_owned()
    } else if root == std::path::Path::new(".") {
        path.as_path().to_owned()
    } else {
        root.join(path.as_path())
    }
}

/// Sizes and thresholds. What each means, its range and why its default is what it is stands in
/// the settings table of the `surecopy` crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a setting documented in the settings table")]
pub struct Limits {
    pub copy_strategy_threshold_bytes: u64,
    pub staged_chunk_bytes: u64,
    pub verify_threshold_bytes: u64,
    pub mmap_window_bytes: u64,
    pub memory_budget_bytes: u64,
    pub low_memory_bytes: u64,
    pub buffer_size_bytes: u64,
    pub small_file_limit_bytes: u64,
    pub medium_file_limit_bytes: u64,
    pub maximum_copy_file_size_bytes: Option<u64>,
    pub free_disk_space_margin_bytes: u64,
    pub group_max_files: u64,
    pub group_max_bytes: u64,
    pub group_max_millis: u64,
}

impl Default for Limits {
    fn default() -> Self {
        const KIB: u64 = 1 << 10;
        const MIB: u64 = 1 << 20;
        const GIB: u64 = 1 << 30;
        Self {
            copy_strategy_threshold_bytes: 2 * GIB,
            staged_chunk_bytes: 4 * MIB,
            verify_threshold_bytes: 2 * GIB,
            mmap_window_bytes: 64 * MIB,
            memory_budget_bytes: 256 * MIB,
            low_memory_bytes: 2 * GIB,
            buffer_size_bytes: 1024 * KIB,
            small_file_limit_bytes: MIB,
            medium_file_limit_bytes: 100 * MIB,
            maximum_copy_file_size_bytes: Some(20 * GIB),
            free_disk_space_margin_bytes: 64 * MIB,
            group_max_files: 128,
            group_max_bytes: 32 * MIB,
            group_max_millis: 1000,
        }
    }
}

/// One copy job.
#[derive(Debug, Clone)]
pub struct CopySpec {
    /// What goes where.
    pub mappings: Vec<Mapping>,
    /// Which entries take part.
    pub filter: Filter,
    /// What stands in place of `filter` for each mapping, where each has entries of its own that take
    /// part; empty where it does not.
    pub own_filters: Vec<Filter>,
    /// How strategies are chosen.
    pub strategy: StrategyChoice,
    /// Whether blocks may be shared with the source.
    pub reflink: ReflinkMode,
    /// Which files are verified.
    pub verify: VerifyPolicy,
    /// How they are read back.
    pub read_back: ReadBack,
    /// The digest.
    pub digest: DigestAlgorithm,
    /// The digest comes from the copy buffer; otherwise the source is read a second time for it.
    pub buffer_reuse: bool,
    /// What happens to targets that exist.
    pub conflict: ConflictPolicy,
    /// Compare existing targets by digest instead of by size and time.
    pub by_content: bool,
    /// What is kept besides content.
    pub preserve: Preserve,
    /// How often an item is begun again after a retryable failure.
    pub retries: u32,
    /// The first failure ends the job.
    pub fail_fast: bool,
    /// Targets without a write bit may be replaced.
    pub replace_read_only: bool,
    /// What is replaced is kept beside its successor, so that it can be put back later.
    pub keep_replaced: bool,
    /// Files whose content is another than that of an earlier copy, though path, size and time are the
    /// same, may replace what is there.
    pub accept_changed_content: bool,
    /// Other volumes may be mounted than those that the job was begun with.
    pub accept_volume: bool,
    /// Warn of sparse files whose holes will not be kept.
    pub sparse_file_warning: bool,
    /// How many items are worked on at once.
    pub workers: usize,
    /// Stop after planning; nothing is written.
    pub dry_run: bool,
    /// The user is privileged (root), so owners can be set.
    pub is_privileged: bool,
    /// The user who copies; `None` when that is not known.
    pub user: Option<u32>,
    /// Permission bits taken away from what has no source to take them from (`umask`).
    pub creation_mask: u32,
    /// How many files the process may hold open.
    pub open_files: u64,
    /// Distinguishes this run's partial files from those of any other run.
    pub nonce: u64,
    /// Sizes and thresholds.
    pub limits: Limits,
}

impl CopySpec {
    /// A job with every choice at its default.
    pub fn new(mappings: Vec<Mapping>) -> Self {
        Self {
            mappings,
            filter: Filter::default(),
            own_filters: Vec::new(),
            strategy: StrategyChoice::default(),
            reflink: ReflinkMode::default(),
            verify: VerifyPolicy::default(),
            read_back: ReadBack::default(),
            digest: DigestAlgorithm::default(),
            buffer_reuse: true,
            conflict: ConflictPolicy::default(),
            by_content: false,
            preserve: Preserve::default(),
            retries: 2,
            fail_fast: false,
            replace_read_only: false,
            keep_replaced: false,
            accept_changed_content: false,
            accept_volume: false,
            sparse_file_warning: true,
            workers: 2,
            dry_run: false,
            is_privileged: false,
            user: None,
            creation_mask: 0o022,
            open_files: 1024,
            nonce: 0,
            limits: Limits::default(),
        }
    }

    /// Which entries of a mapping take part.
    pub(crate) fn filter_of(&self, mapping: usize) -> &Filter {
        self.own_filters.get(mapping).unwrap_or(&self.filter)
    }
}
