//! What has an item's names now, and what is to be done about it. Only decisions; nothing is
//! touched.

use surecopy_fs::{FileKind, Metadata, Volume};

use crate::destinations::is_like;
use crate::record::DoneItem;
use crate::report::ItemKind;

/// What a name shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing.
    Missing,
    /// What was copied.
    New,
    /// What was replaced by it, or a copy that was kept of that.
    Old,
    /// One of the two, and on this volume nothing tells which.
    Unclear,
    /// Something else.
    Other,
}

/// What is to be done with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// The kept file takes the target's name.
    Exchange,
    /// The kept file takes the target's name, which nothing has.
    PutBack,
    /// The new file goes.
    Remove,
    /// It was undone before; what was exchanged out then is still there.
    RemoveExchanged,
    /// It was undone before.
    Nothing,
    /// It cannot be undone, for this reason.
    Refuse(&'static str),
}

impl Standing {
    /// What an entry is, as far as the item goes.
    ///
    /// What was replaced may have had to be copied to be kept, and then has another number. Its name
    /// is one that the job made up, so that size and time are enough.
    pub(super) fn of(item: &DoneItem, found: Option<&Metadata>, volume: &Volume) -> Self {
        let Some(found) = found else { return Standing::Missing };
        let landed = &item.landed;
        let is_new = has_kind(item.kind, found.kind) && landed.target.is_still(found, volume);
        let is_old = found.kind != FileKind::Directory
            && landed.replaced.is_some_and(|replaced| is_like(replaced, found));
        match (is_new, is_old) {
            (true, true) if !volume.filesystem.has_lasting_file_numbers => Standing::Unclear,
            (true, _) => Standing::New,
            (false, true) => Standing::Old,
            (false, false) => Standing::Other,
        }
    }
}

fn has_kind(kind: ItemKind, found: FileKind) -> bool {
    match kind {
        ItemKind::File => found == FileKind::File,
        ItemKind::Symlink => found == FileKind::Symlink,
        ItemKind::HardLink => matches!(found, FileKind::File | FileKind::Symlink),
        ItemKind::Directory | ItemKind::Special => false,
    }
}

