//! The closed list of error codes, and the error of one item.

use std::fmt;
use std::path::PathBuf;

use surecopy_fs::{FsError, FsErrorKind, Operation};

/// What kind of answer an error calls for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// Trying again may help, and is done within the limits of `retries`.
    Retryable,
    /// Somebody has to do something first: make room, mount a disk, grant access.
    NeedsUser,
    /// Asking again will give the same answer.
    Permanent,
    /// surecopy is wrong.
    Bug,
}

impl ErrorClass {
    /// Stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            ErrorClass::Retryable => "retryable",
            ErrorClass::NeedsUser => "needs_user",
            ErrorClass::Permanent => "permanent",
            ErrorClass::Bug => "bug",
        }
    }
}

macro_rules! error_codes {
    ($($(#[doc = $doc:literal])+ $name:ident = $text:literal, $class:ident;)+) => {
        /// A stable error code. The list is closed: a new code is a new line here, and everything
        /// that matches on codes stops compiling until it knows it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ $name,)+
        }

        impl ErrorCode {
            /// Every code.
            pub const ALL: &[ErrorCode] = &[$(ErrorCode::$name,)+];

            /// Stable text, as in reports.
            pub fn as_str(self) -> &'static str {
                match self { $(ErrorCode::$name => $text,)+ }
            }

            /// Reads its stable text.
            pub fn from_text(text: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == text)
            }

            /// What kind of answer it calls for.
            pub fn class(self) -> ErrorClass {
                match self { $(ErrorCode::$name => ErrorClass::$class,)+ }
            }

            /// What it means, in one or two sentences.
            pub fn meaning(self) -> &'static str {
                match self { $(ErrorCode::$name => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

error_codes! {
    /// The source does not exist, or vanished before it was opened.
    SourceMissing = "SOURCE_MISSING", NeedsUser;
    /// Something in the source is not as the index has it, and only the index was to be used.
    SourceNotIndexed = "SOURCE_NOT_INDEXED", NeedsUser;
    /// The user may not read the source.
    SourceUnreadable = "SOURCE_UNREADABLE", NeedsUser;
    /// The source changed while it was being copied, at every attempt.
    SourceChanged = "SOURCE_CHANGED", Retryable;
    /// The device could not read the source.
    SourceIoError = "SOURCE_IO_ERROR", NeedsUser;
    /// The destination volume has no room left, for bytes or for files.
    DestinationFull = "DESTINATION_FULL", NeedsUser;
    /// The user's quota on the destination is used up.
    QuotaExceeded = "QUOTA_EXCEEDED", NeedsUser;
    /// The destination volume is mounted read-only.
    DestinationReadOnly = "DESTINATION_READ_ONLY", NeedsUser;
    /// The user may not write in the destination directory.
    DestinationDenied = "DESTINATION_DENIED", NeedsUser;
    /// The device could not write or read the destination.
    DestinationIoError = "DESTINATION_IO_ERROR", NeedsUser;
    /// The existing target is protected against change.
    TargetReadOnly = "TARGET_READ_ONLY", NeedsUser;
    /// The target exists, and the conflict policy says to fail.
    TargetExists = "TARGET_EXISTS", NeedsUser;
    /// A directory stands where a file should go, or the other way round.
    TargetKindDiffers = "TARGET_KIND_DIFFERS", NeedsUser;
    /// Another program changed or replaced the target meanwhile; its file was kept.
    TargetChanged = "TARGET_CHANGED", NeedsUser;
    /// Another process holds the file.
    FileBusy = "FILE_BUSY", Retryable;
    /// Source and target are the same file.
    SameFile = "SAME_FILE", Permanent;
    /// The destination lies inside a source that would be copied into it.
    DestinationInsideSource = "DESTINATION_INSIDE_SOURCE", Permanent;
    /// Two sources would get the same target.
    DuplicateTarget = "DUPLICATE_TARGET", Permanent;
    /// The file is larger than `maximum_copy_file_size_bytes`.
    FileTooLarge = "FILE_TOO_LARGE", NeedsUser;
    /// The file is larger than the destination's file system can hold.
    FileTooLargeForVolume = "FILE_TOO_LARGE_FOR_VOLUME", Permanent;
    /// The destination's file system cannot hold this name.
    NameNotAllowed = "NAME_NOT_ALLOWED", Permanent;
    /// Two names of the source are one name at the destination (case or Unicode form).
    NameCollision = "NAME_COLLISION", Permanent;
    /// A symbolic link stands where a directory is expected, or was put there meanwhile.
    LinkInPath = "LINK_IN_PATH", NeedsUser;
    /// The destination's file system has no symbolic links or no hard links.
    LinksNotSupported = "LINKS_NOT_SUPPORTED", Permanent;
    /// `--reflink always` was asked for and the blocks cannot be shared.
    CloneNotPossible = "CLONE_NOT_POSSIBLE", Permanent;
    /// What was read back is not what was read from the source, at every attempt.
    VerifyMismatch = "VERIFY_MISMATCH", Retryable;
    /// The written file could not be read back.
    ReadBackFailed = "READ_BACK_FAILED", Retryable;
    /// The volume reported that data could not be made durable.
    FlushFailed = "FLUSH_FAILED", Retryable;
    /// Another volume is mounted where the job was begun with one.
    VolumeChanged = "VOLUME_CHANGED", NeedsUser;
    /// The source has the path, size and modification time of a file that was copied before, but not
    /// its content: one of the two readings is wrong. The target was not replaced by it.
    BitRotSuspected = "BIT_ROT_SUSPECTED", NeedsUser;
    /// The file was published, but the directory could not be flushed and what was there before could
    /// not be put back. A file that was there is kept, and the details say where; what a power cut would
    /// leave is unknown.
    DurabilityUnknown = "DURABILITY_UNKNOWN", NeedsUser;
    /// A network volume does not answer or the handle went stale.
    VolumeUnreachable = "VOLUME_UNREACHABLE", NeedsUser;
    /// Too many open files, or not enough memory.
    OutOfResources = "OUT_OF_RESOURCES", NeedsUser;
    /// What is about to happen could not be recorded in the ledger, so it was not done.
    JournalFailed = "JOURNAL_FAILED", NeedsUser;
    /// The operating system refused a step for a reason that has no code of its own.
    SystemError = "SYSTEM_ERROR", NeedsUser;
    /// surecopy contradicts itself. Please report it.
    Internal = "INTERNAL", Bug;
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which end of a copy an operation touched; the same OS error means different things there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What is read.
    Source,
    /// What is written.
    Destination,
}

impl Side {
    /// The stable text, which is also what it is called.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
        }
    }
}

/// Why one item failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ItemError {
    /// The stable code.
    pub code: ErrorCode,
    /// What happened, as a fragment that fits after "failed to copy: ".
    pub message: String,
    /// More for those who look: ranges that differ, what was tried, what was kept.
    pub details: Option<String>,
    /// The file it happened to.
    pub path: PathBuf,
    /// The OS error number.
    pub os_error: Option<i32>,
}

impl ItemError {
    /// An error found by surecopy itself.
    pub fn new(code: ErrorCode, path: PathBuf, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), details: None, path, os_error: None }
    }

    /// With more detail.
    pub fn with_details(mut self, details: impl Into<String>) -> Self {
        self.details = Some(details.into());
        self
    }

    /// An error of the platform layer at one side of the copy.
    pub fn from_fs(error: &FsError, side: Side, path: PathBuf) -> Self {
        Self {
            code: code_for(error, side),
            message: error.to_string(),
            details: None,
            path,
            os_error: error.os_error(),
        }
    }

    /// What kind of answer it calls for.
    pub fn class(&self) -> ErrorClass {
        self.code.class()
    }
}

