//! What happens on a terminal: bars, and a terminal that takes no more.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::program::{Folder, Started};
use crate::pty::Pty;
use crate::signals::{end, send};

/// A job that does not end by itself while a test looks on, however fast the machine is: a source
/// that is all hole, of which every byte is read.
fn long_job() -> Folder {
    let folder = Folder::new();
    folder.write("src/big", "");
    let file = std::fs::File::options().write(true).open(folder.path("src/big")).unwrap();
    file.set_len(1 << 40).unwrap();
    folder
}

fn command(folder: &Folder, options: &[&str]) -> Command {
    let mut arguments = vec!["copy", "--set", "maximum_copy_file_size_bytes=none"];
    arguments.extend(options);
    arguments.extend(["src/", "dst"]);
    let mut command = folder.command(&arguments);
    command.env("TERM", "xterm");
    command
}

/// Starts a job with bars on the terminal, and waits until they are there.
fn with_bars(folder: &Folder, options: &[&str], stdout: Stdio, pty: &mut Pty) -> Started {
    let mut command = command(folder, options);
    let child = Started::new(command.stdout(stdout).stderr(pty.stdio()));
    pty.read_until("items  0 of");
    child
}

const BOTH_FORMS: [&[&str]; 2] = [&[], &["--json", "--progress", "always"]];

#[test]
fn a_terminal_that_takes_no_more_does_not_keep_a_cancelled_job_alive() {
    let stalls: [fn(&Pty); 2] = [Pty::stop, Pty::fill];
    for (number, stall) in stalls.into_iter().enumerate() {
        for options in BOTH_FORMS {
            let (folder, mut pty) = (long_job(), Pty::new());
            let mut child = with_bars(&folder, options, Stdio::null(), &mut pty);
            stall(&pty);
            send("TERM", &child);
            assert_eq!(end(&mut child).code(), Some(130), "{number} {options:?}");
            assert!(std::fs::read_dir(folder.path("dst")).map_or(0, Iterator::count) == 0);
        }
    }
}

#[test]
fn nor_does_one_that_everything_is_written_to() {
    let (folder, mut pty) = (long_job(), Pty::new());
    let stdout = pty.stdio();
    let mut child = with_bars(&folder, &[], stdout, &mut pty);
    pty.stop();
    send("TERM", &child);
    assert_eq!(end(&mut child).code(), Some(130));
}

#[test]
fn nor_does_an_error_that_it_does_not_take() {
    let (folder, pty) = (Folder::new(), Pty::new());
    folder.write("src/a", "text");
    pty.stop();
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut child = Started::new(command(&folder, &[]).stdout(full).stderr(pty.stdio()));
    // From here on a signal is a cancel, and an error is said sooner or later: that nothing could be
    // written to stdout.
    let began = Instant::now();
    while !folder.path("dst/a").exists() {
        assert!(began.elapsed() < Duration::from_secs(60), "nothing is copied");
        std::thread::sleep(Duration::from_millis(5));
    }
    send("TERM", &child);
    let code = end(&mut child).code();
    assert!(matches!(code, Some(1 | 130)), "{code:?}");
}

#[test]
fn a_terminal_that_is_read_is_told_of_the_cancel() {
    for options in BOTH_FORMS {
        let (folder, mut pty) = (long_job(), Pty::new());
        let mut child = with_bars(&folder, options, Stdio::null(), &mut pty);
        send("TERM", &child);
        pty.read_until("cancelling …");
        let began = Instant::now();
        while child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(60) {
            pty.read_for(Duration::from_millis(10));
        }
        assert_eq!(end(&mut child).code(), Some(130), "{options:?}");
    }
}
