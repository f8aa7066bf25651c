//! What is known about the volumes a run touches, asked once each.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use surecopy_fs::{FileSystem, FsResult, Node, Volume};

/// Facts about volumes, by the identity that files on them carry.
#[derive(Debug, Default)]
pub(crate) struct Volumes {
    known: Mutex<HashMap<u64, Arc<Volume>>>,
}

impl Volumes {
    /// The volume of a root, asked anew: whether it is read-only belongs to the mount, and whether
    /// names fold case to the directory, so what another root said does not serve.
    pub(crate) fn of_root<F: FileSystem>(&self, fs: &F, dir: &F::Dir) -> FsResult<Arc<Volume>> {
        let volume = Arc::new(fs.volume(dir)?);
        let mut all = self.known.lock().expect("no code panics while holding this lock");
        all.entry(volume.id).or_insert_with(|| Arc::clone(&volume));
        Ok(volume)
    }

    /// The volume that a directory is on, as it was first met.
    pub(crate) fn of_dir<F: FileSystem>(&self, fs: &F, dir: &F::Dir) -> FsResult<Arc<Volume>> {
        let id = fs.metadata(Node::Dir(dir))?.id.volume;
        let known =
            self.known.lock().expect("no code panics while holding this lock").get(&id).cloned();
        if let Some(volume) = known {
            return Ok(volume);
        }
        let volume = Arc::new(fs.volume(dir)?);
        let mut all = self.known.lock().expect("no code panics while holding this lock");
        Ok(Arc::clone(all.entry(id).or_insert(volume)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;
    use surecopy_testkit::{FakeFs, VolumeSettings};

    /// As with a bind mount: the same volume, seen through a mount of its own.
    #[test]
    fn what_one_mount_says_is_not_taken_for_another() {
        let fs = FakeFs::new();
        fs.mount("/volume", VolumeSettings::of("ext4").read_only());
        let dir = fs.open_root(Path::new("/volume")).unwrap();
        let volumes = Volumes::default();
        assert!(volumes.of_root(&fs, &dir).unwrap().is_read_only);
        fs.remount("/volume", |settings| settings.is_read_only = false);
        assert!(!volumes.of_root(&fs, &dir).unwrap().is_read_only);
    }
}
