//! Where a value came from.

use std::fmt;
use std::path::PathBuf;

/// Where a value came from, the weakest first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// A profile.
    Profile(&'static str),
    /// The configuration file.
    ConfigFile(PathBuf),
    /// An environment variable.
    Environment(String),
    /// The command line, or a call of the library.
    Flag,
}

impl Origin {
    /// Stable text, without the name of the file or variable.
    pub fn as_str(&self) -> &'static str {
        match self {
            Origin::Default => "default",
            Origin::Profile(_) => "profile",
            Origin::ConfigFile(_) => "config_file",
            Origin::Environment(_) => "environment",
            Origin::Flag => "flag",
        }
    }

    /// Whether nobody named this very setting.
    pub(crate) fn is_implied(&self) -> bool {
        matches!(self, Origin::Default | Origin::Profile(_))
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("the default"),
            Origin::Profile(name) => write!(f, "profile {name}"),
            Origin::ConfigFile(path) => write!(f, "{}", path.display()),
            Origin::Environment(variable) => write!(f, "environment variable {variable}"),
            Origin::Flag => f.write_str("the command line"),
        }
    }
}
