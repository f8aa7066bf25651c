//! How long others are waited for.

use std::time::Duration;

/// How often a lock of another program is asked for again. Often, because programs that write all the
/// time leave it free for moments only.
const STEP: Duration = Duration::from_millis(2);

/// How long a lock of another program is asked for again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    steps: i32,
}

impl Patience {
    /// For so many milliseconds.
    pub const fn of_millis(millis: u16) -> Self {
        Self { steps: (millis as u128 / STEP.as_millis()) as i32 }
    }

    /// Whether it is asked for once more, after a while, when it was in vain so many times before.
    pub(crate) fn wait(self, count: i32) -> bool {
        std::thread::sleep(STEP);
        count < self.steps
    }

    /// One number for each time that it may be asked for.
    pub(crate) fn tries(self) -> std::ops::Range<i32> {
        0..self.steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_ends() {
        let patience = Patience::of_millis(100);
        assert_eq!(patience.tries().len(), 50);
        assert!(patience.wait(0) && patience.wait(49) && !patience.wait(50));
    }
}
