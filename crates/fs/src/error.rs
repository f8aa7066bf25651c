//! What can go wrong in one call to the operating system.
//!
//! An [`FsError`] names the step and keeps the OS error; it carries no path, because every call
//! here is relative to an open handle. The engine, which knows the item, adds the path.

use std::fmt;
use std::io;

/// The result of a platform operation.
pub type FsResult<T> = Result<T, FsError>;

/// One platform operation that failed.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {source}")]
pub struct FsError {
    /// The step that failed.
    pub operation: Operation,
    /// What kind of failure it was, in terms that hold on every OS.
    pub kind: FsErrorKind,
    /// The error as the operating system gave it.
    pub source: io::Error,
}

impl FsError {
    /// Wraps an OS error, classifying it by its number.
    pub fn new(operation: Operation, source: io::Error) -> Self {
        let kind = crate::os::classify(&source);
        Self { operation, kind, source }
    }

    /// An error of a given kind that did not come from the OS, for implementations in memory and
    /// for checks made by this crate itself.
    pub fn of_kind(operation: Operation, kind: FsErrorKind) -> Self {
        Self { operation, kind, source: io::Error::other(kind.describe()) }
    }

    /// The OS error number, if the error came from the OS.
    pub fn os_error(&self) -> Option<i32> {
        self.source.raw_os_error()
    }
}

/// The kinds of failure that callers decide by. Names follow POSIX where POSIX has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FsErrorKind {
    /// Nothing has that name.
    NotFound,
    /// Something has that name already.
    AlreadyExists,
    /// The user may not do this.
    PermissionDenied,
    /// The file is immutable or append-only, or the operation is forbidden for another reason.
    NotPermitted,
    /// The volume is mounted read-only.
    ReadOnlyVolume,
    /// The volume is full (bytes or inodes).
    NoSpace,
    /// The user's quota on the volume is used up.
    QuotaExceeded,
    /// The file would exceed what the volume or the process limit allows.
    FileTooLarge,
    /// A name or path is too long for the volume.
    NameTooLong,
    /// A symbolic link stands where a real directory or file was expected.
    LinkInPath,
    /// The path would leave the root it was resolved beneath, or the two ends are on different
    /// volumes.
    CrossesVolumes,
    /// The thing is a directory and the operation needs something else.
    IsADirectory,
    /// The thing is not a directory and the operation needs one.
    NotADirectory,
    /// The directory still has entries.
    DirectoryNotEmpty,
    /// Another process holds it.
    Busy,
    /// Another process holds it, and has been asked to let go of it: waiting helps.
    Held,
    /// The process or the system has too many open files.
    TooManyOpenFiles,
    /// Not enough memory.
    OutOfMemory,
    /// Too many links to the file.
    TooManyLinks,
    /// A handle of a network volume has gone stale, or the server does not answer.
    Unreachable,
    /// The device or the file system reported that data could not be read or written.
    Io,
    /// The volume does not know the operation (and there is nothing else to try).
    NotSupported,
    /// An argument, most often a name, that the volume refuses.
    InvalidInput,
    /// Anything else; the OS error tells.
    Other,
}

impl FsErrorKind {
    /// A short description, for errors that have no OS error of their own.
    pub fn describe(self) -> &'static str {
        match self {
            FsErrorKind::NotFound => "no such file or directory",
            FsErrorKind::AlreadyExists => "file exists",
            FsErrorKind::PermissionDenied => "permission denied",
            FsErrorKind::NotPermitted => "operation not permitted",
            FsErrorKind::ReadOnlyVolume => "read-only file system",
            FsErrorKind::NoSpace => "no space left on device",
            FsErrorKind::QuotaExceeded => "disk quota exceeded",
            FsErrorKind::FileTooLarge => "file too large",
            FsErrorKind::NameTooLong => "file name too long",
            FsErrorKind::LinkInPath => "symbolic link in path",
            FsErrorKind::CrossesVolumes => "crosses into another volume",
            FsErrorKind::IsADirectory => "is a directory",
            FsErrorKind::NotADirectory => "not a directory",
            FsErrorKind::DirectoryNotEmpty => "directory not empty",
            FsErrorKind::Busy => "resource busy",
            FsErrorKind::Held => "held by another process, which was asked to let go",
            FsErrorKind::TooManyOpenFiles => "too many open files",
            FsErrorKind::OutOfMemory => "out of memory",
            FsErrorKind::TooManyLinks => "too many links",
            FsErrorKind::Unreachable => "the volume does not answer",
            FsErrorKind::Io => "input/output error",
            FsErrorKind::NotSupported => "operation not supported",
            FsErrorKind::InvalidInput => "invalid argument",
            FsErrorKind::Other => "unknown error",
        }
    }
}

