//! Proof by comparison, window by window, through memory maps where they can be had.

use std::ops::{ControlFlow, Range};

use surecopy_fs::{FileSystem, MappedComparison, Support};

use super::{Medium, Proof, VerifyError};
use crate::control::{Cancelled, Control};
use crate::error::Side;
use crate::policy::{DigestAlgorithm, Digester};
use crate::transfer::read_full;

/// What a comparison needs.
pub(crate) struct Comparison<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) source: &'a F::File,
    pub(crate) written: &'a F::File,
    pub(crate) medium: &'a Medium<F>,
    pub(crate) length: u64,
    pub(crate) window_bytes: u64,
    pub(crate) algorithm: DigestAlgorithm,
    pub(crate) control: &'a Control,
}

/// Compares all of source and partial file; the source's digest falls out of it.
pub(crate) fn compare<F: FileSystem>(
    comparison: &Comparison<'_, F>,
    buffers: (&mut [u8], &mut [u8]),
    verified: &mut dyn FnMut(u64),
) -> Result<Proof, VerifyError> {
    let mut digester = comparison.algorithm.begin();
    let (mut offset, mut fallbacks, mut source_bytes_read) = (0, 0, 0);
    let (left, right) = buffers;
    while offset < comparison.length {
        comparison.control.checkpoint()?;
        let end = comparison.length.min(offset + comparison.window_bytes);
        let mapped = comparison.mapped_window(offset..end, &mut digester, verified)?;
        source_bytes_read += mapped.seen;
        match mapped.verdict {
            Verdict::Equal => {}
            Verdict::Differs => return Err(VerifyError::Mismatch),
            Verdict::ReadInstead => {
                fallbacks += 1;
                let rest = offset + mapped.seen..end;
                tracing::debug!(?rest, "a window is compared with ordinary reads");
                source_bytes_read += rest.end - rest.start;
                comparison.buffered_window(rest, &mut digester, (left, right), verified)?;
            }
        }
        offset = end;
    }
    comparison.ends_there(left)?;
    Ok(Proof {
        evidence: comparison.medium.evidence(),
        digest: Some(digester.finish()),
        source_bytes_read,
        mapped_fallbacks: fallbacks,
    })
}

enum Verdict {
    Equal,
    Differs,
    ReadInstead,
}

struct MappedWindow {
    verdict: Verdict,
    /// Bytes from the window's beginning that were seen to be equal.
    seen: u64,
}

impl<F: FileSystem> Comparison<'_, F> {
    fn mapped_window(
        &self,
        window: Range<u64>,
        digester: &mut Digester,
        verified: &mut dyn FnMut(u64),
    ) -> Result<MappedWindow, VerifyError> {
        let mut seen = 0;
        let mut each = |bytes: &[u8]| {
            digester.update(bytes);
            seen += bytes.len() as u64;
            verified(bytes.len() as u64);
            match self.control.checkpoint() {
                Ok(()) => ControlFlow::Continue(()),
                Err(Cancelled) => ControlFlow::Break(()),
            }
        };
        let answer = self.fs.compare_mapped(self.source, self.written, window, &mut each);
        let verdict = match answer.map_err(at_destination)? {
            Support::Done(MappedComparison::Equal) => Verdict::Equal,
            Support::Done(MappedComparison::DiffersAt(_)) => Verdict::Differs,
            Support::Done(MappedComparison::Stopped) => return Err(VerifyError::Cancelled),
            Support::Done(MappedComparison::Faulted) | Support::Unsupported => Verdict::ReadInstead,
        };
        Ok(MappedWindow { verdict, seen })
    }

    fn buffered_window(
        &self,
        window: Range<u64>,
        digester: &mut Digester,
        (left, right): (&mut [u8], &mut [u8]),
        verified: &mut dyn FnMut(u64),
    ) -> Result<(), VerifyError> {
        let step = left.len().min(right.len()) as u64;
        let mut offset = window.start;
        while offset < window.end {
            self.control.checkpoint()?;
            let length = usize::try_from(step.min(window.end - offset)).expect("fits the buffer");
            let (left, right) = (&mut left[..length], &mut right[..length]);
            let read = read_full(self.fs, self.source, left, offset)
                .map_err(|error| VerifyError::Fs(Side::Source, error))?;
            let found = read_full(self.fs, self.written, right, offset).map_err(at_destination)?;
            if read != length || found != length || left != right {
                return Err(VerifyError::Mismatch);
            }
            digester.update(left);
            verified(length as u64);
            offset += length as u64;
        }
        Ok(())
    }

    /// Neither file goes on behind what was compared.
    fn ends_there(&self, buffer: &mut [u8]) -> Result<(), VerifyError> {
        let probe = &mut buffer[..1];
        let source = self
            .fs
            .read_at(self.source, probe, self.length)
            .map_err(|error| VerifyError::Fs(Side::Source, error))?;
        let written = self.fs.read_at(self.written, probe, self.length).map_err(at_destination)?;
        if source == 0 && written == 0 { Ok(()) } else { Err(VerifyError::Mismatch) }
    }
}

fn at_destination(error: surecopy_fs::FsError) -> VerifyError {
    VerifyError::Fs(Side::Destination, error)
}
