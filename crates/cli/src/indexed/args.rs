//! Which index, and how far it is used, as typed.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use surecopy::environment::UserEnvironment;
use surecopy::preparation::PrepareMode;

use crate::failure::Failure;

/// Which index.
#[derive(Debug, Args)]
pub(crate) struct IndexArgs {
    /// Use this index instead of the usual one
    #[arg(long, value_name = "FILE")]
    pub(crate) index: Option<PathBuf>,
}

impl IndexArgs {
    /// The one that is named, by the option or by the environment, or the usual one; `None` where that
    /// would be in a home directory and there is none.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        let environment = UserEnvironment::read();
        let named = self.index.clone().or_else(|| environment.named_index());
        named.or_else(|| environment.usual_index())
    }

    /// The same for a command that makes no sense without one.
    pub(crate) fn needed_path(&self) -> Result<PathBuf, Failure> {
        self.path().ok_or_else(|| {
            Failure::usage(
                "there is no home directory where the index would be: name one with --index",
            )
        })
    }
}

/// How far the index is used.
#[derive(Debug, Args)]
#[command(next_help_heading = "Preparation")]
pub(crate) struct PreparedFromArgs {
    /// How far to rely on the index to find out what there is
    #[arg(long, value_enum, value_name = "HOW", conflicts_with = "no_index")]
    pub(crate) prepare: Option<PrepareArg>,

    #[command(flatten)]
    pub(crate) index: IndexArgs,

    /// Neither use the index nor remember anything in it
    #[arg(long, conflicts_with = "index")]
    pub(crate) no_index: bool,
}

impl PreparedFromArgs {
    /// The index that is to be used.
    pub(crate) fn path(&self) -> Option<PathBuf> {
        if self.no_index { None } else { self.index.path() }
    }

    /// How far.
    pub(crate) fn mode(&self) -> PrepareMode {
        match self.prepare {
            None | Some(PrepareArg::Auto) => PrepareMode::Auto,
            Some(PrepareArg::Scan) => PrepareMode::Scan,
            Some(PrepareArg::IndexOnly) => PrepareMode::IndexOnly,
        }
    }
}

/// How far the index is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrepareArg {
    /// List only directories that are not as the index has them (the default)
    Auto,
    /// List all of them, and remember them anew
    Scan,
    /// List none: say what the index knows; a copy is refused if that is not all, or not true any more
    IndexOnly,
}
