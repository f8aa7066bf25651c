//! The options of `surecopy index`, as typed.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::indexed::IndexArgs;
use crate::running::{OutputArgs, VERBOSE_LISTING};

/// Keep the index: which directories are remembered, and how much of that still holds
///
/// The index remembers what directories held when they were last listed, so that a preparation or a copy
/// only has to list those that have changed. It is a cache: it may be deleted at any time, and what is
/// copied does not depend on it.
#[derive(Debug, Args)]
pub(crate) struct IndexCommandArgs {
    #[command(subcommand)]
    pub(super) command: IndexCommand,
}

#[derive(Debug, Subcommand)]
pub(super) enum IndexCommand {
    Add(AddArgs),
    List(ListArgs),
    Scan(ScanArgs),
    Status(StatusArgs),
    Remove(RemoveArgs),
}

/// Add directories to the index, as locations, and list all that is in them
///
/// What is part of a location already is not added again. When the listing is cancelled, the location
/// stays in the index with what was found by then.
#[derive(Debug, Args)]
pub(super) struct AddArgs {
    /// Directories to add
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,

    /// Only add them, and list nothing
    #[arg(long)]
    pub(super) no_scan: bool,

    #[command(flatten)]
    pub(super) listing: ListingArgs,
}

/// List what the index has: its locations, and how much was in them
///
/// Nothing but the index is looked at: the status is the one that was found last. `surecopy index status`
/// looks.
#[derive(Debug, Args)]
pub(super) struct ListArgs {
    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) index: IndexArgs,
}

/// List all directories in locations anew, changed or not, and remember what they hold
#[derive(Debug, Args)]
pub(super) struct ScanArgs {
    /// Locations to scan; all of them if none is named
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    #[command(flatten)]
    pub(super) listing: ListingArgs,
}

/// Look how much of what the index has still holds, without listing anything
///
/// A directory is fresh when it is as it was when it was last listed, and stale when it has changed or
/// may have. Stale ones are listed by the next preparation or copy that comes by.
#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// Locations to look at; all of them if none is named
    #[arg(value_name = "PATH")]
    pub(super) paths: Vec<PathBuf>,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) index: IndexArgs,
}

/// Have the index forget locations
///
/// Nothing but the index is touched.
#[derive(Debug, Args)]
pub(super) struct RemoveArgs {
    /// Locations to forget
    #[arg(value_name = "PATH", required = true)]
    pub(super) paths: Vec<PathBuf>,

    /// Write one JSON object a line to stdout, and nothing else there
    #[arg(long)]
    pub(super) json: bool,

    #[command(flatten)]
    pub(super) index: IndexArgs,
}

/// How directories are listed, and what is shown of that.
#[derive(Debug, Args)]
#[command(mut_arg("verbose", |verbose| verbose.help(VERBOSE_LISTING)))]
pub(super) struct ListingArgs {
    /// How many threads look; 0 goes by the number of cores
    #[arg(short, long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(super) jobs: u32,

    #[command(flatten)]
    pub(super) index: IndexArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}
