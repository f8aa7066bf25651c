//! Surviving the bus error that the kernel raises when a mapped page cannot be read.
//!
//! The handler is the process's, not the thread's, so what it needs is static: the
//! [table](super::fault_table) of ranges being read, and the action that was there before, which
//! gets every fault that is not ours. Within a range of the table a page of zeros takes the place
//! of the missing one, the range is marked, and the reader, which looks at the mark before it
//! believes anything, stops.
//!
//! The handler itself makes one system call and touches atomics only; it neither allocates nor
//! locks.
#![expect(unsafe_code, reason = "signal handlers are set and run through raw pointers")]

use std::ffi::{c_int, c_void};
use std::ops::Range;
use std::ptr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Once, OnceLock};

use rustix::mm::{MapFlags, ProtFlags, mmap_anonymous};
use rustix::param::page_size;

use super::fault_table::{self, Entry};

/// The action before ours. Written before the handler can run.
static PREVIOUS: OnceLock<libc::sigaction> = OnceLock::new();

/// Known before the handler can run, which must not go and ask.
static PAGE_BYTES: AtomicUsize = AtomicUsize::new(0);

/// A protected range. While it lives, a page missing in the range reads as zeros and is noted.
/// Only the thread that registered it may read there.
pub(super) struct Guard {
    entry: Entry,
}

impl Guard {
    /// Protects a range, which must be a map of a file that nobody writes through or refers into.
    /// `None` when too many are protected already, or somebody else has taken over the signal.
    pub(super) fn register(range: Range<usize>) -> Option<Self> {
        install();
        if !is_ours_in_force() {
            return None;
        }
        Some(Self { entry: Entry::new(range)? })
    }

    /// Whether a page of the range was missing since it was registered.
    pub(super) fn has_faulted(&self) -> bool {
        self.entry.has_faulted()
    }
}

/// Puts the handler in place, once.
fn install() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        PAGE_BYTES.store(page_size(), Ordering::SeqCst);
        let Some(previous) = current_action() else { return };
        PREVIOUS.get_or_init(|| previous);
        let mut ours = empty_action();
        ours.sa_sigaction = handler_address();
        // ONSTACK: like the standard library's own handler for this signal, so that the handler
        // that was there before can still tell a stack overflow. Not NODEFER: a second fault
        // inside the handler is a defect, and must end the process rather than recurse.
        ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: the action is complete, and its handler does only what a signal handler may.
        // Should the kernel refuse it, `is_ours_in_force` will tell.
        unsafe { libc::sigaction(libc::SIGBUS, &raw const ours, ptr::null_mut()) };
    });
}

fn handler_address() -> libc::sighandler_t {
    let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) = on_bus_error;
    handler as libc::sighandler_t
}

fn is_ours_in_force() -> bool {
    current_action().is_some_and(|action| action.sa_sigaction == handler_address())
}

fn current_action() -> Option<libc::sigaction> {
    let mut action = empty_action();
    // SAFETY: only asks; the answer is written to a live value of the right type.
    let result = unsafe { libc::sigaction(libc::SIGBUS, ptr::null(), &raw mut action) };
    (result == 0).then_some(action)
}

/// The default action, with nothing blocked.
fn empty_action() -> libc::sigaction {
    // SAFETY: the struct is made of integers and an optional function pointer; all zeros is a
    // value of it, and means just this.
    unsafe { std::mem::zeroed() }
}

extern "C" fn on_bus_error(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: with SA_SIGINFO the kernel passes a valid siginfo; for this signal it holds an
    // address, which for a signal sent by a process (code <= 0) is something else and not used.
    let (code, address) = unsafe { ((*info).si_code, (*info).si_addr().addr()) };
    if code > 0 && absorb(address) {
        return;
    }
    pass_on(signal, code, info, context);
}

/// Puts zeros where the page is missing, if it is in a protected range.
fn absorb(address: usize) -> bool {
    if !fault_table::mark(address) {
        return false;
    }
    let page_bytes = PAGE_BYTES.load(Ordering::SeqCst);
    put_zeros(address & !(page_bytes - 1), page_bytes)
}

fn put_zeros(page: usize, page_bytes: usize) -> bool {
    let page = ptr::with_exposed_provenance_mut(page);
    let flags = MapFlags::PRIVATE | MapFlags::FIXED;
    // SAFETY: the page lies in a range that is protected, so it is a map that only `mapping`
    // reads, through raw pointers, and that it will unmap as a whole. A bare system call, which a
    // signal handler may make, and which leaves `errno` alone.
    unsafe { mmap_anonymous(page, page_bytes, ProtFlags::READ, flags) }.is_ok()
}

