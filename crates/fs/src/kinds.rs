//! The table of file systems and what is known of each.
//!
//! This is about *which file system*, not which OS: the same row serves wherever the file system
//! is met. A property that can be probed safely is probed; what stands here either cannot be
//! probed or would be answered untruthfully.

/// What names a file system can hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NameRules {
    /// Any bytes but `/` and NUL, up to 255 of them.
    Posix,
    /// Windows rules: 255 UTF-16 units, no `< > : " / \ | ? *` or control characters, no trailing
    /// dot or space, none of the reserved device names; must be valid Unicode.
    Windows,
}

/// Whether many files can share one flush of the volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupFlush {
    /// Not known to reach everything, or to report errors.
    No,
    /// `syncfs` flushes everything and reports write-back errors to handles opened earlier.
    Yes,
    /// The same on a volume that has a journal. Without one, `syncfs` does not wait for all of the
    /// metadata before it flushes the device: files have been seen to be unreadable after it.
    WithJournal,
}

/// One row of the table.
#[derive(Debug, PartialEq, Eq)]
pub struct FilesystemKind {
    /// The name the OS gives it (`/proc/mounts` on Linux).
    pub name: &'static str,
    /// It is reached over a network.
    pub is_network: bool,
    /// Two files may come to share blocks, not only when asked to: `copy_file_range` clones too on
    /// such file systems, so a copy made by it is not known to be a second physical copy.
    pub can_share_blocks: bool,
    /// Reading past the page cache reaches the device. False for memory file systems and where a
    /// lower layer or a server keeps a cache of its own.
    pub reads_back_from_device: bool,
    /// Files shorter than this may be stored inside metadata, which stays cached whatever is done,
    /// so that reading them back does not reach the device. 0 where that never happens.
    pub inline_data_limit_bytes: u64,
    /// Whether many files can share one flush.
    pub group_flush: GroupFlush,
    /// Holes can be stored.
    pub can_store_holes: bool,
    /// Owner, group and permission bits are stored, and shown as they were set.
    pub has_owners: bool,
    /// A file has the same number whenever the volume is mounted. Where numbers are made up while it is
    /// mounted, they say nothing about what was there before.
    pub has_lasting_file_numbers: bool,
    /// When an entry was last changed is stored beside when its content was, moves on with every change
    /// and cannot be set. Where it is not, what is shown as such is made up from the other times.
    pub has_change_times: bool,
    /// The times of a directory change whenever a name in it comes or goes, whoever does that and however it
    /// is reached. Where a server, a program, a camera or another layer may have its own way with them, they
    /// prove nothing.
    pub has_telling_directory_times: bool,
    /// Symbolic links can be made.
    pub has_symlinks: bool,
    /// Names differing only in case are the same name.
    pub is_case_insensitive: bool,
    /// The step of stored modification times, in nanoseconds.
    pub time_step_nanos: u32,
    /// The largest file, in bytes, where smaller than anybody's disk.
    pub max_file_size_bytes: Option<u64>,
    /// What names it can hold.
    pub name_rules: NameRules,
}

const KIB: u64 = 1024;
const TIB: u64 = 1 << 40;

/// A local POSIX file system that does everything; rows below say how they differ.
const POSIX: FilesystemKind = FilesystemKind {
    name: "",
    is_network: false,
    can_share_blocks: false,
    reads_back_from_device: true,
    inline_data_limit_bytes: 0,
    group_flush: GroupFlush::No,
    can_store_holes: true,
    has_owners: true,
    has_lasting_file_numbers: true,
    has_change_times: true,
    has_telling_directory_times: false,
    has_symlinks: true,
    is_case_insensitive: false,
    time_step_nanos: 1,
    max_file_size_bytes: None,
    name_rules: NameRules::Posix,
};

/// One that this kernel alone writes to as long as it is mounted, on its own disk or in memory.
const NATIVE: FilesystemKind = FilesystemKind { has_telling_directory_times: true, ..POSIX };

/// A POSIX-like file system on another machine. The server has a cache of its own, so read-back
/// proves what the server holds, not what its disk does.
const NETWORK: FilesystemKind = FilesystemKind {
    is_network: true,
    can_share_blocks: true,
    reads_back_from_device: false,
    ..POSIX
};

/// FAT and its relatives: no owners, links or holes. Their directory entries have fields for creation,
/// last write and last access, and none for a change time (Microsoft's specifications of FAT, "directory
/// structure", and of exFAT, 7.4); Linux shows the time of the last write.
const FAT: FilesystemKind = FilesystemKind {
    can_store_holes: false,
    has_owners: false,
    has_lasting_file_numbers: false,
    has_change_times: false,
    has_symlinks: false,
    is_case_insensitive: true,
    name_rules: NameRules::Windows,
    ..POSIX
};

