//! When progress is shown, and in which form. It polls counters; the copy does not know of it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use surecopy::Snapshot;
use surecopy::preparation::Advance;
use surecopy::rate::RateMeter;

use super::bars::{Bars, Speeds, plain_line};
use super::screen::Screen;

/// What the user said about progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub(crate) enum ProgressMode {
    /// Bars on a terminal, a line every few seconds elsewhere
    #[default]
    Auto,
    /// The same, also with -q and --json
    Always,
    /// None
    Never,
}

/// A job that ends sooner than this shows no bars.
const DELAY: Duration = Duration::from_millis(250);

/// How often a line is written where bars cannot be drawn.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Progress being shown.
pub(crate) struct ProgressView {
    began: Instant,
    form: Form,
    copy: RateMeter,
    verify: RateMeter,
    advance: Advance,
}

enum Form {
    None,
    Bars(Bars),
    Lines { screen: Arc<Screen>, next: Duration },
}

impl ProgressView {
    /// Decides on the form. `is_silent` is a run whose output is for a program or for nobody.
    pub(crate) fn new(
        mode: ProgressMode,
        is_silent: bool,
        can_draw: bool,
        screen: &Arc<Screen>,
    ) -> Self {
        let form = match mode {
            ProgressMode::Never => Form::None,
            ProgressMode::Auto if is_silent => Form::None,
            ProgressMode::Auto | ProgressMode::Always if can_draw => {
                Form::Bars(Bars::new(Arc::clone(screen)))
            }
            ProgressMode::Auto | ProgressMode::Always => {
                Form::Lines { screen: Arc::clone(screen), next: LINE_INTERVAL }
            }
        };
        let (copy, verify) = (RateMeter::new(), RateMeter::new());
        Self { began: Instant::now(), form, copy, verify, advance: Advance::new() }
    }

    /// Shows the counters as they are now.
    pub(crate) fn tick(&mut self, snapshot: &Snapshot) {
        let now = self.began.elapsed();
        self.copy.observe(now, snapshot.bytes_copied);
        self.verify.observe(now, snapshot.bytes_verified);
        let how_far = self.advance.observe(now, snapshot);
        let speeds = Speeds::new(snapshot, &self.copy, &self.verify);
        match &mut self.form {
            Form::None => {}
            Form::Bars(_) if now < DELAY => {}
            Form::Bars(bars) => bars.draw(snapshot, &speeds, how_far),
            Form::Lines { screen, next } => {
                if now >= *next {
                    *next = now + LINE_INTERVAL;
                    screen.talk(&plain_line(snapshot, &speeds, how_far));
                }
            }
        }
    }

    /// Takes the bars away.
    pub(crate) fn end(&mut self) {
        if let Form::Bars(bars) = &mut self.form {
            bars.clear();
        }
    }
}