/// Does what would have been done without us.
fn pass_on(signal: c_int, code: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    let default = empty_action();
    let previous = PREVIOUS.get().unwrap_or(&default);
    let is_sent = code <= 0;
    match previous.sa_sigaction {
        libc::SIG_IGN if is_sent => {}
        // A real fault cannot be ignored: returning would only meet it again.
        libc::SIG_DFL | libc::SIG_IGN => {
            // SAFETY: sets the default action, and sends to this thread a signal that waits until
            // the handler is left. A fault needs no sending: it happens again.
            unsafe {
                libc::sigaction(signal, &raw const default, ptr::null_mut());
                if is_sent {
                    libc::raise(signal);
                }
            }
        }
        handler if previous.sa_flags & libc::SA_SIGINFO != 0 => {
            // SAFETY: somebody installed this address as a handler of three arguments.
            let handler: extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) =
                unsafe { std::mem::transmute(handler) };
            handler(signal, info, context);
        }
        handler => {
            // SAFETY: somebody installed this address as a handler of one argument.
            let handler: extern "C" fn(c_int) = unsafe { std::mem::transmute(handler) };
            handler(signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{Command, ExitStatus};

    use rustix::mm::{mmap, munmap};

    use super::*;

    const CHILD: &str = "SURECOPY_TEST_BUS_ERROR_CHILD";
    const FOREIGN_HANDLER_RAN: i32 = 42;

    /// A map of one page of a file that has none.
    fn missing_page() -> *mut c_void {
        let file = tempfile::tempfile().unwrap();
        // SAFETY: the kernel chooses the range.
        unsafe {
            mmap(ptr::null_mut(), page_size(), ProtFlags::READ, MapFlags::SHARED, &file, 0).unwrap()
        }
    }

    fn read_byte(page: *mut c_void) -> u8 {
        // SAFETY: the page is mapped; whether it can be read is what is tested.
        unsafe { page.cast::<u8>().read_volatile() }
    }

    extern "C" fn foreign_handler(_signal: c_int) {
        // SAFETY: ends the process, which a handler may.
        unsafe { libc::_exit(FOREIGN_HANDLER_RAN) }
    }

    fn set_action(handler: libc::sighandler_t) {
        let mut action = empty_action();
        action.sa_sigaction = handler;
        // SAFETY: the action is complete.
        unsafe { libc::sigaction(libc::SIGBUS, &raw const action, ptr::null_mut()) };
    }

    /// Runs a test of this module again, alone in a process of its own.
    fn in_child(test: &str) -> ExitStatus {
        let path = format!("{}::{test}", module_path!().split_once("::").unwrap().1);
        Command::new(std::env::current_exe().unwrap())
            .args(["--exact", &path, "--nocapture", "--test-threads=1"])
            .env(CHILD, "1")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .status()
            .unwrap()
    }

    fn is_child() -> bool {
        std::env::var_os(CHILD).is_some()
    }

    #[test]
    fn a_guarded_page_reads_as_zeros_and_is_noted() {
        let page = missing_page();
        let guard = Guard::register(page.expose_provenance()..page.addr() + page_size()).unwrap();
        assert!(!guard.has_faulted());
        assert_eq!(read_byte(page), 0);
        assert!(guard.has_faulted());
        drop(guard);
        // SAFETY: mapped above and not referred to.
        unsafe { munmap(page, page_size()).unwrap() };
    }

    #[test]
    fn a_foreign_handler_still_gets_its_faults() {
        if !is_child() {
            let status = in_child("a_foreign_handler_still_gets_its_faults");
            assert_eq!(status.code(), Some(FOREIGN_HANDLER_RAN), "{status}");
            return;
        }
        let handler: extern "C" fn(c_int) = foreign_handler;
        set_action(handler as libc::sighandler_t);
        a_guarded_page_reads_as_zeros_and_is_noted();
        read_byte(missing_page());
        unreachable!("the fault was swallowed");
    }

    #[test]
    fn a_fault_outside_still_ends_the_process() {
        if !is_child() {
            let status = in_child("a_fault_outside_still_ends_the_process");
            assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
            return;
        }
        set_action(libc::SIG_DFL);
        a_guarded_page_reads_as_zeros_and_is_noted();
        read_byte(missing_page());
        unreachable!("the fault was swallowed");
    }

    /// The standard library has a handler of its own, which gives way to the default action.
    #[test]
    fn a_handler_of_three_arguments_still_gets_its_faults() {
        if !is_child() {
            let status = in_child("a_handler_of_three_arguments_still_gets_its_faults");
            assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
            return;
        }
        let before = current_action().unwrap();
        assert!(before.sa_flags & libc::SA_SIGINFO != 0 && before.sa_sigaction != libc::SIG_DFL);
        a_guarded_page_reads_as_zeros_and_is_noted();
        read_byte(missing_page());
        unreachable!("the fault was swallowed");
    }

    #[test]
    fn a_signal_sent_by_a_process_is_not_taken_for_a_fault() {
        if !is_child() {
            let status = in_child("a_signal_sent_by_a_process_is_not_taken_for_a_fault");
            assert_eq!(status.signal(), Some(libc::SIGBUS), "{status}");
            return;
        }
        set_action(libc::SIG_DFL);
        let everything = Guard::register(1..usize::MAX).unwrap();
        // SAFETY: sends a signal to this thread.
        unsafe { libc::raise(libc::SIGBUS) };
        drop(everything);
        unreachable!("the signal was swallowed");
    }

    #[test]
    fn no_protection_is_claimed_when_somebody_took_over_the_signal() {
        if !is_child() {
            let status = in_child("no_protection_is_claimed_when_somebody_took_over_the_signal");
            assert!(status.success(), "{status}");
            return;
        }
        a_guarded_page_reads_as_zeros_and_is_noted();
        set_action(libc::SIG_DFL);
        assert!(Guard::register(1..2).is_none());
    }
}
