//! The options of `surecopy prepare`, as typed.

use std::path::PathBuf;

use clap::Args;

use crate::indexed::PreparedFromArgs;
use crate::running::{OutputArgs, VERBOSE_LISTING};

/// Find out what there is to copy: how many files, how many bytes
///
/// What is found is remembered in the index, so that the next preparation, or a copy, finds out at once
/// what has not changed. Nothing else is written, and nothing is copied. A file that is written to in
/// place does not change its directory: its size is the one that is remembered until a copy opens it.
#[derive(Debug, Args)]
#[command(mut_arg("verbose", |verbose| verbose.help(VERBOSE_LISTING)))]
pub(crate) struct PrepareArgs {
    /// What to find out about
    #[arg(value_name = "SRC", required = true)]
    pub(super) sources: Vec<PathBuf>,

    /// How many threads look; 0 goes by the number of cores
    #[arg(short, long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub(super) jobs: u32,

    #[command(flatten)]
    pub(super) from: PreparedFromArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,
}
