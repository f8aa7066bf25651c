//! What can be wrong with a setting.

use super::origin::Origin;

/// What is wrong with a setting.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// There is no such setting.
    #[error("there is no setting `{name}` (from {origin}){}", did_you_mean(*suggestion))]
    Unknown {
        /// The name as given.
        name: String,
        /// Who gave it.
        origin: Origin,
        /// The nearest name there is.
        suggestion: Option<&'static str>,
    },
    /// The text is not a value of this setting.
    #[error("`{text}` is no value of `{name}` (from {origin}): expected {expected}")]
    Invalid {
        /// The setting.
        name: &'static str,
        /// The text as given.
        text: String,
        /// Who gave it.
        origin: Origin,
        /// What it should be, in words.
        expected: String,
    },
    /// The value is outside the allowed range.
    #[error("`{name}` cannot be {text} (from {origin}): it goes from {range}")]
    OutOfRange {
        /// The setting.
        name: &'static str,
        /// The text as given.
        text: String,
        /// Who gave it.
        origin: Origin,
        /// The range, in words.
        range: String,
    },
}

impl SettingError {
    /// The name of the setting, as given.
    pub fn name(&self) -> &str {
        match self {
            SettingError::Unknown { name, .. } => name,
            SettingError::Invalid { name, .. } | SettingError::OutOfRange { name, .. } => name,
        }
    }
}

/// Something that was said about settings and does not count as it was said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingWarning {
    /// The setting; `None` when it is about all of a configuration file.
    pub name: Option<&'static str>,
    /// What was made of it, in words.
    pub message: String,
}

fn did_you_mean(suggestion: Option<&str>) -> String {
    suggestion.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}
