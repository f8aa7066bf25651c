//! Kills a program right before one of its system calls; at each of them, one run after the other.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use anyhow::{Context, Result, bail, ensure};

use super::calls::{self, CHANGING, Call};
use crate::child::Running;
use crate::copier;
use crate::lab::Lab;

/// Right before the so-many-th call of this name in the first thread that comes so far.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct KillPoint {
    pub(crate) call: String,
    pub(crate) occurrence: usize,
}

impl fmt::Display for KillPoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "killed before {} number {}", self.call, self.occurrence)
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
    /// Calls before which no kill is possible: another thread comes to the same number before.
    hidden: usize,
}

impl Trace {
    /// Runs a program under `strace`; what is given makes the command from the words before it.
    pub(crate) fn take(
        lab: &Lab,
        command: impl FnOnce(&[&str]) -> Result<Command>,
    ) -> Result<Self> {
        let log = lab.new_path("strace.log");
        // Much faster, but of strace 6.1 it loses the signals.
        let options = ["--seccomp-bpf".to_owned(), format!("--trace={CHANGING}")];
        let output = run_under_strace(&log, &options, command)?;
        let text = fs::read_to_string(&log)?;
        let (points, hidden) = points_of(&calls::read(&text));
        fs::remove_file(&log)?;
        Ok(Self { output, points, hidden })
    }

    /// At most so many of the points before these calls, evenly spread.
    pub(crate) fn some_of(&self, names: &[&str], count: usize) -> Vec<&KillPoint> {
        let all: Vec<_> =
            self.points.iter().filter(|point| names.contains(&point.call.as_str())).collect();
        let count = count.min(all.len());
        (0..count).map(|number| all[number * all.len() / count]).collect()
    }
}

/// The points, and how many calls cannot be one.
fn points_of(calls: &[Call<'_>]) -> (Vec<KillPoint>, usize) {
    let mut first = BTreeMap::new();
    for call in calls {
        first.entry((call.name, call.occurrence)).or_insert(call.thread);
    }
    let changes: Vec<_> = calls.iter().filter(|call| call.is_change()).collect();
    let is_first = |call: &&&Call<'_>| first[&(call.name, call.occurrence)] == call.thread;
    let points: Vec<_> = changes
        .iter()
        .filter(is_first)
        .map(|call| KillPoint { call: call.name.to_owned(), occurrence: call.occurrence })
        .collect();
    let hidden = changes.len() - points.len();
    (points, hidden)
}

/// Runs a program and kills it there. Gives nothing when it did not come so far, which its log has to
/// prove.
pub(crate) fn kill_at(
    lab: &Lab,
    point: &KillPoint,
    command: impl FnOnce(&[&str]) -> Result<Command>,
) -> Result<Option<Killed>> {
    let log = lab.new_path("strace.log");
    let KillPoint { call, occurrence } = point;
    let options =
        [format!("--trace={call}"), format!("--inject={call}:signal=KILL:when={occurrence}")];
    let output = run_under_strace(&log, &options, command)?;
    let text = fs::read_to_string(&log)?;
    fs::remove_file(&log)?;
    let calls = calls::read(&text);
    let these = calls.iter().filter(|found| found.name == call);
    let most = these.map(|found| found.occurrence).max().unwrap_or_default();
    let is_killed = text.contains("+++ killed by SIGKILL");
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(
        is_killed == (most >= *occurrence),
        "{most} calls in a thread, and killed: {is_killed}\n{text}\n{stderr}"
    );
    // `strace` ends as the program did.
    let status = copier::exit_status(&output);
    ensure!(
        status == if is_killed { 128 + 9 } else { 0 },
        "killed: {is_killed}, exit status {status}\n{stderr}"
    );
    Ok(is_killed.then_some(Killed { output }))
}

fn run_under_strace(
    log: &Path,
    options: &[String],
    command: impl FnOnce(&[&str]) -> Result<Command>,
) -> Result<Output> {
    let log = PathBuf::from(log).display().to_string();
    let mut wrapper = vec!["strace", "-f", "-q", "-o", &log];
    wrapper.extend(options.iter().map(String::as_str));
    Running::start(&mut command(&wrapper)?)?.output()
}

/// How many kills there were.
pub(crate) struct Kills {
    kills: usize,
    /// Points to which the program did not come.
    missed: usize,
    hidden: usize,
}

impl fmt::Display for Kills {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kills, missed, hidden } = self;
        write!(f, "{kills} kills ({missed} points not reached, {hidden} hidden)")
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
    let status = copier::exit_status(&trace.output);
    if status != 0 {
        bail!("exit status {status}: {}", String::from_utf8_lossy(&trace.output.stderr));
    }
    let mut kills = Kills { kills: 0, missed: 0, hidden: trace.hidden };
    for point in &trace.points {
        match kill_at(lab, point, &command).with_context(|| point.to_string())? {
            Some(killed) => {
                check(&killed).with_context(|| point.to_string())?;
                kills.kills += 1;
            }
            None => kills.missed += 1,
        }
    }
    // Threads share some work by chance, and come to a number that they do not reach another time.
    ensure!(kills.missed * 20 <= trace.points.len(), "too many points were not reached: {kills}");
    Ok(kills)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_hidden_when_another_thread_comes_to_its_number_before() {
        let log = "\
1 openat(3, \"lib\", O_RDONLY) = 4
2 openat(3, \"a\", O_CREAT) = 4
2 openat(3, \"b\", O_CREAT) = 4
1 openat(3, \"c\", O_CREAT) = 4
";
        let (points, hidden) = points_of(&calls::read(log));
        assert_eq!(points, [KillPoint { call: "openat".to_owned(), occurrence: 2 }]);
        assert_eq!(hidden, 2);
    }
}
