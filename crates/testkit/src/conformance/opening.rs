//! Cases about opening files: what may be opened, and what a new file is like.

use surecopy_fs::{FileKind, FileSystem, FsErrorKind, Node, Support, Times, Timestamp};

use super::stage::{Stage, fine, os, pattern, refused, skip};

pub(super) fn a_new_file_is_private_empty_and_new<F: FileSystem>(stage: &Stage<'_, F>) {
    let file = fine("create", stage.fs.create_partial(&stage.dir, os("file")));
    let metadata = fine("read metadata", stage.fs.metadata(Node::File(&file)));
    assert_eq!((metadata.kind, metadata.size), (FileKind::File, 0));
    assert_eq!(metadata.id, stage.id("file"));
    if stage.volume().filesystem.has_owners {
        assert_eq!(metadata.mode, 0o600);
    }
    stage.write_all(&file, b"kept", 0);
    drop(stage.make_dir("dir"));
    for taken in ["file", "dir"] {
        let result = stage.fs.create_partial(&stage.dir, os(taken));
        refused(taken, result, &[FsErrorKind::AlreadyExists]);
    }
    assert_eq!(stage.read_all(&file), b"kept", "the same handle reads and writes");
    drop(file);
    let again = stage.fs.create_partial(&stage.dir, os("file"));
    refused("after it was closed", again, &[FsErrorKind::AlreadyExists]);
    assert_eq!(stage.content("file"), b"kept");
}

pub(super) fn a_new_file_is_locked_while_its_handle_lives<F: FileSystem>(stage: &Stage<'_, F>) {
    let Some(is_locked) = stage.is_locked else {
        skip("no way to ask for a lock here");
        return;
    };
    if stage.volume().filesystem.is_network {
        skip("a server may have no locks to give");
        return;
    }
    let file = fine("create", stage.fs.create_partial(&stage.dir, os("file")));
    if !fine("ask", stage.fs.is_locked(&stage.dir, os("file"))).is_done() {
        skip("no locks here");
        return;
    }
    let path = stage.path.join("file");
    let source = fine("open", stage.fs.open_source(&stage.dir, os("file")));
    assert!(is_locked(&path), "whoever creates a file holds its lock");
    drop(source);
    assert!(is_locked(&path), "whoever reads it has no part in that");
    drop(file);
    assert!(!is_locked(&path), "closing the file releases its lock");
}

pub(super) fn a_lock_is_seen_as_long_as_it_is_held<F: FileSystem>(stage: &Stage<'_, F>) {
    let is_locked = |name: &str| {
        fine("ask", stage.fs.is_locked(&stage.dir, os(name))).done().unwrap_or_default()
    };
    let file = fine("create", stage.fs.create_partial(&stage.dir, os("file")));
    if !fine("ask", stage.fs.is_locked(&stage.dir, os("file"))).is_done() {
        skip("no locks here");
        return;
    }
    assert!(is_locked("file"), "this process holds it");
    assert!(is_locked("file"), "asking does not take it away");
    fine("publish", stage.fs.publish_new(&stage.dir, os("file"), os("renamed")));
    assert!(is_locked("renamed"), "the lock is the file's, whatever its name");
    drop(stage.put("file", b"another"));
    assert!(!is_locked("file"), "another file of the same name");
    drop(file);
    assert!(!is_locked("renamed"), "its handle is gone");
    let source = fine("open", stage.fs.open_source(&stage.dir, os("renamed")));
    assert!(!is_locked("renamed"), "whoever reads it holds nothing");
    drop(source);
}

pub(super) fn only_regular_files_are_asked_for_a_lock<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("file", b"x"));
    if !fine("ask", stage.fs.is_locked(&stage.dir, os("file"))).is_done() {
        skip("no locks here");
        return;
    }
    drop(stage.make_dir("dir"));
    let ask = |name: &str| stage.fs.is_locked(&stage.dir, os(name));
    refused("nothing", ask("none"), &[FsErrorKind::NotFound]);
    refused("a directory", ask("dir"), &[FsErrorKind::InvalidInput]);
    if stage.has_links() {
        stage.make_link("link", "file");
        refused("a link to a file", ask("link"), &[FsErrorKind::LinkInPath]);
    }
    if let Some(make_fifo) = stage.make_fifo {
        make_fifo(&stage.path.join("pipe"));
        refused("a named pipe", ask("pipe"), &[FsErrorKind::InvalidInput]);
    }
}

