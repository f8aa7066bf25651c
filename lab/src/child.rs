//! Runs programs that end in any case: by themselves, when their time is over, or with the case that
//! started them. What they write is not judged here.

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};

/// Longer than anything here takes that does not hang, also on a busy machine.
const LIMIT: Duration = Duration::from_secs(300);

/// How long something that was killed may take to be gone. What waits for a device within the kernel
/// may never be.
const LAST_WAIT: Duration = Duration::from_secs(20);

/// A program at work, and all that it has started: a process group of its own. Killed as a whole when
/// its time is over and when dropped.
pub(crate) struct Running {
    /// How it was started, for messages.
    words: String,
    limit: Duration,
    group: Arc<Mutex<Group>>,
    stdout: Option<JoinHandle<Vec<u8>>>,
    stderr: Option<JoinHandle<Vec<u8>>>,
    /// The guard leaves when this is dropped.
    leave: Option<SyncSender<()>>,
    guard: Option<JoinHandle<()>>,
}

struct Group {
    first: Child,
    /// Whether the first program was waited for. From then on its number, which is also the group's,
    /// may be somebody else's.
    is_gone: bool,
    /// When its time was over and it was killed.
    overdue_since: Option<Instant>,
}

impl Running {
    /// Starts a program; what it writes is kept for [`Running::output`].
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        Self::start_within(LIMIT, command)
    }

    /// The same with a time limit of its own.
    pub(crate) fn start_within(limit: Duration, command: &mut Command) -> Result<Self> {
        let (mut running, stdout) = Self::spawn(limit, command)?;
        running.stdout = Some(drain(stdout));
        Ok(running)
    }

    /// Starts a program and hands over the lines that it writes to stdout. Little is read ahead:
    /// whoever stops taking lines holds a program that has more to say than a pipe takes, 64 KiB.
    pub(crate) fn start_held(
        command: &mut Command,
    ) -> Result<(Self, impl Iterator<Item = String> + use<>)> {
        let (running, stdout) = Self::spawn(LIMIT, command)?;
        let lines = BufReader::with_capacity(1024, stdout).lines().map_while(Result::ok);
        Ok((running, lines))
    }

    fn spawn(limit: Duration, command: &mut Command) -> Result<(Self, impl Read + Send + use<>)> {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut first =
            command.process_group(0).spawn().with_context(|| format!("start {command:?}"))?;
        let stdout = first.stdout.take().context("stdout is a pipe")?;
        let stderr = first.stderr.take().context("stderr is a pipe")?;
        let group = Group { first, is_gone: false, overdue_since: None };
        let group = Arc::new(Mutex::new(group));
        let (leave, left) = mpsc::sync_channel(0);
        let guarded = Arc::clone(&group);
        let guard = thread::spawn(move || {
            if left.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let mut group = lock(&guarded);
                group.overdue_since = Some(Instant::now());
                group.kill_all();
            }
        });
        let running = Self {
            words: format!("{command:?}"),
            limit,
            group,
            stdout: None,
            stderr: Some(drain(stderr)),
            leave: Some(leave),
            guard: Some(guard),
        };
        Ok((running, stdout))
    }

    /// Its process number.
    pub(crate) fn id(&self) -> u32 {
        lock(&self.group).first.id()
    }

    /// Kills the program itself, and nothing that it has started.
    pub(crate) fn kill(&self) -> Result<()> {
        lock(&self.group).first.kill().with_context(|| format!("kill {}", self.words))
    }

    /// Its time was over, and it is not gone although it was killed.
    pub(crate) fn is_given_up(&self) -> bool {
        lock(&self.group).is_given_up()
    }

    /// Waits for its end. That its time was over is an error.
    pub(crate) fn wait(&mut self) -> Result<ExitStatus> {
        let status = self.until(Group::try_wait)?;
        ensure!(
            lock(&self.group).overdue_since.is_none(),
            "{} was killed after {:?}",
            self.words,
            self.limit
        );
        Ok(status)
    }

    /// Waits for its end and gives what it has written.
    pub(crate) fn output(mut self) -> Result<Output> {
        // Before its end is taken note of: what it has left running may hold the pipes, and is only
        // killed while the group's number is its own.
        let pipes = [self.stdout.take(), self.stderr.take()];
        let is_read = || pipes.iter().flatten().all(JoinHandle::is_finished);
        self.until(|_| Ok(is_read().then_some(())))?;
        let [stdout, stderr] =
            pipes.map(|pipe| pipe.and_then(|pipe| pipe.join().ok()).unwrap_or_default());
        Ok(Output { status: self.wait()?, stdout, stderr })
    }

    /// Looks again and again until there is something, or nothing can be hoped for.
    fn until<T>(&self, look: impl Fn(&mut Group) -> io::Result<Option<T>>) -> Result<T> {
        loop {
            let mut group = lock(&self.group);
            if let Some(found) = look(&mut group)? {
                return Ok(found);
            }
            if group.is_given_up() {
                bail!("{} takes longer than {:?} and cannot be killed", self.words, self.limit);
            }
            drop(group);
            thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Group {
    fn is_given_up(&self) -> bool {
        self.overdue_since.is_some_and(|since| since.elapsed() > LAST_WAIT)
    }

    fn try_wait(&mut self) -> io::Result<Option<ExitStatus>> {
        let status = self.first.try_wait()?;
        self.is_gone = status.is_some();
        Ok(status)
    }

    /// Kills all of the group, unless it has ended and was waited for.
    fn kill_all(&mut self) {
        if self.is_gone {
            return;
        }
        let mut kill = Command::new("bash");
        kill.args(["-c", r#"kill -KILL -- "-$1""#, "lab", &self.first.id().to_string()]);
        if !kill.status().is_ok_and(|status| status.success())
            && let Err(error) = self.first.kill()
        {
            eprintln!("process {} was not killed: {error}", self.first.id());
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.leave.take());
        if self.guard.take().is_some_and(|guard| guard.join().is_err()) {
            eprintln!("{}: its guard panicked", self.words);
        }
        let mut group = lock(&self.group);
        if group.is_gone {
            return;
        }
        group.kill_all();
        let killed = Instant::now();
        while !matches!(group.try_wait(), Ok(Some(_))) {
            if killed.elapsed() > LAST_WAIT {
                eprintln!("{} cannot be killed", self.words);
                return;
            }
            thread::sleep(Duration::from_millis(1));
        }
    }
}

fn lock(group: &Mutex<Group>) -> MutexGuard<'_, Group> {
    // What a panic can leave behind is still a group to be killed.
    group.lock().unwrap_or_else(PoisonError::into_inner)
}

fn drain(mut pipe: impl Read + Send + 'static) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What a broken pipe leaves out is missed by whoever looks for it.
        if let Err(error) = pipe.read_to_end(&mut bytes) {
            eprintln!("a pipe of the program broke: {error}");
        }
        bytes
    })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// A program that starts another, says its number, and never ends.
    fn endless() -> Command {
        let mut command = Command::new("bash");
        command.args(["-c", "sleep infinity & echo $!; wait"]);
        command
    }

    /// Waits until a process is gone, or dead and waiting for somebody to notice.
    fn ensure_ends(process: &str) {
        let began = Instant::now();
        let is_alive = || {
            fs::read_to_string(format!("/proc/{process}/stat"))
                .is_ok_and(|stat| !stat.contains(") Z "))
        };
        while is_alive() {
            assert!(began.elapsed() < LAST_WAIT, "{process} still runs");
            thread::sleep(Duration::from_millis(1));
        }
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_all_that_it_has_started() {
        // Its pipes stay open while what it has started lives, also when it has ended itself.
        for script in ["sleep infinity & wait", "sleep infinity & exit 0"] {
            let limit = Duration::from_millis(300);
            let mut command = Command::new("bash");
            let running = Running::start_within(limit, command.args(["-c", script]));
            let error = running.and_then(Running::output).expect_err("it does not end");
            assert!(error.to_string().ends_with("was killed after 300ms"), "{error}");
        }
    }

    #[test]
    fn a_program_is_killed_with_all_that_it_has_started_when_nobody_waits_for_it() {
        let (running, mut lines) = Running::start_held(&mut endless()).expect("it starts");
        let (first, second) = (running.id().to_string(), lines.next().expect("it says a number"));
        drop(running);
        assert!(!fs::exists(format!("/proc/{first}")).expect("/proc can be read"));
        ensure_ends(&second);
    }

    #[test]
    fn what_a_program_writes_and_how_it_ends_is_given() {
        let mut command = Command::new("bash");
        let running = Running::start(command.args(["-c", "echo out; echo err >&2; exit 3"]));
        let output = running.and_then(Running::output).expect("it ends");
        assert_eq!(output.stdout, b"out\n");
        assert_eq!(output.stderr, b"err\n");
        assert_eq!(output.status.code(), Some(3));
    }
}
