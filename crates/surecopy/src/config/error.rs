//! What can be wrong with the configuration file.

use std::io;
use std::path::{Path, PathBuf};

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
    #[error("{}{}: not valid TOML: {message}", path.display(), in_line(*line))]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The line, from 1, where the parser names one.
        line: Option<usize>,
        /// Why.
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
    /// It is written, but its directory could not be flushed: after a power failure it may be what it
    /// was before.
    #[error(
        "{} is written, but nobody knows whether it would outlast a power failure: {source}",
        path.display()
    )]
    Unflushed {
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
    /// What the parser says of `text`, without its picture of the place: that is of several lines.
    pub(super) fn malformed(path: &Path, text: &str, error: &toml_edit::TomlError) -> Self {
        let line_of = |at: usize| text.bytes().take(at).filter(|byte| *byte == b'\n').count() + 1;
        ConfigError::Malformed {
            path: path.to_owned(),
            line: error.span().map(|place| line_of(place.start)),
            message: error.message().to_owned(),
        }
    }

    /// Whether this process may not read it.
    pub(super) fn is_denied(&self) -> bool {
        let ConfigError::Unreadable { source, .. } = self else { return false };
        source.kind() == io::ErrorKind::PermissionDenied
    }
}

fn in_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(", line {line}"))
}