/// What is to be done with an item, going by what its target shows, and the name under which what it
/// replaced is kept, if there is one.
pub(super) fn decide(item: &DoneItem, target: Standing, kept: Option<Standing>) -> Step {
    const CHANGED: &str = "it was changed since it was copied";
    const GONE: &str =
        "it was removed since it was copied, and what it replaced is not there any more either";
    const UNCLEAR: &str = "nothing tells it from what it replaced on this file system";
    let has_replaced = item.landed.replaced.is_some();
    match (target, has_replaced, kept) {
        (Standing::New, false, _) => Step::Remove,
        (Standing::Missing, false, _) => Step::Nothing,
        (Standing::New, true, Some(Standing::Old)) => Step::Exchange,
        (Standing::New, true, None) => Step::Refuse("what it replaced was not kept"),
        (Standing::New, true, Some(Standing::Missing)) => {
            Step::Refuse("what it replaced is not there any more")
        }
        (Standing::New, true, Some(_)) => Step::Refuse("what it replaced was changed since"),
        (Standing::Old, true, Some(Standing::New)) => Step::RemoveExchanged,
        (Standing::Old, ..) => Step::Nothing,
        // Whoever removed the copy did not want it. Nothing can be lost by it.
        (Standing::Missing, true, Some(Standing::Old)) => Step::PutBack,
        (Standing::Missing, true, _) => Step::Refuse(GONE),
        (Standing::Unclear, ..) => Step::Refuse(UNCLEAR),
        (Standing::Other, ..) => Step::Refuse(CHANGED),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{ItemId, Seen};
    use crate::record::Landed;
    use surecopy_fs::{FileId, FilesystemKind, RelPath, Timestamp, VolumeKind, VolumeSpace};

    fn seen(file: u64, size_bytes: u64) -> Seen {
        let modified = Timestamp { secs: 5, nanos: 0 };
        Seen { id: FileId { volume: 1, file }, size_bytes, modified }
    }

    fn item(replaced: Option<Seen>) -> DoneItem {
        DoneItem {
            item: ItemId(0),
            mapping: 0,
            path: RelPath::root(),
            target_name: None,
            kind: ItemKind::File,
            landed: Landed { source: seen(1, 10), target: seen(2, 10), replaced },
            kept: None,
            digest: None,
        }
    }

    fn found(kind: FileKind, file: u64, size: u64) -> Metadata {
        let time = Timestamp { secs: 5, nanos: 0 };
        Metadata {
            kind,
            size,
            allocated_bytes: size,
            mode: 0o644,
            uid: 0,
            gid: 0,
            link_count: 1,
            // Another number each time the volume is mounted.
            id: FileId { volume: 9, file },
            modified: time,
            accessed: time,
            changed: time,
            created: None,
            is_immutable: false,
        }
    }

    fn volume(filesystem: &str) -> Volume {
        Volume {
            id: 9,
            identity: None,
            filesystem: FilesystemKind::named(filesystem),
            kind: VolumeKind::Local,
            is_read_only: false,
            is_case_insensitive: false,
            space: VolumeSpace { free_bytes: None, free_files: None },
        }
    }

    #[test]
    fn what_a_name_shows_is_known_by_number_size_and_time() {
        let (file, link) = (FileKind::File, FileKind::Symlink);
        let item = item(Some(seen(3, 7)));
        for (filesystem, found, standing) in [
            ("ext4", None, Standing::Missing),
            ("ext4", Some(found(file, 2, 10)), Standing::New),
            ("ext4", Some(found(file, 2, 11)), Standing::Other),
            ("ext4", Some(found(file, 8, 10)), Standing::Other),
            ("ext4", Some(found(link, 2, 10)), Standing::Other),
            ("ext4", Some(found(file, 3, 7)), Standing::Old),
            ("ext4", Some(found(file, 8, 7)), Standing::Old),
            ("ext4", Some(found(link, 3, 7)), Standing::Old),
            ("ext4", Some(found(FileKind::Directory, 3, 7)), Standing::Other),
            ("vfat", Some(found(file, 8, 10)), Standing::New),
            ("vfat", Some(found(file, 8, 7)), Standing::Old),
        ] {
            let volume = volume(filesystem);
            assert_eq!(Standing::of(&item, found.as_ref(), &volume), standing, "{found:?}");
        }
    }

    /// Compared by content, a file may have replaced one of the same size and time.
    #[test]
    fn where_only_the_number_differs_it_decides_if_it_lasts() {
        let item = item(Some(seen(3, 10)));
        for (filesystem, number, standing) in [
            ("ext4", 2, Standing::New),
            ("ext4", 3, Standing::Old),
            ("vfat", 2, Standing::Unclear),
            ("vfat", 3, Standing::Unclear),
        ] {
            let found = found(FileKind::File, number, 10);
            assert_eq!(Standing::of(&item, Some(&found), &volume(filesystem)), standing);
        }
    }

    #[test]
    fn steps() {
        use Standing::{Missing, New, Old, Other, Unclear};
        let refused = |step| matches!(step, Step::Refuse(_));
        let was_new = item(None);
        assert_eq!(decide(&was_new, New, None), Step::Remove);
        assert_eq!(decide(&was_new, Missing, None), Step::Nothing);
        assert!(refused(decide(&was_new, Other, None)));
        let replaced = item(Some(seen(3, 7)));
        for kept in [Missing, New, Old, Unclear, Other] {
            let step = |target| decide(&replaced, target, Some(kept));
            assert_eq!(step(New) == Step::Exchange, kept == Old, "{kept:?}");
            assert_eq!(refused(step(New)), kept != Old, "{kept:?}");
            let before = if kept == New { Step::RemoveExchanged } else { Step::Nothing };
            assert_eq!(step(Old), before, "{kept:?}");
            assert_eq!(step(Missing) == Step::PutBack, kept == Old, "{kept:?}");
            assert_eq!(refused(step(Missing)), kept != Old, "{kept:?}");
            for target in [Unclear, Other] {
                assert!(refused(step(target)), "{target:?} {kept:?}");
            }
        }
        assert!(refused(decide(&replaced, New, None)));
        assert!(refused(decide(&replaced, Missing, None)));
        assert_eq!(decide(&replaced, Old, None), Step::Nothing);
    }
}
