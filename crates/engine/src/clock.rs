//! Time, as far as the engine needs it.

use std::time::Duration;

/// A clock that never goes back. The engine has none of its own, so that tests can say what time
/// it is.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment.
    fn now(&self) -> Duration;

    /// Returns when this much time has passed. Never asked for more than a moment at once, so that
    /// whoever waits can look around in between.
    fn wait(&self, duration: Duration);
}
