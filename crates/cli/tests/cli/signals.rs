//! Signals end a job in order: exit status 130, nothing half-written.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::program::Folder;

/// More items than fit into the pipe and the queue, so that a reader who stops holds the job where
/// it is. No test has to be quick.
const MANY: usize = 3000;

fn folder() -> Folder {
    let folder = Folder::new();
    for index in 0..MANY {
        folder.write(format!("src/{index}"), "");
    }
    folder
}

/// A job that waits for its reader, who has seen the line of the first item.
fn held(command: &mut Command, first: &str) -> (Child, BufReader<ChildStdout>) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(first) {
        line.clear();
        assert_ne!(lines.read_line(&mut line).unwrap(), 0, "the job ends before its first item");
    }
    (child, lines)
}

pub(crate) fn send(signal: &str, child: &Child) {
    let kill = format!("kill -{signal} {}", child.id());
    assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
}

/// Waits for the end, so long that a busy machine does not matter; not for ever.
pub(crate) fn end(child: &mut Child) -> ExitStatus {
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    panic!("the program does not end");
}

fn cancelled_by(signal: &str) {
    let folder = folder();
    let mut command = folder.command(&["copy", "--json", "src", "dst"]);
    let (mut child, mut lines) = held(&mut command, r#""type":"item""#);
    send(signal, &child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{stderr}");
    let report = rest.lines().last().unwrap();
    assert!(report.contains(r#""outcome":"cancelled","exit_code":130"#), "{report}");
    nothing_half_written(&folder);
}

fn nothing_half_written(folder: &Folder) {
    for entry in std::fs::read_dir(folder.path("dst")).unwrap() {
        let name = entry.unwrap().file_name();
        let number: usize = name.to_str().unwrap().parse().expect("no partial file is left");
        assert!(number < MANY);
    }
}

#[test]
fn row_03_interrupt() {
    cancelled_by("INT");
}

#[test]
fn row_03_terminate() {
    cancelled_by("TERM");
}

#[test]
fn row_03_hang_up() {
    cancelled_by("HUP");
}

#[test]
fn a_reader_that_stands_still_does_not_keep_a_cancelled_job_alive() {
    for (output, first) in [("--json", r#""type":"item""#), ("-v", "dst/")] {
        let folder = folder();
        let mut command = folder.command(&["copy", output, "src", "dst"]);
        let (mut child, lines) = held(&mut command, first);
        send("INT", &child);
        // The pipe stays open and full: nothing but the signal ends the program.
        assert_eq!(end(&mut child).code(), Some(130), "{output}");
        nothing_half_written(&folder);
        drop(lines);
    }
}

#[test]
fn row_03_a_copy_under_nohup_outlives_its_terminal() {
    let folder = folder();
    let mut command = Command::new("sh");
    command.args(["-c", r#"trap "" HUP; exec "$0" copy --json src dst"#]);
    command.arg(env!("CARGO_BIN_EXE_surecopy")).current_dir(folder.path(""));
    command.env("SURECOPY_LEDGER", folder.ledger());
    let (mut child, mut lines) = held(&mut command, r#""type":"item""#);
    send("HUP", &child);
    let mut rest = String::new();
    lines.read_to_string(&mut rest).unwrap();
    assert_eq!(end(&mut child).code(), Some(0));
    assert_eq!(std::fs::read_dir(folder.path("dst")).unwrap().count(), MANY);
}

#[test]
fn row_5_a_limit_on_the_size_of_files_fails_those_that_reach_it_and_no_other() {
    let folder = Folder::new();
    let large = "x".repeat(600_000);
    folder.write("src/a-large", &large).write("src/b-large", &large).write("src/small", "small");
    folder.write("dst/a-large", "old");
    for strategy in ["direct", "staged"] {
        let copy = ["copy", "--no-ledger", "--strategy", strategy, "-j", "1", "-T", "src", "dst"];
        let ended = folder.run_with_small_files(200, &copy);
        assert_eq!(ended.code, 1, "{strategy}: {ended:?}");
        assert!(ended.stderr.contains("os error 27"), "{strategy}: {ended:?}");
        assert_eq!(folder.read("dst/a-large"), "old");
        assert_eq!(folder.read("dst/small"), "small");
        let there = std::fs::read_dir(folder.path("dst")).unwrap().count();
        assert_eq!(there, 2, "{strategy}: {:?}", folder.listing());
    }
}
