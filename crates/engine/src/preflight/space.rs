//! Whether there is room, per destination volume.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use surecopy_fs::Volume;

use crate::error::{ErrorCode, ItemError};
use crate::report::{Warning, WarningKind};

/// What a job needs on each volume.
#[derive(Debug, Default)]
pub(crate) struct SpaceNeeds {
    volumes: BTreeMap<u64, Need>,
}

#[derive(Debug)]
struct Need {
    volume: Arc<Volume>,
    root: PathBuf,
    new_bytes: u64,
    replaced_bytes: u64,
    new_files: u64,
}

impl SpaceNeeds {
    /// One more entry of `new_bytes`, replacing `replaced_bytes` if it replaces something. A
    /// directory counts as an entry of no bytes.
    pub(crate) fn add(
        &mut self,
        volume: &Arc<Volume>,
        root: &std::path::Path,
        new_bytes: u64,
        replaced_bytes: Option<u64>,
    ) {
        let need = self.volumes.entry(volume.id).or_insert_with(|| Need {
            volume: Arc::clone(volume),
            root: root.to_owned(),
            new_bytes: 0,
            replaced_bytes: 0,
            new_files: 0,
        });
        need.new_bytes = need.new_bytes.saturating_add(new_bytes);
        need.replaced_bytes = need.replaced_bytes.saturating_add(replaced_bytes.unwrap_or(0));
        // A replaced file's successor exists beside it for a while, so it counts as well.
        need.new_files += 1;
    }

    /// Compares needs with what there is.
    pub(crate) fn check(&self, margin_bytes: u64) -> (Vec<ItemError>, Vec<Warning>) {
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for need in self.volumes.values() {
            let needed =
                need.new_bytes.saturating_add(need.replaced_bytes).saturating_add(margin_bytes);
            match need.volume.space.free_bytes {
                None => warnings.push(Warning {
                    kind: WarningKind::SpaceUnknown,
                    path: need.root.clone(),
                    message: format!("free space is not known; {needed} bytes are needed"),
                }),
                Some(free) if free < needed => errors.push(need.error(
                    format!("not enough space: {needed} bytes needed, {free} bytes free"),
                    format!(
                        "{} bytes of new files, {} bytes of files being replaced, \
                         {margin_bytes} bytes of margin",
                        need.new_bytes, need.replaced_bytes
                    ),
                )),
                Some(_) => {}
            }
            if let Some(free) = need.volume.space.free_files
                && free < need.new_files
            {
                errors.push(need.error(
                    format!("not enough room for files: {} needed, {free} free", need.new_files),
                    "the volume has a fixed number of files (inodes)".to_owned(),
                ));
            }
        }
        (errors, warnings)
    }
}

impl Need {
    fn error(&self, message: String, details: String) -> ItemError {
        ItemError::new(ErrorCode::DestinationFull, self.root.clone(), message).with_details(details)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use surecopy_fs::{FilesystemKind, VolumeKind, VolumeSpace};

    fn volume(free_bytes: Option<u64>, free_files: Option<u64>) -> Arc<Volume> {
        Arc::new(Volume {
            id: 1,
            identity: None,
            filesystem: FilesystemKind::named("ext4"),
            kind: VolumeKind::Local,
            is_read_only: false,
            is_case_insensitive: false,
            space: VolumeSpace { free_bytes, free_files },
        })
    }

    fn check(free: Option<u64>, files: Option<u64>) -> (usize, usize) {
        let mut needs = SpaceNeeds::default();
        let volume = volume(free, files);
        needs.add(&volume, Path::new("/d"), 100, None);
        needs.add(&volume, Path::new("/d"), 50, Some(30));
        let (errors, warnings) = needs.check(20);
        (errors.len(), warnings.len())
    }

    #[test]
    fn the_margin_and_replaced_targets_count() {
        assert_eq!(check(Some(200), None), (0, 0));
        assert_eq!(check(Some(199), None), (1, 0));
    }

    #[test]
    fn unknown_space_is_a_warning() {
        assert_eq!(check(None, None), (0, 1));
    }

    #[test]
    fn files_can_run_out_before_bytes() {
        assert_eq!(check(Some(1000), Some(2)), (0, 0));
        assert_eq!(check(Some(1000), Some(1)), (1, 0));
    }
}
