//! System calls as `strace` writes them down.

use std::collections::BTreeMap;

/// All calls that can change what is on a volume, or whether it is there after a power cut. `?` is
/// for calls that not every machine has.
pub(super) const CHANGING: &str = "?open,openat,openat2,?creat,write,pwrite64,writev,pwritev,pwritev2,\
    truncate,ftruncate,fallocate,copy_file_range,sendfile,splice,ioctl,fsync,fdatasync,syncfs,sync,\
    msync,sync_file_range,?rename,renameat,renameat2,?link,linkat,?symlink,symlinkat,?unlink,unlinkat,\
    ?rmdir,?mkdir,mkdirat,?mknod,mknodat,?chmod,fchmod,fchmodat,?chown,fchown,fchownat,?lchown,\
    ?utime,?utimes,?futimesat,utimensat,setxattr,lsetxattr,fsetxattr,removexattr,lremovexattr,\
    fremovexattr";

/// A call that was entered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call<'a> {
    pub(super) thread: &'a str,
    pub(super) name: &'a str,
    /// What stands behind the name, as far as it goes.
    pub(super) arguments: &'a str,
    /// Which of the thread's calls of this name it is, from 1. That is how `strace` counts.
    pub(super) occurrence: usize,
}

/// The calls of a log, in the order in which they were entered.
pub(super) fn read(log: &str) -> Vec<Call<'_>> {
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    for line in log.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        // Signals, ends, and calls that go on: those were entered before.
        if rest.starts_with(['-', '+', '<']) {
            continue;
        }
        let Some((name, arguments)) = rest.split_once('(') else { continue };
        let count: &mut usize = counts.entry((thread, name)).or_default();
        *count += 1;
        calls.push(Call { thread, name, arguments, occurrence: *count });
    }
    calls
}

impl Call<'_> {
    /// Whether it can change something, other than what the program has to say.
    pub(super) fn is_change(&self) -> bool {
        let has = |words: &[&str]| words.iter().any(|word| self.arguments.contains(word));
        match self.name {
            "open" | "openat" | "openat2" => has(&["O_CREAT", "O_TRUNC", "O_TMPFILE"]),
            "ioctl" => has(&["CLONE", "SETFLAGS", "DEDUPE", "FSSETXATTR"]),
            // What is written to stdout and stderr, and how threads wake each other.
            "write" | "writev" => {
                // Behind the number there may be what it stands for.
                !["1, ", "2, ", "1<", "2<"].iter().any(|begin| self.arguments.starts_with(begin))
                    && !self.arguments.contains(r#""\1\0\0\0\0\0\0\0", 8)"#)
            }
            // Calls that are too new for this `strace` are written down whatever it was asked for.
            name => !name.starts_with("syscall_"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_are_counted_for_each_thread_when_they_are_entered() {
        let log = "\
71  openat(3, \"a\", O_RDONLY) = 4
72  fsync(5 <unfinished ...>
71  openat(3, \"b\", O_RDWR|O_CREAT, 0600) = 5
72  <... fsync resumed>) = 0
72  syscall_0x1c3(0xc, 0x7f6ce46736e8, 0x7f6ce46735f0, 0, 0xcc4a491, 0) = 0
72  openat(3, \"c\", O_RDONLY) = -1 ENOENT (No such file or directory)
72  write(1<pipe:[17]>, \"x\", 1) = 1
72  --- SIGUSR1 {si_signo=SIGUSR1} ---
72  fsync(5 <unfinished ...>) = ?
72  +++ killed by SIGKILL +++
";
        let calls = read(log);
        let found: Vec<_> = calls
            .iter()
            .map(|call| (call.thread, call.name, call.occurrence, call.is_change()))
            .collect();
        let expected = [
            ("71", "openat", 1, false),
            ("72", "fsync", 1, true),
            ("71", "openat", 2, true),
            ("72", "syscall_0x1c3", 1, false),
            ("72", "openat", 1, false),
            ("72", "write", 1, false),
            ("72", "fsync", 2, true),
        ];
        assert_eq!(found, expected);
    }
}
