//! How a copy to a bad disk ended: what the program said, and what really lies on the disk.

use std::fs;
use std::io;
use std::path::Path;

use anyhow::{Context, Result};

/// What lies under the target's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Left {
    /// The source's content.
    Right,
    /// Something else.
    Wrong,
    /// A file of which not everything can be read.
    Unreadable,
    /// What was there before.
    Old,
    /// Nothing.
    Absent,
}

impl Left {
    /// Looks at what lies there.
    pub(crate) fn look(target: &Path, source: &[u8], old: Option<&[u8]>) -> Result<Self> {
        Ok(match fs::read(target) {
            Ok(found) if found == source => Left::Right,
            Ok(found) if Some(found.as_slice()) == old => Left::Old,
            Ok(_) => Left::Wrong,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Left::Absent,
            // EIO, or what a file system says of a sum that does not fit.
            Err(error) if error.raw_os_error().is_some_and(|code| code == 5 || code == 74) => {
                Left::Unreadable
            }
            Err(error) => {
                return Err(error).with_context(|| format!("look at {}", target.display()));
            }
        })
    }
}

/// What a program said, and what it has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Outcome {
    pub(crate) status: i32,
    pub(crate) left: Left,
}

impl Outcome {
    /// Success was reported, and the content is not there.
    pub(crate) fn is_lie(self) -> bool {
        self.status == 0 && self.left != Left::Right
    }

    /// Failure was reported, and the target is as if nothing had been copied.
    pub(crate) fn is_refusal(self) -> bool {
        self.status != 0 && matches!(self.left, Left::Old | Left::Absent)
    }
}
