//! The streaming pipeline: one reader, one digester, one writer, all at work at once.
//!
//! The reader fills buffers from the pool and hands each to the digester and to the writer by
//! reference; a buffer returns to the pool when both are done with it. So the slowest of the three
//! sets the pace, and the pool's size is the memory bound. Where the system grants no more threads,
//! one does all three in turn.

use std::ops::Range;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use surecopy_fs::{FileSystem, FsResult, Support};

use super::{AtSide, TransferError, Transferred, read_full, write_all};
use crate::buffers::{BufferPool, PooledBuffer};
use crate::control::Control;
use crate::policy::{Digest, DigestAlgorithm, Digester, Mechanism};

/// Chunks that may wait between two stages.
const DEPTH: usize = 2;

/// What a streamed copy needs.
pub(crate) struct Stream<'a, F: FileSystem> {
    pub(crate) fs: &'a F,
    pub(crate) source: &'a F::File,
    pub(crate) partial: &'a F::File,
    pub(crate) pool: &'a BufferPool,
    pub(crate) digest: Option<DigestAlgorithm>,
    /// Bytes to reserve before the first write, so that a full disk is met early and the file is
    /// in one piece; 0 for none.
    pub(crate) reserved_bytes: u64,
    /// Leave holes where the source has them.
    pub(crate) keep_holes: bool,
    pub(crate) control: &'a Control,
}

/// One chunk on its way.
#[derive(Clone)]
struct Chunk {
    buffer: Arc<PooledBuffer>,
    length: usize,
    offset: u64,
    /// Ranges of the file within this chunk that the source's file system calls holes.
    holes: Vec<Range<u64>>,
}

impl Chunk {
    fn bytes(&self) -> &[u8] {
        &self.buffer[..self.length]
    }

    fn range(&self) -> Range<u64> {
        self.offset..self.offset + self.length as u64
    }

    /// The file ended within it.
    fn is_last(&self) -> bool {
        self.length < self.buffer.len()
    }
}

/// Copies a file of any length.
pub(crate) fn stream<F: FileSystem>(
    stream: &Stream<'_, F>,
    copied: &mut (dyn FnMut(u64) + Send),
) -> Result<Transferred, TransferError> {
    let is_reserved = stream.reserved_bytes > 0
        && stream.fs.preallocate(stream.partial, stream.reserved_bytes).at_destination()?.is_done();
    let (length, digest) = match stream.side_by_side(copied) {
        Err(NoThread) => stream.in_turn(copied)?,
        Ok(done) => done?,
    };
    if stream.keep_holes || (is_reserved && length < stream.reserved_bytes) {
        // A hole at the end is made by nothing but the length, and what was reserved in vain goes.
        stream.fs.set_length(stream.partial, length).at_destination()?;
    }
    Ok(Transferred { mechanism: Mechanism::ReadWrite, length, source_bytes_read: length, digest })
}

/// The system grants no more threads. Nothing was written.
struct NoThread;

/// The length of the content, and its digest if one was asked for.
type Streamed = Result<(u64, Option<Digest>), TransferError>;

fn digest_chunks(chunks: &Receiver<Chunk>, algorithm: DigestAlgorithm) -> Digest {
    let mut digester = algorithm.begin();
    for chunk in chunks {
        digester.update(chunk.bytes());
    }
    digester.finish()
}

