//! The worker's loop: take items, attempt, group, commit, and begin again what may be begun again.

use std::collections::{HashMap, HashSet};

use surecopy_fs::FileSystem;

use super::announced::Announced;
use super::ended::WaitingEnds;
use super::gather::Group;
use super::handles::Handles;
use super::lost::Answers;
use super::member::{Setback, Work};
use super::patience::Patience;
use super::settle::Removed;
use crate::buffers::AlignedBuffer;
use crate::context::Context;
use crate::control::Control;
use crate::error::{ErrorClass, ErrorCode};
use crate::links::LinkTarget;
use crate::plan::{Action, ItemId, LinkRole, PlannedItem, Seen};
use crate::policy::{Experience, SkipReason};
use crate::record::{Landed, Queue};
use crate::report::{ItemKind, ItemReport, ItemStatus, Share, WorkerProgress};

/// Items claimed at once; neighbours share a directory, so few is enough to keep handles open.
const CLAIM: usize = 64;

/// One worker.
pub(crate) struct Worker<'c, 'r, F: FileSystem> {
    pub(super) context: &'c Context<'r, F>,
    pub(super) progress: WorkerProgress<'c>,
    pub(super) handles: Handles<F>,
    pub(super) scratch: (AlignedBuffer, AlignedBuffer),
    pub(super) group: Group<F>,
    /// The group before, whose announcement is being recorded.
    pub(super) announced: Option<Announced<F>>,
    pub(super) ended: WaitingEnds,
    /// What the step at hand heeds: a pause does not hold what others wait for.
    pub(super) control: Control,
    /// What is known of exchanging names on each volume.
    pub(super) exchanging: HashMap<u64, Experience>,
    /// Published items whose replaced files were removed, which is not known to be durable.
    pub(super) removed: Vec<Removed>,
    /// Items of which an attempt that did not lead to anything has left something behind: a later run is to
    /// look for it, however they end.
    pub(super) unsettled: HashSet<ItemId>,
    /// The last looks at places that may have been lost, and were not.
    pub(super) answered: Answers,
    /// How many created directories the last flush of each volume covered.
    pub(super) created_flushed: HashMap<u64, u64>,
}

impl<'c, 'r, F: FileSystem> Worker<'c, 'r, F> {
    /// A worker with its own buffers and handles.
    pub(crate) fn new(context: &'c Context<'r, F>, index: usize) -> Self {
        let bytes = context.bounds.scratch_bytes;
        Self {
            context,
            progress: context.outside.progress.worker(index),
            handles: Handles::default(),
            scratch: (AlignedBuffer::new(bytes), AlignedBuffer::new(bytes)),
            group: Group::default(),
            announced: None,
            ended: WaitingEnds::default(),
            control: context.outside.control.clone(),
            exchanging: HashMap::new(),
            removed: Vec::new(),
            unsettled: HashSet::new(),
            answered: Answers::default(),
            created_flushed: HashMap::new(),
        }
    }

    /// Works until the queue is empty or the run ends.
    pub(crate) fn run(&mut self, queue: Queue) {
        loop {
            if self.context.is_ending() {
                break;
            }
            let batch = match self.context.outside.work.claim(queue, CLAIM) {
                Ok(batch) => batch,
                Err(error) => {
                    self.context.stop(crate::context::Stop::Journal(error.message));
                    break;
                }
            };
            if batch.is_empty() {
                break;
            }
            for item in batch {
                if self.context.is_ending() {
                    self.context.finish(&item, self.cancelled(&item), Share::default());
                } else {
                    self.take(item);
                    self.commit_if_due();
                }
            }
        }
        self.commit();
        // Whoever ends a job early does not wait for that; the next run looks at it.
        if !self.context.is_ending() {
            self.settle_all();
        }
    }

    fn take(&mut self, item: PlannedItem) {
        let report = self.new_report(&item);
        if let Action::Skip(reason) = item.action {
            return self.skip(&item, report, Share::default(), reason);
        }
        if item.kind == ItemKind::File && self.is_group_of_its_own(item.source.size_bytes) {
            // What is complete need not wait for it.
            self.commit();
        }
        let share = Share::planned(self.context.spec, &item);
        self.process(Work { item, report, share, avoid_kernel: false }, false);
    }

    /// Brings an item to its end, or into the group.
    pub(super) fn process(&mut self, mut work: Work, alone: bool) {
        let mut patience = Patience::default();
        loop {
            if self.wait_while_paused().is_err() {
                return self.end(work, ItemStatus::Cancelled);
            }
            match self.attempt(work) {
                Ok(member) => {
                    self.note_staged(&member.work);
                    return self.add(member, alone);
                }
                Err(failed) => {
                    let (returned, setback) = *failed;
                    self.note_staged(&returned);
                    if self.can_make_way(&setback) {
                        self.commit();
                        work = returned;
                        continue;
                    }
                    if self.context.stopped().is_none()
                        && let Some(pause) = patience.pause_after(&setback)
                    {
                        // What is complete need not wait for it.
                        self.commit();
                        self.wait_for(&returned, pause);
                        work = returned;
                        continue;
                    }
                    match self.after(returned, setback) {
                        Some(again) => work = again,
                        None => return,
                    }
                }
            }
        }
    }

    /// A partial file changes the times of its directory, whatever becomes of it.
    fn note_staged(&self, work: &Work) {
        let root = &self.context.roots[work.item.mapping];
        if work.report.partial.is_some()
            && let Some((parent, _)) = root.target_below(&work.item).split()
        {
            self.context.directories.touched(work.item.mapping, &parent);
        }
    }

