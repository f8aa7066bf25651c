//! Kills a program right before one of its system calls; at each of them, one run after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};

use super::calls::{self, CHANGING, Call};
use crate::child::Running;
use crate::copier;
use crate::delay::{self, wait_for};
use crate::lab::Lab;
use crate::tool;

/// What is in the paths of a ledger and in no other.
const LEDGER: &str = "/ledger.db";

/// Right before the so-many-th call of this name in a thread.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KillPoint {
    pub(crate) call: String,
    occurrence: usize,
    /// How many other threads come to this number before.
    threads_before: usize,
    /// Whether it is a call on the files of a ledger.
    pub(crate) is_ledger: bool,
    /// How the program ends that nobody kills. It may come to fewer calls than it did when it was traced: how
    /// often it looks whether a disk is lost goes by the time.
    status_unless_killed: i32,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { call, occurrence, threads_before, .. } = self;
        write!(f, "killed before {call} number {occurrence} after {threads_before} other threads")
    }
}

/// A program that was killed.
pub(crate) struct Killed {
    pub(crate) output: Output,
}

impl Killed {
    /// What a copy had told until then.
    pub(crate) fn copied(&self) -> Result<copier::Copied> {
        copier::read(&self.output)
    }
}

/// What a run that nobody disturbed does.
pub(crate) struct Trace {
    pub(crate) output: Output,
    /// In the order of the run.
    pub(crate) points: Vec<KillPoint>,
}

impl Trace {
    /// Runs a program under `strace`; what is given makes the command from the words before it.
    pub(crate) fn take(
        lab: &Lab,
        command: impl FnOnce(&[&str]) -> Result<Command>,
    ) -> Result<Self> {
        let log = lab.new_path("strace.log");
        // Much faster, but of strace 6.1 it loses the signals.
        let trace = format!("--trace={CHANGING}");
        let options = ["--seccomp-bpf".to_owned(), "--decode-fds=path".to_owned(), trace];
        let output = start_under_strace(&log, &options, command)?.output()?;
        let text = fs::read_to_string(&log)?;
        let points = points_of(&calls::read(&text), copier::exit_status(&output));
        fs::remove_file(&log)?;
        Ok(Self { output, points })
    }

    /// Fails unless the program ended well.
    pub(crate) fn ensure_ok(&self) -> Result<()> {
        let status = copier::exit_status(&self.output);
        ensure!(
            status == 0,
            "exit status {status}: {}",
            String::from_utf8_lossy(&self.output.stderr)
        );
        Ok(())
    }

    fn all(&self) -> Vec<&KillPoint> {
        self.points.iter().collect()
    }

    /// At most so many of the points before these calls, evenly spread.
    pub(crate) fn some_of(&self, names: &[&str], count: usize) -> Vec<&KillPoint> {
        let all = self.points.iter().filter(|point| names.contains(&point.call.as_str()));
        some(&all.collect::<Vec<_>>(), count)
    }

    /// All points before calls that are not on the ledger's files, and at most so many of those that are,
    /// evenly spread; in the order of the run.
    pub(crate) fn with_some_of_ledger(&self, count: usize) -> Vec<&KillPoint> {
        let on_ledger: Vec<_> = self.points.iter().filter(|point| point.is_ledger).collect();
        let chosen = some(&on_ledger, count);
        self.points.iter().filter(|point| !point.is_ledger || chosen.contains(point)).collect()
    }
}

/// At most so many of the points, evenly spread.
pub(crate) fn some<'a>(points: &[&'a KillPoint], count: usize) -> Vec<&'a KillPoint> {
    let count = count.min(points.len());
    (0..count).map(|number| points[number * points.len() / count]).collect()
}

