//! What is known about a volume.

use crate::kinds::FilesystemKind;

/// Where a volume lives, as the OS tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeKind {
    /// On this machine.
    Local,
    /// On another machine.
    Network,
}

/// Room on a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeSpace {
    /// Bytes this user may still write; `None` when the volume does not say.
    pub free_bytes: Option<u64>,
    /// Files this user may still create; `None` when the volume has no fixed number.
    pub free_files: Option<u64>,
}

/// A volume and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Identity while mounted (the device number).
    pub id: u64,
    /// The file system, with its known properties.
    pub filesystem: &'static FilesystemKind,
    /// Local or network, judged by the OS and never by the path.
    pub kind: VolumeKind,
    /// Mounted read-only.
    pub is_read_only: bool,
    /// Names that differ only in case are one name in this directory.
    pub is_case_insensitive: bool,
    /// Room.
    pub space: VolumeSpace,
}
