//! A job that is at work, as others see it.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::program::{Folder, Started, ended};
use crate::pty::Pty;
use crate::signals::{end, send};

/// More items than fit into the pipe and the queue: the job waits for its reader.
const MANY: usize = 3000;

pub(crate) fn folder() -> Folder {
    let folder = Folder::new();
    for index in 0..MANY {
        folder.write(format!("src/{index}"), "");
    }
    folder
}

/// A job that is held by its reader in the middle of copying.
pub(crate) fn held(folder: &Folder) -> (Started, BufReader<std::process::ChildStdout>) {
    let mut command = folder.command(&["copy", "--json", "src", "dst"]);
    let mut child = Started::new(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""type":"item""#) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the job ends before its first item");
    }
    (child, lines)
}

fn follower(folder: &Folder, options: &[&str]) -> Command {
    let mut arguments = vec!["status", "--follow"];
    arguments.extend(options);
    folder.command(&arguments)
}

#[test]
fn nobody_else_may_go_on_with_it() {
    let folder = folder();
    let (_child, _lines) = held(&folder);
    for arguments in [&["resume", "1"][..], &["retry", "1"], &["verify", "1"]] {
        let ended = folder.run(arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (4, ""), "{arguments:?}");
        let start = "error: job 1 is running already, as process ";
        assert!(ended.stderr.starts_with(start), "{}", ended.stderr);
    }
    // What runs was not interrupted.
    let resumed = folder.run(&["resume"]).all_done().stderr;
    assert!(resumed.starts_with("nothing to resume"), "{resumed}");
    assert!(resumed.ends_with("; job 1 is running (see `surecopy status 1`)\n"), "{resumed}");
    assert_eq!(folder.run(&["jobs", "prune", "--older-than", "0"]).all_done().stderr, "");
}

