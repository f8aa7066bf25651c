//! One attempt at one item: from the planned item to a complete partial file.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Metadata, Node, RelPath, Volume};

use super::content::{Arrived, Content};
use super::handles::DestinationDir;
use super::member::{Attempted, Claim, HeldUp, Member, Setback, Work};
use super::take::Worker;
use crate::buffers::AlignedBuffer;
use crate::commit::{Partial, Target, Written};
use crate::error::{ErrorCode, ItemError, Side};
use crate::metadata::{Applying, apply};
use crate::plan::{Seen, choose_strategy};
use crate::policy::Mechanism;
use crate::report::{ItemKind, LossCause, MetadataLoss, MetadataWarning, Warning, WarningKind};

/// The two ends of an item, resolved.
pub(super) struct Ends<F: FileSystem> {
    pub(super) source_dir: Arc<F::Dir>,
    pub(super) source_name: OsString,
    pub(super) destination: DestinationDir<F>,
    pub(super) target_parent: RelPath,
    pub(super) target_name: OsString,
}

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Tries to bring an item as far as a complete partial file.
    pub(super) fn attempt(&mut self, mut work: Work) -> Result<Member<F, Written<F>>, HeldUp> {
        self.context.outside.progress.begin_again(&mut work.share);
        let outcome = match work.item.kind {
            ItemKind::File => self.attempt_file(&mut work),
            ItemKind::Symlink => self.attempt_symlink(&mut work),
            ItemKind::HardLink => self.attempt_hard_link(&mut work),
            ItemKind::Directory | ItemKind::Special => {
                Err(Setback::Failed(self.internal(&work, "an item that is not copied was taken")))
            }
        };
        match outcome {
            Ok((stage, claim)) => Ok(Member { work, stage, claim }),
            Err(setback) => Err(Box::new((work, setback))),
        }
    }

    pub(super) fn attempt_file(&mut self, work: &mut Work) -> Result<Attempted<F>, Setback> {
        let context = self.context;
        let fs = context.fs();
        let ends = self.ends(work)?;
        let (source_path, target_path) = (work.report.source.clone(), work.report.target.clone());
        let at_source = |error: FsError| source_failed(&error, &source_path);
        let source = fs.open_source(&ends.source_dir, &ends.source_name).map_err(at_source)?;
        let metadata = fs.metadata(Node::File(&source)).map_err(at_source)?;
        let source_volume = context.volumes.of_dir(fs, &ends.source_dir).map_err(at_source)?;
        self.correct_totals(work, &metadata)?;
        self.check_room(work, &metadata, &source_volume, &ends.destination)?;
        let expected = self.expected(work, &ends, &source)?;
        let volume = Arc::clone(&ends.destination.volume);
        let strategy = choose_strategy(context.spec, metadata.size, &source_volume, &volume);
        work.report.strategy = Some(strategy);
        self.progress.begin(work.report.source.clone(), metadata.size, Some(strategy));

        let begun = context.outside.clock.now();
        let partial = self.create_partial(work, &ends)?;
        let content = Content {
            context,
            source: &source,
            metadata: &metadata,
            source_volume: &source_volume,
            partial: partial.file(),
            control: &self.control,
            volume: &volume,
            strategy,
            avoid_kernel: work.avoid_kernel,
            progress: self.progress,
        };
        let readable = &context.readable;
        let origin = readable.before_reading(fs, &source, &metadata, &source_volume);
        let arrived = transfer_unchanged(work, &content, &mut self.scratch.0);
        self.progress.note_copied(&mut work.share);
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(setback) => {
                self.drop_partial(partial.discard(), work);
                return Err(setback);
            }
        };
        let length = arrived.transferred.length;
        let filled = match partial.fill(length) {
            Ok(filled) => filled,
            Err((partial, error)) => {
                self.drop_partial(partial.discard(), work);
                return Err(target_failed(&error, &target_path));
            }
        };
        let mut warnings = apply(&Applying {
            fs,
            source: Node::File(&source),
            metadata: &metadata,
            target: Node::File(filled.file()),
            volume: &volume,
            preserve: context.spec.preserve,
            is_privileged: context.spec.is_privileged,
            creation_mask: context.spec.creation_mask,
            former_mode: self.former_mode(&ends, expected),
            check: context.spec.verify != crate::policy::VerifyPolicy::None,
        });
        warnings.extend(self.lost_holes(&metadata, &volume));

        let mechanism = arrived.transferred.mechanism;
        let report = &mut work.report;
        report.metadata_warnings = warnings;
        report.sparse_detected = metadata.is_sparse();
        report.mechanism = Some(mechanism);
        report.size_bytes = length;
        report.bytes_copied = if mechanism == Mechanism::Clone { 0 } else { length };
        report.times.copy += context.outside.clock.now().saturating_sub(begun);
        let mut claim = Claim {
            expected,
            digest: arrived.digest,
            source: Some(source),
            origin,
            source_seen: Seen::of(&metadata),
            source_metadata: Some(metadata),
            failed_flushes: self.handles.failed_flushes(&volume),
            volume,
            parent: ends.target_parent,
        };
        // Only what the kernel moved is compared with its source.
        if mechanism != Mechanism::CopyFileRange {
            claim.let_go_of_source(context);
        }
        Ok((filled.written(), claim))
    }

    /// Opens both directories of an item, creating the destination's.
    pub(super) fn ends(&mut self, work: &Work) -> Result<Ends<F>, Setback> {
        let root = &self.context.roots[work.item.mapping];
        let source_below = root.source_below(&work.item.path);
        let target_below = root.target_below(&work.item);
        let (Some((source_parent, source_name)), Some((target_parent, target_name))) =
            (source_below.split(), target_below.split())
        else {
            return Err(Setback::Failed(self.internal(work, "an item without a name")));
        };
        let mapping = work.item.mapping;
        let source_dir = self
            .handles
            .source(self.context, mapping, &source_parent)
            .map_err(|error| source_failed(&error, &work.report.source))?;
        let destination = self
            .handles
            .destination(self.context, mapping, &target_parent)
            .map_err(|error| target_failed(&error, &work.report.target))?;
        Ok(Ends { source_dir, source_name, destination, target_parent, target_name })
    }

    pub(super) fn target(&self, ends: &Ends<F>) -> Target<F> {
        Target {
            fs: Arc::clone(&self.context.outside.fs),
            dir: Arc::clone(&ends.destination.dir),
            name: ends.target_name.clone(),
        }
    }

    fn create_partial(&self, work: &mut Work, ends: &Ends<F>) -> Result<Partial<F>, Setback> {
        let name = self.stage(work);
        Partial::create(self.target(ends), name)
            .map_err(|error| target_failed(&error, &work.report.target))
    }

    /// Chooses the name of the item's partial file. It carries the number of this run, by which the
    /// record knows it.
    pub(super) fn stage(&self, work: &mut Work) -> OsString {
        let name = self.context.names.partial();
        work.report.partial = Some(beside(&work.report.target, &name));
        name
    }

    fn lost_holes(&self, metadata: &Metadata, volume: &Volume) -> Option<MetadataWarning> {
        let spec = self.context.spec;
        (spec.preserve.holes && metadata.is_sparse() && !volume.filesystem.can_store_holes).then(
            || MetadataWarning {
                loss: MetadataLoss::Holes,
                message: format!("{} cannot store holes", volume.filesystem.name),
                cause: LossCause::NotPossible,
            },
        )
    }

    pub(super) fn internal(&self, work: &Work, message: &str) -> ItemError {
        ItemError::new(ErrorCode::Internal, work.report.source.clone(), message)
    }

    /// Says that a replaced file is kept, because the journal does not know that its successor is
    /// in place.
    pub(super) fn warn_kept(&self, path: PathBuf) {
        let message =
            "the replaced file is kept, because its successor could not be recorded".to_owned();
        self.context.warn(Warning { kind: WarningKind::LeftBehind, path, message });
    }

    /// Says that a file was left behind, which is never silent.
    pub(super) fn warn_left_behind(&self, path: PathBuf, error: &FsError) {
        self.context.warn(Warning {
            kind: WarningKind::LeftBehind,
            path,
            message: format!("could not be removed: {error}"),
        });
    }
}

