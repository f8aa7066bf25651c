//! The options of every command that runs something: what is shown of it.

use clap::{ArgAction, Args};

use crate::human::{ProgressMode, Verbosity};

/// What is shown.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// When to show progress, on stderr
    #[arg(long, value_enum, value_name = "WHEN", default_value_t)]
    pub(crate) progress: ProgressMode,

    /// Show errors only
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Show each item with how it was copied and proved; twice: with times and digests
    #[arg(short, long, action = ArgAction::Count)]
    pub(crate) verbose: u8,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long, conflicts_with_all = ["quiet", "verbose"])]
    pub(crate) json: bool,
}

/// What `-v` shows where nothing is copied.
pub(crate) const VERBOSE_LISTING: &str =
    "Show which subtrees have changed, and every warning; twice: how long each phase took, too";

impl OutputArgs {
    /// How much is said to people.
    pub(crate) fn verbosity(&self) -> Verbosity {
        match (self.quiet, self.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, 1) => Verbosity::Items,
            (false, _) => Verbosity::Details,
        }
    }

    /// The output is for a program or for nobody.
    pub(crate) fn is_silent(&self) -> bool {
        self.json || self.quiet
    }
}
