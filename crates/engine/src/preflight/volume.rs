//! Whether a mapping's ends are on the volumes on which its job was begun.

use surecopy_fs::{FileSystem, FsResult, RelPath, VolumeIdentity};

use crate::error::{ErrorCode, ItemError};
use crate::record::RootIdentity;
use crate::spec::Mapping;

/// What names the volume on which a path is, or is to be: that of the deepest directory of it that is
/// there. A volume may be mounted at any of them, not only at the root.
pub(crate) fn volume_identity<F: FileSystem>(
    fs: &F,
    root: &F::Dir,
    path: &RelPath,
) -> FsResult<Option<VolumeIdentity>> {
    let mut here = path.clone();
    loop {
        match (fs.open_dir(root, &here), here.parent()) {
            (Ok(dir), _) => return Ok(fs.volume(&dir)?.identity),
            (Err(_), Some(above)) => here = above,
            (Err(error), None) => return Err(error),
        }
    }
}

/// What speaks against going on: another volume stands where one of the mapping's was. Where nothing was
/// known of it then, nothing speaks against it.
pub(crate) fn check_volumes(
    mapping: &Mapping,
    known: &RootIdentity,
    now: &RootIdentity,
) -> Vec<ItemError> {
    let mut errors = Vec::new();
    if is_other_volume(&known.source, &now.source) {
        let message = "another volume is mounted here than the one that the job was begun with";
        errors.push(ItemError::new(ErrorCode::VolumeChanged, mapping.source_path(), message));
    }
    errors.extend(check_destination_volume(mapping, known, &now.destination));
    errors
}

/// The same for the destination alone, for what does not need the source.
pub(crate) fn check_destination_volume(
    mapping: &Mapping,
    known: &RootIdentity,
    now: &Option<VolumeIdentity>,
) -> Option<ItemError> {
    is_other_volume(&known.destination, now).then(|| {
        let message = "another volume is mounted here than the one that the job was copying to";
        ItemError::new(ErrorCode::VolumeChanged, mapping.target_path(), message)
    })
}

/// Whether another volume is mounted than the one that is remembered. One that does not say which it is
/// counts as another: that is what a directory looks like over which nothing is mounted any more.
pub(crate) fn is_other_volume(then: &Option<VolumeIdentity>, now: &Option<VolumeIdentity>) -> bool {
    then.is_some() && then != now
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use surecopy_testkit::{FakeFs, VolumeSettings};

    #[test]
    fn a_volume_is_known_wherever_on_the_way_it_is_mounted() {
        let fs = FakeFs::new();
        fs.dir("/mnt/plain");
        fs.file("/mnt/file", "");
        fs.mount("/mnt/card", VolumeSettings::of("vfat").identity("uuid:card"));
        let root = fs.open_root(Path::new("/mnt")).unwrap();
        let of = |path: &str| {
            volume_identity(&fs, &root, &RelPath::new(path).unwrap()).unwrap().unwrap()
        };
        let below = of("");
        assert_eq!(of("card").as_str(), "uuid:card");
        assert_eq!(of("card/to be/made").as_str(), "uuid:card");
        for path in ["plain", "plain/to be made", "file"] {
            assert_eq!(of(path), below, "{path}");
        }
        assert!(is_other_volume(&Some(of("card")), &Some(below)));
        assert!(is_other_volume(&Some(of("card")), &None));
    }
}