fn points_of(calls: &[Call<'_>], status_unless_killed: i32) -> Vec<KillPoint> {
    let mut threads = BTreeMap::new();
    let mut points = Vec::new();
    for call in calls {
        let threads: &mut usize = threads.entry((call.name, call.occurrence)).or_default();
        if call.is_change() {
            let is_ledger = call.arguments.contains(LEDGER);
            let (call, occurrence) = (call.name.to_owned(), call.occurrence);
            let threads_before = *threads;
            points.push(KillPoint {
                call,
                occurrence,
                threads_before,
                is_ledger,
                status_unless_killed,
            });
        }
        *threads += 1;
    }
    points
}

impl KillPoint {
    /// The thread that comes there, when one does.
    fn thread_of<'a>(&self, calls: &[Call<'a>]) -> Option<&'a str> {
        let is_it = |call: &&Call<'_>| call.name == self.call && call.occurrence == self.occurrence;
        calls.iter().filter(is_it).nth(self.threads_before).map(|call| call.thread)
    }
}

/// Runs a program and kills it there. Gives nothing when the kill came too late, to be tried again
/// with a longer delay, and no killed program when it did not come so far, which its log has to prove.
pub(crate) fn kill_at(
    lab: &Lab,
    point: &KillPoint,
    millis: u64,
    command: impl FnOnce(&[&str]) -> Result<Command>,
) -> Result<Option<Option<Killed>>> {
    let log = lab.new_path("strace.log");
    let KillPoint { call, occurrence, threads_before, .. } = point;
    // `strace` kills the first thread that comes so far. Of the others each stands still there for a
    // while, and it is killed from here.
    let what = match threads_before {
        0 => "signal=KILL".to_owned(),
        _ => format!("delay_enter={}", millis * 1000),
    };
    let options = [format!("--trace={call}"), format!("--inject={call}:{what}:when={occurrence}")];
    let running = start_under_strace(&log, &options, command)?;
    if *threads_before > 0 {
        kill_in_delay(&log, point, &running)?;
    }
    let output = running.output()?;
    let text = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    let thread = point.thread_of(&calls::read(&text));
    // A call that was killed before it began has no result, and says nothing of a delay.
    let is_late = thread.is_some_and(|thread| {
        let is_of = |line: &str| line.split(' ').next() == Some(thread);
        text.lines().any(|line| is_of(line) && line.ends_with("(DELAYED)"))
    });
    if is_late {
        return Ok(None);
    }
    // `strace` ends as the program did.
    let status = copier::exit_status(&output);
    ensure!(
        status == if thread.is_some() { 128 + 9 } else { point.status_unless_killed },
        "there: {thread:?}, exit status {status}\n{text}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(Some(thread.map(|_| Killed { output })))
}

/// Kills when the thread stands there.
fn kill_in_delay(log: &Path, point: &KillPoint, running: &Running) -> Result<()> {
    let stat = format!("/proc/{}/stat", running.id());
    let thread = || -> Option<String> {
        let text = fs::read_to_string(log).ok()?;
        point.thread_of(&calls::read(&text)).map(str::to_owned)
    };
    let is_over = || fs::read_to_string(&stat).is_ok_and(|stat| stat.contains(") Z "));
    wait_for("a call or the end", || thread().is_some() || is_over())?;
    if let Some(thread) = thread()
        && !is_over()
    {
        // A thread's number stands for its program. It may be gone, which is found out afterwards.
        tool::shell(r#"kill -KILL "$1" || true"#, [thread])?;
    }
    Ok(())
}

fn start_under_strace(
    log: &Path,
    options: &[String],
    command: impl FnOnce(&[&str]) -> Result<Command>,
) -> Result<Running> {
    let log = PathBuf::from(log).display().to_string();
    let mut wrapper = vec!["strace", "-f", "-q", "-o", &log];
    wrapper.extend(options.iter().map(String::as_str));
    Running::start(&mut command(&wrapper)?)
}

/// How many kills there were.
pub(crate) struct Kills {
    pub(crate) kills: usize,
    /// Points to which the program did not come.
    missed: usize,
    /// Points to which it did not come the first time, those among them.
    tried_again: usize,
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, missed, tried_again } = self;
        write!(f, "{kills} kills ({missed} points not reached, {tried_again} tried again)")
    }
}

