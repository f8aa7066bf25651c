//! `surecopy config`: looking at settings and changing them in the configuration file.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use surecopy::ErrorCode;
use surecopy::config::{self, ConfigFile};
use surecopy::environment::UserEnvironment;
use surecopy::explain::{self, Format};
use surecopy::settings::{SETTINGS, Settings};

use super::print;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::hint;
use crate::settings;
use crate::shown::{Plain, Shown};

/// Show and change settings
///
/// A value comes from the command line, else from the environment (SURECOPY_ and the name in
/// capitals), else from the configuration file, else from the profile, else it is the default. No
/// configuration is read from the current directory.
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    #[command(subcommand)]
    command: ConfigCommand,

    /// Use this configuration file instead of the usual one
    #[arg(long, value_name = "FILE", global = true)]
    config: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Show every setting with its value and where the value comes from
    Show,
    /// Show the value of one setting
    Get {
        /// The setting
        #[arg(value_name = "KEY")]
        name: String,
    },
    /// Write a value into the configuration file
    Set {
        /// The setting
        #[arg(value_name = "KEY")]
        name: String,
        /// Its value
        value: String,
    },
    /// Take a setting out of the configuration file
    Unset {
        /// The setting
        #[arg(value_name = "KEY")]
        name: String,
    },
    /// Show where the configuration file is
    Path,
    /// Say what a setting means, what it may be and why its default is what it is
    Explain {
        /// The setting; all of them without it
        #[arg(value_name = "KEY")]
        name: Option<String>,
        /// As the page for the documentation
        #[arg(long, hide = true, conflicts_with = "name")]
        markdown: bool,
    },
    /// Say what every error code means
    #[command(hide = true)]
    Codes {
        /// As the page for the documentation
        #[arg(long)]
        markdown: bool,
    },
}

/// Shows or changes settings.
pub(crate) fn run(args: ConfigArgs) -> Result<ExitStatus, Failure> {
    let named = args.config.as_deref();
    let text = match args.command {
        ConfigCommand::Show => show(&settings::in_force(named, Vec::new())?),
        ConfigCommand::Get { name } => {
            let settings = settings::in_force(named, Vec::new())?;
            format!("{}\n", settings.get(&name).map_err(Failure::usage)?.text)
        }
        ConfigCommand::Set { name, value } => return set(named, &name, &value),
        ConfigCommand::Unset { name } => return unset(named, &name),
        ConfigCommand::Path => {
            // The bare path, for use by programs.
            let path = file(named)?;
            let mut bytes = path.as_os_str().as_encoded_bytes().to_vec();
            bytes.push(b'\n');
            return print(&bytes);
        }
        ConfigCommand::Explain { name: Some(name), .. } => explain_one(&name)?,
        ConfigCommand::Explain { name: None, markdown: true } => {
            explain::settings(Format::Markdown)
        }
        ConfigCommand::Explain { name: None, markdown: false } => explain::settings(Format::Plain),
        ConfigCommand::Codes { markdown } => codes_page(markdown),
    };
    print(text.as_bytes())
}

fn file(named: Option<&Path>) -> Result<PathBuf, Failure> {
    config::path(&UserEnvironment::read(), named).map_err(Failure::usage)
}

fn show(settings: &Settings) -> String {
    let widest = SETTINGS.iter().map(|setting| setting.name.len()).max().unwrap_or_default();
    let mut text = String::new();
    for resolved in settings.iter() {
        let name = resolved.setting.name;
        let origin = resolved.origin.to_string();
        line(&mut text, format_args!("{name:<widest$} = {}  ({})", resolved.text, Plain(&origin)));
    }
    for warning in settings.warnings() {
        line(&mut text, format_args!("warning: {}", Plain(&warning.message)));
    }
    text
}

fn set(named: Option<&Path>, name: &str, value: &str) -> Result<ExitStatus, Failure> {
    let mut file = ConfigFile::load_or_empty(&file(named)?).map_err(Failure::usage)?;
    let warning = file.set(name, value).map_err(Failure::usage)?;
    file.save().map_err(Failure::other)?;
    if let Some(warning) = warning {
        warn(&warning.message);
    }
    let written = file.get(name).unwrap_or_default();
    print(format!("{name} = {written} in {}\n", Shown(file.path())).as_bytes())
}

fn unset(named: Option<&Path>, name: &str) -> Result<ExitStatus, Failure> {
    let mut file = ConfigFile::load_or_empty(&file(named)?).map_err(Failure::usage)?;
    if file.unset(name) {
        file.save().map_err(Failure::other)?;
        return print(format!("{} is out of {}\n", Plain(name), Shown(file.path())).as_bytes());
    }
    // A name that is in the file and no setting had to go; one that is neither is a slip.
    Settings::default().get(name).map_err(Failure::usage)?;
    print(format!("{name} is not in {}\n", Shown(file.path())).as_bytes())
}

/// Talk, not data: nobody has to read it.
fn warn(message: &str) {
    if let Err(unwritten) = writeln!(io::stderr().lock(), "warning: {}", Plain(message)) {
        tracing::debug!("nobody reads the warning: {unwritten}");
    }
}

fn explain_one(name: &str) -> Result<String, Failure> {
    let settings = Settings::default();
    let resolved = settings.get(name).map_err(Failure::usage)?;
    Ok(explain::setting(resolved.setting))
}

/// `docs/error-codes.md`, or the same for reading in a terminal.
fn codes_page(is_markdown: bool) -> String {
    let mut text = String::new();
    if is_markdown {
        text.push_str(
            "# Error codes\n\n\
             The list is closed. The class says what an error calls for: `retryable` may pass by \
             itself, `needs_user` waits for somebody, `permanent` stays until the request changes, \
             `bug` is a mistake in surecopy.\n\n\
             | code | class | meaning | what to do |\n|---|---|---|---|\n",
        );
    }
    for code in ErrorCode::ALL {
        let (class, meaning, hint) = (code.class().as_str(), code.meaning(), hint::for_code(*code));
        if is_markdown {
            line(&mut text, format_args!("| `{code}` | {class} | {meaning} | {hint} |"));
        } else {
            line(&mut text, format_args!("{code} ({class})\n  {meaning}\n  what to do: {hint}"));
        }
    }
    text
}

fn line(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").expect("writing to a string does not fail");
}
