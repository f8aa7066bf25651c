//! A partial file on its way to being published.

use std::ffi::{OsStr, OsString};
use std::sync::Arc;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, Metadata, Node, Operation};

use crate::plan::Seen;

/// Where an item will be published.
pub(crate) struct Target<F: FileSystem> {
    pub(crate) fs: Arc<F>,
    pub(crate) dir: Arc<F::Dir>,
    pub(crate) name: OsString,
}

impl<F: FileSystem> Clone for Target<F> {
    fn clone(&self) -> Self {
        Self { fs: Arc::clone(&self.fs), dir: Arc::clone(&self.dir), name: self.name.clone() }
    }
}

/// What every stage carries: the entry that is not visible yet, and the duty to remove it.
pub(super) struct Body<F: FileSystem> {
    pub(super) target: Target<F>,
    /// The name it has now: that of a partial file, or, just before an exchange, that of a backup.
    pub(super) name: OsString,
    pub(super) file: Option<F::File>,
    is_ours: bool,
}

impl<F: FileSystem> Body<F> {
    fn new(target: Target<F>, name: OsString, file: Option<F::File>) -> Self {
        Self { target, name, file, is_ours: true }
    }

    /// Gives up the duty to remove: the entry now has its final name, or was removed.
    pub(super) fn release(mut self) -> Target<F> {
        self.is_ours = false;
        self.target.clone()
    }

    pub(super) fn remove(mut self) -> Result<(), FsError> {
        self.is_ours = false;
        self.target.fs.remove_file(&self.target.dir, &self.name)
    }
}

impl<F: FileSystem> Drop for Body<F> {
    fn drop(&mut self) {
        if self.is_ours
            && let Err(error) = self.target.fs.remove_file(&self.target.dir, &self.name)
        {
            tracing::warn!(name = ?self.name, %error, "a partial file was left behind");
        }
    }
}

/// A partial file to which bytes may be written.
pub(crate) struct Partial<F: FileSystem>(Body<F>);

impl<F: FileSystem> Partial<F> {
    /// Creates a regular partial file in the target's directory.
    pub(crate) fn create(target: Target<F>, partial: OsString) -> Result<Self, FsError> {
        let file = target.fs.create_partial(&target.dir, &partial)?;
        Ok(Self(Body::new(target, partial, Some(file))))
    }

    /// The open file.
    pub(crate) fn file(&self) -> &F::File {
        self.0.file.as_ref().expect("a regular partial file is open")
    }

    /// Ends the transfer: the length on disk must be what was transferred.
    pub(crate) fn fill(self, length: u64) -> Result<Filled<F>, (Self, FsError)> {
        match self.0.target.fs.metadata(Node::File(self.file())) {
            Ok(found) if found.size == length => Ok(Filled(self.0)),
            Ok(found) => {
                let mut error = FsError::of_kind(Operation::Write, FsErrorKind::Io);
                error.source = std::io::Error::other(format!(
                    "the partial file has {} bytes after {length} were written",
                    found.size
                ));
                Err((self, error))
            }
            Err(error) => Err((self, error)),
        }
    }

    /// Removes the partial file, now and with an answer.
    pub(crate) fn discard(self) -> Result<(), FsError> {
        self.0.remove()
    }
}

/// A partial file whose content is complete.
pub(crate) struct Filled<F: FileSystem>(Body<F>);

impl<F: FileSystem> Filled<F> {
    /// The open file.
    pub(crate) fn file(&self) -> &F::File {
        self.0.file.as_ref().expect("a regular partial file is open")
    }

    /// Metadata has been applied.
    pub(crate) fn written(self) -> Written<F> {
        Written(self.0)
    }
}

/// A complete entry under its partial name: content and metadata.
pub(crate) struct Written<F: FileSystem>(Body<F>);

impl<F: FileSystem> Written<F> {
    /// Makes a symbolic link under the partial name.
    pub(crate) fn symlink(
        target: Target<F>,
        partial: OsString,
        text: &OsStr,
    ) -> Result<Self, FsError> {
        target.fs.create_symlink(&target.dir, &partial, text)?;
        Ok(Self(Body::new(target, partial, None)))
    }

    /// Adopts an entry that was just linked under the partial name.
    pub(crate) fn linked(target: Target<F>, partial: OsString) -> Self {
        Self(Body::new(target, partial, None))
    }

