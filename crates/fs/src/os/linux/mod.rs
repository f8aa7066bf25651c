//! The platform layer for Linux, in system calls.
//!
//! `native_fs` is the table of contents: every operation of the contract in one line, pointing to
//! the module that carries it out. Nothing here goes through the standard library's file
//! functions, because those take paths and follow links.

mod beneath;
mod bus_error;
mod bytes;
mod call;
mod classify;
mod clock;
mod directory;
mod durability;
mod entry;
mod fault_table;
mod handle;
mod identity;
mod journal;
mod lock_table;
mod mapped;
mod mapping;
mod memory;
mod metadata;
mod mount_table;
mod native_fs;
mod open;
mod own_files;
mod page_cache;
mod process;
mod pseudo_file;
mod publish;
mod volume;

pub(crate) use classify::classify;
pub use clock::MachineClock;
pub use lock_table::{LockTable, SlotLock};
pub use memory::available_memory_bytes;
pub use mount_table::mount_state;
pub use native_fs::NativeFs;
pub use own_files::{
    absolute_path, create_private_dir, create_private_file, flush_directory_at,
    is_on_network_volume, plain_path, publish_new_at,
};
pub use process::{
    effective_user, file_creation_mask, host_name, is_privileged, is_signal_ignored,
    open_file_limit, path_from_bytes, process_id, process_identity, raise_open_file_limit,
    step_back, wall_clock,
};
