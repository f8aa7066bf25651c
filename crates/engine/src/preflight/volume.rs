//! Whether a mapping's ends are on the volumes on which its job was begun.

use surecopy_fs::{Volume, VolumeIdentity};

use crate::error::{ErrorCode, ItemError};
use crate::record::RootIdentity;
use crate::spec::Mapping;

/// What speaks against going on: another volume stands where one of the mapping's was. Where nothing was
/// known of it then, nothing speaks against it.
pub(crate) fn check_volumes(
    mapping: &Mapping,
    known: &RootIdentity,
    source: &Volume,
    destination: &Volume,
) -> Vec<ItemError> {
    let mut errors = Vec::new();
    if is_other_volume(&known.source, source) {
        let message = "another volume is mounted here than the one that the job was begun with";
        errors.push(ItemError::new(ErrorCode::VolumeChanged, mapping.source_path(), message));
    }
    errors.extend(check_destination_volume(mapping, known, destination));
    errors
}

/// The same for the destination alone, for what does not need the source.
pub(crate) fn check_destination_volume(
    mapping: &Mapping,
    known: &RootIdentity,
    destination: &Volume,
) -> Option<ItemError> {
    is_other_volume(&known.destination, destination).then(|| {
        let message = "another volume is mounted here than the one that the job was copying to";
        ItemError::new(ErrorCode::VolumeChanged, mapping.target_path(), message)
    })
}

/// Whether another volume is mounted than the one that is remembered. One that does not say which it is
/// counts as another: that is what a directory looks like over which nothing is mounted any more.
pub(crate) fn is_other_volume(then: &Option<VolumeIdentity>, now: &Volume) -> bool {
    then.is_some() && *then != now.identity
}
