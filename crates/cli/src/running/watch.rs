//! Watching a job while it runs. This thread never waits for the copy, so it answers signals while a
//! device hangs. It cancels nothing itself.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use surecopy::{Control, Event, Phase, Progress, Snapshot};

use super::renderer::Renderer;
use crate::human::{ProgressView, Screen};
use crate::shown::Shown;
use crate::signals::{LAST_SIGNAL, SignalCount};

/// How soon a signal is noticed while nothing happens.
const ATTENTION: Duration = Duration::from_millis(50);

/// How often what a preparation has found so far is shown, at least.
const PREPARING_PULSE: Duration = Duration::from_millis(50);

/// How soon after a cancel it is said what is waited for, and how often then.
const FIRST_EXPLANATION: Duration = Duration::from_millis(400);
const NEXT_EXPLANATION: Duration = Duration::from_secs(1);

/// What is shown while a job runs.
pub(super) struct Watch {
    screen: Arc<Screen>,
    view: ProgressView,
    pulse: Duration,
    progress: Arc<Progress>,
    control: Control,
    signals: SignalCount,
    /// Signals that were answered.
    answered: u32,
    /// When the cancel was noticed, and when it is to be explained next.
    cancel: Option<(Instant, Duration)>,
}

/// How long a job was watched.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Watched {
    /// Until it had ended.
    ToTheEnd,
    /// Until so many signals had come that it is not waited for any longer.
    UntilGivenUp,
}

impl Watch {
    /// Begins to watch a job.
    pub(super) fn new(
        screen: &Arc<Screen>,
        view: ProgressView,
        pulse: Duration,
        progress: Arc<Progress>,
        control: Control,
        signals: SignalCount,
    ) -> Self {
        let screen = Arc::clone(screen);
        Self { screen, view, pulse, progress, control, signals, answered: 0, cancel: None }
    }

    /// Shows facts and figures until no more facts will come, or the user gives up.
    pub(super) fn until_closed(
        &mut self,
        facts: &Receiver<Event>,
        renderer: &mut Renderer,
    ) -> Watched {
        let mut next = Instant::now();
        let watched = loop {
            let wait = next.saturating_duration_since(Instant::now());
            match facts.recv_timeout(wait.min(ATTENTION)) {
                Ok(event) => renderer.event(event),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break Watched::ToTheEnd,
            }
            if self.signals.get() >= LAST_SIGNAL {
                break Watched::UntilGivenUp;
            }
            let now = Instant::now();
            if now >= next {
                next = now + self.tick(renderer);
            }
            self.answer();
        };
        self.view.end();
        watched
    }

    /// Shows the figures, and says how long they may stand.
    fn tick(&mut self, renderer: &mut Renderer) -> Duration {
        let snapshot = self.progress.snapshot();
        self.view.tick(&snapshot);
        let is_preparing = snapshot.phase.is_none_or(Phase::is_preparation);
        if is_preparing {
            renderer.tick(&snapshot);
        }
        if let Some((since, next)) = &mut self.cancel
            && since.elapsed() >= *next
        {
            *next += NEXT_EXPLANATION;
            self.screen.talk(&waiting_for(&snapshot));
        }
        if is_preparing { self.pulse.min(PREPARING_PULSE) } else { self.pulse }
    }

    /// Answers a cancel, and each further signal.
    fn answer(&mut self) {
        if !self.control.is_cancelled() {
            return;
        }
        if self.cancel.is_none() {
            self.cancel = Some((Instant::now(), FIRST_EXPLANATION));
            self.answered = self.signals.get();
            self.screen.talk("cancelling …");
        }
        if self.signals.get() > self.answered {
            self.answered = self.signals.get();
            let waiting = waiting_for(&self.progress.snapshot());
            self.screen.talk(&format!(
                "{waiting}; once more ends the program at once and may leave partial files (.surecopy-*)"
            ));
        }
    }
}

