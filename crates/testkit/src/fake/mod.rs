//! A file system in memory that behaves like a POSIX one, deterministically.
//!
//! It exists to run the engine without a disk, to change things at chosen moments, and to lie as
//! devices do. It must not be cleverer than a real file system: whatever a real one refuses, this
//! one refuses too.

mod attributes;
mod build;
mod content;
mod data;
mod durability;
mod fake_fs;
mod file_system;
mod handles;
mod inode;
mod names;
mod observe;
mod state;
mod volume;

pub use fake_fs::FakeFs;
pub use handles::{FakeDir, FakeFile};
pub use observe::{Entry, EntryContent};
pub use volume::VolumeSettings;

pub(crate) use content::Content;
pub(crate) use inode::{Body, FileBody, Ino, Inode};
pub(crate) use state::{State, apply_names};
