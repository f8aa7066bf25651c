//! The one place that chooses the operating system.
//!
//! Every system has a folder of its own that exports the same names; nothing outside this file
//! asks which system it is built for.

#[cfg(target_os = "linux")]
mod linux;

#[cfg(target_os = "linux")]
pub(crate) use linux::classify;
#[cfg(target_os = "linux")]
pub use linux::{
    LockTable, NativeFs, SlotLock, available_memory_bytes, effective_user, file_creation_mask,
    is_privileged, is_signal_ignored, open_file_limit, path_from_bytes, process_identity,
    raise_open_file_limit,
};