/// To be read again changes no state, and the job is finished all the while.
#[test]
fn a_job_that_is_read_again_is_not_pruned() {
    let folder = folder();
    folder.run(&["copy", "-q", "src", "dst"]).all_done();
    std::fs::remove_dir_all(folder.path("dst")).unwrap();
    std::fs::create_dir(folder.path("dst")).unwrap();
    let mut command = folder.command(&["verify", "--json", "1"]);
    let mut child = Started::new(command.stdout(Stdio::piped()).stderr(Stdio::null()));
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""type":"damaged""#) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "it ends before its first item");
    }
    let told = folder.run(&["status", "--json"]).all_done().objects().remove(0);
    assert_eq!((&told["state"], &told["is_running"]), (&"verifying".into(), &true.into()));
    for dry_run in ["--dry-run", "--json"] {
        let ended = folder.run(&["jobs", "prune", dry_run, "--older-than", "0"]).all_done();
        let is_none = ended.stdout.starts_with("nothing to remove: ");
        assert!(is_none || ended.stdout.contains(r#""jobs":[]"#), "{}", ended.stdout);
    }
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(end(&mut child).code(), Some(3));
    let would = || folder.run(&["jobs", "prune", "-n", "--older-than", "0"]).all_done().stdout;
    // As long as damage is known of, there is something to do about it.
    assert!(would().starts_with("nothing to remove: "), "{}", would());
    folder.run(&["resume", "-q", "1"]).all_done();
    assert_eq!(would(), "would remove 1 job: 1\n");
}

#[test]
fn it_is_shown_with_who_is_at_work() {
    let folder = folder();
    let (child, _lines) = held(&folder);
    let told = folder.run(&["status", "--json"]).all_done().objects().remove(0);
    assert_eq!((&told["state"], &told["is_running"]), (&"running".into(), &true.into()));
    assert_eq!(told["runs"][0]["pid"], child.id());
    assert_eq!(told["next"], serde_json::Value::Null);
    let text = folder.run(&["status"]).all_done().stdout;
    assert!(text.starts_with("job 1: running (copy) since "), "{text}");
    assert!(text.contains(&format!(", process {} on ", child.id())), "{text}");
}

#[test]
fn whoever_follows_it_learns_how_it_ended() {
    let folder = folder();
    let (mut child, mut lines) = held(&folder);
    let mut first = follower(&folder, &["--json"]);
    let mut first = Started::new(first.stdout(Stdio::piped()));
    let mut objects = BufReader::new(first.stdout.take().unwrap()).lines();
    let begun = objects.next().unwrap().unwrap();
    assert!(begun.contains(r#""state":"running""#), "{begun}");
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(end(&mut child).code(), Some(0));
    let last = objects.map(Result::unwrap).last().unwrap();
    assert!(last.contains(r#""state":"finished","is_running":false"#), "{last}");
    assert_eq!(end(&mut first).code(), Some(0));
}

#[test]
fn a_job_that_is_killed_is_called_interrupted() {
    let folder = folder();
    let (mut child, lines) = held(&folder);
    let mut command = follower(&folder, &[]);
    let mut following = Started::new(command.stdout(Stdio::piped()));
    let mut shown = BufReader::new(following.stdout.take().unwrap());
    let mut text = String::new();
    shown.read_line(&mut text).unwrap();
    send("KILL", &child);
    child.wait().unwrap();
    drop(lines);
    shown.read_to_string(&mut text).unwrap();
    assert!(text.contains("\njob 1: interrupted since "), "{text}");
    assert!(text.ends_with("to go on: surecopy resume 1\n"), "{text}");
    assert_eq!(end(&mut following).code(), Some(130));
    // What it has copied is as it should be, and that is not everything.
    let verified = folder.run(&["verify", "1"]).all_done().stdout;
    let last = verified.lines().last().unwrap();
    assert!(last.starts_with("not copied: "), "{verified}");
    assert!(last.ends_with(" (the job is interrupted: surecopy resume 1)"), "{verified}");
    let resumed = folder.run(&["resume", "-q"]).all_done();
    assert_eq!((resumed.stdout.as_str(), resumed.stderr.as_str()), ("", ""));
    let names: Vec<_> = std::fs::read_dir(folder.path("dst")).unwrap().collect();
    assert_eq!(names.len(), MANY);
    // What the first run did not get to is not told as if it were still to be done.
    let audit = folder.run(&["audit", "1"]).all_done().stdout;
    assert_eq!(audit.lines().last().unwrap(), format!("job 1: {MANY} items (ok: {MANY})"));
}

#[test]
fn on_a_terminal_one_line_is_drawn_anew() {
    let folder = folder();
    let (child, _lines) = held(&folder);
    let mut pty = Pty::new();
    pty.resize(40);
    let mut command = follower(&folder, &[]);
    let mut following = Started::new(command.env("TERM", "xterm").stdout(pty.stdio()));
    pty.read_until("\r\x1b[2K");
    send("TERM", &child);
    pty.read_until("to go on: surecopy resume 1");
    assert_eq!(end(&mut following).code(), Some(130));
    let text = pty.text();
    let drawn = text.split("\r\x1b[2K").skip(1).filter(|line| !line.contains("job 1:"));
    for line in drawn {
        assert!(line.chars().count() < 40, "{line:?}");
    }
}

#[test]
fn a_list_fits_a_narrow_terminal() {
    let folder = Folder::new();
    let deep = "a/directory/with a long name/and another one/鳥鳥鳥鳥";
    folder.write(format!("{deep}/file"), "text");
    folder.run(&["copy", deep, "somewhere/else/"]).all_done();
    for columns in [20, 40, 80, 120] {
        let mut pty = Pty::new();
        pty.resize(columns);
        let mut child = Started::new(folder.command(&["jobs"]).stdout(pty.stdio()));
        assert_eq!(end(&mut child).code(), Some(0));
        pty.read_until(" -> ");
        pty.read_for(Duration::from_millis(20));
        for line in pty.text().lines() {
            // What is two columns wide is one character here, eight times at most.
            let most = usize::from(columns);
            assert!(columns == 20 || line.chars().count() <= most, "{columns}: {line:?}");
        }
    }
    let plain = ended(&mut folder.command(&["jobs"])).all_done().stdout;
    assert!(plain.contains("with a long name/and another one"), "{plain}");
}
