//! What there is at the destination already.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use surecopy_fs::{
    FileId, FileSystem, FsError, FsErrorKind, FsResult, Metadata, Node, RelPath, Volume,
};

use super::planner::Planner;
use crate::error::{ItemError, Side};

const STICKY_BIT: u32 = 0o1000;

/// What is remembered of the destination, so that nothing is asked for every item.
pub(crate) struct Sight<F: FileSystem> {
    /// The directory looked at last.
    directory: Option<(RelPath, Existing<F>)>,
    /// Where the directory above the last directory planned is.
    above: Option<(RelPath, Place)>,
    /// The topmost directory that was found missing last: nothing beneath it is there either.
    missing: Option<(RelPath, Place)>,
}

impl<F: FileSystem> Default for Sight<F> {
    fn default() -> Self {
        Self { directory: None, above: None, missing: None }
    }
}

/// What is known of a destination directory.
pub(crate) enum Existing<F: FileSystem> {
    /// It is there.
    Open(F::Dir, Place),
    /// It will be created.
    Missing(Place),
    /// It cannot be entered.
    Barred(ItemError),
}

/// Where a directory is, from whatever root it was written: the deepest directory that exists, and
/// what is still to be made beneath it.
#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) anchor: FileId,
    pub(crate) below: RelPath,
    pub(crate) volume: Arc<Volume>,
    /// The owner of a sticky directory, in which only they and a file's own owner may replace it.
    pub(super) sticky_owner: Option<u32>,
    /// Why nothing may be written to the directory that exists.
    pub(super) denied: Option<Arc<ItemError>>,
}

impl<F: FileSystem> Planner<'_, F> {
    /// What has the name at the destination, and where.
    pub(super) fn existing(
        &mut self,
        parent: &RelPath,
        name: &OsStr,
    ) -> Result<(Option<Metadata>, Place), ItemError> {
        let fs = self.fs;
        match self.look_at(parent) {
            Existing::Barred(error) => Err(error.clone()),
            Existing::Missing(place) => Ok((None, place.clone())),
            Existing::Open(dir, place) => {
                let place = place.clone();
                match fs.metadata_at(dir, name) {
                    Ok(metadata) => Ok((Some(metadata), place)),
                    Err(error)
                        if matches!(
                            error.kind,
                            FsErrorKind::NotFound | FsErrorKind::NameTooLong
                        ) =>
                    {
                        Ok((None, place))
                    }
                    Err(error) => Err(self.barred(&error, &parent.join(name))),
                }
            }
        }
    }

    /// Whether a name is free in the directory looked at last.
    pub(super) fn is_free(&self, name: &OsStr) -> bool {
        match &self.sight.directory {
            Some((_, Existing::Open(dir, _))) => self
                .fs
                .metadata_at(dir, name)
                .is_err_and(|error| error.kind == FsErrorKind::NotFound),
            _ => true,
        }
    }

    /// The text of a link in the directory looked at last.
    pub(super) fn link_text(&self, name: &OsStr) -> Option<OsString> {
        match &self.sight.directory {
            Some((_, Existing::Open(dir, _))) => self.fs.read_link(dir, name).ok(),
            _ => None,
        }
    }

    /// Where the directory above is, whose subdirectories are planned one after another.
    pub(super) fn place_above(&mut self, path: &RelPath) -> Result<Place, ItemError> {
        if let Some((known, place)) = &self.sight.above
            && known == path
        {
            return Ok(place.clone());
        }
        let place = match self.look_at(path) {
            Existing::Open(_, place) | Existing::Missing(place) => place.clone(),
            Existing::Barred(error) => return Err(error.clone()),
        };
        self.sight.above = Some((path.clone(), place.clone()));
        Ok(place)
    }

    pub(super) fn look_at(&mut self, path: &RelPath) -> &Existing<F> {
        let is_known = self.sight.directory.as_ref().is_some_and(|(known, _)| known == path);
        if !is_known {
            let found = self.look_anew(path).unwrap_or_else(Existing::Barred);
            self.sight.directory = Some((path.clone(), found));
        }
        &self.sight.directory.as_ref().expect("a directory was just looked at").1
    }

    fn look_anew(&mut self, path: &RelPath) -> Result<Existing<F>, ItemError> {
        if let Some((top, place)) = &self.sight.missing
            && let Ok(rest) = path.as_path().strip_prefix(top.as_path())
            && let Ok(rest) = RelPath::new(rest)
        {
            return Ok(Existing::Missing(place.beneath(&rest)));
        }
        let mut here = path.clone();
        let mut rest = RelPath::root();
        loop {
            let error = match self.fs.open_dir(&self.root.destination, &here) {
                Ok(dir) => {
                    let place =
                        self.place_of(&dir, &here).map_err(|error| self.barred(&error, &here))?;
                    let Some(top) = rest.names().next() else {
                        return Ok(Existing::Open(dir, place));
                    };
                    let first = RelPath::root().join(top);
                    self.sight.missing = Some((here.join(top), place.beneath(&first)));
                    return Ok(Existing::Missing(place.beneath(&rest)));
                }
                Err(error) => error,
            };
            match here.split() {
                Some((above, name)) if error.kind == FsErrorKind::NotFound => {
                    rest = RelPath::root().join(&name).join_path(&rest);
                    here = above;
                }
                _ => return Err(self.barred(&error, path)),
            }
        }
    }

    fn place_of(&self, dir: &F::Dir, path: &RelPath) -> FsResult<Place> {
        let metadata = self.fs.metadata(Node::Dir(dir))?;
        let anchor = metadata.id;
        let sticky_owner = (metadata.mode & STICKY_BIT != 0).then_some(metadata.uid);
        // What is true of the root's mount need not be true of others of the same volume.
        let volume = if anchor.volume == self.destination_volume.id {
            Arc::clone(&self.destination_volume)
        } else {
            self.volumes.of_dir(self.fs, dir)?
        };
        let denied = self.fs.check_writable(dir).err().filter(is_denial);
        let denied = denied.map(|error| Arc::new(self.barred(&error, path)));
        Ok(Place { anchor, below: RelPath::root(), volume, sticky_owner, denied })
    }

    pub(super) fn barred(&self, error: &FsError, path: &RelPath) -> ItemError {
        ItemError::from_fs(error, Side::Destination, self.root.show_target(path))
    }
}

impl Place {
    fn beneath(&self, path: &RelPath) -> Self {
        Self { below: self.below.join_path(path), ..self.clone() }
    }
}

/// Anything else may be otherwise when it is tried.
fn is_denial(error: &FsError) -> bool {
    matches!(
        error.kind,
        FsErrorKind::PermissionDenied | FsErrorKind::NotPermitted | FsErrorKind::ReadOnlyVolume
    )
}