    /// The target.
    pub(crate) fn target(&self) -> &Target<F> {
        &self.0.target
    }

    /// The partial name.
    pub(crate) fn partial_name(&self) -> &OsStr {
        &self.0.name
    }

    /// Whether it holds a file open; links hold none.
    pub(crate) fn is_open(&self) -> bool {
        self.0.file.is_some()
    }

    /// Flushes this one file. After a failure it can only be discarded: a second flush would prove
    /// nothing.
    pub(crate) fn flush(self) -> Result<Flushed<F>, (Unflushed<F>, FsError)> {
        match self.0.file.as_ref().map(|file| self.0.target.fs.flush_file(file)) {
            None | Some(Ok(())) => Ok(Flushed(self.0)),
            Some(Err(error)) => Err((Unflushed(self.0), error)),
        }
    }

    /// The whole volume has been flushed since the last byte was written here, without an error.
    pub(crate) fn flushed_with_volume(self) -> Flushed<F> {
        Flushed(self.0)
    }

    /// Removes the partial file.
    pub(crate) fn discard(self) -> Result<(), FsError> {
        self.0.remove()
    }
}

/// An entry of which some bytes may be lost.
pub(crate) struct Unflushed<F: FileSystem>(Body<F>);

impl<F: FileSystem> Unflushed<F> {
    /// Removes the partial file.
    pub(crate) fn discard(self) -> Result<(), FsError> {
        self.0.remove()
    }
}

/// A complete entry whose content is on the device, still under its partial name.
pub(crate) struct Flushed<F: FileSystem>(Body<F>);

impl<F: FileSystem> Flushed<F> {
    /// The target.
    pub(crate) fn target(&self) -> &Target<F> {
        &self.0.target
    }

    /// The partial name.
    pub(crate) fn partial_name(&self) -> &OsStr {
        &self.0.name
    }

    /// The open file; links have none.
    pub(crate) fn file(&self) -> Option<&F::File> {
        self.0.file.as_ref()
    }

    /// The read-back that the policy asks for was done, or it asks for none.
    pub(crate) fn proved(self) -> Proved<F> {
        Proved(self.0)
    }

    /// Removes the partial file.
    pub(crate) fn discard(self) -> Result<(), FsError> {
        self.0.remove()
    }
}

/// A complete, durable entry that has been proved as far as was asked.
pub(crate) struct Proved<F: FileSystem>(Body<F>);

impl<F: FileSystem> Proved<F> {
    /// The target.
    pub(crate) fn target(&self) -> &Target<F> {
        &self.0.target
    }

    /// Whether it holds a file open; links hold none.
    pub(crate) fn is_open(&self) -> bool {
        self.0.file.is_some()
    }

    /// What tells the new entry from others, now and when it is published.
    pub(crate) fn seen(&self) -> Result<Seen, FsError> {
        self.0.seen()
    }

    /// The partial name.
    pub(crate) fn partial_name(&self) -> &OsStr {
        &self.0.name
    }

    pub(super) fn into_body(self) -> Body<F> {
        self.0
    }

    /// Removes the partial file.
    pub(crate) fn discard(self) -> Result<(), FsError> {
        self.0.remove()
    }
}

impl<F: FileSystem> Body<F> {
    /// What stands now under the name that the entry has, or had.
    pub(super) fn metadata_at_name(&self) -> Result<Metadata, FsError> {
        self.target.fs.metadata_at(&self.target.dir, &self.name)
    }

    /// What tells the new entry from others.
    pub(super) fn seen(&self) -> Result<Seen, FsError> {
        let metadata = match &self.file {
            Some(file) => self.target.fs.metadata(Node::File(file))?,
            None => self.metadata_at_name()?,
        };
        Ok(Seen::of(&metadata))
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use surecopy_testkit::FakeFs;

    /// Whatever ends an item in between, be it a panic.
    #[test]
    fn a_partial_file_that_is_let_go_of_is_removed() {
        let fs = FakeFs::new();
        fs.dir("/dst");
        let dir = Arc::new(fs.open_root(Path::new("/dst")).expect("it is there"));
        let target = Target { fs: Arc::new(fs.clone()), dir, name: "file".into() };
        let partial = Partial::create(target, "partial".into()).expect("a free name");
        assert_eq!(fs.names("/dst"), ["partial"]);
        drop(partial);
        assert!(fs.names("/dst").is_empty());
    }
}
