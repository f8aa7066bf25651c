//! What the user's environment says: settings, and where the configuration file is.
//!
//! The one place that reads environment variables. Nothing calls it but
//! [`config::gather`](crate::config::gather) and whoever asks for it by name.

use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::settings::{Origin, SettingError};

/// How the names of our variables begin.
pub const PREFIX: &str = "SURECOPY_";

/// Variables with our prefix that are no settings.
const NO_SETTINGS: [&str; 4] =
    ["SURECOPY_CONFIG", "SURECOPY_INDEX", "SURECOPY_LEDGER", "SURECOPY_LOG"];

/// The variables that matter, as they were when they were read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserEnvironment {
    variables: Vec<(OsString, OsString)>,
}

impl UserEnvironment {
    /// Reads the environment of this process.
    pub fn read() -> Self {
        env::vars_os().collect()
    }

    /// The variables that are settings, by name.
    ///
    /// # Errors
    ///
    /// The value of one of them is not text.
    pub fn settings(&self) -> Result<Vec<(String, String)>, SettingError> {
        let mut settings = Vec::new();
        for (variable, value) in &self.variables {
            let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else {
                continue;
            };
            if NO_SETTINGS.contains(&variable) {
                continue;
            }
            let text = value.to_str().ok_or_else(|| not_text(variable, value))?;
            settings.push((variable.to_owned(), text.to_owned()));
        }
        settings.sort();
        Ok(settings)
    }

    /// The configuration file that the user names, with `SURECOPY_CONFIG`.
    pub fn named_config_file(&self) -> Option<PathBuf> {
        self.value("SURECOPY_CONFIG").map(PathBuf::from)
    }

    /// Where the configuration file is when the user names none: in `$XDG_CONFIG_HOME`, or in
    /// `~/.config`. `None` when there is no home directory. Never the current directory.
    pub fn usual_config_file(&self) -> Option<PathBuf> {
        Some(self.folder("XDG_CONFIG_HOME", ".config")?.join("config.toml"))
    }

    /// The ledger that the user names, with `SURECOPY_LEDGER`.
    pub fn named_ledger(&self) -> Option<PathBuf> {
        self.value("SURECOPY_LEDGER").map(PathBuf::from)
    }

    /// Where the ledger is when the user names none: in `$XDG_STATE_HOME`, or in `~/.local/state`.
    /// `None` when there is no home directory. Never the current directory.
    pub fn usual_ledger(&self) -> Option<PathBuf> {
        Some(self.folder("XDG_STATE_HOME", ".local/state")?.join("ledger.db"))
    }

    /// The index that the user names, with `SURECOPY_INDEX`.
    pub fn named_index(&self) -> Option<PathBuf> {
        self.value("SURECOPY_INDEX").map(PathBuf::from)
    }

    /// Where the index is when the user names none: in `$XDG_CACHE_HOME`, or in `~/.cache`. `None` when
    /// there is no home directory. Never the current directory.
    pub fn usual_index(&self) -> Option<PathBuf> {
        Some(self.folder("XDG_CACHE_HOME", ".cache")?.join("index.db"))
    }

    /// Our own folder in the one that a variable names, or in the home directory.
    fn folder(&self, variable: &str, below_home: &str) -> Option<PathBuf> {
        let absolute = |name| self.value(name).map(Path::new).filter(|path| path.is_absolute());
        let folder = absolute(variable).map(Path::to_owned);
        let folder = folder.or_else(|| absolute("HOME").map(|home| home.join(below_home)))?;
        Some(folder.join("surecopy"))
    }

    /// A variable's value; an empty one counts as none.
    fn value(&self, name: &str) -> Option<&OsStr> {
        let (_, value) = self.variables.iter().find(|(known, _)| known == name)?;
        (!value.is_empty()).then_some(value)
    }
}

impl FromIterator<(OsString, OsString)> for UserEnvironment {
    fn from_iter<I: IntoIterator<Item = (OsString, OsString)>>(variables: I) -> Self {
        Self { variables: variables.into_iter().collect() }
    }
}

