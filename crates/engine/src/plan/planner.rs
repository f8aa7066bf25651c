//! From entries found to items planned: what is there at the destination, what the conflict policy
//! says, which strategy, and what speaks against it. Nothing is written.

use std::collections::HashMap;
use std::sync::Arc;

use surecopy_fs::{FileId, FileKind, FileSystem, FsError, RelPath, Volume};

use super::anew::{Otherwise, SourceSight};
use super::destination::{Existing, Sight};
use super::state::PlanState;
use crate::error::{ItemError, Side};
use crate::plan::{Action, Catalog, Entry, ItemId, LinkRole, PlannedItem, ScanSink, Seen};
use crate::policy::ConflictResolver;
use crate::preflight::{Meeting, Problem, RefusedEntry};
use crate::record::{History, JournalError};
use crate::report::{ItemKind, Warning};
use crate::roots::Root;
use crate::spec::CopySpec;
use crate::volumes::Volumes;

/// What a planner hands on.
pub(crate) trait PlanSink {
    /// An item was planned.
    fn item(&mut self, item: PlannedItem);
    /// Something speaks against an item.
    fn problem(&mut self, problem: Problem);
    /// Something should be known.
    fn warning(&mut self, warning: Warning);
    /// What earlier runs did could not be read.
    fn journal_failed(&mut self, error: JournalError);
    /// Whether nothing more need be planned, because the record failed.
    fn has_failed(&self) -> bool;
}

/// Plans the entries of one mapping, as they are found.
pub(crate) struct Planner<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) spec: &'a CopySpec,
    pub(crate) root: &'a Root<F>,
    pub(crate) mapping: usize,
    pub(crate) source_volume: Arc<Volume>,
    pub(crate) destination_volume: Arc<Volume>,
    pub(crate) volumes: &'a Volumes,
    pub(crate) resolver: Option<&'a dyn ConflictResolver>,
    pub(crate) history: Option<&'a dyn History>,
    pub(crate) catalog: Option<&'a dyn Catalog>,
    pub(crate) state: &'a mut PlanState,
    pub(crate) sink: &'a mut dyn PlanSink,
    pub(super) sight: Sight<F>,
    pub(super) source_sight: SourceSight<F>,
    /// Directories that were refused with all that is beneath them, and why.
    pub(super) refused: HashMap<RelPath, ItemError>,
    /// Directories that the mapping writes to.
    pub(super) own_directories: Vec<FileId>,
    /// The mapping's own directory takes nothing, so the job cannot begin.
    pub(super) is_denied: bool,
}

impl<F: FileSystem> ScanSink for Planner<'_, F> {
    fn entry(&mut self, entry: Entry) -> bool {
        if self.is_left_out(&entry) {
            return false;
        }
        self.state.listed.meet(self.spec, self.mapping, &entry.path);
        self.plan(entry)
    }

    fn unreadable(&mut self, path: RelPath, kind: Option<FileKind>, error: FsError) {
        self.state.listed.miss(self.spec, self.mapping, &path);
        let source = self.root.show_source(&self.root.source_below(&path));
        let error = ItemError::from_fs(&error, Side::Source, source);
        self.refuse_path(path, kind.map_or(ItemKind::File, kind_of), error, 0);
    }
}