    /// Whether the item lacks something that a group holds.
    fn can_make_way(&self, setback: &Setback) -> bool {
        let lacks = matches!(setback, Setback::Failed(error)
            if error.code == ErrorCode::OutOfResources);
        lacks && self.has_groups()
    }

    /// What a setback means: the work to begin again, or the end of the item.
    pub(super) fn after(&mut self, mut work: Work, setback: Setback) -> Option<Work> {
        if let Setback::Failed(error) = &setback
            && let Some(status) = self.end_by_loss(&work, error)
        {
            self.end(work, status);
            return None;
        }
        let error = match setback {
            Setback::Cancelled => {
                self.end(work, ItemStatus::Cancelled);
                return None;
            }
            Setback::Skip(reason) => {
                let report = work.report;
                self.skip(&work.item, report, work.share, reason);
                return None;
            }
            Setback::KernelFailed(mut error) => {
                if self.context.spec.reflink == crate::policy::ReflinkMode::Always {
                    error.code = ErrorCode::CloneNotPossible;
                    self.end(work, ItemStatus::Error(error));
                    return None;
                }
                work.avoid_kernel = true;
                error
            }
            Setback::Failed(error) | Setback::Held(error) => {
                let tries_left =
                    (work.report.retries.len() as u64) < u64::from(self.context.spec.retries);
                if error.class() != ErrorClass::Retryable
                    || !tries_left
                    || self.context.stopped().is_some()
                {
                    self.end(work, ItemStatus::Error(error));
                    return None;
                }
                error
            }
        };
        tracing::debug!(%error, path = ?work.report.target, "an item is begun again");
        self.handles.forget_directories();
        let mut report = self.new_report(&work.item);
        report.retries = std::mem::take(&mut work.report.retries);
        report.retries.push(error);
        report.times = work.report.times;
        report.source_bytes_read = work.report.source_bytes_read;
        report.rollback_performed = work.report.rollback_performed;
        report.rollback_succeeded = work.report.rollback_succeeded;
        work.report = report;
        Some(work)
    }

    fn skip(
        &mut self,
        item: &PlannedItem,
        mut report: ItemReport,
        share: Share,
        reason: SkipReason,
    ) {
        // Any other file that was kept is not this one, so nothing may be linked to it.
        let is_same = matches!(reason, SkipReason::Identical | SkipReason::IdenticalContent);
        if item.link_role == LinkRole::First && is_same {
            let found = self.remember_skipped_first_name(item);
            report.landed = found.map(|target| landed(item, target));
        }
        let target = self.context.roots[item.mapping].target_below(item);
        if is_same && let Some((parent, _)) = target.split() {
            self.context.directories.kept_in(item.mapping, &parent);
        }
        if let (true, Action::Replace(target) | Action::ReplaceIfContentDiffers(target)) =
            (is_same, item.action)
        {
            // They were compared, so a later run need not do that again.
            report.landed = Some(landed(item, target));
        }
        report.status = ItemStatus::Skipped(reason);
        report.partial = None;
        report.strategy = None;
        self.context.finish(item, report, share);
    }

    /// A first name that is in place already can still be linked to. Says what is there.
    fn remember_skipped_first_name(&mut self, item: &PlannedItem) -> Option<Seen> {
        let root = &self.context.roots[item.mapping];
        let (dir, name) = root.target_below(item).split()?;
        let found = self
            .context
            .fs()
            .open_dir(&root.destination, &dir)
            .and_then(|dir| self.context.fs().metadata_at(&dir, &name));
        let found = found.ok()?;
        let target = LinkTarget {
            dir,
            name,
            id: found.id,
            evidence: crate::policy::Evidence::None,
            digest: None,
        };
        self.context.links.put((item.mapping, item.path.clone()), target);
        Some(Seen::of(&found))
    }

    fn end(&mut self, mut work: Work, status: ItemStatus) {
        if let ItemStatus::Error(error) = &status {
            if error.code == ErrorCode::SourceMissing {
                self.context.correct(|all| all.vanished += 1);
            }
            let root = &self.context.roots[work.item.mapping];
            if let Some((parent, _)) = root.target_below(&work.item).split() {
                self.context.directories.failed_in(work.item.mapping, &parent);
            }
        }
        work.report.status = status;
        work.report.evidence = crate::policy::Evidence::None;
        work.report.unverified = None;
        work.report.bytes_copied = 0;
        work.report.landed = None;
        self.progress.idle();
        self.context.finish(&work.item, work.report, work.share);
    }

    /// The report of an item that the run no longer gets to.
    pub(crate) fn cancelled(&self, item: &PlannedItem) -> ItemReport {
        let mut report = self.new_report(item);
        report.status = ItemStatus::Cancelled;
        report
    }

    fn new_report(&self, item: &PlannedItem) -> ItemReport {
        let root = &self.context.roots[item.mapping];
        let mut report = ItemReport::new(
            item.kind,
            root.show_source(&root.source_below(&item.path)),
            root.show_target(&root.target_below(item)),
            if item.kind == ItemKind::File { item.source.size_bytes } else { 0 },
        );
        report.policy = self.context.spec.verify;
        report.strategy = item.strategy;
        report
    }
}

/// By what both ends of an item that is in place are known again.
fn landed(item: &PlannedItem, target: Seen) -> Landed {
    Landed { source: item.source, target, replaced: None }
}