const EXT4: FilesystemKind = FilesystemKind {
    name: "ext4",
    // Only with the `inline_data` feature, which mkfs leaves off; the limit is the inode size.
    inline_data_limit_bytes: 4 * KIB,
    // Some are made without a journal. There, as with ext2, flushing a file makes its content,
    // its inode and a new name of it durable, and flushing a directory its names; the maps of
    // what is free are left to fsck.
    group_flush: GroupFlush::WithJournal,
    max_file_size_bytes: Some(16 * TIB - 4 * KIB),
    ..NATIVE
};

/// An ext4 with inodes of 128 bytes (`mkfs.ext4 -I 128`): there is room neither for parts of a second
/// nor for a birth time.
static EXT4_SMALL_INODES: FilesystemKind =
    FilesystemKind { time_step_nanos: 1_000_000_000, ..EXT4 };

/// Every file system with known properties.
static TABLE: &[FilesystemKind] = &[
    EXT4,
    FilesystemKind {
        name: "ext3",
        // It can be mounted without using its journal (`noload`).
        group_flush: GroupFlush::WithJournal,
        time_step_nanos: 1_000_000_000,
        max_file_size_bytes: Some(2 * TIB),
        ..NATIVE
    },
    // Where only the number is known that ext2, ext3 and ext4 share: what they have in common.
    FilesystemKind {
        name: "ext",
        inline_data_limit_bytes: 4 * KIB,
        time_step_nanos: 1_000_000_000,
        ..NATIVE
    },
    FilesystemKind {
        name: "ext2",
        time_step_nanos: 1_000_000_000,
        max_file_size_bytes: Some(2 * TIB),
        ..NATIVE
    },
    FilesystemKind { name: "xfs", can_share_blocks: true, group_flush: GroupFlush::Yes, ..NATIVE },
    FilesystemKind {
        name: "btrfs",
        can_share_blocks: true,
        // `max_inline` cannot exceed the sector size, which is the page size of some machine; each
        // file is asked.
        inline_data_limit_bytes: 64 * KIB,
        group_flush: GroupFlush::Yes,
        ..NATIVE
    },
    FilesystemKind { name: "f2fs", inline_data_limit_bytes: 4 * KIB, ..NATIVE },
    FilesystemKind {
        name: "bcachefs",
        can_share_blocks: true,
        inline_data_limit_bytes: 4 * KIB,
        ..NATIVE
    },
    // ZFS answers direct reads from its own cache on many versions.
    FilesystemKind { name: "zfs", can_share_blocks: true, reads_back_from_device: false, ..NATIVE },
    FilesystemKind {
        name: "tmpfs",
        reads_back_from_device: false,
        group_flush: GroupFlush::Yes,
        ..NATIVE
    },
    FilesystemKind {
        name: "ramfs",
        reads_back_from_device: false,
        group_flush: GroupFlush::Yes,
        ..NATIVE
    },
    // What lies beneath may be anything, memory included.
    FilesystemKind {
        name: "overlay",
        can_share_blocks: true,
        reads_back_from_device: false,
        ..POSIX
    },
    FilesystemKind {
        name: "vfat",
        time_step_nanos: 2_000_000_000,
        max_file_size_bytes: Some((1 << 32) - 1),
        ..FAT
    },
    FilesystemKind { name: "exfat", time_step_nanos: 10_000_000, ..FAT },
    FilesystemKind { name: "ntfs3", time_step_nanos: 100, name_rules: NameRules::Windows, ..POSIX },
    // Whatever a program behind FUSE does with permissions, it need not keep them.
    FilesystemKind {
        name: "fuse",
        can_share_blocks: true,
        reads_back_from_device: false,
        has_owners: false,
        has_lasting_file_numbers: false,
        ..POSIX
    },
    FilesystemKind {
        name: "fuseblk",
        can_share_blocks: true,
        reads_back_from_device: false,
        has_owners: false,
        has_lasting_file_numbers: false,
        ..POSIX
    },
    FilesystemKind { name: "nfs", ..NETWORK },
    FilesystemKind { name: "nfs4", ..NETWORK },
    // The server does not keep these permissions; what is shown is made up by mount options.
    FilesystemKind {
        name: "cifs",
        has_owners: false,
        has_lasting_file_numbers: false,
        is_case_insensitive: true,
        time_step_nanos: 100,
        ..NETWORK
    },
    FilesystemKind {
        name: "smb3",
        has_owners: false,
        has_lasting_file_numbers: false,
        is_case_insensitive: true,
        time_step_nanos: 100,
        ..NETWORK
    },
    FilesystemKind { name: "9p", ..NETWORK },
    FilesystemKind { name: "ceph", ..NETWORK },
    FilesystemKind { name: "lustre", ..NETWORK },
    FilesystemKind { name: "afs", ..NETWORK },
    FilesystemKind { name: "gfs2", ..NETWORK },
    FilesystemKind { name: "ocfs2", ..NETWORK },
    FilesystemKind { name: "beegfs", ..NETWORK },
    FilesystemKind { name: "gpfs", ..NETWORK },
    // Version 3 of SFTP, which it speaks, knows the times of access and of modification only.
    FilesystemKind {
        name: "fuse.sshfs",
        has_owners: false,
        has_lasting_file_numbers: false,
        has_change_times: false,
        ..NETWORK
    },
    FilesystemKind {
        name: "fuse.rclone",
        has_owners: false,
        has_lasting_file_numbers: false,
        ..NETWORK
    },
    FilesystemKind { name: "fuse.glusterfs", ..NETWORK },
    FilesystemKind {
        name: "fuse.s3fs",
        has_owners: false,
        has_lasting_file_numbers: false,
        ..NETWORK
    },
    FilesystemKind {
        name: "fuse.davfs",
        has_owners: false,
        has_lasting_file_numbers: false,
        ..NETWORK
    },
    FilesystemKind {
        name: "fuse.curlftpfs",
        has_owners: false,
        has_lasting_file_numbers: false,
        ..NETWORK
    },
    // What `ceph-fuse` mounts.
    FilesystemKind { name: "fuse.ceph-fuse", ..NETWORK },
    FilesystemKind { name: "fuse.juicefs", ..NETWORK },
    // Shares that a desktop has opened, nearly all of them on other machines.
    FilesystemKind {
        name: "fuse.gvfsd-fuse",
        has_owners: false,
        has_lasting_file_numbers: false,
        ..NETWORK
    },
    FilesystemKind { name: "davfs", has_owners: false, has_lasting_file_numbers: false, ..NETWORK },
];

