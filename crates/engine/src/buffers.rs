//! Buffers for bytes in flight, with one fixed bound on their sum.
//!
//! Buffers are aligned for unbuffered reads and are reused. Whoever holds one needs no second one
//! to make progress, so waiting for room cannot deadlock.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Condvar, Mutex};

/// Alignment in bytes that satisfies unbuffered reads on every device met so far.
const ALIGNMENT: usize = 4096;

/// A block of memory whose first byte is aligned for unbuffered reads.
#[derive(Debug)]
pub(crate) struct AlignedBuffer {
    storage: Vec<u8>,
    start: usize,
    length: usize,
}

impl AlignedBuffer {
    /// A zeroed buffer of `length` bytes, rounded up to the alignment.
    pub(crate) fn new(length: usize) -> Self {
        let length = length.next_multiple_of(ALIGNMENT);
        let storage = vec![0; length + ALIGNMENT];
        let start = storage.as_ptr().align_offset(ALIGNMENT);
        Self { storage, start, length }
    }
}

impl Deref for AlignedBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.storage[self.start..self.start + self.length]
    }
}

impl DerefMut for AlignedBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.storage[self.start..self.start + self.length]
    }
}

/// A fixed number of buffers of one size.
#[derive(Debug, Clone)]
pub(crate) struct BufferPool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    buffer_bytes: usize,
    state: Mutex<State>,
    returned: Condvar,
}

#[derive(Debug)]
struct State {
    free: Vec<AlignedBuffer>,
    unmade: usize,
}

impl BufferPool {
    /// A pool that never holds more than `budget_bytes`, and always at least two buffers.
    pub(crate) fn new(buffer_bytes: usize, budget_bytes: u64) -> Self {
        let count = usize::try_from(budget_bytes / buffer_bytes as u64).unwrap_or(usize::MAX);
        Self {
            shared: Arc::new(Shared {
                buffer_bytes,
                state: Mutex::new(State { free: Vec::new(), unmade: count.max(2) }),
                returned: Condvar::new(),
            }),
        }
    }

    /// Takes a buffer, waiting for one to be returned if all are in use.
    pub(crate) fn take(&self) -> PooledBuffer {
        let mut state = self.shared.state.lock().expect("no code panics while holding this lock");
        loop {
            if let Some(buffer) = state.free.pop() {
                return PooledBuffer { buffer: Some(buffer), pool: Arc::clone(&self.shared) };
            }
            if state.unmade > 0 {
                state.unmade -= 1;
                drop(state);
                let buffer = AlignedBuffer::new(self.shared.buffer_bytes);
                return PooledBuffer { buffer: Some(buffer), pool: Arc::clone(&self.shared) };
            }
            state = self.shared.returned.wait(state).expect("no code panics while holding it");
        }
    }
}

/// A buffer that goes back to its pool when dropped.
#[derive(Debug)]
pub(crate) struct PooledBuffer {
    buffer: Option<AlignedBuffer>,
    pool: Arc<Shared>,
}

impl Deref for PooledBuffer {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        self.buffer.as_ref().expect("present until dropped")
    }
}

impl DerefMut for PooledBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        self.buffer.as_mut().expect("present until dropped")
    }
}

impl Drop for PooledBuffer {
    fn drop(&mut self) {
        if let Some(buffer) = self.buffer.take() {
            // A poisoned lock means that the run is ending anyway.
            if let Ok(mut state) = self.pool.state.lock() {
                state.free.push(buffer);
                self.pool.returned.notify_one();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_aligned_and_rounded_up() {
        let buffer = AlignedBuffer::new(5000);
        assert_eq!(buffer.len(), 8192);
        assert_eq!(buffer.as_ptr() as usize % ALIGNMENT, 0);
    }

    #[test]
    fn the_bound_holds_and_returned_buffers_are_reused() {
        let pool = BufferPool::new(4096, 3 * 4096);
        let mut held: Vec<_> = (0..3).map(|_| pool.take()).collect();
        assert_eq!(pool.shared.state.lock().unwrap().unmade, 0);
        let address = |buffer: &PooledBuffer| buffer.as_ptr() as usize;
        let returned = address(&held[1]);
        let waiting = {
            let pool = pool.clone();
            std::thread::spawn(move || address(&pool.take()))
        };
        drop(held.remove(1));
        // The others are still held, so that the waiter gets the one that came back, not a fourth.
        assert_eq!(waiting.join().unwrap(), returned);
        drop(held);
        assert_eq!(pool.shared.state.lock().unwrap().free.len(), 3);
    }
}
