//! Reading what the kernel says of itself in `/proc` and `/sys`. These files state no size and may
//! be missing altogether; whoever asks has an answer for that.

use std::path::Path;

use rustix::fs::{Mode, OFlags, open};
use rustix::io::read;

use super::call::uninterrupted;

/// The whole text, or `None` when it cannot be had.
pub(super) fn text(path: impl AsRef<Path>) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
    let file = uninterrupted(|| open(path.as_ref(), flags, Mode::empty())).ok()?;
    let mut text = Vec::new();
    let mut buffer = vec![0; 16 * 1024];
    loop {
        match uninterrupted(|| read(&file, &mut buffer[..])).ok()? {
            // Mount points have names in any encoding; what is asked for here is plain ASCII.
            0 => return Some(String::from_utf8_lossy(&text).into_owned()),
            count => text.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A file that holds one number.
pub(super) fn number(path: impl AsRef<Path>) -> Option<u64> {
    text(path)?.trim().parse().ok()
}