impl fmt::Display for ItemError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.code)
    }
}

impl std::error::Error for ItemError {}

fn code_for(error: &FsError, side: Side) -> ErrorCode {
    use ErrorCode as Code;
    use FsErrorKind as Kind;
    match (error.operation, side) {
        (
            Operation::FlushFile
            | Operation::FlushDir
            | Operation::FlushVolume
            | Operation::WriteBack,
            _,
        ) if !matches!(error.kind, Kind::NoSpace | Kind::QuotaExceeded) => {
            return Code::FlushFailed;
        }
        (Operation::OpenReadBack | Operation::DropCache | Operation::CountResident, _) => {
            return Code::ReadBackFailed;
        }
        _ => {}
    }
    match (error.kind, side) {
        (Kind::NotFound, Side::Source) => Code::SourceMissing,
        (Kind::PermissionDenied | Kind::NotPermitted, Side::Source) => Code::SourceUnreadable,
        (Kind::PermissionDenied | Kind::NotPermitted, Side::Destination) => Code::DestinationDenied,
        (Kind::Io, Side::Source) => Code::SourceIoError,
        (Kind::Io, Side::Destination) => Code::DestinationIoError,
        (Kind::NotFound | Kind::AlreadyExists, Side::Destination) => Code::TargetChanged,
        (Kind::NoSpace, _) => Code::DestinationFull,
        (Kind::QuotaExceeded, _) => Code::QuotaExceeded,
        (Kind::ReadOnlyVolume, _) => Code::DestinationReadOnly,
        (Kind::FileTooLarge, _) => Code::FileTooLargeForVolume,
        (Kind::NameTooLong | Kind::InvalidInput, Side::Destination) => Code::NameNotAllowed,
        (Kind::LinkInPath | Kind::CrossesVolumes, _) => Code::LinkInPath,
        (Kind::IsADirectory | Kind::NotADirectory | Kind::DirectoryNotEmpty, Side::Destination) => {
            Code::TargetKindDiffers
        }
        (Kind::IsADirectory | Kind::NotADirectory | Kind::InvalidInput, Side::Source) => {
            Code::SourceChanged
        }
        (Kind::Busy | Kind::Held, _) => Code::FileBusy,
        (Kind::TooManyOpenFiles | Kind::OutOfMemory, _) => Code::OutOfResources,
        (Kind::Unreachable, _) => Code::VolumeUnreachable,
        (
            Kind::TooManyLinks
            | Kind::NotSupported
            | Kind::Other
            | Kind::AlreadyExists
            | Kind::NameTooLong
            | Kind::DirectoryNotEmpty,
            _,
        ) => Code::SystemError,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unique_and_explained() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            assert!(!code.meaning().is_empty());
            assert!(
                ErrorCode::ALL[index + 1..].iter().all(|other| other.as_str() != code.as_str())
            );
        }
    }

    #[test]
    fn the_side_decides_what_a_refusal_means() {
        let error = FsError::of_kind(Operation::Read, FsErrorKind::Io);
        assert_eq!(code_for(&error, Side::Source), ErrorCode::SourceIoError);
        assert_eq!(code_for(&error, Side::Destination), ErrorCode::DestinationIoError);
    }

    #[test]
    fn a_flush_that_fails_for_lack_of_room_says_so() {
        let full = FsError::of_kind(Operation::FlushFile, FsErrorKind::NoSpace);
        assert_eq!(code_for(&full, Side::Destination), ErrorCode::DestinationFull);
        let broken = FsError::of_kind(Operation::FlushFile, FsErrorKind::Io);
        assert_eq!(code_for(&broken, Side::Destination), ErrorCode::FlushFailed);
    }
}
