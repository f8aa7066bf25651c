//! Open directories and files. Closing is dropping; nothing is flushed by it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Mutex, OnceLock};

use super::native_fs::NativeFs;
use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::file_system::Node;
use crate::kinds::GroupFlush;

/// An open directory.
#[derive(Debug)]
pub struct NativeDir {
    fd: OwnedFd,
    /// It was opened to be passed through: what stands in it can be reached by name, and no more.
    pub(super) is_passed: bool,
    /// The position of a listing belongs to the descriptor, so one listing runs at a time.
    pub(super) listing: Mutex<()>,
    /// Whether a flush of the volume is to be trusted, found out when it is first asked for.
    pub(super) has_group_flush: OnceLock<bool>,
    /// What is known of flushing volumes of its kind, looked up when it is first asked for.
    pub(super) group_flush: OnceLock<GroupFlush>,
}

impl NativeDir {
    /// A directory that can be listed and flushed.
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self {
            fd,
            is_passed: false,
            listing: Mutex::default(),
            has_group_flush: OnceLock::new(),
            group_flush: OnceLock::new(),
        }
    }

    /// A directory that can only be passed through.
    pub(super) fn passed(fd: OwnedFd) -> Self {
        Self { is_passed: true, ..Self::new(fd) }
    }

    /// Refuses what takes more than passing through. The kernel would call the handle bad, and only
    /// when it is used.
    pub(super) fn must_be_more_than_passed(&self, operation: Operation) -> FsResult<()> {
        if self.is_passed {
            return Err(FsError::of_kind(operation, FsErrorKind::PermissionDenied));
        }
        Ok(())
    }
}

impl AsFd for NativeDir {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// An open file.
#[derive(Debug)]
pub struct NativeFile {
    fd: OwnedFd,
}

impl NativeFile {
    pub(super) fn new(fd: OwnedFd) -> Self {
        Self { fd }
    }
}

impl AsFd for NativeFile {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// The descriptor of either.
pub(super) fn node_fd<'a>(node: &Node<'a, NativeFs>) -> BorrowedFd<'a> {
    match *node {
        Node::File(file) => file.as_fd(),
        Node::Dir(dir) => dir.as_fd(),
    }
}
