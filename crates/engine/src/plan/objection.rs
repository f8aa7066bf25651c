//! What speaks against copying an entry.

use std::ffi::OsStr;

use surecopy_fs::{FileKind, FileSystem, FsError, Metadata, Node, RelPath, Volume};

use super::destination::Place;
use super::planner::Planner;
use super::scan::Entry;
use crate::error::{ErrorCode, ItemError, Side};
use crate::preflight::{
    Meeting, Problem, Scope, check_item, check_name, check_replacement, check_sticky, same_file,
};

impl<F: FileSystem> Planner<'_, F> {
    /// Everything that speaks against copying the entry.
    pub(super) fn objection(
        &self,
        entry: &Entry,
        existing: Option<&Metadata>,
        target: &RelPath,
        place: &Place,
        name: &OsStr,
    ) -> Option<ItemError> {
        let source_below = self.root.source_below(&entry.path);
        let source_path = || self.root.show_source(&source_below);
        let target_path = || self.root.show_target(target);
        if let Some(existing) = existing
            && existing.id == entry.metadata.id
            && self.is_same_entry(&source_below, place, name, existing.link_count)
        {
            return Some(same_file(&target_path()));
        }
        if let Some(error) = check_item(
            self.spec,
            &entry.metadata,
            &source_path,
            existing,
            &target_path,
            name,
            &place.volume,
        ) {
            return Some(error);
        }
        self.unreadable_file(entry, &source_below)
            .map(|error| ItemError::from_fs(&error, Side::Source, source_path()))
    }

    /// Whether one file's source and target are one name in one directory. Other names of it may be
    /// targets: there is just nothing to copy then.
    fn is_same_entry(&self, source: &RelPath, place: &Place, name: &OsStr, links: u64) -> bool {
        // A file with one name has one spelling too, except where case is folded.
        if links > 1 && source.name() != Some(name) {
            return false;
        }
        let parent = source.parent().unwrap_or_default();
        let above = self.fs.open_dir(&self.root.source, &parent);
        above
            .and_then(|dir| self.fs.metadata(Node::Dir(&dir)))
            .is_ok_and(|found| found.id == place.anchor)
    }

    /// How a directory meets those planned before; or everything that speaks against making or
    /// entering it.
    pub(super) fn meet_directory(
        &mut self,
        entry: &Entry,
        target: &RelPath,
    ) -> Result<Meeting, ItemError> {
        if let Some(error) = self.refused_above(entry, target) {
            return Err(error);
        }
        let Some((parent, name)) = target.split() else { return Ok(Meeting::First) };
        let place = self.place_above(&parent)?;
        if let Some(error) = check_name(&name, &|| self.root.show_target(target), &place.volume) {
            return Err(error);
        }
        match self.state.names.note_directory(&place, &name) {
            Meeting::Collision => Err(self.collision(target, &place.volume)),
            meeting => Ok(meeting),
        }
    }

    /// A mount can show the destination inside the source, where no path tells.
    pub(super) fn refuse_own_directory(&mut self, entry: &Entry) {
        let source = self.root.show_source(&self.root.source_below(&entry.path));
        let error = ItemError::new(
            ErrorCode::DestinationInsideSource,
            source,
            "this directory is the destination itself",
        );
        self.refuse(entry, error);
    }

    /// The reason for which the directory above was refused, if it was.
    pub(super) fn refused_above(&self, entry: &Entry, target: &RelPath) -> Option<ItemError> {
        if self.refused.is_empty() {
            return None;
        }
        let above = self.refused.get(&entry.path.parent()?)?;
        let path = self.root.show_target(target);
        Some(ItemError { path, ..above.clone() })
    }

    /// What protects an existing target from being replaced. What the job itself has made is as read-only as
    /// its source; that protects it from others.
    pub(super) fn protection(
        &self,
        existing: &Metadata,
        target: &RelPath,
        place: &Place,
        is_ours: bool,
    ) -> Option<ItemError> {
        let path = self.root.show_target(target);
        let is_exempt = is_ours && !existing.is_immutable;
        let of_its_own =
            if is_exempt { None } else { check_replacement(self.spec, existing, &path) };
        of_its_own.or_else(|| check_sticky(self.spec, existing, &path, place.sticky_owner))
    }

    /// Says, and returns, that the directory of a target takes nothing. About the mapping's own
    /// directory that is said once, for the job.
    pub(super) fn denial(
        &mut self,
        entry: &Entry,
        target: &RelPath,
        place: &Place,
    ) -> Option<ItemError> {
        let denied = place.denied.as_deref()?;
        if entry.path.depth() > 1 {
            let path = self.root.show_target(target);
            let error = ItemError { path, ..denied.clone() };
            self.refuse(entry, error.clone());
            return Some(error);
        }
        // Of a volume that is read-only, the job has been told already.
        if !self.destination_volume.is_read_only {
            let mapping = &self.root.mapping;
            self.sink.problem(Problem {
                scope: Scope::Job,
                error: denied.clone(),
                entry: None,
                source: Some(mapping.source_path()),
                target: Some(mapping.target_path()),
                size_bytes: 0,
            });
        }
        self.is_denied = true;
        Some(denied.clone())
    }

    /// Asks the OS for read access, unless the user may read everything or the bits say yes.
    pub(super) fn unreadable_file(&self, entry: &Entry, below: &RelPath) -> Option<FsError> {
        let is_open_to_all = entry.metadata.mode & 0o444 == 0o444;
        if self.spec.is_privileged || entry.metadata.kind != FileKind::File || is_open_to_all {
            return None;
        }
        let (parent, name) = below.split()?;
        let dir = self.fs.open_dir(&self.root.source, &parent).ok()?;
        self.fs.check_readable(&dir, &name).err()
    }

    pub(super) fn collision(&self, target: &RelPath, volume: &Volume) -> ItemError {
        let path = self.root.show_target(target);
        if volume.is_case_insensitive {
            let message = format!("{} takes this name for another one's", volume.filesystem.name);
            ItemError::new(ErrorCode::NameCollision, path, message)
        } else {
            ItemError::new(ErrorCode::DuplicateTarget, path, "two sources have the same target")
        }
    }
}
