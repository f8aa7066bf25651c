//! Proving one flushed item as far as its policy asks for.

use surecopy_fs::{FileSystem, FsError, Node};

use super::member::{Claim, Setback, Work};
use super::take::Worker;
use crate::commit::Flushed;
use crate::error::{ErrorCode, ItemError};
use crate::policy::{Digest, Evidence, Mechanism, ReadBack, VerifyPolicy};
use crate::report::{ItemKind, UnverifiedReason};
use crate::verify::{
    Comparison, Medium, Proof, VerifyError, compare, locate, open_medium, read_back_digest,
};

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Reads back what the policy covers, and notes the evidence in the report.
    pub(super) fn prove(
        &mut self,
        work: &mut Work,
        flushed: &Flushed<F>,
        claim: &Claim<F>,
    ) -> Result<(), Setback> {
        if work.report.kind != ItemKind::File {
            return Ok(());
        }
        if let Some((evidence, reason)) = self.unverified(work, claim) {
            work.report.evidence = evidence;
            work.report.unverified = Some(reason);
            work.report.digest = claim.digest.clone();
            return Ok(());
        }
        let begun = self.context.outside.clock.now();
        self.progress.begin_verifying(&work.report);
        let proof = self.read_back(work, flushed, claim);
        self.progress.note_verified(&mut work.share);
        work.report.times.verify += self.context.outside.clock.now().saturating_sub(begun);
        let proof = proof?;
        work.report.evidence = proof.evidence;
        work.report.digest = proof.digest;
        work.report.source_bytes_read += proof.source_bytes_read;
        work.report.mapped_fallbacks += proof.mapped_fallbacks;
        Ok(())
    }

    /// The evidence of an item that is not read back, and why it is not.
    fn unverified(&self, work: &Work, claim: &Claim<F>) -> Option<(Evidence, UnverifiedReason)> {
        let spec = self.context.spec;
        if work.report.mechanism == Some(Mechanism::Clone) {
            return Some((Evidence::Shared, UnverifiedReason::SharedBlocks));
        }
        if !spec.verify.covers(work.report.size_bytes, spec.limits.verify_threshold_bytes) {
            let reason = match spec.verify {
                VerifyPolicy::None => UnverifiedReason::PolicyNone,
                VerifyPolicy::LtThreshold | VerifyPolicy::All => UnverifiedReason::AboveThreshold,
            };
            return Some((Evidence::None, reason));
        }
        if spec.read_back == ReadBack::None {
            let evidence = if claim.digest.is_some() { Evidence::Stream } else { Evidence::None };
            return Some((evidence, UnverifiedReason::ReadBackOff));
        }
        None
    }

    fn read_back(
        &mut self,
        work: &Work,
        flushed: &Flushed<F>,
        claim: &Claim<F>,
    ) -> Result<Proof, Setback> {
        let context = self.context;
        let fs = context.fs();
        let written = flushed.file().ok_or_else(|| {
            Setback::Failed(self.internal(work, "a regular file without a handle"))
        })?;
        let by_digest = claim.digest.is_some();
        let mut medium = open_medium(
            fs,
            &claim.volume,
            &flushed.target().dir,
            flushed.partial_name(),
            written,
            context.spec.read_back,
            by_digest,
        )
        .map_err(|error| read_back_failed(&error, work))?;
        let outcome = match (&claim.digest, &claim.source) {
            (Some(expected), _) => self.by_digest(&mut medium, written, expected),
            (None, Some(source)) => self.by_comparison(work, &medium, written, source),
            (None, None) => {
                return Err(Setback::Failed(self.internal(work, "nothing to prove a file by")));
            }
        };
        outcome.map_err(|error| {
            Setback::of_verify(error, work.report.source.clone(), work.report.target.clone())
                .unwrap_or_else(|| self.mismatch(work, claim, &medium, written))
        })
    }

    fn by_digest(
        &mut self,
        medium: &mut Medium<F>,
        written: &F::File,
        expected: &Digest,
    ) -> Result<Proof, VerifyError> {
        let progress = self.progress;
        let found = read_back_digest(
            self.context.fs(),
            medium,
            written,
            expected.algorithm,
            &mut self.scratch.0,
            &self.control,
            &mut |bytes| progress.verified(bytes),
        )?;
        if found != *expected {
            return Err(VerifyError::Mismatch);
        }
        Ok(Proof {
            evidence: medium.evidence(),
            digest: Some(found),
            source_bytes_read: 0,
            mapped_fallbacks: 0,
        })
    }

    fn by_comparison(
        &mut self,
        work: &Work,
        medium: &Medium<F>,
        written: &F::File,
        source: &F::File,
    ) -> Result<Proof, VerifyError> {
        let progress = self.progress;
        let comparison = Comparison {
            fs: self.context.fs(),
            source,
            written,
            medium,
            length: work.report.size_bytes,
            window_bytes: self.context.bounds.window_bytes,
            algorithm: self.context.spec.digest,
            control: &self.control,
        };
        let (left, right) = &mut self.scratch;
        compare(&comparison, (left, right), &mut |bytes| progress.verified(bytes))
    }

    /// Words for a mismatch: where, or that a comparison met a source that has changed. It is a
    /// failure either way.
    fn mismatch(
        &mut self,
        work: &Work,
        claim: &Claim<F>,
        medium: &Medium<F>,
        written: &F::File,
    ) -> Setback {
        let fs = self.context.fs();
        let mismatch = ItemError::new(
            ErrorCode::VerifyMismatch,
            work.report.target.clone(),
            "what was read back is not what was read from the source",
        );
        let reopened = match &claim.source {
            Some(_) => None,
            None => self.open_source_again(work),
        };
        let Some(source) = claim.source.as_ref().or(reopened.as_ref()) else {
            return Setback::Failed(mismatch);
        };
        let has_changed = claim.source_metadata.as_ref().is_some_and(|before| {
            fs.metadata(Node::File(source)).is_ok_and(|after| !after.is_unchanged_since(before))
        });
        if has_changed && claim.source.is_some() {
            // A comparison reads the source anew, so it saw another source than was copied.
            let message = "the source changed while its copy was being verified";
            let path = work.report.source.clone();
            return Setback::Failed(ItemError::new(ErrorCode::SourceChanged, path, message));
        }
        if has_changed {
            // The digest was taken before; what the source is now does not excuse the difference.
            let details = "where it differs cannot be told, because the source has changed since";
            return Setback::Failed(mismatch.with_details(details));
        }
        let (left, right) = &mut self.scratch;
        let differences = locate(fs, source, written, medium, (left, right), &self.control);
        Setback::Failed(mismatch.with_details(differences.to_string()))
    }

    fn open_source_again(&mut self, work: &Work) -> Option<F::File> {
        let root = &self.context.roots[work.item.mapping];
        let (parent, name) = root.source_below(&work.item.path).split()?;
        let dir = self.handles.source(self.context, work.item.mapping, &parent).ok()?;
        self.context.fs().open_source(&dir, &name).ok()
    }
}

fn read_back_failed(error: &FsError, work: &Work) -> Setback {
    let mut item_error =
        ItemError::from_fs(error, crate::error::Side::Destination, work.report.target.clone());
    item_error.code = ErrorCode::ReadBackFailed;
    Setback::Failed(item_error)
}