impl<F: FileSystem> Planner<'_, F> {
    /// A source that has a list of its own, and is a file that is not in it: it was a directory when the
    /// list was made.
    fn is_left_out(&self, entry: &Entry) -> bool {
        entry.path.is_root()
            && entry.metadata.kind != FileKind::Directory
            && self.spec.own_filters.get(self.mapping).is_some_and(|own| !own.lists(&entry.path))
    }

    /// Plans an entry, be it as it is and not as was remembered. Says whether the scan goes on into it.
    fn plan(&mut self, mut entry: Entry) -> bool {
        match self.plan_as_it_is(&mut entry) {
            Ok(is_entered) => is_entered,
            Err(Otherwise::Gone(error)) => {
                self.unreadable(entry.path, None, error);
                false
            }
            Err(Otherwise::Kind) => {
                let is_directory = entry.metadata.kind == FileKind::Directory;
                let filter = self.spec.filter_of(self.mapping);
                filter.admits(&entry.path, is_directory) && self.plan(entry)
            }
        }
    }

    /// Plans an entry as long as it is what it is taken for.
    fn plan_as_it_is(&mut self, entry: &mut Entry) -> Result<bool, Otherwise> {
        let is_denied = self.is_denied || self.sink.has_failed();
        if !is_denied && self.must_be_known(entry) {
            self.look_again(entry)?;
        }
        let is_own = self.own_directories.contains(&entry.metadata.id);
        let kind = kind_of(entry.metadata.kind);
        match kind {
            _ if is_denied => {}
            ItemKind::Directory if is_own => self.refuse_own_directory(entry),
            ItemKind::Directory => self.plan_directory(entry.clone()),
            ItemKind::Special => self.plan_special(entry),
            kind => self.plan_copy(entry, kind)?,
        }
        Ok(kind == ItemKind::Directory && !is_own && !self.sink.has_failed())
    }

    fn plan_directory(&mut self, entry: Entry) {
        let target = self.root.mapping.target.join_path(&entry.path);
        let meeting = match self.meet_directory(&entry, &target) {
            Ok(meeting) => meeting,
            Err(error) => {
                self.refuse(&entry, error.clone());
                self.refused.insert(entry.path, error);
                return;
            }
        };
        let mut action = Action::Merge;
        match self.look_at(&target) {
            // Said once, for the directory; what is beneath says it for itself.
            Existing::Barred(error) => {
                let error = error.clone();
                return self.refuse(&entry, error);
            }
            Existing::Missing(place) => {
                let place = place.clone();
                if let Some(error) = self.denial(&entry, &target, &place) {
                    self.refused.insert(entry.path, error);
                    return;
                }
                // Of several sources that become one directory, the first one makes it.
                if meeting == Meeting::First {
                    action = Action::Create;
                    self.need(&place.volume, 0, None);
                }
            }
            Existing::Open(..) => {}
        }
        let item = self.new_item(&entry, ItemKind::Directory, action);
        self.sink.item(item);
    }

    /// Whether names of the file are to be names of one file at the destination, too.
    fn is_linked(&self, entry: &Entry) -> bool {
        let has_names = entry.metadata.kind == FileKind::File && entry.metadata.link_count > 1;
        self.spec.preserve.hard_links && has_names
    }

    /// Whether another name of the file was found before this one.
    pub(super) fn is_further_name(&self, entry: &Entry) -> bool {
        let first = self.state.first_names.get(&entry.metadata.id);
        self.is_linked(entry)
            && first.is_some_and(|first| *first != (self.mapping, entry.path.clone()))
    }

    pub(super) fn set_link_role(&mut self, item: &mut PlannedItem, entry: &Entry) {
        if !self.is_linked(entry) {
            return;
        }
        match self.state.first_names.get(&entry.metadata.id) {
            Some(first) => {
                item.kind = ItemKind::HardLink;
                item.link_role = LinkRole::Further(Box::new(first.clone()));
            }
            None => {
                let place = (self.mapping, entry.path.clone());
                self.state.first_names.insert(entry.metadata.id, place);
                item.link_role = LinkRole::First;
            }
        }
    }

    pub(super) fn new_item(
        &mut self,
        entry: &Entry,
        kind: ItemKind,
        action: Action,
    ) -> PlannedItem {
        let id = ItemId(self.state.next_id);
        self.state.next_id += 1;
        PlannedItem {
            id,
            mapping: self.mapping,
            path: entry.path.clone(),
            target_name: None,
            kind,
            source: Seen::of(&entry.metadata),
            action,
            strategy: None,
            link_role: LinkRole::Single,
            known_digest: None,
        }
    }

    pub(super) fn refuse(&mut self, entry: &Entry, error: ItemError) {
        let kind = kind_of(entry.metadata.kind);
        let size_bytes = if kind == ItemKind::File { entry.metadata.size } else { 0 };
        self.refuse_path(entry.path.clone(), kind, error, size_bytes);
    }

    fn refuse_path(&mut self, path: RelPath, kind: ItemKind, error: ItemError, size_bytes: u64) {
        let entry = RefusedEntry { mapping: self.mapping, path, kind };
        let problem = self.root.problem(entry, error, size_bytes);
        self.sink.problem(problem);
    }
}

pub(super) fn kind_of(kind: FileKind) -> ItemKind {
    match kind {
        FileKind::File => ItemKind::File,
        FileKind::Directory => ItemKind::Directory,
        FileKind::Symlink => ItemKind::Symlink,
        FileKind::Fifo | FileKind::Socket | FileKind::Device => ItemKind::Special,
    }
}
