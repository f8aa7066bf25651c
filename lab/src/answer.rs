//! How the file systems that the lab serves with FUSE answer: with what they came to, or with an error.

use std::time::Duration;

use fuser::{
    Errno, FileAttr, Generation, ReplyAttr, ReplyData, ReplyEmpty, ReplyEntry, ReplyWrite,
};

/// What a request has come to.
pub(crate) type Answer<T> = Result<T, Errno>;

/// The file of a name, which the kernel may remember for so long.
pub(crate) fn entry(found: Answer<FileAttr>, kept: Duration, reply: ReplyEntry) {
    match found {
        Ok(attributes) => reply.entry(&kept, &attributes, Generation(0)),
        Err(error) => reply.error(error),
    }
}

/// What a file is, which the kernel may remember for so long.
pub(crate) fn attributes(found: Answer<FileAttr>, kept: Duration, reply: ReplyAttr) {
    match found {
        Ok(attributes) => reply.attr(&kept, &attributes),
        Err(error) => reply.error(error),
    }
}

/// What was read.
pub(crate) fn data(read: Answer<impl AsRef<[u8]>>, reply: ReplyData) {
    match read {
        Ok(bytes) => reply.data(bytes.as_ref()),
        Err(error) => reply.error(error),
    }
}

/// How much was written.
pub(crate) fn written(written: Answer<u32>, reply: ReplyWrite) {
    match written {
        Ok(bytes) => reply.written(bytes),
        Err(error) => reply.error(error),
    }
}

/// That it was done.
pub(crate) fn done(result: Answer<()>, reply: ReplyEmpty) {
    match result {
        Ok(()) => reply.ok(),
        Err(error) => reply.error(error),
    }
}
