//! How far "fresh" is to be believed, by what the file system can show.

use surecopy_fs::FilesystemKind;

/// How far a verdict of "fresh" is to be believed. The least of several counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Confidence {
    /// Times are coarse and can be set, or nothing is known of the file system, or its directories need not
    /// show what happens in them: a server, a program or a camera may have its own way with their times.
    Low,
    /// Something is missing: times are coarse, or the machine was started anew since, so that it is not known
    /// whether its clock was set.
    Medium,
    /// A local file system with fine times, which nobody can set.
    High,
}

/// Coarser times than this have been equal for two changes one after the other.
const FINE_STEP_NANOS: u32 = 1_000;

/// Times as coarse as this may be equal for changes that a person makes.
const COARSE_STEP_NANOS: u32 = 1_000_000_000;

impl Confidence {
    /// Its stable text.
    pub fn as_str(self) -> &'static str {
        match self {
            Confidence::Low => "low",
            Confidence::Medium => "medium",
            Confidence::High => "high",
        }
    }

    /// How far it is to be believed on a kind of file system, in the boot in which it was scanned or in a
    /// later one.
    pub fn of(kind: &FilesystemKind, is_same_boot: bool) -> Self {
        let is_coarse = kind.time_step_nanos >= COARSE_STEP_NANOS;
        let is_blind = is_coarse && !kind.has_change_times;
        if !kind.is_known() || !kind.has_telling_directory_times || is_blind {
            return Confidence::Low;
        }
        let is_high = is_same_boot
            && !kind.is_network
            && kind.has_change_times
            && kind.has_lasting_file_numbers
            && kind.time_step_nanos <= FINE_STEP_NANOS;
        if is_high { Confidence::High } else { Confidence::Medium }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn confidence_goes_by_the_kind_of_file_system() {
        use Confidence::{High, Low, Medium};
        for (name, here, after_a_boot) in [
            ("ext4", High, Medium),
            ("xfs", High, Medium),
            ("btrfs", High, Medium),
            ("tmpfs", High, Medium),
            ("ntfs3", Low, Low),
            ("ext3", Medium, Medium),
            ("overlay", Low, Low),
            ("nfs", Low, Low),
            ("cifs", Low, Low),
            ("fuse", Low, Low),
            ("fuse.gphotofs", Low, Low),
            ("fuseblk", Low, Low),
            ("fuse.sshfs", Low, Low),
            ("exfat", Low, Low),
            ("vfat", Low, Low),
            ("brandnewfs", Low, Low),
        ] {
            let kind = FilesystemKind::named(name);
            let found = (Confidence::of(kind, true), Confidence::of(kind, false));
            assert_eq!(found, (here, after_a_boot), "{name}");
        }
        assert!(Low < Medium && Medium < High);
    }
}