pub(super) fn only_regular_files_are_sources<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.make_dir("dir"));
    let open = |name: &str| stage.fs.open_source(&stage.dir, os(name)).map(drop);
    refused("nothing", open("none"), &[FsErrorKind::NotFound]);
    refused("a directory", open("dir"), &[FsErrorKind::IsADirectory, FsErrorKind::InvalidInput]);
    let Some(make_fifo) = stage.make_fifo else {
        skip("no way to make a named pipe here");
        return;
    };
    make_fifo(&stage.path.join("pipe"));
    assert_eq!(stage.kind("pipe"), FileKind::Fifo);
    // Opened in a plain way, this would wait for a writer for ever.
    refused("a named pipe", open("pipe"), &[FsErrorKind::InvalidInput]);
}

pub(super) fn a_source_cannot_be_written<F: FileSystem>(stage: &Stage<'_, F>) {
    drop(stage.put("file", b"kept"));
    let source = fine("open", stage.fs.open_source(&stage.dir, os("file")));
    assert!(stage.fs.write_at(&source, b"x", 0).is_err());
    assert!(stage.fs.set_length(&source, 0).is_err());
    assert_eq!(stage.content("file"), b"kept");
}

pub(super) fn reading_a_source_leaves_no_trace<F: FileSystem>(stage: &Stage<'_, F>) {
    if stage.volume().filesystem.is_network {
        skip("a server sets access times as it likes");
        return;
    }
    let file = stage.put("file", b"content");
    // Access before modification: that is when the kernel would update it even when sparing.
    let accessed = Some(Timestamp { secs: 1_000_000_000, nanos: 0 });
    let modified = Timestamp { secs: 1_100_000_000, nanos: 0 };
    let times = Times { accessed, modified, created: None };
    fine("set times", stage.fs.set_times(Node::File(&file), times));
    drop(file);
    let before = stage.stat("file");
    assert_eq!(stage.content("file"), b"content");
    assert_eq!(stage.stat("file"), before);
}

pub(super) fn what_is_called_unreadable_cannot_be_opened<F: FileSystem>(stage: &Stage<'_, F>) {
    if !stage.volume().filesystem.has_owners {
        skip("no permissions here");
        return;
    }
    let file = stage.put("file", b"x");
    fine("readable", stage.fs.check_readable(&stage.dir, os("file")));
    fine("set permissions", stage.fs.set_permissions(Node::File(&file), 0));
    let check = stage.fs.check_readable(&stage.dir, os("file"));
    let open = stage.fs.open_source(&stage.dir, os("file")).map(drop);
    if open.is_ok() {
        fine("a privileged user may read anything", check);
        skip("run by a privileged user: permissions do not bind");
        return;
    }
    refused("check", check, &[FsErrorKind::PermissionDenied]);
    refused("open", open, &[FsErrorKind::PermissionDenied]);
    let none = stage.fs.check_readable(&stage.dir, os("none"));
    refused("check what is not there", none, &[FsErrorKind::NotFound]);
}

pub(super) fn what_is_called_unwritable_takes_no_names<F: FileSystem>(stage: &Stage<'_, F>) {
    fine("writable", stage.fs.check_writable(&stage.dir));
    if !stage.volume().filesystem.has_owners {
        skip("no permissions here");
        return;
    }
    fine("set permissions", stage.fs.set_permissions(Node::Dir(&stage.dir), 0o500));
    let check = stage.fs.check_writable(&stage.dir);
    let create = stage.fs.create_dir(&stage.dir, os("new"));
    fine("set permissions", stage.fs.set_permissions(Node::Dir(&stage.dir), 0o700));
    if create.is_ok() {
        fine("a privileged user may write anywhere", check);
        skip("run by a privileged user: permissions do not bind");
        return;
    }
    refused("check", check, &[FsErrorKind::PermissionDenied]);
    refused("create", create, &[FsErrorKind::PermissionDenied]);
}

pub(super) fn reads_past_the_cache_show_the_content<F: FileSystem>(stage: &Stage<'_, F>) {
    let alignment = F::DIRECT_ALIGNMENT;
    let bytes = pattern(5 * alignment + 100);
    let file = stage.put("file", &bytes);
    fine("flush", stage.fs.flush_file(&file));
    let direct = match fine("open", stage.fs.open_direct(&stage.dir, os("file"))) {
        Support::Unsupported => {
            skip("no reads past the cache here");
            return;
        }
        Support::Done(direct) => direct,
    };
    let mut room = vec![0u8; 3 * alignment];
    let start = room.as_ptr().align_offset(alignment);
    let buffer = &mut room[start..start + 2 * alignment];
    let mut read = Vec::new();
    while read.len() < bytes.len() {
        let offset = read.len() as u64;
        let count = fine("read", stage.fs.read_at(&direct, buffer, offset));
        assert!(count > 0, "the file ends at {offset}, too early");
        read.extend_from_slice(&buffer[..count]);
    }
    assert_eq!(read, bytes);
    let beyond = bytes.len().next_multiple_of(alignment) as u64;
    assert_eq!(fine("read at the end", stage.fs.read_at(&direct, buffer, beyond)), 0);
}
