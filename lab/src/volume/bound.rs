//! The same folder or file at a second place.

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::tool;

/// What is seen at a second place, until this is dropped.
pub(crate) struct Bound(PathBuf);

impl Bound {
    /// Shows it also there, where a folder or a file is already.
    pub(crate) fn new(what: &Path, at: &Path) -> Result<Self> {
        tool::run("mount", ["--bind".as_ref(), what.as_os_str(), at.as_os_str()])?;
        Ok(Self(at.to_owned()))
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Err(error) = tool::run("umount", [&self.0]) {
            eprintln!("{error:#}");
        }
    }
}
