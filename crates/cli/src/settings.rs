//! The settings in force: from options, the environment, the configuration file, the profile and
//! the defaults.

use std::path::Path;

use surecopy::config;
use surecopy::environment::UserEnvironment;
use surecopy::settings::Settings;

use crate::failure::Failure;

/// What is in force, by this configuration file if one is named, and by options that are settings.
pub(crate) fn in_force(
    named: Option<&Path>,
    options: Vec<(String, String)>,
) -> Result<Settings, Failure> {
    let sources = config::gather(&UserEnvironment::read(), named, options);
    Settings::resolve(&sources.map_err(Failure::usage)?).map_err(Failure::usage)
}

/// The same for a command that takes no settings.
pub(crate) fn without_options() -> Result<Settings, Failure> {
    in_force(None, Vec::new())
}
