//! A terminal of a test's own. Not a test.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_setfl};
use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{Action, Winsize, tcflow, tcsetwinsize};

/// So long that a busy machine does not matter; not for ever.
const LIMIT: Duration = Duration::from_secs(60);

/// Both ends: the one where a person would sit, and the one that programs are connected to.
pub(crate) struct Pty {
    person: File,
    program: OwnedFd,
    /// What was read so far.
    text: Vec<u8>,
}

impl Pty {
    pub(crate) fn new() -> Self {
        let person = openpt(flags()).unwrap();
        grantpt(&person).unwrap();
        unlockpt(&person).unwrap();
        let program = ioctl_tiocgptpeer(&person, flags()).unwrap();
        Self { person: File::from(person), program, text: Vec::new() }
    }

    /// The terminal, for one of a program's streams.
    pub(crate) fn stdio(&self) -> Stdio {
        Stdio::from(self.program.try_clone().unwrap())
    }

    /// Makes it so many columns wide.
    pub(crate) fn resize(&self, columns: u16) {
        let size = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&self.program, size).unwrap();
    }

    /// Stops the output, as Control-S does.
    pub(crate) fn stop(&self) {
        tcflow(&self.program, Action::OOff).unwrap();
    }

    /// Writes as much as the terminal takes while nobody reads.
    pub(crate) fn fill(&self) {
        // An opening of its own: the program's must not be told that it never waits.
        let mut other = File::from(ioctl_tiocgptpeer(&self.person, flags()).unwrap());
        fcntl_setfl(&other, OFlags::NONBLOCK).unwrap();
        while other.write(&[b'x'; 512]).is_ok() {}
    }

    /// What somebody types.
    pub(crate) fn types(&mut self, keys: &str) {
        self.person.write_all(keys.as_bytes()).unwrap();
    }

    /// Reads until some text has appeared since the terminal was made.
    pub(crate) fn read_until(&mut self, what: &str) {
        let began = Instant::now();
        while !self.text().contains(what) {
            assert!(began.elapsed() < LIMIT, "no {what:?} in {:?}", self.text());
            self.read_for(Duration::from_millis(100));
        }
    }

    /// Everything that has appeared.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// Reads what is there, or comes within a time.
    pub(crate) fn read_for(&mut self, patience: Duration) {
        let patience = Timespec::try_from(patience).unwrap();
        let mut ends = [PollFd::new(&self.person, PollFlags::IN)];
        if poll(&mut ends, Some(&patience)).unwrap() > 0 {
            let mut bytes = [0; 4096];
            let count = self.person.read(&mut bytes).unwrap();
            self.text.extend_from_slice(&bytes[..count]);
        }
    }
}

fn flags() -> OpenptFlags {
    OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC
}
