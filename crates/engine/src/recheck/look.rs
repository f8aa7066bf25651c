//! One copied item: what it is now, against what was recorded.

use surecopy_fs::{FileKind, FileSystem, FsError, Metadata, Node};

use crate::control::{Cancelled, Control};
use crate::destinations::{Destinations, Target, is_like};
use crate::error::{ErrorCode, ItemError, Side};
use crate::opened::Opened;
use crate::policy::{Digest, ReadBack};
use crate::record::{Check, DoneItem};
use crate::report::ItemKind;
use crate::verify::{VerifyError, open_medium, read_back_digest};

/// What it takes to look.
pub(super) struct Look<'a, 'd, F: FileSystem> {
    pub(super) destinations: &'a Destinations<'d, F>,
    pub(super) read_back: ReadBack,
    pub(super) control: &'a Control,
}

/// A directory that stays open from one item to the next.
pub(super) type Remembered<F> = Option<((usize, surecopy_fs::RelPath), Opened<F>)>;

impl<F: FileSystem> Look<'_, '_, F> {
    /// Looks at an item. `verified` is told of bytes as they are read.
    pub(super) fn at(
        &self,
        item: &DoneItem,
        target: &Target,
        remembered: &mut Remembered<F>,
        buffer: &mut [u8],
        verified: &mut dyn FnMut(u64),
    ) -> Result<Check, Cancelled> {
        let reached = (target.mapping, target.parent.clone());
        if remembered.as_ref().is_none_or(|(open, _)| *open != reached) {
            *remembered = match self.destinations.directory(target.mapping, &target.parent) {
                Ok(place) => place.map(|place| (reached, place)),
                Err(error) => return Ok(unreadable(&error, target)),
            };
        }
        let Some((_, place)) = remembered else { return Ok(missing(target)) };
        let found = match place.at(self.destinations.fs, &target.name) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(missing(target)),
            Err(error) => return Ok(unreadable(&error, target)),
        };
        if !has_kind(item, found.kind) {
            return Ok(Check::Damaged(changed(target).with_details(kind_of(&found))));
        }
        match &item.digest {
            Some(digest) if found.kind == FileKind::File => {
                self.by_content(item, target, digest, place, buffer, verified)
            }
            Some(_) | None => Ok(by_look(item, target, &found, place)),
        }
    }

    fn by_content(
        &self,
        item: &DoneItem,
        target: &Target,
        digest: &Digest,
        place: &Opened<F>,
        buffer: &mut [u8],
        verified: &mut dyn FnMut(u64),
    ) -> Result<Check, Cancelled> {
        let fs = self.destinations.fs;
        let (dir, volume, name) = (&place.dir, &place.volume, &target.name);
        let opened = fs.open_source(dir, name).and_then(|file| {
            // Whoever wrote to it since may not have flushed it: pages that are not on the device are
            // not dropped, and then nothing more than `cache` is claimed.
            let medium = open_medium(fs, volume, dir, name, &file, self.read_back, true)?;
            Ok((file, medium))
        });
        let (file, mut medium) = match opened {
            Ok(opened) => opened,
            Err(error) => return Ok(unreadable(&error, target)),
        };
        let algorithm = digest.algorithm;
        let control = self.control;
        let read = read_back_digest(fs, &mut medium, &file, algorithm, buffer, control, verified);
        match read {
            Ok(found) if found == *digest => Ok(Check::Same(medium.evidence())),
            Ok(_) => {
                let now = fs.metadata(Node::File(&file)).ok();
                let error = now.map_or_else(
                    || not_what_was_copied(target),
                    |now| why_it_differs(item, target, &now, place),
                );
                Ok(Check::Damaged(error))
            }
            Err(VerifyError::Cancelled) => Err(Cancelled),
            Err(VerifyError::Mismatch) => Ok(Check::Damaged(not_what_was_copied(target))),
            Err(VerifyError::Fs(_, error)) => Ok(unreadable(&error, target)),
        }
    }
}

/// Without a digest of the content: what an entry is known by says whether it was touched, and not
/// whether it is whole.
fn by_look<F: FileSystem>(
    item: &DoneItem,
    target: &Target,
    found: &Metadata,
    place: &Opened<F>,
) -> Check {
    let then = item.landed.target;
    let is_same = match found.kind {
        // The text of a link is recorded nowhere, and no program changes that of one that is there.
        FileKind::Symlink => then.is_still(found, &place.volume),
        _ => is_like(then, found),
    };
    if is_same {
        return Check::NoDigest;
    }
    Check::Damaged(changed(target))
}

fn has_kind(item: &DoneItem, found: FileKind) -> bool {
    match item.kind {
        ItemKind::File => found == FileKind::File,
        ItemKind::Symlink => found == FileKind::Symlink,
        ItemKind::HardLink => matches!(found, FileKind::File | FileKind::Symlink),
        ItemKind::Directory => found == FileKind::Directory,
        ItemKind::Special => {
            !matches!(found, FileKind::File | FileKind::Symlink | FileKind::Directory)
        }
    }
}

fn kind_of(found: &Metadata) -> String {
    let kind = match found.kind {
        FileKind::File => "a file",
        FileKind::Directory => "a directory",
        FileKind::Symlink => "a symbolic link",
        FileKind::Fifo => "a named pipe",
        FileKind::Socket => "a socket",
        FileKind::Device => "a device",
    };
    format!("{kind} stands in its place")
}

/// Somebody who writes to a file leaves another size or another time. Where both are as they were,
/// it is the disk that is not to be trusted, or whoever set them back.
fn why_it_differs<F: FileSystem>(
    item: &DoneItem,
    target: &Target,
    now: &Metadata,
    place: &Opened<F>,
) -> ItemError {
    let then = item.landed.target;
    if then.size_bytes != now.size {
        let sizes = format!("it had {} bytes and has {} now", then.size_bytes, now.size);
        changed(target).with_details(sizes)
    } else if !is_like(then, now) {
        changed(target).with_details("it was written to, or replaced, since then")
    } else if then.is_still(now, &place.volume) {
        not_what_was_copied(target).with_details(
            "its size and modification time are as they were: no program has written to it in the \
             ordinary way",
        )
    } else {
        not_what_was_copied(target).with_details(
            "its size and modification time are as they were, and it is another file: it was \
             replaced",
        )
    }
}

fn not_what_was_copied(target: &Target) -> ItemError {
    let message = "it is not what was copied";
    ItemError::new(ErrorCode::VerifyMismatch, target.shown.clone(), message)
}

fn changed(target: &Target) -> ItemError {
    let message = "it was changed since it was copied";
    ItemError::new(ErrorCode::TargetChanged, target.shown.clone(), message)
}

fn missing(target: &Target) -> Check {
    let message = "it is not there any more";
    Check::Damaged(ItemError::new(ErrorCode::TargetChanged, target.shown.clone(), message))
}

fn unreadable(error: &FsError, target: &Target) -> Check {
    Check::Damaged(ItemError::from_fs(error, Side::Destination, target.shown.clone()))
}
