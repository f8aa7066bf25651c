//! A ledger that this user may not read, or may only read. The superuser becomes nobody for this.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use crate::at_work;
use crate::program::{Ended, Folder};

/// Runs a command without privileges, after permissions were set; `None` where this is impossible.
fn run(folder: &Folder, arguments: &[&str], modes: &[(&str, u32)]) -> Option<Ended> {
    let mut command = folder.command(arguments);
    if let Err(error) = folder.act_without_privileges(&mut command) {
        println!("skipped: a superuser who can give nothing away: {error}");
        return None;
    }
    for (name, mode) in modes {
        fs::set_permissions(folder.path(name), Permissions::from_mode(*mode)).unwrap();
    }
    let output = command.output();
    for (name, _) in modes.iter().rev() {
        fs::set_permissions(folder.path(name), Permissions::from_mode(0o700)).unwrap();
    }
    match output {
        Ok(output) => Some(Ended::from(output)),
        Err(error) => {
            println!("skipped: another user cannot run this: {error}");
            None
        }
    }
}

#[test]
fn what_may_not_be_read_is_said_to_be_so() {
    let folder = Folder::new();
    folder.write("src/a", "content").write("state/other", "");
    folder.run(&["copy", "--ledger", "state/l.db", "src", "dst"]).all_done();
    for (name, mode) in [("state/l.db", 0o200), ("state/l.db", 0), ("state", 0o600)] {
        for words in [&["jobs"][..], &["status", "1"], &["audit", "1"]] {
            let arguments = [words, &["--ledger", "state/l.db"]].concat();
            let Some(ended) = run(&folder, &arguments, &[(name, mode)]) else { return };
            assert_eq!((ended.code, ended.stdout.as_str()), (5, ""), "{arguments:?} {mode:o}");
            assert!(ended.stderr.contains(" cannot be read; grant "), "{}", ended.stderr);
        }
    }
}

/// What has happened last is in the log only, and the log cannot be read without memory that is shared
/// with those who write.
#[test]
fn what_cannot_be_read_to_its_end_is_not_shown_as_it_was_before() {
    let folder = at_work::folder();
    let ledger = ["--ledger", "state/l.db"];
    folder.write("first", "content").write("state/other", "");
    folder.run(&["copy", "first", "copied"]).all_done();
    let modes = [("state/l.db", 0o400), ("state/l.db-wal", 0o400), ("state", 0o500)];
    let copy = |name: &str| {
        let from = format!("{}{name}", folder.ledger().display());
        fs::write(folder.path(format!("state/l.db{name}")), fs::read(from).unwrap()).unwrap();
    };
    copy("");
    folder.write("state/l.db-wal", "");
    let words = ["jobs", ledger[0], ledger[1]];
    let Some(ended) = run(&folder, &words, &modes) else { return };
    let before = ended.all_done().stdout;
    assert_eq!(before.matches("copied").count(), 1, "{before}");

    let held = at_work::held(&folder);
    ["", "-wal"].into_iter().for_each(copy);
    drop(held);
    let Some(ended) = run(&folder, &words, &modes) else { return };
    assert_eq!((ended.code, ended.stdout.as_str()), (5, ""));
    assert!(ended.stderr.contains(" cannot be written; grant "), "{}", ended.stderr);
    // Who may make that memory sees the second job as well.
    let Some(ended) = run(&folder, &words, &modes[..2]) else { return };
    assert!(ended.all_done().stdout.contains("interrupted"), "the second job");
}
