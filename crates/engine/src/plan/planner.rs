//! From entries found to items planned: what is there at the destination, what the conflict policy
//! says, which strategy, and what speaks against it. Nothing is written.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::sync::Arc;

use surecopy_fs::{FileId, FileKind, FileSystem, FsError, Metadata, RelPath, Volume};

use super::anew::{Otherwise, SourceSight};
use super::destination::{Existing, Place, Sight};
use super::listed::Listed;
use crate::error::{ItemError, Side};
use crate::partial_names::nonce_of_partial;
use crate::plan::{Action, Entry, ItemId, LinkRole, Origin, PlannedItem, ScanSink, Seen};
use crate::policy::{
    ConflictPolicy, ConflictResolver, ReflinkMode, SkipReason, Strategy, StrategyChoice,
    StrategyFacts,
};
use crate::preflight::{Meeting, Problem, RefusedEntry, SpaceNeeds, TargetNames, same_file};
use crate::record::{History, JournalError, Known, RootIdentity};
use crate::report::{Corrected, ItemKind, Planned, Warning, WarningKind};
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

/// What planning carries from one mapping to the next.
pub(crate) struct PlanState {
    next_id: u64,
    pub(super) names: TargetNames,
    first_names: HashMap<FileId, (usize, RelPath)>,
    /// Files whose first name is to be copied.
    pub(super) copied_first_names: HashSet<FileId>,
    /// First names of files that are in place, for which nothing is planned yet.
    pub(super) kept_first_names: HashMap<FileId, PlannedItem>,
    /// Directories of the destination that hold what is kept, by mapping.
    pub(crate) kept_in: Vec<(usize, RelPath)>,
    /// The volumes of the mappings' roots.
    pub(crate) identities: Vec<RootIdentity>,
    pub(super) listed: Listed,
    pub(crate) needs: SpaceNeeds,
    /// Sizes that are only remembered are among those.
    pub(super) has_remembered_needs: bool,
    pub(crate) planned: Planned,
    /// What was remembered, and found to be otherwise.
    pub(crate) corrected: Corrected,
}

impl PlanState {
    pub(crate) fn new(spec: &CopySpec, first: ItemId) -> Self {
        // A name found free for one item may be another item's own.
        let gives_new_names =
            matches!(spec.conflict, ConflictPolicy::KeepBoth | ConflictPolicy::Ask);
        Self {
            next_id: first.0,
            names: TargetNames::new(spec.mappings.len() > 1 || gives_new_names),
            first_names: HashMap::new(),
            copied_first_names: HashSet::new(),
            kept_first_names: HashMap::new(),
            kept_in: Vec::new(),
            identities: Vec::new(),
            listed: Listed::default(),
            needs: SpaceNeeds::default(),
            has_remembered_needs: false,
            planned: Planned::default(),
            corrected: Corrected::default(),
        }
    }
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

    fn plan_special(&mut self, entry: &Entry) {
        let below = self.root.source_below(&entry.path);
        self.sink.warning(Warning {
            kind: WarningKind::SpecialFile,
            path: self.root.show_source(&below),
            message: "sockets, pipes and devices are not copied".to_owned(),
        });
        self.leave_out(entry, ItemKind::Special, SkipReason::SpecialFile);
    }

    fn leave_out_link(&mut self, entry: &Entry) {
        self.sink.warning(Warning {
            kind: WarningKind::Loss,
            path: self.root.show_source(&self.root.source_below(&entry.path)),
            message: "the symbolic link is left out, because links are not kept".to_owned(),
        });
        self.leave_out(entry, ItemKind::Symlink, SkipReason::LinkNotKept);
    }

    /// A later run into the same directory would take the copy for what a dead one has left, and remove
    /// it. What is not a file is never removed so.
    fn leave_out_our_partial(&mut self, entry: &Entry) {
        self.sink.warning(Warning {
            kind: WarningKind::OurPartialFile,
            path: self.root.show_source(&self.root.source_below(&entry.path)),
            message: "it is named like an unfinished file of surecopy, which is removed when \
                      found, so it is not copied; rename it if it is wanted"
                .to_owned(),
        });
        self.leave_out(entry, ItemKind::File, SkipReason::OurPartialFile);
    }

