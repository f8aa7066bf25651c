//! What can go wrong while files are copied, numbered as the names of the tests have it.

/// One kind of fault.
pub(crate) struct Row {
    /// As in the names of the tests.
    pub(crate) number: u32,
    /// What happens.
    pub(crate) fault: &'static str,
    /// What surecopy then does.
    pub(crate) holds: &'static str,
    /// What of it is not shown by a test, and why.
    pub(crate) open: Option<&'static str>,
}

const fn row(number: u32, fault: &'static str, holds: &'static str) -> Row {
    Row { number, fault, holds, open: None }
}

/// A row of which something is not shown.
const fn open(number: u32, fault: &'static str, holds: &'static str, reason: &'static str) -> Row {
    Row { number, fault, holds, open: Some(reason) }
}

/// All of them.
pub(crate) static ROWS: &[Row] = &[
    row(
        1,
        "Killed before any of its system calls",
        "Each target is completely old or completely new; `resume` ends with the same tree, and nothing is left over",
    ),
    row(2, "Killed at random moments", "The same; no more is copied again than was under way"),
    row(
        3,
        "Ctrl-C, Ctrl-C twice, SIGTERM, SIGHUP, a closed terminal",
        "It ends by itself, cleaned up, with the exit status for it",
    ),
    row(
        4,
        "Any system call fails, with any error, once or from then on",
        "No half target; what failed is named with its step, and the exit status is not 0; what was only an offer of the system is done in another way",
    ),
    row(5, "Reads and writes that do less than asked", "The content is right all the same"),
    row(6, "A write that is said to be done and is not", "Found by reading back; not published"),
    row(
        7,
        "A bit flips while the source is read",
        "Found when the source is read a second time (`--set buffer_reuse=off`); not found where it is read once",
    ),
    row(
        8,
        "A disk that drops, flips, swaps or keeps old blocks and says that all is well",
        "Found by reading back from the device; not published",
    ),
    row(
        9,
        "The disk fails when a file's data is written back",
        "The partial file is given up, another one is made; the flush that failed is not asked again",
    ),
    row(
        10,
        "The same among many small files that are flushed together",
        "None of the group is believed until it was read back from the device",
    ),
    row(
        11,
        "The flush of a directory, or closing a file, fails",
        "Said of the file, not reported as done; the old file is kept",
    ),
    row(
        12,
        "The file system turns read-only in the middle, or its disk is gone",
        "The job stops and says which it is; the ledger is in order, and `resume` ends the job later",
    ),
    row(
        13,
        "Power cut, the journal not flushed",
        "Targets old or new; what was reported as done is there",
    ),
    row(14, "Power cut, the journal flushed and data not", "The same; no target is empty or short"),
    row(15, "Power cut that reorders or tears what was not flushed", "The same in every state"),
    row(
        16,
        "Power cut with the ledger on the same or another disk",
        "The ledger is never ahead of the data",
    ),
    row(
        17,
        "Killed or cut off while resuming, undoing or cleaning up",
        "Doing it again ends with the same tree",
    ),
    row(18, "The disk is full at any byte", "The target stays as it was, the room is given back"),
    row(
        19,
        "No inodes left; no room for the ledger",
        "The same; a job without its ledger ends, data is safe, and it can be gone on with",
    ),
    row(
        20,
        "Less room than the disk has promised",
        "The flush that fails is heeded; nothing is published",
    ),
    row(21, "Over quota", "Said to be the quota, not a full disk"),
    row(
        22,
        "Replacing where there is room only without the old file",
        "Refused before anything is touched; old files are never removed to make room",
    ),
    row(
        23,
        "Read-only volumes and targets, immutable files, no permissions, unreadable sources",
        "Those files fail, the rest is copied",
    ),
    row(
        24,
        "Another volume mounted within the destination",
        "Partial files are made in the folder of the target, so publishing works there as well",
    ),
    row(
        25,
        "The source grows, shrinks, is rewritten, replaced or removed while it is copied",
        "Noticed, tried again, and else said to have changed; never called verified",
    ),
    row(
        26,
        "Somebody else makes or changes the target meanwhile",
        "Their file is kept: a conflict",
    ),
    row(
        27,
        "Two copies at once of the same job, to the same target, or from the same source",
        "One of them does it, or each its part; no file is lost",
    ),
    row(
        28,
        "Pipes, sockets, devices, files of /proc, a sparse file of 8 TiB",
        "Nothing hangs; each is copied as what it is, or skipped or refused with a word",
    ),
    row(
        29,
        "Symbolic links in all forms, in the source and at the target",
        "Links are copied as links, and never followed within the tree",
    ),
    row(
        30,
        "Folders or files exchanged for links while at work",
        "Nothing outside is read, written or removed",
    ),
    row(
        31,
        "The destination lies in the source, or is the source",
        "Refused, by what the files are and not by their names; where only a bind mount leads from the source to the destination, the folder with the destination is refused and the rest is copied",
    ),
    row(
        32,
        "Hard links among the sources, and at the target",
        "Copied as the options say; replacing one name leaves the other names alone",
    ),
    row(
        33,
        "Names of 255 bytes, that are no text, with newlines or control codes",
        "Copied byte by byte; harmless when shown",
    ),
    row(34, "Paths longer than the system takes at once", "Copied"),
    open(
        35,
        "Names that the destination takes for the same, or refuses",
        "Found before anything is written; nothing is overwritten in silence",
        "on vfat, exFAT and ext4 that folds case, which the kernel of the lab has not: only over a file system in memory that behaves like them",
    ),
    open(
        36,
        "Coarse times, clocks that are set back or far ahead",
        "What the index knows is not taken for fresh when it may not be",
        "on file systems with coarse times themselves: only over one in memory, and on ext4 with whole seconds",
    ),
    row(
        37,
        "A file's content changes and its folder's time does not",
        "The file is copied as it is now",
    ),
    row(38, "A million files, very wide and very deep trees", "Memory does not grow with the tree"),
    row(39, "A file larger than the volume can hold", "Refused before it is copied"),
    row(
        40,
        "The medium rots between flush and reading back",
        "Seen, because what is read back does not come from memory",
    ),
    row(41, "A file is cut short while it is mapped into memory", "No crash: said to have changed"),
    row(42, "A device that does not answer any more", "The program answers, and can be left"),
    row(
        43,
        "A slow disk, or one that answers out of order",
        "Nothing times out, progress never goes back, a cancel is heard; all is right",
    ),
    row(
        44,
        "The ledger is damaged, locked, read-only, newer, older, or gone",
        "No data is lost; said in a sentence with what to do",
    ),
    row(
        45,
        "The ledger's own disk fails within a transaction",
        "What may not be recorded counts as not done",
    ),
    row(46, "Verification fails where there is an old target", "The old file stays as it was"),
    row(
        47,
        "Times, permissions, owner or attributes cannot be set",
        "The data is kept, what is missing is said, and the exit status tells when that need not have been so",
    ),
    row(
        48,
        "Somebody looks at a file while it is copied",
        "Only its owner can read it until it has its permissions",
    ),
    row(
        49,
        "Resuming after source, target or volume have changed",
        "Everything is looked at again: what it is and what is in it, not what it is called",
    ),
    open(
        50,
        "Hostile manifests",
        "Refused, or kept within the destination",
        "there are no manifests yet",
    ),
    open(
        51,
        "The desktop application or its engine is killed",
        "The job goes on, or can be resumed",
        "there is no desktop application yet",
    ),
    open(
        52,
        "The same faults with `io_uring`",
        "The same results",
        "surecopy does not use `io_uring`",
    ),
    row(
        53,
        "Random trees beside `cp -a` and `rsync -a`",
        "Equal trees, but for what is different on purpose",
    ),
];