/// Kills a program before every call that changes something: `command` makes things as they are
/// before, and the command from the words before the program; `check` looks at what a kill has left.
pub(crate) fn kill_everywhere(
    lab: &Lab,
    command: impl Fn(&[&str]) -> Result<Command>,
    mut check: impl FnMut(&Killed) -> Result<()>,
) -> Result<Kills> {
    let trace = Trace::take(lab, &command)?;
    trace.ensure_ok()?;
    kill_at_each(lab, &trace.all(), command, |_, killed| check(killed))
}

/// How often a point is tried to be reached: how far a thread comes while another one writes, and so
/// how many calls it makes after a kill, differs from time to time.
const TRIES: usize = 3;

/// The same at these points of a program that was looked at before.
pub(crate) fn kill_at_each(
    lab: &Lab,
    points: &[&KillPoint],
    command: impl Fn(&[&str]) -> Result<Command>,
    mut check: impl FnMut(&KillPoint, &Killed) -> Result<()>,
) -> Result<Kills> {
    let mut kills = Kills { kills: 0, missed: 0, tried_again: 0 };
    for point in points {
        let attempt = |millis| kill_at(lab, point, millis, &command);
        let mut reached = None;
        for again in 0..TRIES {
            kills.tried_again += usize::from(again == 1);
            reached = delay::soon_in_time(attempt).with_context(|| point.to_string())?;
            if reached.is_some() {
                break;
            }
        }
        match reached {
            Some(killed) => {
                check(point, &killed).with_context(|| point.to_string())?;
                kills.kills += 1;
            }
            None => kills.missed += 1,
        }
    }
    // Threads share some work by chance, and come to a number that they do not reach another time.
    ensure!(kills.missed * 20 <= points.len(), "too many points were not reached: {kills}");
    // Of a dozen points, three at most.
    let is_rare = kills.tried_again * 4 <= points.len();
    ensure!(is_rare, "too many points were not reached the first time: {kills}");
    Ok(kills)
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    #[test]
    fn a_point_is_told_from_those_of_threads_that_come_to_its_number_before() {
        let log = "\
1 openat(3, \"lib\", O_RDONLY) = 4
2 openat(3, \"a\", O_CREAT) = 4
2 openat(3, \"b\", O_CREAT) = 4
1 openat(3, \"c\", O_CREAT) = 4
";
        let calls = calls::read(log);
        let points = points_of(&calls, 0);
        let point = |occurrence, threads_before| {
            let call = "openat".to_owned();
            KillPoint {
                call,
                occurrence,
                threads_before,
                is_ledger: false,
                status_unless_killed: 0,
            }
        };
        assert_eq!(points, [point(1, 1), point(2, 0), point(2, 1)]);
        let threads: Vec<_> = points.iter().map(|point| point.thread_of(&calls)).collect();
        assert_eq!(threads, [Some("2"), Some("2"), Some("1")]);
        assert_eq!(point(3, 0).thread_of(&calls), None);
    }

    #[test]
    fn calls_on_a_ledger_are_told_from_others_and_thinned() {
        let log = "\
1 pwrite64(4</tmp/1/ledger.db-wal>, \"x\", 1, 0) = 1
1 fsync(5</tmp/1/target/file>) = 0
1 pwrite64(4</tmp/1/ledger.db-wal>, \"x\", 1, 0) = 1
1 openat(AT_FDCWD, \"/tmp/1/ledger.db-shm\", O_RDWR|O_CREAT, 0600) = 6
1 fsync(4</tmp/1/ledger.db-wal>) = 0
";
        let output = Output { status: ExitStatus::default(), stdout: vec![], stderr: vec![] };
        let trace = Trace { output, points: points_of(&calls::read(log), 0) };
        let are_ledger: Vec<_> = trace.points.iter().map(|point| point.is_ledger).collect();
        assert_eq!(are_ledger, [true, false, true, true, true]);
        let chosen: Vec<_> =
            trace.with_some_of_ledger(2).iter().map(|p| (p.call.as_str(), p.occurrence)).collect();
        assert_eq!(chosen, [("pwrite64", 1), ("fsync", 1), ("openat", 1)]);
    }
}
