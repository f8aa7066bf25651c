//! What planning remembers of all the mappings of a job.

use std::collections::{HashMap, HashSet};

use surecopy_fs::{FileId, RelPath};

use super::kept::KeptFirstName;
use super::listed::Listed;
use crate::links::{FirstName, LinkTarget};
use crate::plan::{ItemId, PlannedItem};
use crate::policy::ConflictPolicy;
use crate::preflight::{SpaceNeeds, TargetNames};
use crate::record::{Done, RootIdentity};
use crate::report::{Corrected, Planned};
use crate::spec::CopySpec;

/// What planning carries from one mapping to the next.
pub(crate) struct PlanState {
    pub(super) next_id: u64,
    /// Targets that an earlier run has published and that are not known to be what it has written: mappings,
    /// and paths beneath their destination roots.
    pub(super) unproved: HashMap<(usize, RelPath), Done>,
    pub(super) names: TargetNames,
    pub(super) first_names: HashMap<FileId, (usize, RelPath)>,
    /// Files whose first name is to be copied.
    pub(super) planned_first_names: HashSet<FileId>,
    /// First names of files that are in place, for which nothing is planned yet.
    pub(super) kept_first_names: HashMap<FileId, (PlannedItem, KeptFirstName)>,
    /// First names that are in place, of files of which further names are planned.
    pub(crate) kept_links: HashMap<FirstName, LinkTarget>,
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
            unproved: HashMap::new(),
            names: TargetNames::new(spec.mappings.len() > 1 || gives_new_names),
            first_names: HashMap::new(),
            planned_first_names: HashSet::new(),
            kept_first_names: HashMap::new(),
            kept_links: HashMap::new(),
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
