//! The platform layer: every system call surecopy makes, behind one trait in surecopy's own words.
//!
//! This is the only crate that names an operating system, contains `unsafe` code or calls the OS.
//! Everything above it speaks [`FileSystem`], which [`NativeFs`] implements for the machine at
//! hand; `surecopy-testkit` implements it again in memory, with faults and with power cuts, and
//! holds all of them to one conformance suite.
//!
//! The crate decides nothing: whether to clone, when to flush and what counts as proof is the
//! engine's business. What this crate promises is that an operation either did what its contract
//! says, or returns an [`FsError`] that names the step, or says [`Support::Unsupported`] — which is
//! never mistaken for success.

mod error;
mod file_system;
mod kinds;
mod metadata;
mod moment;
mod os;
mod path;
mod support;
mod volume;

pub use error::{FsError, FsErrorKind, FsResult, Operation};
pub use file_system::{FileSystem, MappedComparison, Node};
pub use kinds::{FilesystemKind, GroupFlush, NameRules};
pub use metadata::{FileId, FileKind, Metadata, Times, Timestamp, Xattr};
pub use moment::{BootId, Moment};
pub use os::{
    LockTable, MachineClock, NativeFs, SlotLock, absolute_path, available_memory_bytes,
    create_private_dir, create_private_file, effective_user, file_creation_mask,
    flush_directory_at, host_name, is_on_network_volume, is_privileged, is_signal_ignored,
    mount_state, open_file_limit, path_from_bytes, plain_path, process_id, process_identity,
    publish_new_at, raise_open_file_limit, step_back, wall_clock,
};
pub use path::{InvalidRelPath, RelPath};
pub use support::Support;
pub use volume::{InvalidVolumeIdentity, Volume, VolumeIdentity, VolumeKind, VolumeSpace};
