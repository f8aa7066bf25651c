//! Which subtrees are fresh as a whole and which are not, for people: a few paths instead of many.

use std::collections::BTreeSet;

use surecopy_fs::RelPath;

use super::found::Validated;
use crate::error::IndexError;
use crate::index::Index;
use crate::location::LocationId;

/// Subtrees, each as large as can be.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Subtrees {
    /// Everything in these is fresh.
    pub fresh: Vec<RelPath>,
    /// These are stale, or something beneath them is that has no better name.
    pub stale: Vec<RelPath>,
    /// There are more than are named here.
    pub has_more: bool,
}

impl Validated {
    /// The subtrees of what was validated from `beneath` on, in the order of their paths and at most
    /// `limit` of each sort. A fresh subtree ends where a stale directory begins: above a stale one, only
    /// the subtrees beside it are named.
    pub fn subtrees(
        &self,
        index: &Index,
        location: LocationId,
        beneath: &RelPath,
        limit: usize,
    ) -> Result<Subtrees, IndexError> {
        let mut subtrees = Subtrees::default();
        let stale = self.stale_directories.iter().map(|stale| stale.path.clone());
        for path in stale.take(limit) {
            // What is beneath a stale directory is part of that subtree.
            if !subtrees.stale.last().is_some_and(|above| path.starts_with(above)) {
                subtrees.stale.push(path);
            }
        }
        // Where not all stale ones are named, what is beside them may be stale too.
        subtrees.has_more = !self.names_all_stale() || self.stale_directories.len() > limit;
        if subtrees.has_more {
            return Ok(subtrees);
        }
        let mut parted = BTreeSet::new();
        for path in &subtrees.stale {
            let mut above = path.parent();
            while let Some(path) = above.filter(|path| path.starts_with(beneath)) {
                above = path.parent();
                parted.insert(path);
            }
        }
        let all = RelPath::clone(beneath);
        if parted.is_empty() && subtrees.stale.is_empty() && self.fresh > 0 {
            subtrees.fresh.push(all);
        }
        for above in &parted {
            for name in index.names_in(location, above)? {
                let path = above.join(&name);
                if parted.contains(&path) || subtrees.stale.contains(&path) {
                    continue;
                }
                let directory = index.directory(location, &path)?;
                if !directory.is_some_and(|directory| self.is_fresh(directory)) {
                    continue;
                }
                if subtrees.fresh.len() == limit {
                    subtrees.has_more = true;
                    return Ok(subtrees);
                }
                subtrees.fresh.push(path);
            }
        }
        subtrees.fresh.sort();
        Ok(subtrees)
    }
}
