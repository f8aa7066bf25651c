//! A file of slots that programs lock one by one, to tell each other which of many things they are
//! at work on. Nothing is ever written into it: what counts are the locks, and the kernel releases
//! those of a program that ends, however it ends.
#![expect(unsafe_code, reason = "locks of open file descriptions have no safe wrapper")]

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, open, openat};
use rustix::io::{Errno, Result as CallResult};

use super::call::uninterrupted;
use super::durability::last_errno;

/// A file of slots. Slots are numbers; there are as many as anybody could want.
///
/// The file must stay where it is as long as anybody uses it: who makes another of the same name
/// does not see the locks of this one.
#[derive(Debug)]
pub struct LockTable {
    /// Where the file stands, whatever happens to the path that led there.
    dir: OwnedFd,
    name: OsString,
    /// To ask with. It never holds a lock itself, so every lock that there is is somebody's.
    file: OwnedFd,
}

/// The lock of one slot, which is released when this is dropped. It does not need its table any
/// more.
#[derive(Debug)]
#[must_use = "the slot is free again as soon as this is dropped"]
pub struct SlotLock {
    /// A file description of its own: locks belong to those, and two of one do not exclude each
    /// other.
    file: OwnedFd,
    at: libc::off_t,
}

impl LockTable {
    /// Opens the table at a path, and makes it, for this user alone, if it is not there. What is no
    /// regular file is refused, a link among them.
    pub fn open(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(Errno::INVAL)?.to_owned();
        let parent = match path.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let dir = uninterrupted(|| open(parent, flags, Mode::empty()))?;
        let file = open_file(dir.as_fd(), &name, OFlags::CREATE)?;
        if FileType::from_raw_mode(fstat(&file)?.st_mode) != FileType::RegularFile {
            return Err(Errno::INVAL.into());
        }
        Ok(Self { dir, name, file })
    }