/// A file system that is not in the table: nothing is taken on trust.
static UNKNOWN: FilesystemKind = FilesystemKind {
    name: "unknown",
    can_share_blocks: true,
    reads_back_from_device: false,
    has_owners: false,
    has_change_times: false,
    ..POSIX
};

impl FilesystemKind {
    /// Whether it is in the table.
    pub fn is_known(&self) -> bool {
        self.name != UNKNOWN.name
    }

    /// The row for a name as the OS gives it. An unknown `fuse.*` is treated as `fuse`; anything
    /// else that is unknown gets a row that claims nothing.
    pub fn named(name: &str) -> &'static FilesystemKind {
        TABLE
            .iter()
            .find(|row| row.name == name)
            .or_else(|| {
                let family = name.split_once('.').map(|(family, _)| family)?;
                TABLE.iter().find(|row| row.name == family)
            })
            .unwrap_or(&UNKNOWN)
    }

    /// The row for a volume of this kind that keeps no birth times.
    pub fn without_birth_times(&'static self) -> &'static FilesystemKind {
        if self.name == EXT4.name { &EXT4_SMALL_INODES } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique() {
        for (index, row) in TABLE.iter().enumerate() {
            assert!(TABLE[index + 1..].iter().all(|other| other.name != row.name), "{}", row.name);
        }
    }

    #[test]
    fn unknown_kinds_claim_nothing() {
        let unknown = FilesystemKind::named("brandnewfs");
        assert!(!unknown.reads_back_from_device);
        assert_eq!(unknown.group_flush, GroupFlush::No);
        assert!(!unknown.has_owners && !unknown.has_change_times && !unknown.is_known());
        assert!(unknown.can_share_blocks);
    }

    #[test]
    fn ext_claims_no_more_than_each_of_its_kinds() {
        let shared = FilesystemKind::named("ext");
        assert_eq!((shared.group_flush, shared.max_file_size_bytes), (GroupFlush::No, None));
        for kind in ["ext2", "ext3", "ext4"].map(FilesystemKind::named) {
            assert!(shared.time_step_nanos >= kind.time_step_nanos, "{}", kind.name);
            assert!(shared.inline_data_limit_bytes >= kind.inline_data_limit_bytes);
        }
    }

    #[test]
    fn without_birth_times_ext4_keeps_whole_seconds() {
        for (name, step_nanos) in
            [("ext4", 1_000_000_000), ("xfs", 1), ("nfs", 1), ("vfat", 2_000_000_000)]
        {
            let kind = FilesystemKind::named(name).without_birth_times();
            assert_eq!((kind.name, kind.time_step_nanos), (name, step_nanos));
        }
        assert_eq!(FilesystemKind::named("ext4").time_step_nanos, 1);
    }

    #[test]
    fn fuse_is_judged_by_its_subtype() {
        for name in ["fuse.sshfs", "fuse.ceph-fuse", "fuse.gvfsd-fuse", "fuse.juicefs"] {
            assert!(FilesystemKind::named(name).is_network, "{name}");
        }
        assert!(!FilesystemKind::named("fuse.encfs").is_network);
        assert!(!FilesystemKind::named("fuse.encfs").reads_back_from_device);
    }
}
