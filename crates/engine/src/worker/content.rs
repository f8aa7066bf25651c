//! Getting one file's bytes into its partial file: which mechanism, which digest.

use surecopy_fs::{FileSystem, Metadata, Volume};

use crate::buffers::AlignedBuffer;
use crate::context::Context;
use crate::control::Control;
use crate::policy::{Digest, DigestAlgorithm, ReflinkMode, Strategy, VolumePair};
use crate::report::WorkerProgress;
use crate::transfer::{
    KernelCopy, Stream, TransferError, Transferred, copy_in_kernel, copy_whole, digest_source,
    stream,
};

/// One file to be transferred.
pub(super) struct Content<'a, 'r, F: FileSystem> {
    pub(super) context: &'a Context<'r, F>,
    pub(super) source: &'a F::File,
    pub(super) metadata: &'a Metadata,
    pub(super) source_volume: &'a Volume,
    pub(super) partial: &'a F::File,
    pub(super) control: &'a Control,
    pub(super) volume: &'a Volume,
    pub(super) strategy: Strategy,
    pub(super) avoid_kernel: bool,
    pub(super) progress: WorkerProgress<'a>,
}

/// What was transferred, and what its read-back must show.
pub(super) struct Arrived {
    pub(super) transferred: Transferred,
    /// The digest to prove it by, when its bytes passed through memory and it is to be verified.
    pub(super) digest: Option<Digest>,
    /// Bytes of the source read in a pass of its own.
    pub(super) extra_source_bytes: u64,
}

impl<F: FileSystem> Content<'_, '_, F> {
    /// Moves the bytes.
    pub(super) fn transfer(&self, scratch: &mut AlignedBuffer) -> Result<Arrived, TransferError> {
        if self.strategy == Strategy::Direct
            && !self.avoid_kernel
            && let Some(transferred) = self.in_kernel()?
        {
            return Ok(Arrived { transferred, digest: None, extra_source_bytes: 0 });
        }
        let spec = self.context.spec;
        let wanted = spec
            .verify
            .covers(self.metadata.size, spec.limits.verify_threshold_bytes)
            .then_some(spec.digest);
        match wanted {
            Some(algorithm) if !spec.buffer_reuse => self.read_twice(algorithm, scratch),
            _ => {
                let transferred = self.through_memory(wanted, scratch)?;
                let digest = transferred.digest.clone();
                Ok(Arrived { transferred, digest, extra_source_bytes: 0 })
            }
        }
    }

    /// Digests the source in a pass of its own, and copies it in another.
    fn read_twice(
        &self,
        algorithm: DigestAlgorithm,
        scratch: &mut AlignedBuffer,
    ) -> Result<Arrived, TransferError> {
        let (digest, extra_source_bytes) =
            digest_source(self.context.fs(), self.source, scratch, algorithm, self.control)?;
        let transferred = self.through_memory(None, scratch)?;
        Ok(Arrived { transferred, digest: Some(digest), extra_source_bytes })
    }

    fn in_kernel(&self) -> Result<Option<Transferred>, TransferError> {
        let spec = self.context.spec;
        // An empty file has nothing to share, and those of /proc only look empty.
        if self.metadata.size == 0 && spec.reflink != ReflinkMode::Always {
            return Ok(None);
        }
        let is_small = self.metadata.size < spec.limits.small_file_limit_bytes;
        let copy = KernelCopy {
            fs: self.context.fs(),
            source: self.source,
            partial: self.partial,
            length: self.metadata.size,
            pair: VolumePair { source: self.source_volume.id, destination: self.volume.id },
            memory: &self.context.memory,
            reflink: spec.reflink,
            may_share_unasked: self.volume.filesystem.can_share_blocks,
            try_copy_range: !is_small && !self.keeps_holes(),
            control: self.control,
        };
        let done = copy_in_kernel(&copy, &mut |bytes| self.progress.copied(bytes))?;
        if let Some(done) = &done
            && done.mechanism == crate::policy::Mechanism::Clone
        {
            self.progress.copied(done.length);
        }
        Ok(done)
    }

    fn through_memory(
        &self,
        digest: Option<DigestAlgorithm>,
        scratch: &mut AlignedBuffer,
    ) -> Result<Transferred, TransferError> {
        let fs = self.context.fs();
        if self.metadata.size < scratch.len() as u64 && !self.keeps_holes() {
            match copy_whole(fs, self.source, self.partial, scratch, digest) {
                Err(TransferError::SourceGrew) => {}
                done => {
                    if let Ok(done) = &done {
                        self.progress.copied(done.length);
                    }
                    return done;
                }
            }
        }
        let streaming = Stream {
            fs,
            source: self.source,
            partial: self.partial,
            pool: &self.context.pool,
            digest,
            reserved_bytes: self.reserved_bytes(),
            keep_holes: self.keeps_holes(),
            control: self.control,
        };
        let progress = self.progress;
        stream(&streaming, &mut |bytes| progress.copied(bytes))
    }

    /// Memory file systems have nothing to put in one piece, and would fill the room with zeros.
    fn reserved_bytes(&self) -> u64 {
        let is_on_device = self.volume.filesystem.reads_back_from_device;
        if is_on_device && !self.keeps_holes() { self.metadata.size } else { 0 }
    }

    fn keeps_holes(&self) -> bool {
        self.context.spec.preserve.holes
            && self.metadata.is_sparse()
            && self.volume.filesystem.can_store_holes
    }
}