/// The platform operations, as named in messages and counted by fault injection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Open the root of a source or destination.
    OpenRoot,
    /// Open a directory beneath a root.
    OpenDir,
    /// Create a directory.
    CreateDir,
    /// Remove an empty directory.
    RemoveDir,
    /// Remove a file.
    RemoveFile,
    /// List a directory.
    List,
    /// Read metadata.
    Metadata,
    /// Ask whether a file may be read.
    CheckReadable,
    /// Ask whether a directory may be written to.
    CheckWritable,
    /// Read the text of a symbolic link.
    ReadLink,
    /// Create a symbolic link.
    CreateSymlink,
    /// Create a hard link.
    HardLink,
    /// Open a source file.
    OpenSource,
    /// Create a partial file.
    CreatePartial,
    /// Ask whether somebody holds a file's lock.
    CheckLock,
    /// Open a file for read-back.
    OpenReadBack,
    /// Read.
    Read,
    /// Write.
    Write,
    /// Clone a file's blocks.
    Clone,
    /// Copy a range inside the kernel.
    CopyRange,
    /// Reserve space.
    Preallocate,
    /// Set a file's length.
    SetLength,
    /// Find data and holes.
    SeekData,
    /// Begin or await write-back of a range.
    WriteBack,
    /// Flush a file.
    FlushFile,
    /// Flush a directory.
    FlushDir,
    /// Flush a whole volume.
    FlushVolume,
    /// Drop a file's pages from memory.
    DropCache,
    /// Count a file's pages in memory.
    CountResident,
    /// Compare two files through memory maps.
    CompareMapped,
    /// Publish under a new name.
    PublishNew,
    /// Exchange two names.
    Exchange,
    /// Rename over an existing name.
    Replace,
    /// Set permissions.
    SetPermissions,
    /// Set the owner.
    SetOwner,
    /// Set timestamps.
    SetTimes,
    /// List extended attributes.
    ListXattrs,
    /// Set an extended attribute.
    SetXattr,
    /// Ask about a volume.
    Volume,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operation::OpenRoot | Operation::OpenDir => "open directory",
            Operation::CreateDir => "create directory",
            Operation::RemoveDir => "remove directory",
            Operation::RemoveFile => "remove file",
            Operation::List => "list directory",
            Operation::Metadata => "read metadata",
            Operation::CheckReadable => "check read access",
            Operation::CheckWritable => "check write access",
            Operation::ReadLink => "read symbolic link",
            Operation::CreateSymlink => "create symbolic link",
            Operation::HardLink => "create hard link",
            Operation::OpenSource => "open source",
            Operation::CreatePartial => "create partial file",
            Operation::CheckLock => "check for a lock",
            Operation::OpenReadBack => "open for read-back",
            Operation::Read => "read",
            Operation::Write => "write",
            Operation::Clone => "clone",
            Operation::CopyRange => "copy range",
            Operation::Preallocate => "reserve space",
            Operation::SetLength => "set length",
            Operation::SeekData => "find holes",
            Operation::WriteBack => "write back",
            Operation::FlushFile => "flush file",
            Operation::FlushDir => "flush directory",
            Operation::FlushVolume => "flush volume",
            Operation::DropCache => "drop cached pages",
            Operation::CountResident => "count cached pages",
            Operation::CompareMapped => "compare",
            Operation::PublishNew => "publish",
            Operation::Exchange => "publish by exchange",
            Operation::Replace => "publish by rename",
            Operation::SetPermissions => "set permissions",
            Operation::SetOwner => "set owner",
            Operation::SetTimes => "set timestamps",
            Operation::ListXattrs => "list extended attributes",
            Operation::SetXattr => "set extended attribute",
            Operation::Volume => "query volume",
        })
    }
}
