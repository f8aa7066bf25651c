//! What this process is and may do.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{Resource, Rlimit, geteuid, getpid, getrlimit, setrlimit};
use rustix::rand::{GetRandomFlags, getrandom};

use super::call::uninterrupted;
use super::pseudo_file;

/// What is asked for where even the hard limit is unlimited; kernels refuse more by default.
const MANY_OPEN_FILES: u64 = 1 << 20;

/// What the kernel says of this process.
const STATUS: &str = "/proc/self/status";

/// The path that these bytes spell; `None` on systems where not every sequence of bytes is a path.
pub fn path_from_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    Some(PathBuf::from(OsString::from_vec(bytes)))
}

/// Whether this process acts as the superuser.
pub fn is_privileged() -> bool {
    geteuid().is_root()
}

/// The user whose rights this process acts with.
pub fn effective_user() -> u32 {
    geteuid().as_raw()
}

/// The permission bits that this process takes away from what it creates (`umask`); `0o022` where
/// the kernel does not say. Asking in the usual way would change it for a moment, for every thread.
pub fn file_creation_mask() -> u32 {
    const USUAL: u32 = 0o022;
    let status = pseudo_file::text(STATUS).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("Umask:"));
    line.and_then(|mask| u32::from_str_radix(mask.trim(), 8).ok()).unwrap_or(USUAL)
}

/// Whether whoever started this process had a signal ignored; `false` where the kernel does not say.
/// The mask is read because it tells of the signal without touching how it is handled.
pub fn is_signal_ignored(signal: i32) -> bool {
    let status = pseudo_file::text(STATUS).unwrap_or_default();
    ignored_in(&status, signal) == Some(true)
}

fn ignored_in(status: &str, signal: i32) -> Option<bool> {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
    let mask = u64::from_str_radix(mask.trim(), 16).ok()?;
    let bit = u32::try_from(signal).ok()?.checked_sub(1)?;
    Some(mask.checked_shr(bit)? & 1 == 1)
}

/// A number that no other process can guess and no other run repeats, to name things by.
pub fn process_identity() -> u64 {
    let mut bytes = [0; 8];
    // Fewer than 256 bytes are given whole or not at all.
    match uninterrupted(|| getrandom(&mut bytes, GetRandomFlags::empty())) {
        Ok(8) => u64::from_ne_bytes(bytes),
        _ => unique_identity(),
    }
}

/// For kernels and sandboxes without the random call: unique, though not beyond guessing. Names
/// made of it are still created exclusively.
fn unique_identity() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let process = u64::from(getpid().as_raw_nonzero().get().unsigned_abs());
    (process << 40) ^ since.as_secs().rotate_left(20) ^ u64::from(since.subsec_nanos())
}

/// How many files this process may hold open.
pub fn open_file_limit() -> u64 {
    getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Raises the number of files this process may hold open as far as it can, and returns the limit
/// that is in force then.
pub fn raise_open_file_limit() -> u64 {
    let limit = getrlimit(Resource::Nofile);
    let Some(current) = limit.current else { return u64::MAX };
    let wanted = limit.maximum.unwrap_or(MANY_OPEN_FILES);
    if wanted <= current {
        return current;
    }
    let raised = Rlimit { current: Some(wanted), maximum: limit.maximum };
    match setrlimit(Resource::Nofile, raised) {
        Ok(()) => wanted,
        Err(_) => current,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_what_a_new_file_shows() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new");
        std::fs::write(&path, b"").unwrap();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o666 & !file_creation_mask());
    }

    #[test]
    fn the_mask_of_ignored_signals_counts_from_one() {
        let status = "SigBlk:\tffffffffffffffff\nSigIgn:\t0000000000001001\n";
        let rows = [(1, true), (2, false), (12, false), (13, true), (14, false), (64, false)];
        for (signal, is_ignored) in rows {
            assert_eq!(ignored_in(status, signal), Some(is_ignored), "{signal}");
        }
        for no_signal in [i32::MIN, -1, 0, 65] {
            assert_eq!(ignored_in(status, no_signal), None, "{no_signal}");
        }
        assert_eq!(ignored_in("", 1), None);
    }

    #[test]
    fn the_kernel_tells_which_signals_are_ignored() {
        assert!(is_signal_ignored(13), "SIGPIPE, at the start of every Rust program");
        assert!(!is_signal_ignored(9), "SIGKILL, which nobody can ignore");
    }

    #[test]
    fn identities_differ() {
        assert_ne!(process_identity(), process_identity());
        assert_ne!(unique_identity(), 0);
    }

    #[test]
    fn the_limit_returned_is_the_one_in_force() {
        let raised = raise_open_file_limit();
        let limit = getrlimit(Resource::Nofile);
        assert_eq!(limit.current, Some(raised));
        assert_eq!(limit.maximum.map(|maximum| maximum.min(raised)), Some(raised));
        assert_eq!(raise_open_file_limit(), raised);
    }
}
