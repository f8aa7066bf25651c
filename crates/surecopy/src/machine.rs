//! What a job must know of the machine and the process that it runs on.

use surecopy_engine::{CopySpec, MappingError};
use surecopy_fs::{FsError, Operation};

/// Writes it into a job.
pub(crate) fn fill(spec: &mut CopySpec) {
    spec.is_privileged = surecopy_fs::is_privileged();
    spec.user = Some(surecopy_fs::effective_user());
    spec.open_files = surecopy_fs::open_file_limit();
    spec.creation_mask = surecopy_fs::file_creation_mask();
}

/// A number for the names of one run's partial files, which no other run has.
pub(crate) fn new_nonce() -> u64 {
    surecopy_fs::process_identity()
}

/// The job as it is understood from anywhere, whatever directory a later program runs in.
pub(crate) fn with_absolute_paths(spec: &CopySpec) -> Result<CopySpec, MappingError> {
    let mut spec = spec.clone();
    for mapping in &mut spec.mappings {
        for root in [&mut mapping.source_root, &mut mapping.destination_root] {
            *root =
                surecopy_fs::absolute_path(root).map_err(|error| MappingError::Inaccessible {
                    path: root.clone(),
                    source: FsError::new(Operation::OpenRoot, error),
                })?;
        }
    }
    Ok(spec)
}
