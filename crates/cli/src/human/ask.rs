//! Asking what to do about a target that exists (`--on-conflict ask`). It never waits longer for
//! an answer than the job lives.

use std::io::{self, BufRead, BufReader};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use surecopy::{Conflict, ConflictPolicy, ConflictResolver, Control, Metadata};

use super::screen::Screen;
use crate::amounts::Bytes;
use crate::shown::Shown;
use crate::stream::Stream;

/// How often a question looks whether the job was cancelled meanwhile.
const PATIENCE: Duration = Duration::from_millis(50);

/// What follows from an end of input, or from a question that cannot be shown. On a line of its own:
/// the question's has no end.
const NO_ANSWER: &str = "\nno answer: the rest is skipped\n";

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
        Self::reading(BufReader::new(io::stdin()), screen, control)
    }

    fn reading(
        input: impl BufRead + Send + 'static,
        screen: Arc<Screen>,
        control: Control,
    ) -> io::Result<Self> {
        // A read from a terminal cannot be interrupted, so it has a thread of its own, which is
        // left behind when the program ends.
        let (sender, answers) = sync_channel(0);
        std::thread::Builder::new().name("answers".to_owned()).spawn(move || {
            for line in input.lines() {
                let Ok(line) = line else { return };
                if sender.send(line).is_err() {
                    return;
                }
            }
        })?;
        let state = Mutex::new(State { answers, for_all: None });
        Ok(Self { screen, control, state })
    }

    fn ask(&self, answers: &Receiver<String>, conflict: &Conflict, stderr: &Stream) -> Answer {
        loop {
            stderr.write(question(conflict).as_bytes());
            let line = if stderr.settle() { self.wait(answers) } else { None };
            let Some(line) = line else {
                // Of a cancel it is said elsewhere; what is said next begins on a line of its own.
                let end = if self.control.is_cancelled() { "\n" } else { NO_ANSWER };
                stderr.write(end.as_bytes());
                return Answer { policy: ConflictPolicy::Skip, is_for_all: true };
            };
            if let Some(answer) = Answer::read(line.trim()) {
                return answer;
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
        let answer = self.screen.while_asking(|stderr| self.ask(&state.answers, conflict, stderr));
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
    use std::io::{Cursor, Read as _};
    use std::path::PathBuf;

    use surecopy::{FileId, FileKind, Timestamp};

    use super::*;
    use crate::stream::{OnFailure, StreamEnd};
    use crate::terminal::Terminal;

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

    fn conflict() -> Conflict {
        let time = Timestamp { secs: 0, nanos: 0 };
        let metadata = Metadata {
            kind: FileKind::File,
            size: 5,
            allocated_bytes: 5,
            mode: 0o644,
            uid: 0,
            gid: 0,
            link_count: 1,
            id: FileId { volume: 0, file: 0 },
            modified: time,
            accessed: time,
            changed: time,
            created: None,
            is_immutable: false,
        };
        Conflict {
            source: PathBuf::from("from/a"),
            target: PathBuf::from("to/a"),
            source_metadata: metadata.clone(),
            target_metadata: metadata,
        }
    }

    /// A resolver that reads what was typed, and the stream on which it asks.
    fn resolver(
        typed: &str,
        out: impl io::Write + Send + 'static,
        control: &Control,
    ) -> (TerminalResolver, Stream) {
        let stream = |out| Stream::start(out, OnFailure::GoOn, control.clone()).unwrap();
        let stderr = Stream::start(out, OnFailure::GoOn, control.clone()).unwrap();
        let screen = Screen::new(stream(io::sink()), stderr.clone(), Terminal::NONE);
        let input = Cursor::new(typed.to_owned());
        let resolver = TerminalResolver::reading(input, Arc::new(screen), control.clone());
        (resolver.unwrap(), stderr)
    }

    /// What is answered to two questions, and what is said.
    fn answers(typed: &str, control: &Control) -> ([ConflictPolicy; 2], String) {
        let (mut reader, writer) = io::pipe().unwrap();
        let (resolver, stderr) = resolver(typed, writer, control);
        let answers = [resolver.resolve(&conflict()), resolver.resolve(&conflict())];
        assert!(matches!(stderr.finish(), StreamEnd::Written));
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        (answers, text)
    }

    #[test]
    fn an_end_of_input_is_said_once_and_skips_the_rest() {
        let (policies, text) = answers("", &Control::new());
        assert_eq!(policies, [ConflictPolicy::Skip; 2]);
        assert_eq!(text, format!("{}\nno answer: the rest is skipped\n", question(&conflict())));
        let (policies, text) = answers("what?\nr\n", &Control::new());
        assert_eq!(policies, [ConflictPolicy::Replace, ConflictPolicy::Skip]);
        assert_eq!(text.matches(&question(&conflict())).count(), 3, "{text}");
        assert!(text.ends_with(": \nno answer: the rest is skipped\n"), "{text}");
    }

    #[test]
    fn a_cancel_is_no_end_of_input() {
        let control = Control::new();
        control.cancel();
        let (policies, text) = answers("r\n", &control);
        assert_eq!(policies, [ConflictPolicy::Skip; 2]);
        assert_eq!(text, format!("{}\n", question(&conflict())));
    }

    #[test]
    fn nobody_is_waited_for_who_does_not_see_the_question() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let (resolver, _) = resolver("R\n", writer, &Control::new());
        assert_eq!(resolver.resolve(&conflict()), ConflictPolicy::Skip);
        assert_eq!(resolver.resolve(&conflict()), ConflictPolicy::Skip);
    }
}
