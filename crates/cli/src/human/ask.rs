//! Asking what to do about a target that exists (`--on-conflict ask`). It never waits longer for
//! an answer than the job lives.

use std::io::{self, Write as _};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy::{Conflict, ConflictPolicy, ConflictResolver, Control, Metadata};

use super::screen::Screen;
use crate::amounts::Bytes;
use crate::shown::Shown;

/// How often a question looks whether the job was cancelled meanwhile.
const PATIENCE: Duration = Duration::from_millis(50);

/// Somebody at a terminal.
pub(crate) struct TerminalResolver {
    screen: Arc<Screen>,
    control: Control,
    state: Mutex<State>,
}

struct State {
    answers: Receiver<String>,
    /// The answer that was given for everything that follows.
    for_all: Option<ConflictPolicy>,
}

impl TerminalResolver {
    /// Reads answers from stdin.
    ///
    /// # Errors
    /// When the operating system gives no thread.
    pub(crate) fn start(screen: Arc<Screen>, control: Control) -> io::Result<Self> {
        // A read from a terminal cannot be interrupted, so it has a thread of its own, which is
        // left behind when the program ends.
        let (sender, answers) = sync_channel(0);
        std::thread::Builder::new().name("answers".to_owned()).spawn(move || {
            for line in io::stdin().lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        })?;
        let state = Mutex::new(State { answers, for_all: None });
        Ok(Self { screen, control, state })
    }

    fn ask(&self, answers: &Receiver<String>, conflict: &Conflict) -> Answer {
        loop {
            let mut stderr = io::stderr().lock();
            if write!(stderr, "{}", question(conflict)).and_then(|()| stderr.flush()).is_err() {
                return Answer { policy: ConflictPolicy::Skip, is_for_all: true };
            }
            drop(stderr);
            match self.wait(answers) {
                None => {
                    // What is said next begins on a line of its own.
                    if let Err(error) = writeln!(io::stderr()) {
                        tracing::debug!("nobody reads the question: {error}");
                    }
                    return Answer { policy: ConflictPolicy::Skip, is_for_all: true };
                }
                Some(line) => {
                    if let Some(answer) = Answer::read(line.trim()) {
                        return answer;
                    }
                }
            }
        }
    }

    /// The next line; `None` when there will be none, or nobody needs it any more.
    fn wait(&self, answers: &Receiver<String>) -> Option<String> {
        while !self.control.is_cancelled() {
            match answers.recv_timeout(PATIENCE) {
                Ok(line) => return Some(line),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        None
    }
}

impl ConflictResolver for TerminalResolver {
    fn resolve(&self, conflict: &Conflict) -> ConflictPolicy {
        let mut state = self.state.lock().expect("no code panics while holding this lock");
        if let Some(policy) = state.for_all {
            return policy;
        }
        let answer = self.screen.while_asking(|_| self.ask(&state.answers, conflict));
        if answer.is_for_all {
            state.for_all = Some(answer.policy);
        }
        answer.policy
    }
}

/// What was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Answer {
    policy: ConflictPolicy,
    is_for_all: bool,
}

impl Answer {
    fn read(line: &str) -> Option<Self> {
        let policy = match line.to_ascii_lowercase().as_str() {
            "r" | "replace" => ConflictPolicy::Replace,
            "s" | "skip" => ConflictPolicy::Skip,
            "k" | "keep" | "keep-both" => ConflictPolicy::KeepBoth,
            "n" | "newer" => ConflictPolicy::Newer,
            _ => return None,
        };
        let is_for_all = line.chars().all(|c| !c.is_lowercase());
        Some(Self { policy, is_for_all })
    }
}

fn question(conflict: &Conflict) -> String {
    let is_newer = conflict.source_metadata.modified > conflict.target_metadata.modified;
    format!(
        "{} exists already ({}); the source has {} and is {}.\n\
         (r)eplace, (s)kip, (k)eep both, replace if (n)ewer; a capital letter for all that follow: ",
        Shown(&conflict.target),
        size(&conflict.target_metadata),
        size(&conflict.source_metadata),
        if is_newer { "newer" } else { "not newer" },
    )
}

fn size(metadata: &Metadata) -> String {
    Bytes(metadata.size).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capitals_answer_for_all() {
        let rows = [
            ("r", Some((ConflictPolicy::Replace, false))),
            ("R", Some((ConflictPolicy::Replace, true))),
            ("skip", Some((ConflictPolicy::Skip, false))),
            ("K", Some((ConflictPolicy::KeepBoth, true))),
            ("n", Some((ConflictPolicy::Newer, false))),
            ("", None),
            ("yes", None),
        ];
        for (line, expected) in rows {
            let got = Answer::read(line).map(|answer| (answer.policy, answer.is_for_all));
            assert_eq!(got, expected, "{line}");
        }
    }
}
