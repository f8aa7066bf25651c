//! Entries that are left out whatever stands at the destination, and what is said of them.

use surecopy_fs::FileSystem;

use super::planner::Planner;
use crate::plan::Entry;
use crate::policy::SkipReason;
use crate::report::{ItemKind, Warning, WarningKind};

impl<F: FileSystem> Planner<'_, F> {
    pub(super) fn plan_special(&mut self, entry: &Entry) {
        let below = self.root.source_below(&entry.path);
        self.sink.warning(Warning {
            kind: WarningKind::SpecialFile,
            path: self.root.show_source(&below),
            message: "sockets, pipes and devices are not copied".to_owned(),
        });
        self.leave_out(entry, ItemKind::Special, SkipReason::SpecialFile);
    }

    pub(super) fn leave_out_link(&mut self, entry: &Entry) {
        self.sink.warning(Warning {
            kind: WarningKind::Loss,
            path: self.root.show_source(&self.root.source_below(&entry.path)),
            message: "the symbolic link is left out, because links are not kept".to_owned(),
        });
        self.leave_out(entry, ItemKind::Symlink, SkipReason::LinkNotKept);
    }

    /// A later run into the same directory would take the copy for what a dead one has left, and remove
    /// it. What is not a file is never removed so.
    pub(super) fn leave_out_our_partial(&mut self, entry: &Entry) {
        self.sink.warning(Warning {
            kind: WarningKind::OurPartialFile,
            path: self.root.show_source(&self.root.source_below(&entry.path)),
            message: "it is named like an unfinished file of surecopy, which is removed when \
                      found, so it is not copied; rename it if it is wanted"
                .to_owned(),
        });
        self.leave_out(entry, ItemKind::File, SkipReason::OurPartialFile);
    }
}
