//! The options of `surecopy watch`, as typed.

use std::path::PathBuf;

use clap::Args;

use crate::indexed::IndexArgs;

/// Keep what the index knows fresh while things change, until it is told to stop
///
/// Whatever changes beneath a watched directory marks exactly the directory concerned, so that the next
/// preparation lists that one and no other. What happened while nothing was watched is looked for, when it
/// begins and after anything was missed. Ctrl-C or SIGTERM ends it.
#[derive(Debug, Args)]
pub(crate) struct WatchArgs {
    /// Directories to watch; those that the index does not know are scanned first. Without any, all
    /// locations of the index, also those that are added later
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) index: IndexArgs,

    /// Say only what goes wrong
    #[arg(short, long, conflicts_with = "verbose")]
    pub(super) quiet: bool,

    /// Say whenever something has changed
    #[arg(short, long)]
    pub(super) verbose: bool,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long, conflicts_with_all = ["quiet", "verbose"])]
    pub(super) json: bool,
}
