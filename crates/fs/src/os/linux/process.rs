//! What this process is and may do.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::process::{
    Resource, Rlimit, geteuid, getpid, getrlimit, setpriority_process, setrlimit,
};
use rustix::rand::{GetRandomFlags, getrandom};
use rustix::system::uname;

use super::call::uninterrupted;
use super::pseudo_file;
use crate::metadata::Timestamp;

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

/// Lets the calling thread step back for others, for good: it gets the processor when they leave some
/// over, and the disk after them where the scheduler goes by that too. Says whether it did.
pub fn step_back() -> bool {
    /// The nicest there is.
    const NICEST: i32 = 19;
    // Without a number it is the caller; and on Linux, whatever POSIX says, that is the thread.
    setpriority_process(None, NICEST).is_ok()
}

/// The number of this process, for people to look it up by. It is given to another one some time
/// after this one has ended.
pub fn process_id() -> u32 {
    std::process::id()
}

/// What this machine calls itself.
pub fn host_name() -> String {
    uname().nodename().to_string_lossy().into_owned()
}

/// The time of day, which somebody may set forwards or back: for records, and not to measure by.
pub fn wall_clock() -> Timestamp {
    timestamp(SystemTime::now())
}

fn timestamp(time: SystemTime) -> Timestamp {
    let whole = |secs: u64| i64::try_from(secs).unwrap_or(i64::MAX);
    match time.duration_since(UNIX_EPOCH) {
        Ok(since) => Timestamp { secs: whole(since.as_secs()), nanos: since.subsec_nanos() },
        // A clock that was never set. Nanoseconds count forwards all the same.
        Err(error) => {
            let until = error.duration();
            let secs = -whole(until.as_secs());
            match until.subsec_nanos() {
                0 => Timestamp { secs, nanos: 0 },
                nanos => Timestamp { secs: secs - 1, nanos: 1_000_000_000 - nanos },
            }
        }
    }
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
    use surecopy_testkit::fuzz::Verdict;

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
    fn times_are_whole_seconds_and_nanoseconds_after_them() {
        use std::time::Duration;
        let ago = |secs, nanos| timestamp(UNIX_EPOCH - Duration::new(secs, nanos));
        assert_eq!(ago(0, 0), Timestamp { secs: 0, nanos: 0 });
        assert_eq!(ago(1, 0), Timestamp { secs: -1, nanos: 0 });
        assert_eq!(ago(1, 1), Timestamp { secs: -2, nanos: 999_999_999 });
        let since = timestamp(UNIX_EPOCH + Duration::new(7, 5));
        assert_eq!(since, Timestamp { secs: 7, nanos: 5 });
    }

    #[test]
    fn the_kernel_agrees_on_time_and_names() {
        use std::os::unix::fs::MetadataExt;
        let kernel = |path: &str| pseudo_file::text(path).unwrap();
        assert_eq!(host_name(), kernel("/proc/sys/kernel/hostname").trim_end());
        assert!(kernel(STATUS).contains(&format!("\nPid:\t{}\n", process_id())));
        let file = tempfile::tempfile().unwrap();
        let apart = wall_clock().secs.abs_diff(file.metadata().unwrap().mtime());
        assert!(apart < 24 * 60 * 60, "{apart} seconds");
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
    fn fuzz_tables_of_signals() {
        let samples = vec![b"Name:\tx\nSigIgn:\t0000000000001000\nSigCgt:\t0\n".to_vec()];
        surecopy_testkit::fuzz::hold("fuzz_tables_of_signals", 150, samples, |input| {
            let text = String::from_utf8_lossy(input);
            let said = [1, 13, 64, 65].map(|signal| ignored_in(&text, signal));
            assert_eq!(said[3], None);
            if said[0].is_some() { Verdict::Taken } else { Verdict::Refused }
        });
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

    #[test]
    fn only_the_thread_that_asks_steps_back() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        std::thread::spawn(move || {
            assert!(step_back());
            assert_eq!(nice(), 19);
        })
        .join()
        .unwrap();
        assert_eq!(nice(), before);
    }
}
