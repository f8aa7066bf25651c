//! How often pictures are drawn.

use crate::failure::Failure;
use crate::settings;

/// As the settings in force say, for a command that takes no other settings.
pub(crate) fn pulses_per_second() -> Result<u32, Failure> {
    Ok(settings::without_options()?.progress_updates_per_second())
}
