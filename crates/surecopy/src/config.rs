//! The configuration file: TOML, one line for each setting.
//!
//! The one place of this crate that opens files by itself. A file is written as a whole: a partial
//! file beside it, flushed, then renamed over it. Comments and order are kept.

mod error;
#[cfg(test)]
mod tests;
mod unset;

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item, Value};

pub use error::ConfigError;

use crate::environment::UserEnvironment;
use crate::settings::{Kind, Origin, SettingError, SettingSources, SettingWarning, Settings, find};

/// A configuration file as it is.
#[derive(Debug, Clone)]
pub struct ConfigFile {
    path: PathBuf,
    document: DocumentMut,
}

impl ConfigFile {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is not there, cannot be read, or is not TOML. Names and values are looked at when they
    /// are resolved.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let document = text
            .parse::<DocumentMut>()
            .map_err(|error| ConfigError::malformed(path, &text, &error))?;
        Ok(Self { path: path.to_owned(), document })
    }

    /// Reads a file; one that is not there is empty.
    ///
    /// # Errors
    ///
    /// As [`ConfigFile::load`].
    pub fn load_or_empty(path: &Path) -> Result<Self, ConfigError> {
        match Self::load(path) {
            // Where the home directory is `/dev/null`, there is no file either.
            Err(ConfigError::Unreadable { path, source })
                if matches!(
                    source.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                Ok(Self { path, document: DocumentMut::new() })
            }
            other => other,
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every name with its value as text, in the order of the file.
    pub fn entries(&self) -> Vec<(String, String)> {
        self.document.iter().map(|(name, item)| (name.to_owned(), text_of(item))).collect()
    }

    /// The value that the file has for a name, as text.
    pub fn get(&self, name: &str) -> Option<String> {
        self.document.get(name).map(text_of)
    }

    /// Sets a value; [`ConfigFile::save`] writes it. What will be made of it, if that is something
    /// else, is returned.
    ///
    /// # Errors
    ///
    /// There is no such setting, or the text is not a value of it.
    pub fn set(&mut self, name: &str, text: &str) -> Result<Option<SettingWarning>, SettingError> {
        // Checked as strictly as on the command line, and not as in a file: somebody is here to
        // correct it.
        let mut settings = Settings::default();
        settings.set(name, text, Origin::Flag)?;
        let kind = find(name).map(|setting| setting.kind);
        let mut value = value_of(kind, text);
        if let Some(Item::Value(known)) = self.document.get(name) {
            // The comment behind the value stays.
            *value.decor_mut() = known.decor().clone();
        }
        self.document[name] = Item::Value(value);
        Ok(settings.warnings().first().cloned())
    }

    /// Takes a name out, so that the file says nothing of it; says whether it was there. Any name can
    /// be taken out, one that is no setting too. The comment right above it goes with it.
    pub fn unset(&mut self, name: &str) -> bool {
        unset::unset(&mut self.document, name)
    }

    /// Writes the file as a whole: whatever happens, it is its old self or its new self.
    ///
    /// # Errors
    ///
    /// It cannot be written ([`ConfigError::Unwritable`]); then it is its old self. Or it is its new
    /// self, and only a power failure could bring back the old one ([`ConfigError::Unflushed`]).
    pub fn save(&self) -> Result<(), ConfigError> {
        write_whole(&self.path, self.document.to_string().as_bytes(), fs::File::sync_all)
    }
}

/// Where the configuration file is: `named` (by `--config`), else `SURECOPY_CONFIG`, else its usual
/// place.
///
/// # Errors
///
/// No file is named and there is no home directory.
pub fn path(environment: &UserEnvironment, named: Option<&Path>) -> Result<PathBuf, ConfigError> {
    named
        .map(Path::to_owned)
        .or_else(|| environment.named_config_file())
        .or_else(|| environment.usual_config_file())
        .ok_or(ConfigError::NoPlace)
}

/// Gathers everything that a user said: in the configuration file, in the environment, and in
/// `flags`. A file that is named must exist; the usual one need not. When this process may not read
/// the usual one, it is somebody else's (a service keeps the `HOME` of whoever started it): it is left
/// out of account, with a warning.
///
/// ```no_run
/// use surecopy::{Settings, config, environment::UserEnvironment};
///
/// let flags = vec![("verify_policy".to_owned(), "all".to_owned())];
/// let sources = config::gather(&UserEnvironment::read(), None, flags)?;
/// let settings = Settings::resolve(&sources)?;
/// # Ok::<(), surecopy::config::ConfigError>(())
/// ```
///
/// # Errors
///
/// The file cannot be read, or a variable is not text.
pub fn gather(
    environment: &UserEnvironment,
    named: Option<&Path>,
    flags: Vec<(String, String)>,
) -> Result<SettingSources, ConfigError> {
    let (config, config_warning) = match path(environment, named) {
        Ok(path) if named.is_some() || environment.named_config_file().is_some() => {
            (Some(ConfigFile::load(&path)?), None)
        }
        Ok(path) => forgiven(ConfigFile::load_or_empty(&path))?,
        Err(ConfigError::NoPlace) => (None, None),
        Err(other) => return Err(other),
    };
    Ok(SettingSources { config, config_warning, environment: environment.settings()?, flags })
}

/// The file in its usual place, or why it is left out of account.
fn forgiven(
    loaded: Result<ConfigFile, ConfigError>,
) -> Result<(Option<ConfigFile>, Option<String>), ConfigError> {
    match loaded {
        Err(error) if error.is_denied() => {
            Ok((None, Some(format!("{error}; settings are taken as if it were not there"))))
        }
        other => Ok((Some(other?), None)),
    }
}

/// A value as the text that `--set` would take for it.
fn text_of(item: &Item) -> String {
    match item {
        Item::Value(Value::String(text)) => text.value().clone(),
        Item::Value(Value::Integer(number)) => number.value().to_string(),
        Item::Value(Value::Boolean(flag)) => flag.value().to_string(),
        Item::Value(Value::Array(values)) => {
            let texts = values.iter().map(|value| text_of(&Item::Value(value.clone())));
            texts.collect::<Vec<_>>().join(",")
        }
        // No setting is any of these: as they are written, for the error that will name them.
        Item::Value(other) => {
            let mut bare = other.clone();
            // A comment behind the value is part of its decor.
            bare.decor_mut().clear();
            bare.to_string()
        }
        other => other.to_string().trim().to_owned(),
    }
}

/// A text as the TOML value that suits its setting.
fn value_of(kind: Option<Kind>, text: &str) -> Value {
    match kind {
        Some(Kind::Count { .. }) => {
            text.trim().parse::<i64>().map_or_else(|_| text.into(), Value::from)
        }
        Some(Kind::Flag) => match text {
            "on" | "true" | "yes" | "1" => true.into(),
            _ => false.into(),
        },
        _ => text.into(),
    }
}

/// `flush` is for the directory.
fn write_whole(
    path: &Path,
    content: &[u8],
    flush: impl FnOnce(&fs::File) -> io::Result<()>,
) -> Result<(), ConfigError> {
    let folder = replace(path, content)
        .map_err(|source| ConfigError::Unwritable { path: path.to_owned(), source })?;
    flush(&folder).map_err(|source| ConfigError::Unflushed { path: path.to_owned(), source })
}

/// Puts a new file in the place of the old one; returns its directory.
fn replace(path: &Path, content: &[u8]) -> io::Result<fs::File> {
    // A link (settings kept in a repository, say) stays a link; what it points to is replaced.
    let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder)?;
    // Before anything changes: a directory that may be written and not be read cannot be flushed.
    let opened = fs::File::open(&folder)?;
    let partial = folder.join(format!(".surecopy-config-{:016x}", surecopy_fs::process_identity()));
    let written =
        write_partial(&partial, &path, content).and_then(|()| fs::rename(&partial, &path));
    if let Err(error) = written {
        // The first error is the one to tell; a partial file that cannot go either changes nothing.
        drop(fs::remove_file(&partial));
        return Err(error);
    }
    Ok(opened)
}

fn write_partial(partial: &Path, target: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(partial)?;
    if let Ok(metadata) = fs::metadata(target) {
        file.set_permissions(metadata.permissions())?;
    }
    file.write_all(content)?;
    file.sync_all()
}