/// Moves the bytes, and makes sure that the source was one and the same all the while.
fn transfer_unchanged<F: FileSystem>(
    work: &mut Work,
    content: &Content<'_, '_, F>,
    scratch: &mut AlignedBuffer,
) -> Result<Arrived, Setback> {
    let (source, target) = (work.report.source.clone(), work.report.target.clone());
    let arrived =
        content.transfer(scratch).map_err(|error| Setback::of_transfer(error, source, target))?;
    work.report.source_bytes_read +=
        arrived.transferred.source_bytes_read + arrived.extra_source_bytes;
    let after = content
        .context
        .fs()
        .metadata(Node::File(content.source))
        .map_err(|error| source_failed(&error, &work.report.source))?;
    if after.is_unchanged_since(content.metadata) {
        Ok(arrived)
    } else {
        Err(Setback::Failed(changed(work, content.metadata, &after)))
    }
}

pub(super) fn source_failed(error: &FsError, path: &std::path::Path) -> Setback {
    let reason = ItemError::from_fs(error, Side::Source, path.to_owned());
    if error.kind == FsErrorKind::Held { Setback::Held(reason) } else { Setback::Failed(reason) }
}

pub(super) fn target_failed(error: &FsError, path: &std::path::Path) -> Setback {
    Setback::Failed(ItemError::from_fs(error, Side::Destination, path.to_owned()))
}

/// A path beside a target.
pub(super) fn beside(target: &std::path::Path, name: &OsStr) -> PathBuf {
    target.with_file_name(name)
}

fn changed(work: &Work, before: &Metadata, after: &Metadata) -> ItemError {
    let message = "the source changed while it was being copied";
    ItemError::new(ErrorCode::SourceChanged, work.report.source.clone(), message).with_details(
        format!(
            "{} bytes and modified at {}.{:09} before, {} bytes and {}.{:09} after",
            before.size,
            before.modified.secs,
            before.modified.nanos,
            after.size,
            after.modified.secs,
            after.modified.nanos
        ),
    )
}
