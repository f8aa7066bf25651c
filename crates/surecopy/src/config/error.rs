//! What can be wrong with the configuration file.

use std::io;
use std::path::PathBuf;

use crate::settings::SettingError;

/// What can go wrong with the configuration file.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not TOML.
    #[error("{} is not valid TOML: {message}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where, and why.
        message: String,
    },
    /// It cannot be written; what was there is still there.
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no home directory, and no file was named.
    #[error("there is no home directory to look for a configuration file in; name one")]
    NoPlace,
    /// A setting is not right.
    #[error(transparent)]
    Setting(#[from] SettingError),
}

impl ConfigError {
    /// Whether this process may not read it.
    pub(super) fn is_denied(&self) -> bool {
        let ConfigError::Unreadable { source, .. } = self else { return false };
        source.kind() == io::ErrorKind::PermissionDenied
    }
}
