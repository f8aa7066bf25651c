//! What each Linux error number means in terms that hold on every OS.
//!
//! A number says the same wherever it comes from here; a step that knows better (a name that is a
//! link, a flush that a directory does not know) sets the kind itself.

use std::io;

use crate::error::FsErrorKind;

/// The kernel's internal "operation not supported", which NFS lets out now and then.
pub(super) const ENOTSUPP: i32 = 524;

/// The kind of an OS error.
pub(crate) fn classify(error: &io::Error) -> FsErrorKind {
    match error.raw_os_error() {
        Some(number) => of_number(number),
        None => of_std_kind(error.kind()),
    }
}

fn of_number(number: i32) -> FsErrorKind {
    use FsErrorKind as Kind;
    match number {
        libc::ENOENT => Kind::NotFound,
        libc::EEXIST => Kind::AlreadyExists,
        // A file system with encrypted names or content answers "no key" for what others call
        // "permission denied".
        libc::EACCES | libc::ENOKEY | libc::EKEYREJECTED | libc::EKEYEXPIRED => {
            Kind::PermissionDenied
        }
        libc::EPERM => Kind::NotPermitted,
        libc::EROFS => Kind::ReadOnlyVolume,
        libc::ENOSPC => Kind::NoSpace,
        libc::EDQUOT => Kind::QuotaExceeded,
        libc::EFBIG => Kind::FileTooLarge,
        libc::ENAMETOOLONG => Kind::NameTooLong,
        libc::ELOOP => Kind::LinkInPath,
        libc::EXDEV => Kind::CrossesVolumes,
        libc::EISDIR => Kind::IsADirectory,
        libc::ENOTDIR => Kind::NotADirectory,
        libc::ENOTEMPTY => Kind::DirectoryNotEmpty,
        libc::EBUSY | libc::ETXTBSY | libc::EAGAIN | libc::EDEADLK => Kind::Busy,
        libc::EMFILE | libc::ENFILE => Kind::TooManyOpenFiles,
        libc::ENOMEM => Kind::OutOfMemory,
        libc::EMLINK => Kind::TooManyLinks,
        libc::EOPNOTSUPP | libc::ENOSYS | libc::ENOTTY | ENOTSUPP => Kind::NotSupported,
        // EILSEQ: the name cannot be said in the volume's character set.
        libc::EINVAL | libc::EILSEQ => Kind::InvalidInput,
        _ if is_unreachable(number) => Kind::Unreachable,
        _ if is_device_failure(number) => Kind::Io,
        _ => Kind::Other,
    }
}

/// A server that is gone, or a handle that it no longer knows.
fn is_unreachable(number: i32) -> bool {
    matches!(
        number,
        libc::ESTALE
            | libc::EHOSTDOWN
            | libc::EHOSTUNREACH
            | libc::ENETDOWN
            | libc::ENETUNREACH
            | libc::ENETRESET
            | libc::ENONET
            | libc::ENOTCONN
            | libc::ECONNREFUSED
            | libc::ECONNRESET
            | libc::ECONNABORTED
            | libc::ETIMEDOUT
            | libc::EPIPE
    )
}

/// A device, or the structure of a file system, that failed. The block layer has a number of its
/// own for several causes: ENODATA is an unreadable medium, EREMOTEIO the device itself, ENOLINK
/// the way to it, EBADE a reservation; EUCLEAN and EBADMSG are a file system that found itself
/// damaged, ESHUTDOWN one that was shut down for it.
fn is_device_failure(number: i32) -> bool {
    matches!(
        number,
        libc::EIO
            | libc::ENXIO
            | libc::ENODEV
            | libc::ENODATA
            | libc::ENOLINK
            | libc::EBADE
            | libc::EREMOTEIO
            | libc::EUCLEAN
            | libc::EBADMSG
            | libc::ESHUTDOWN
            | libc::ENOMEDIUM
            | libc::EMEDIUMTYPE
    )
}

fn of_std_kind(kind: io::ErrorKind) -> FsErrorKind {
    match kind {
        io::ErrorKind::NotFound => FsErrorKind::NotFound,
        io::ErrorKind::AlreadyExists => FsErrorKind::AlreadyExists,
        io::ErrorKind::PermissionDenied => FsErrorKind::PermissionDenied,
        io::ErrorKind::InvalidInput => FsErrorKind::InvalidInput,
        io::ErrorKind::Unsupported => FsErrorKind::NotSupported,
        io::ErrorKind::OutOfMemory => FsErrorKind::OutOfMemory,
        _ => FsErrorKind::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_that_decide_something_have_their_kind() {
        let kind = |number| classify(&io::Error::from_raw_os_error(number));
        for (number, expected) in [
            (libc::EDQUOT, FsErrorKind::QuotaExceeded),
            (libc::ENOSPC, FsErrorKind::NoSpace),
            (libc::EPERM, FsErrorKind::NotPermitted),
            (libc::EACCES, FsErrorKind::PermissionDenied),
            (libc::EWOULDBLOCK, FsErrorKind::Busy),
            (libc::ESTALE, FsErrorKind::Unreachable),
            (libc::EUCLEAN, FsErrorKind::Io),
            (libc::ENODATA, FsErrorKind::Io),
            (libc::ENOTSUP, FsErrorKind::NotSupported),
            (libc::ENOTEMPTY, FsErrorKind::DirectoryNotEmpty),
            (libc::ECHILD, FsErrorKind::Other),
        ] {
            assert_eq!(kind(number), expected, "{number}");
        }
    }
}
