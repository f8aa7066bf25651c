//! How often pictures are drawn.

use surecopy::Settings;
use surecopy::config;
use surecopy::environment::UserEnvironment;

use crate::failure::Failure;

/// As the settings in force say, for a command that takes no other settings.
pub(crate) fn pulses_per_second() -> Result<u32, Failure> {
    let sources = config::gather(&UserEnvironment::read(), None, Vec::new());
    let settings = Settings::resolve(&sources.map_err(Failure::usage)?).map_err(Failure::usage)?;
    Ok(settings.progress_updates_per_second())
}