    /// Nothing is noted of an entry before it is certain that it is what it is taken for.
    fn plan_copy(&mut self, entry: &mut Entry, kind: ItemKind) -> Result<(), Otherwise> {
        if kind == ItemKind::Symlink && !self.spec.preserve.links {
            self.leave_out_link(entry);
            return Ok(());
        }
        let target = self.root.mapping.target.join_path(&entry.path);
        let Some((parent, name)) = target.split() else {
            let error = same_file(&self.root.show_target(&target));
            self.refuse(entry, error);
            return Ok(());
        };
        if let Some(error) = self.refused_above(entry, &target) {
            self.refuse(entry, error);
            return Ok(());
        }
        if kind == ItemKind::File && nonce_of_partial(&name).is_some() {
            self.look_again(entry)?;
            self.leave_out_our_partial(entry);
            return Ok(());
        }
        let known = self.known(&entry.path);
        if known != Known::Nothing {
            self.look_again(entry)?;
        }
        if let Known::Done(done) = &known
            && self.stays(done, entry, kind, &parent, &name)
        {
            return Ok(());
        }
        let (existing, place) = match self.existing(&parent, &name) {
            Ok(found) => found,
            Err(error) => {
                self.refuse(entry, error);
                return Ok(());
            }
        };
        if existing.is_some() {
            self.look_again(entry)?;
        }
        let mut objection = self.objection(entry, existing.as_ref(), &target, &place, &name);
        if objection.is_some() && entry.origin == Origin::Remembered {
            self.look_again(entry)?;
            objection = self.objection(entry, existing.as_ref(), &target, &place, &name);
        }
        let is_taken = self.state.names.note(&place, &name) == Meeting::Collision;
        if is_taken && self.spec.conflict != ConflictPolicy::KeepBoth {
            objection = Some(self.collision(&target, &place.volume));
        }
        if let Some(error) = objection {
            self.refuse(entry, error);
            return Ok(());
        }
        let decision =
            if let Some(action) = self.may_have_been_copied(&known, entry, &parent, &name) {
                Ok(action)
            } else if is_taken {
                self.free_name(&target, &place).map(|name| (Action::Create, Some(name)))
            } else {
                self.decide(entry, existing.as_ref(), &target, &place)
            };
        match decision {
            Ok((Action::Skip(reason), target_name))
                if known == Known::Skipped { reason, target_name: target_name.clone() } =>
            {
                self.keep(entry, kind, &parent);
                self.keep_first_name(entry, kind, target_name);
            }
            Ok(decided) => self.plan_decided(entry, decided, existing.as_ref(), &target, &place),
            Err(error) => self.refuse(entry, error),
        }
        Ok(())
    }

    /// Plans what was decided, unless something speaks against doing that.
    fn plan_decided(
        &mut self,
        entry: &Entry,
        (action, target_name): (Action, Option<OsString>),
        existing: Option<&Metadata>,
        target: &RelPath,
        place: &Place,
    ) {
        let is_written = matches!(action, Action::Create | Action::Replace(_));
        if is_written && self.denial(entry, target, place).is_some() {
            return;
        }
        if let (Action::Replace(_), Some(existing)) = (&action, existing)
            && let Some(error) = self.protection(existing, target, place)
        {
            return self.refuse(entry, error);
        }
        let mut item = self.new_item(entry, kind_of(entry.metadata.kind), action);
        item.target_name = target_name;
        self.set_link_role(&mut item, entry);
        if is_written && item.link_role == LinkRole::First {
            self.state.copied_first_names.insert(entry.metadata.id);
        }
        self.plan_kept_first_name(&item, entry);
        item.strategy = self.strategy(&item, &place.volume);
        self.count(entry, item, existing, &place.volume);
    }

    fn strategy(&self, item: &PlannedItem, volume: &Volume) -> Option<Strategy> {
        if item.kind != ItemKind::File || matches!(item.action, Action::Skip(_)) {
            return None;
        }
        Some(choose_strategy(self.spec, item.source.size_bytes, &self.source_volume, volume))
    }

    pub(super) fn set_link_role(&mut self, item: &mut PlannedItem, entry: &Entry) {
        let is_linked = entry.metadata.kind == FileKind::File && entry.metadata.link_count > 1;
        if !self.spec.preserve.hard_links || !is_linked {
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

/// The strategy for a file of this size between these volumes.
pub(crate) fn choose_strategy(
    spec: &CopySpec,
    size_bytes: u64,
    source: &Volume,
    destination: &Volume,
) -> Strategy {
    // Only DIRECT can share blocks, so asking for that is asking for DIRECT.
    let choice = match spec.reflink {
        ReflinkMode::Always => StrategyChoice::Direct,
        ReflinkMode::Auto | ReflinkMode::Never => spec.strategy,
    };
    let facts = StrategyFacts {
        size_bytes,
        source: source.kind,
        destination: destination.kind,
        destinations: 1,
    };
    Strategy::choose(facts, choice, spec.limits.copy_strategy_threshold_bytes)
}

fn kind_of(kind: FileKind) -> ItemKind {
    match kind {
        FileKind::File => ItemKind::File,
        FileKind::Directory => ItemKind::Directory,
        FileKind::Symlink => ItemKind::Symlink,
        FileKind::Fifo | FileKind::Socket | FileKind::Device => ItemKind::Special,
    }
}