/// What keeps a cancelled job from ending.
fn waiting_for(snapshot: &Snapshot) -> String {
    match snapshot.current.first() {
        Some(item) => format!("waiting for {} of {}", item.step.as_str(), Shown(&item.path)),
        None => "waiting for the destination to be put in order".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::sync::mpsc::sync_channel;

    use surecopy::{CurrentItem, Step, SystemClock};

    use super::super::renderer::Relay;
    use super::*;
    use crate::hint::Occasion;
    use crate::human::ProgressMode;
    use crate::json::JsonLines;
    use crate::stream::{OnFailure, Stream};
    use crate::terminal::Terminal;

    #[test]
    fn it_says_what_it_waits_for() {
        let mut snapshot = Snapshot::default();
        assert_eq!(waiting_for(&snapshot), "waiting for the destination to be put in order");
        snapshot.current.push(CurrentItem {
            path: PathBuf::from("slow\n"),
            size_bytes: 1,
            strategy: None,
            step: Step::Flushing,
            copied_bytes: 1,
            verified_bytes: 0,
        });
        assert_eq!(waiting_for(&snapshot), r#"waiting for flushing of "slow\n""#);
    }

    /// A writer whose text can be looked at.
    #[derive(Clone, Default)]
    struct Text(Arc<std::sync::Mutex<Vec<u8>>>);

    impl std::io::Write for Text {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    /// Stands in a phase for half a second, and says how often that was told, and for how long it lasted.
    fn told_of(phase: Phase) -> (usize, Duration) {
        let (control, text) = (Control::new(), Text::default());
        let stream = |out| Stream::start(out, OnFailure::GoOn, control.clone()).unwrap();
        let screen = stream(Text::default());
        let screen = Arc::new(Screen::new(screen.clone(), screen, Terminal::NONE));
        let view = ProgressView::new(ProgressMode::Never, true, false, &screen);
        let (progress, signals) = (Arc::new(Progress::new()), SignalCount::default());
        // Pictures are drawn so seldom here that none comes by itself.
        let pulse = Duration::from_secs(60);
        let mut watch =
            Watch::new(&screen, view, pulse, Arc::clone(&progress), control.clone(), signals);
        let (sender, facts) = sync_channel::<Event>(8);
        let relay = Relay::new(sender, control.clone());
        let job = std::thread::spawn(move || {
            phase.run(&relay, &SystemClock::new(), &progress, || {
                let begun = Instant::now();
                std::thread::sleep(Duration::from_millis(500));
                begun.elapsed()
            })
        });
        let stdout = stream(text.clone());
        let mut lines = Renderer::Json(JsonLines::new(stdout.clone(), Occasion::Preparing));
        assert_eq!(watch.until_closed(&facts, &mut lines), Watched::ToTheEnd);
        assert!(stdout.settle());
        let lines = String::from_utf8(text.0.lock().unwrap().clone()).unwrap();
        let told = lines.lines().filter(|line| line.contains(r#""state":"progress""#)).count();
        (told, job.join().unwrap())
    }

    #[test]
    fn a_preparation_is_told_of_while_it_lasts_however_seldom_pictures_are_drawn() {
        // A busy machine may be late, and is asked again; what is told of too seldom always is.
        let is_often = || {
            let (told, lasted) = told_of(Phase::ProgressiveScanning);
            told >= 5 && Duration::from_millis(100) * u32::try_from(told).unwrap() >= lasted
        };
        assert!((0..20).any(|_| is_often()));
    }

    #[test]
    fn a_third_signal_gives_up_on_a_job_that_does_not_end() {
        let (control, text, signals) = (Control::new(), Text::default(), SignalCount::default());
        let stream = |out| Stream::start(out, OnFailure::GoOn, control.clone()).unwrap();
        let screen =
            Arc::new(Screen::new(stream(Text::default()), stream(text.clone()), Terminal::NONE));
        let mut watch = Watch {
            view: ProgressView::new(ProgressMode::Never, true, false, &screen),
            screen,
            pulse: Duration::from_secs(1),
            progress: Arc::new(Progress::new()),
            control: control.clone(),
            signals: signals.clone(),
            answered: 0,
            cancel: None,
        };
        // As long as the sender is there, the job has not ended.
        let (sender, facts) = sync_channel::<Event>(1);
        let said = |what: &str| {
            while !String::from_utf8_lossy(&text.0.lock().unwrap()).contains(what) {
                std::thread::yield_now();
            }
        };
        let lines = JsonLines::new(stream(Text::default()), Occasion::Copying);
        let watching =
            std::thread::spawn(move || watch.until_closed(&facts, &mut Renderer::Json(lines)));
        signals.add();
        control.cancel();
        said("cancelling …");
        signals.add();
        said("once more ends the program at once");
        signals.add();
        assert_eq!(watching.join().unwrap(), Watched::UntilGivenUp);
        drop(sender);
    }
}
