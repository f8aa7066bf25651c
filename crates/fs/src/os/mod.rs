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
    LockTable, MachineClock, NativeFs, SlotLock, absolute_path, available_memory_bytes,
    create_private_dir, create_private_file, effective_user, file_creation_mask,
    flush_directory_at, host_name, is_on_network_volume, is_privileged, is_signal_ignored,
    mount_state, open_file_limit, path_from_bytes, plain_path, process_id, process_identity,
    publish_new_at, raise_open_file_limit, step_back, wall_clock,
};
