//! Whether a target still has the properties that it was given. Only what one look shows: permission
//! bits, owner and group. Attributes and access lists would take a call each and are not compared.

use surecopy_fs::{FileKind, Metadata, Volume, VolumeKind};

use super::Preserve;

const SET_USER_BIT: u32 = 0o4000;
const SET_GROUP_BIT: u32 = 0o2000;

/// Whether copying the source again would change the target's permissions, owner or group.
///
/// It must never say so of what it would also say so of after copying: every run would copy the
/// file again then. So it is silent where what was set need not be what is shown.
pub(crate) fn has_other_properties(
    preserve: Preserve,
    is_privileged: bool,
    source: &Metadata,
    target: &Metadata,
    volume: &Volume,
) -> bool {
    let both_files = source.kind == FileKind::File && target.kind == FileKind::File;
    if !both_files || !volume.filesystem.has_owners {
        return false;
    }
    // Only root can give files away, and a server need not let even root do that.
    let gives_owners = is_privileged && volume.kind == VolumeKind::Local;
    let has_other_owner = gives_owners
        && (preserve.owner && source.uid != target.uid
            || preserve.group && source.gid != target.gid);
    has_other_owner
        || preserve.permissions && kept_mode(preserve, source, target) != target.mode & 0o7777
}

/// The bits that the target gets of the source's, by whom it belongs to now.
fn kept_mode(preserve: Preserve, source: &Metadata, target: &Metadata) -> u32 {
    let mut mode = source.mode & 0o7777;
    if !preserve.set_id || source.uid != target.uid {
        mode &= !SET_USER_BIT;
    }
    if !preserve.set_id || source.gid != target.gid {
        mode &= !SET_GROUP_BIT;
    }
    mode
}

#[cfg(test)]
mod tests {
    use super::*;
    use surecopy_fs::{FileId, FilesystemKind, Timestamp, VolumeSpace};

    fn file(mode: u32, uid: u32, gid: u32) -> Metadata {
        let time = Timestamp { secs: 1, nanos: 0 };
        Metadata {
            kind: FileKind::File,
            size: 1,
            allocated_bytes: 1,
            mode,
            uid,
            gid,
            link_count: 1,
            id: FileId { volume: 1, file: 1 },
            modified: time,
            accessed: time,
            changed: time,
            created: None,
            is_immutable: false,
        }
    }

    fn volume(name: &str) -> Volume {
        let filesystem = FilesystemKind::named(name);
        Volume {
            id: 1,
            identity: None,
            filesystem,
            kind: if filesystem.is_network { VolumeKind::Network } else { VolumeKind::Local },
            is_read_only: false,
            is_case_insensitive: false,
            space: VolumeSpace { free_bytes: None, free_files: None },
        }
    }

    #[test]
    fn only_what_copying_would_change_is_a_difference() {
        const NONE: Preserve = Preserve::NONE;
        const DEFAULT: Preserve = Preserve::DEFAULT;
        const ALL: Preserve = Preserve::ALL;
        let rows = [
            // kept, is root, source, target, volume, differs
            (DEFAULT, false, (0o644, 1, 1), (0o644, 2, 2), "ext4", false),
            (DEFAULT, false, (0o755, 1, 1), (0o644, 1, 1), "ext4", true),
            (NONE, false, (0o755, 1, 1), (0o644, 1, 1), "ext4", false),
            (DEFAULT, false, (0o755, 1, 1), (0o644, 1, 1), "nfs4", true),
            (DEFAULT, false, (0o644, 1, 1), (0o755, 1, 1), "vfat", false),
            (DEFAULT, false, (0o644, 1, 1), (0o755, 1, 1), "cifs", false),
            (DEFAULT, false, (0o644, 1, 1), (0o777, 1, 1), "fuseblk", false),
            (DEFAULT, false, (0o644, 1, 1), (0o777, 1, 1), "brandnewfs", false),
            // Owners count for root only.
            (ALL, false, (0o644, 1, 1), (0o644, 2, 2), "ext4", false),
            (ALL, true, (0o644, 1, 1), (0o644, 2, 1), "ext4", true),
            (ALL, true, (0o644, 1, 1), (0o644, 1, 2), "ext4", true),
            (ALL, true, (0o644, 1, 1), (0o644, 2, 2), "nfs4", false),
            // Set-id bits are dropped unless they are kept and the owner is the same.
            (DEFAULT, false, (0o4755, 1, 1), (0o755, 1, 1), "ext4", false),
            (ALL, false, (0o4755, 1, 1), (0o755, 2, 1), "ext4", false),
            (ALL, false, (0o4755, 1, 1), (0o755, 1, 1), "ext4", true),
            (DEFAULT, false, (0o755, 1, 1), (0o4755, 1, 1), "ext4", true),
        ];
        for (preserve, is_root, source, target, name, expected) in rows {
            let (source, target) =
                (file(source.0, source.1, source.2), file(target.0, target.1, target.2));
            let got = has_other_properties(preserve, is_root, &source, &target, &volume(name));
            assert_eq!(got, expected, "{source:?} {target:?} {name}");
        }
    }
}
