//! Which of the two renderers work has, and the channel through which facts reach it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError};
use std::time::Duration;

use surecopy::{Control, Event, ItemStatus, Observer, Snapshot};

use crate::human::HumanView;
use crate::json::JsonLines;

/// A view of what runs.
pub(crate) enum Renderer {
    /// For people.
    Human(Box<HumanView>),
    /// For programs.
    Json(JsonLines),
}

impl Renderer {
    /// Takes notice of a fact.
    pub(super) fn event(&mut self, event: Event) {
        match self {
            Renderer::Human(view) => view.event(event),
            Renderer::Json(lines) => lines.event(&event),
        }
    }

    /// Takes notice of how far a preparation is. For people, there are bars.
    pub(super) fn tick(&mut self, snapshot: &Snapshot) {
        match self {
            Renderer::Human(_) => {}
            Renderer::Json(lines) => lines.tick(snapshot),
        }
    }
}

/// Hands facts to the thread that shows them. The queue is bounded, so a reader that is slow for
/// long holds the copy rather than filling the memory. Once the job is cancelled, hardly anything
/// waits for a reader any more: items that were never begun do not, all else together waits for
/// [`LAST_PAUSES`] at most.
pub(super) struct Relay {
    sender: SyncSender<Event>,
    control: Control,
    last_pauses: AtomicU32,
}

/// How long a fact waits before it looks again for room in the queue.
const PAUSE: Duration = Duration::from_millis(2);

/// How many pauses there are in all after a cancel.
const LAST_PAUSES: u32 = 100;

impl Relay {
    pub(super) fn new(sender: SyncSender<Event>, control: Control) -> Self {
        Self { sender, control, last_pauses: AtomicU32::new(LAST_PAUSES) }
    }

    fn may_wait(&self, event: &Event) -> bool {
        if !self.control.is_cancelled() {
            return true;
        }
        let was_begun = !matches!(
            event,
            Event::ItemFinished(item) if item.status == ItemStatus::Cancelled
        );
        let spend = |left: u32| left.checked_sub(1);
        was_begun
            && self.last_pauses.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spend).is_ok()
    }
}

impl Observer for Relay {
    fn on_event(&self, event: Event) {
        let mut event = event;
        loop {
            match self.sender.try_send(event) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(unsent)) if !self.may_wait(&unsent) => return,
                Err(TrySendError::Full(unsent)) => event = unsent,
            }
            std::thread::sleep(PAUSE);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use surecopy::Phase;

    use super::*;

    #[test]
    fn a_reader_that_stands_still_does_not_hold_a_cancelled_job() {
        let (sender, receiver) = sync_channel(1);
        let relay = Relay::new(sender, Control::new());
        relay.on_event(Event::PhaseStarted { phase: Phase::ProgressiveScanning });
        relay.control.cancel();
        relay.on_event(Event::PhaseStarted { phase: Phase::Copy });
        assert_eq!(receiver.try_iter().count(), 1);
    }

    #[test]
    fn facts_wait_for_room_and_none_is_lost() {
        let (sender, receiver) = sync_channel(1);
        let relay = Relay::new(sender, Control::new());
        let writer = std::thread::spawn(move || {
            for _ in 0..10 {
                relay.on_event(Event::PhaseStarted { phase: Phase::Copy });
            }
        });
        assert_eq!(receiver.iter().count(), 10);
        writer.join().unwrap();
    }
}