/// The setting that a variable sets, if there is one of that name.
pub(crate) fn setting_name(variable: &str) -> String {
    variable.strip_prefix(PREFIX).unwrap_or(variable).to_ascii_lowercase()
}

fn not_text(variable: &str, value: &OsStr) -> SettingError {
    let origin = Origin::Environment(variable.to_owned());
    let text = value.to_string_lossy().into_owned();
    match crate::settings::find(&setting_name(variable)) {
        Some(setting) => SettingError::Invalid {
            name: setting.name,
            text,
            origin,
            expected: setting.kind.allowed(),
        },
        None => SettingError::Unknown { name: setting_name(variable), origin, suggestion: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(variables: &[(&str, &str)]) -> UserEnvironment {
        variables.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    #[test]
    fn settings_are_told_from_other_variables() {
        let found = environment(&[
            ("SURECOPY_RETRIES", "3"),
            ("PATH", "/bin"),
            ("SURECOPY_CONFIG", "/c"),
            ("SURECOPY_LEDGER", "/l"),
            ("SURECOPY_JOBS", "2"),
            ("XSURECOPY_JOBS", "9"),
        ])
        .settings()
        .unwrap();
        let expected = [("SURECOPY_JOBS", "2"), ("SURECOPY_RETRIES", "3")];
        assert_eq!(found, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn every_setting_has_a_variable_that_leads_back_to_it() {
        for setting in crate::settings::SETTINGS {
            let variable = setting.variable();
            assert!(!NO_SETTINGS.contains(&variable.as_str()));
            assert_eq!(setting_name(&variable), setting.name);
        }
    }

    #[test]
    fn the_file_is_in_the_users_folder_or_nowhere() {
        let rows = [
            (&[("XDG_CONFIG_HOME", "/x"), ("HOME", "/h")][..], Some("/x/surecopy/config.toml")),
            (&[("HOME", "/h")], Some("/h/.config/surecopy/config.toml")),
            (&[("XDG_CONFIG_HOME", ""), ("HOME", "/h")], Some("/h/.config/surecopy/config.toml")),
            (&[("XDG_CONFIG_HOME", "x"), ("HOME", "/h")], Some("/h/.config/surecopy/config.toml")),
            (&[("HOME", "relative")], None),
            (&[], None),
        ];
        for (variables, expected) in rows {
            let found = environment(variables).usual_config_file();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{variables:?}");
        }
    }

    #[test]
    fn the_ledger_is_in_the_users_folder_for_state_or_nowhere() {
        let rows = [
            (&[("XDG_STATE_HOME", "/x"), ("HOME", "/h")][..], Some("/x/surecopy/ledger.db")),
            (&[("HOME", "/h")], Some("/h/.local/state/surecopy/ledger.db")),
            (&[("HOME", "relative")], None),
            (&[], None),
        ];
        for (variables, expected) in rows {
            let found = environment(variables).usual_ledger();
            assert_eq!(found.as_deref(), expected.map(Path::new), "{variables:?}");
        }
        let named = environment(&[("SURECOPY_LEDGER", "here.db"), ("HOME", "/h")]);
        assert_eq!(named.named_ledger().as_deref(), Some(Path::new("here.db")));
        assert_eq!(environment(&[("SURECOPY_LEDGER", "")]).named_ledger(), None);
    }

    #[cfg(unix)]
    #[test]
    fn a_value_that_is_not_text_is_named() {
        use std::os::unix::ffi::OsStringExt;
        let odd: UserEnvironment =
            [(OsString::from("SURECOPY_JOBS"), OsString::from_vec(vec![0xff]))]
                .into_iter()
                .collect();
        let error = odd.settings().unwrap_err();
        assert_eq!(error.name(), "jobs");
        assert!(error.to_string().contains("SURECOPY_JOBS"));
    }
}
