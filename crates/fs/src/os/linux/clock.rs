//! The clocks of this machine.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::{process, pseudo_file};
use crate::moment::{BootId, Moment};

/// Where the kernel says which boot this is.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The clocks of this machine, and which boot they belong to.
#[derive(Debug, Clone, Copy)]
pub struct MachineClock {
    boot: Option<BootId>,
}

impl MachineClock {
    /// Looks up which boot this is.
    pub fn new() -> Self {
        Self { boot: pseudo_file::text(BOOT_ID).and_then(|text| boot_in(&text)) }
    }

    /// What the clocks show.
    pub fn now(&self) -> Moment {
        let since = clock_gettime(ClockId::Boottime);
        let secs = u64::try_from(since.tv_sec).unwrap_or(0);
        let nanos = u32::try_from(since.tv_nsec).unwrap_or(0);
        let since_boot = Duration::new(secs, nanos);
        Moment { wall: process::wall_clock(), since_boot, boot: self.boot }
    }
}

impl Default for MachineClock {
    fn default() -> Self {
        Self::new()
    }
}

fn boot_in(text: &str) -> Option<BootId> {
    let digits: String = text.trim().split('-').collect();
    (digits.len() == 32).then(|| u128::from_str_radix(&digits, 16).ok().map(BootId))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clocks_go_on_together() {
        let clock = MachineClock::new();
        let (first, second) = (clock.now(), clock.now());
        assert!(second.since_boot >= first.since_boot);
        assert_eq!(first.boot, MachineClock::new().now().boot);
        let moved = second.offset_nanos() - first.offset_nanos();
        assert!(moved.abs() < 3_600_000_000_000, "{moved} ns: they are of one boot");
    }

    #[test]
    fn a_boot_is_a_number_of_its_own() {
        let text = "594335e0-884d-49c2-968a-134c73335c38\n";
        assert_eq!(boot_in(text), Some(BootId(0x594335e0_884d_49c2_968a_134c73335c38)));
        for odd in ["", "594335e0", "594335e0-884d-49c2-968a-134c73335cxx"] {
            assert_eq!(boot_in(odd), None, "{odd}");
        }
    }
}