    /// Locks a slot, without waiting; `None` when somebody holds it, in this process or another.
    pub fn try_lock(&self, slot: u64) -> io::Result<Option<SlotLock>> {
        let at = offset(slot)?;
        let file = self.open_again()?;
        match set_lock(file.as_fd(), at, libc::F_WRLCK) {
            Ok(()) => Ok(Some(SlotLock { file, at })),
            Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether somebody holds a slot, in this process or another. Does not take it for a moment, so
    /// nobody who wants it is kept from it by the question.
    pub fn is_locked(&self, slot: u64) -> io::Result<bool> {
        let mut lock = byte_lock(offset(slot)?, libc::F_WRLCK);
        fcntl(self.file.as_fd(), libc::F_OFD_GETLK, &mut lock)?;
        Ok(lock.l_type != short(libc::F_UNLCK))
    }

    /// The same file once more. A lock in another one that has taken its place would exclude nobody
    /// who is at work by this one.
    fn open_again(&self) -> io::Result<OwnedFd> {
        let file = open_file(self.dir.as_fd(), &self.name, OFlags::empty())?;
        let [now, then] = [fstat(&file)?, fstat(&self.file)?];
        if (now.st_dev, now.st_ino) != (then.st_dev, then.st_ino) {
            return Err(io::Error::other("another file has taken the place of the lock file"));
        }
        Ok(file)
    }
}

impl Drop for SlotLock {
    fn drop(&mut self) {
        // Closing is not enough: a program that is being started has the descriptor too, for a
        // moment. Should it fail all the same, closing is what is left.
        set_lock(self.file.as_fd(), self.at, libc::F_UNLCK).unwrap_or_default();
    }
}

/// To write, which is what the lock of a writer takes. A pipe is opened like a file, and refused
/// after that.
fn open_file(dir: BorrowedFd<'_>, name: &OsString, more: OFlags) -> CallResult<OwnedFd> {
    let flags = OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC | more;
    uninterrupted(|| openat(dir, name, flags, Mode::RUSR | Mode::WUSR))
}

/// Where the byte of a slot is. There need not be anything in the file.
fn offset(slot: u64) -> CallResult<libc::off_t> {
    libc::off_t::try_from(slot).map_err(|_| Errno::INVAL)
}

fn set_lock(file: BorrowedFd<'_>, at: libc::off_t, kind: libc::c_int) -> CallResult<()> {
    fcntl(file, libc::F_OFD_SETLK, &mut byte_lock(at, kind))
}

fn byte_lock(at: libc::off_t, kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: short(kind),
        l_whence: short(libc::SEEK_SET),
        l_start: at,
        l_len: 1,
        // Must be zero for locks of file descriptions.
        l_pid: 0,
    }
}

/// The constants are ints, and the fields shorts.
fn short(constant: libc::c_int) -> libc::c_short {
    constant as libc::c_short
}

fn fcntl(file: BorrowedFd<'_>, command: libc::c_int, lock: &mut libc::flock) -> CallResult<()> {
    uninterrupted(|| {
        // SAFETY: the descriptor is open as long as `file` is borrowed, and both commands read and
        // write a `struct flock`, which `lock` is for as long as the call takes.
        let result = unsafe { libc::fcntl(file.as_raw_fd(), command, &raw mut *lock) };
        if result == -1 { Err(last_errno()) } else { Ok(()) }
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::{BufRead, BufReader, Read};
    use std::os::unix::fs::{MetadataExt, symlink};
    use std::path::PathBuf;
    use std::process::{Child, Command, Stdio};

    use super::*;

    const CHILD_TABLE: &str = "SURECOPY_TEST_LOCK_TABLE";
    const LOCKED: &str = "the slot is locked";

    fn place() -> (tempfile::TempDir, PathBuf) {
        let temp = tempfile::tempdir().unwrap();
        let path = temp.path().join("table.lock");
        (temp, path)
    }

    #[test]
    fn a_table_is_private_and_no_link() {
        let (temp, path) = place();
        drop(LockTable::open(&path).unwrap());
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!((metadata.mode() & 0o777, metadata.len()), (0o600, 0));
        drop(LockTable::open(&path).expect("one that is there is opened"));
        let link = temp.path().join("link");
        symlink(&path, &link).unwrap();
        let elsewhere = temp.path().join("elsewhere");
        symlink("made through a link", &elsewhere).unwrap();
        for refused in [&link, &elsewhere, temp.path(), &temp.path().join("none/table")] {
            assert!(LockTable::open(refused).is_err(), "{}", refused.display());
        }
        assert!(!temp.path().join("made through a link").exists());
        let pipe = temp.path().join("pipe");
        rustix::fs::mknodat(rustix::fs::CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).unwrap();
        assert_eq!(LockTable::open(&pipe).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    fn a_slot_is_held_once_and_by_itself() {
        let (_temp, path) = place();
        let (table, other) = (LockTable::open(&path).unwrap(), LockTable::open(&path).unwrap());
        let lock = table.try_lock(7).unwrap().expect("nobody holds it");
        assert!(table.try_lock(7).unwrap().is_none(), "not even by the same table");
        assert!(other.try_lock(7).unwrap().is_none());
        let held = |table: &LockTable| [6, 7, 8].map(|slot| table.is_locked(slot).unwrap());
        assert_eq!(held(&table), [false, true, false]);
        assert_eq!(held(&other), [false, true, false]);
        let beside = other.try_lock(8).unwrap().expect("its neighbour is free");
        drop(lock);
        assert_eq!(held(&table), [false, false, true], "the other stays as it was");
        drop(beside);
        drop(other.try_lock(7).unwrap().expect("it is free again"));
        assert_eq!(held(&table), [false; 3]);
    }

    #[test]
    fn a_lock_outlives_its_table_and_closing_others_does_not_end_it() {
        let (_temp, path) = place();
        let table = LockTable::open(&path).unwrap();
        let lock = table.try_lock(0).unwrap().expect("nobody holds it");
        drop(table);
        // With locks of processes, closing the file anywhere would release all of them.
        drop(fs::File::open(&path).unwrap());
        let other = LockTable::open(&path).unwrap();
        assert!(other.is_locked(0).unwrap());
        drop(lock);
        assert!(!other.is_locked(0).unwrap());
    }

    #[test]
    fn a_slot_is_free_though_a_program_that_is_being_started_has_the_descriptor() {
        let (_temp, path) = place();
        let table = LockTable::open(&path).unwrap();
        let lock = table.try_lock(3).unwrap().expect("nobody holds it");
        let _inherited = rustix::io::dup(&lock.file).unwrap();
        drop(lock);
        assert!(!table.is_locked(3).unwrap());
    }

    #[test]
    fn slots_are_as_many_as_offsets() {
        let (_temp, path) = place();
        let table = LockTable::open(&path).unwrap();
        let last = libc::off_t::MAX.unsigned_abs();
        let lock = table.try_lock(last).unwrap().expect("nobody holds it");
        assert!(table.is_locked(last).unwrap());
        drop(lock);
        for beyond in [last + 1, u64::MAX] {
            let kinds = [
                table.try_lock(beyond).map(drop).map_err(|error| error.kind()),
                table.is_locked(beyond).map(drop).map_err(|error| error.kind()),
            ];
            assert_eq!(kinds, [Err(io::ErrorKind::InvalidInput); 2]);
        }
    }

    #[test]
    fn a_file_that_was_replaced_gives_no_locks() {
        let (temp, path) = place();
        let table = LockTable::open(&path).unwrap();
        fs::rename(&path, temp.path().join("aside")).unwrap();
        assert_eq!(table.try_lock(1).unwrap_err().kind(), io::ErrorKind::NotFound);
        fs::write(&path, "").unwrap();
        assert!(table.try_lock(1).is_err());
        fs::rename(temp.path().join("aside"), &path).unwrap();
        assert!(table.try_lock(1).unwrap().is_some());
    }

    /// A process that holds a slot until it is killed, also when the test that wants it fails.
    struct Holder(Child);

    impl Holder {
        fn start(path: &Path) -> Self {
            let test = format!("{}::holds_a_slot", module_path!().split_once("::").unwrap().1);
            let child = Command::new(std::env::current_exe().unwrap())
                .args(["--exact", &test, "--ignored", "--nocapture", "--test-threads=1"])
                .env(CHILD_TABLE, path)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::null())
                .spawn()
                .unwrap();
            let mut holder = Self(child);
            let output = BufReader::new(holder.0.stdout.as_mut().unwrap());
            let mut lines = output.lines().map_while(Result::ok);
            assert!(lines.any(|line| line.contains(LOCKED)), "the child got its lock");
            holder
        }
    }

    impl Drop for Holder {
        fn drop(&mut self) {
            self.0.kill().unwrap_or_default();
            self.0.wait().unwrap();
        }
    }

    #[test]
    #[ignore = "the role of a child, which another test gives it"]
    fn holds_a_slot() {
        let Some(path) = std::env::var_os(CHILD_TABLE) else { return };
        let table = LockTable::open(Path::new(&path)).unwrap();
        let _lock = table.try_lock(5).unwrap().expect("nobody holds it");
        println!("{LOCKED}");
        // Nothing comes; the end does when the other process is gone, so that none is left behind.
        std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    }

    #[test]
    fn a_program_that_is_killed_holds_nothing() {
        let (_temp, path) = place();
        let table = LockTable::open(&path).unwrap();
        let holder = Holder::start(&path);
        assert!(table.is_locked(5).unwrap());
        assert!(table.try_lock(5).unwrap().is_none());
        drop(table.try_lock(4).unwrap().expect("it holds one slot only"));
        drop(holder);
        assert!(!table.is_locked(5).unwrap());
        assert!(table.try_lock(5).unwrap().is_some());
    }
}
