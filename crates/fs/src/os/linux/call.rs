//! How one system call is made: repeated when a signal interrupts it, its error named after the
//! step, and "not offered here" told apart from failure.

use std::ffi::OsStr;

use rustix::io::{Errno, Result as CallResult};

use crate::error::{FsError, FsErrorKind, FsResult, Operation};
use crate::support::Support;

/// Makes a call until no signal interrupts it.
pub(super) fn uninterrupted<T>(mut call: impl FnMut() -> CallResult<T>) -> CallResult<T> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            result => return result,
        }
    }
}

/// Makes a call whose every failure is an error.
pub(super) fn must<T>(operation: Operation, call: impl FnMut() -> CallResult<T>) -> FsResult<T> {
    uninterrupted(call).map_err(failed(operation))
}

/// Makes a call that a volume or kernel may not offer, which it says with one of `absent`.
pub(super) fn may<T>(
    operation: Operation,
    absent: &[Errno],
    call: impl FnMut() -> CallResult<T>,
) -> FsResult<Support<T>> {
    offered(operation, absent, uninterrupted(call))
}

/// Like [`may`], for a call that was made already.
pub(super) fn offered<T>(
    operation: Operation,
    absent: &[Errno],
    result: CallResult<T>,
) -> FsResult<Support<T>> {
    match result {
        Ok(value) => Ok(Support::Done(value)),
        Err(errno) if absent.contains(&errno) => Ok(Support::Unsupported),
        Err(errno) => Err(failed(operation)(errno)),
    }
}

/// Turns an error number into the error of a step.
pub(super) fn failed(operation: Operation) -> impl Fn(Errno) -> FsError {
    move |errno| FsError::new(operation, errno.into())
}

/// Like [`failed`], where the step knows better than the number what went wrong.
pub(super) fn failed_as(operation: Operation, kind: FsErrorKind, errno: Errno) -> FsError {
    FsError { operation, kind, source: errno.into() }
}

/// Refuses anything but one plain name. The kernel would resolve `a/b` or `..` as well, and follow
/// links on the way, so a mistake above must not get that far.
pub(super) fn plain(operation: Operation, name: &OsStr) -> FsResult<&OsStr> {
    let bytes = name.as_encoded_bytes();
    if bytes.is_empty() || bytes == b"." || bytes == b".." || bytes.contains(&b'/') {
        return Err(FsError::of_kind(operation, FsErrorKind::InvalidInput));
    }
    Ok(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_names_reach_the_kernel() {
        for bad in ["", ".", "..", "a/b", "/", "a/"] {
            let error = plain(Operation::Metadata, OsStr::new(bad)).unwrap_err();
            assert_eq!(error.kind, FsErrorKind::InvalidInput, "{bad}");
        }
        for good in ["a", "...", "..a", " ", "a\\b"] {
            assert!(plain(Operation::Metadata, OsStr::new(good)).is_ok(), "{good}");
        }
    }

    #[test]
    fn row_04_interrupted_calls_are_repeated() {
        let mut left = 3;
        let result = must(Operation::Read, || {
            left -= 1;
            if left > 0 { Err(Errno::INTR) } else { Ok(7) }
        });
        assert_eq!((result.unwrap(), left), (7, 0));
    }

    #[test]
    fn absence_is_not_failure_and_failure_is_not_absence() {
        let call = |errno| may::<()>(Operation::Clone, &[Errno::XDEV], move || Err(errno));
        assert_eq!(call(Errno::XDEV).unwrap(), Support::Unsupported);
        assert_eq!(call(Errno::NOSPC).unwrap_err().kind, FsErrorKind::NoSpace);
    }
}