impl<F: FileSystem> Stream<'_, F> {
    /// Reads, digests and writes at once.
    fn side_by_side(&self, copied: &mut (dyn FnMut(u64) + Send)) -> Result<Streamed, NoThread> {
        std::thread::scope(|scope| {
            let thread = std::thread::Builder::new;
            let digester = match self.digest {
                None => None,
                Some(algorithm) => {
                    let (to_digester, from_reader) = sync_channel(DEPTH);
                    let digest = move || digest_chunks(&from_reader, algorithm);
                    let digester = thread().spawn_scoped(scope, digest).map_err(|_| NoThread)?;
                    Some((to_digester, digester))
                }
            };
            let (to_digester, digester) = digester.unzip();
            let (to_writer, from_reader) = sync_channel(DEPTH);
            let write = move || self.write_chunks(&from_reader, copied);
            let writer = thread().spawn_scoped(scope, write).map_err(|_| NoThread)?;
            let read = self.read_chunks(&to_writer, to_digester.as_ref());
            drop((to_writer, to_digester));
            // A writer that failed closed its channel, which ended the reader: its error comes first.
            let written = writer.join().expect("the writer does not panic").at_destination();
            let digest = digester.map(|thread| thread.join().expect("the digester does not panic"));
            Ok(written.and(read).map(|length| (length, digest)))
        })
    }

    /// Reads, digests and writes one chunk after the other.
    fn in_turn(&self, copied: &mut (dyn FnMut(u64) + Send)) -> Streamed {
        let mut digester = self.digest.map(DigestAlgorithm::begin);
        let (mut offset, mut settled) = (0, 0..0);
        while let Some(chunk) = self.read_chunk(offset)? {
            if let Some(digester) = &mut digester {
                digester.update(chunk.bytes());
            }
            settled = self.write_out(&chunk, settled).at_destination()?;
            copied(chunk.length as u64);
            offset = settled.end;
            if chunk.is_last() {
                break;
            }
        }
        Ok((offset, digester.map(Digester::finish)))
    }

    /// The next chunk, of whatever length; `None` at the end of the file.
    fn read_chunk(&self, offset: u64) -> Result<Option<Chunk>, TransferError> {
        self.control.checkpoint()?;
        let mut buffer = self.pool.take();
        let length = read_full(self.fs, self.source, &mut buffer, offset).at_source()?;
        if length == 0 {
            return Ok(None);
        }
        let range = offset..offset + length as u64;
        let holes = if self.keep_holes { self.holes_in(range)? } else { Vec::new() };
        Ok(Some(Chunk { buffer: Arc::new(buffer), length, offset, holes }))
    }

    /// Reads to the end of the file, whatever length it was said to have.
    fn read_chunks(
        &self,
        to_writer: &SyncSender<Chunk>,
        to_digester: Option<&SyncSender<Chunk>>,
    ) -> Result<u64, TransferError> {
        let mut offset = 0;
        while let Some(chunk) = self.read_chunk(offset)? {
            offset = chunk.range().end;
            let is_last = chunk.is_last();
            if let Some(to_digester) = to_digester
                && to_digester.send(chunk.clone()).is_err()
            {
                break;
            }
            // The writer has failed and will say why.
            if to_writer.send(chunk).is_err() || is_last {
                break;
            }
        }
        Ok(offset)
    }

    /// The holes of the source within a range, as its file system tells it.
    fn holes_in(&self, range: Range<u64>) -> Result<Vec<Range<u64>>, TransferError> {
        let mut holes = Vec::new();
        let mut offset = range.start;
        while offset < range.end {
            let Support::Done(data) = self.fs.next_data(self.source, offset).at_source()? else {
                return Ok(Vec::new());
            };
            let data = data.unwrap_or(range.end..range.end);
            let begin = data.start.clamp(offset, range.end);
            if begin > offset {
                holes.push(offset..begin);
            }
            offset = data.end.clamp(begin, range.end);
            if data.end <= begin && begin < range.end {
                break;
            }
        }
        Ok(holes)
    }

    fn write_chunks(
        &self,
        chunks: &Receiver<Chunk>,
        copied: &mut (dyn FnMut(u64) + Send),
    ) -> FsResult<()> {
        let mut settled = 0..0;
        for chunk in chunks {
            settled = self.write_out(&chunk, settled)?;
            copied(chunk.length as u64);
        }
        Ok(())
    }

    /// Writes a chunk, and returns its range. `settled` is that of the one before.
    fn write_out(&self, chunk: &Chunk, settled: Range<u64>) -> FsResult<Range<u64>> {
        self.write_chunk(chunk)?;
        // Begin writing early, so that the flush at the end is short and can be waited for.
        let begun = self.fs.write_back(self.partial, chunk.range(), settled)?;
        if !begun.is_done() {
            tracing::trace!("early write-back is not offered here");
        }
        Ok(chunk.range())
    }

    /// Writes a chunk, leaving out what is called a hole *and* reads as zeros. File systems have
    /// called fresh data a hole, so the word alone is not enough.
    fn write_chunk(&self, chunk: &Chunk) -> FsResult<()> {
        let mut offset = chunk.offset;
        for hole in &chunk.holes {
            let bytes = slice(chunk, hole);
            if bytes.iter().any(|byte| *byte != 0) {
                continue;
            }
            write_all(self.fs, self.partial, slice(chunk, &(offset..hole.start)), offset)?;
            offset = hole.end;
        }
        let rest = offset..chunk.range().end;
        write_all(self.fs, self.partial, slice(chunk, &rest), offset)
    }
}

fn slice<'c>(chunk: &'c Chunk, range: &Range<u64>) -> &'c [u8] {
    let from = usize::try_from(range.start - chunk.offset).expect("within the chunk");
    let to = usize::try_from(range.end - chunk.offset).expect("within the chunk");
    &chunk.bytes()[from..to]
}
