//! Whether a mapping's ends are on the volumes on which its job was begun.

use surecopy_fs::{Volume, VolumeIdentity};

use crate::error::{ErrorCode, ItemError};
use crate::record::RootIdentity;
use crate::spec::Mapping;

/// What speaks against going on: another volume stands where one of the mapping's was. What cannot be
/// known again does not speak against it.
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

/// Whether another volume is mounted than the one that is remembered.
pub(crate) fn is_other_volume(then: &Option<VolumeIdentity>, now: &Volume) -> bool {
    match (then, &now.identity) {
        (Some(then), Some(now)) => then.is_other_than(now),
        _ => false,
    }
}
