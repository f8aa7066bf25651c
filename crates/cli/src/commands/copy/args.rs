//! The options of `surecopy copy`, as typed. What they mean together is decided in `request.rs`.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::filters::FilterArgs;
use crate::indexed::PreparedFromArgs;
use crate::recorded::LedgerArgs;
use crate::running::OutputArgs;

/// Copy files and trees, and prove by reading back what the policy asks for
///
/// A source directory written with a slash at its end means its contents; without one it means
/// itself. It is copied into DST when DST is a directory, and becomes DST when DST does not exist.
/// Several sources need DST to be a directory, or to be written with a slash at its end, which
/// creates it. Directories are copied whole. What goes where is the first thing shown.
#[derive(Debug, Args)]
#[command(override_usage = "surecopy copy [OPTIONS] SRC... DST")]
pub(crate) struct CopyArgs {
    /// What to copy, and last where to
    // As plain strings: an empty one gets a clearer message than the parser's own.
    #[arg(value_name = "SRC... DST", required = true, num_args = 1..)]
    pub(super) paths: Vec<OsString>,

    /// DST is the target itself, never a directory to copy into
    #[arg(short = 'T', long)]
    pub(super) no_target_directory: bool,

    /// Show what would be done and write nothing
    #[arg(short = 'n', long)]
    pub(super) dry_run: bool,

    /// Accepted for habit: directories are always copied whole
    #[arg(short = 'r', short_alias = 'R', long, overrides_with = "_recursive")]
    pub(super) _recursive: bool,

    #[command(flatten)]
    pub(super) proof: ProofArgs,

    #[command(flatten)]
    pub(super) way: WayArgs,

    #[command(flatten)]
    pub(super) targets: TargetArgs,

    #[command(flatten)]
    pub(super) filters: FilterArgs,

    #[command(flatten)]
    pub(super) record: RecordArgs,

    #[command(flatten)]
    pub(super) from: PreparedFromArgs,

    #[command(flatten)]
    pub(super) output: OutputArgs,

    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

/// How much is proved.
#[derive(Debug, Args)]
#[command(next_help_heading = "Proof")]
pub(super) struct ProofArgs {
    /// Which files to verify after copying: none, those below verify_threshold_bytes, or all
    #[arg(long, value_enum, value_name = "WHICH")]
    pub(super) verify: Option<VerifyArg>,

    /// How to read back: from the device past the page cache, through the cache, or not at all
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) read_back: Option<ReadBackArg>,

    /// The digest algorithm
    #[arg(long, value_enum, value_name = "ALGORITHM")]
    pub(super) digest: Option<DigestArg>,
}

/// How bytes travel.
#[derive(Debug, Args)]
#[command(next_help_heading = "Ways")]
pub(super) struct WayArgs {
    /// Let the kernel copy (direct), copy chunk by chunk through buffers (staged), or choose
    #[arg(long, value_enum, value_name = "WAY")]
    pub(super) strategy: Option<StrategyArg>,

    /// Whether to share blocks with the source where the volume can
    #[arg(long, value_enum, value_name = "WHEN")]
    pub(super) reflink: Option<ReflinkArg>,

    /// How many items to work on at once; 0 goes by the number of cores
    #[arg(short, long, value_name = "N")]
    pub(super) jobs: Option<u64>,

    /// How often to begin an item again after a failure that may pass
    #[arg(long, value_name = "N")]
    pub(super) retries: Option<u64>,

    /// Stop at the first failure
    #[arg(long)]
    pub(super) fail_fast: bool,
}

/// What is done to targets.
#[derive(Debug, Args)]
#[command(next_help_heading = "Targets")]
pub(super) struct TargetArgs {
    /// What to do when a target exists
    #[arg(long, value_enum, value_name = "POLICY")]
    pub(super) on_conflict: Option<ConflictArg>,

    /// Replace only targets that are older than their source (the same as --on-conflict newer)
    #[arg(short, long, conflicts_with = "on_conflict")]
    pub(super) update: bool,

    /// Compare targets that exist by content, not by size and modification time; only with
    /// --on-conflict update, the default
    #[arg(short, long)]
    pub(super) checksum: bool,

    /// Replace targets that have no write permission too
    #[arg(long)]
    pub(super) replace_read_only: bool,

    /// Replace files that have another content than when they were copied before, though their size
    /// and time are the same
    #[arg(long)]
    pub(super) accept_changed_content: bool,

    /// Keep what is replaced, beside its successor, so that `surecopy undo` can put it back
    #[arg(long, conflicts_with = "no_ledger")]
    pub(super) keep_replaced: bool,

    /// Keep exactly these properties, or change what is kept with +NAME and -NAME
    ///
    /// Names: timestamps, permissions, xattrs, acls, links, holes (kept by default), owner, group,
    /// hard-links, set-id; or default, all, none. With commas between. A list that begins with a
    /// minus needs an equals sign: --preserve=-xattrs
    #[arg(long, value_name = "LIST")]
    pub(super) preserve: Option<String>,

    /// Keep everything: owner, group, hard links and set-id bits too
    #[arg(short, long)]
    pub(super) archive: bool,
}

/// Where the job is recorded.
#[derive(Debug, Args)]
#[command(next_help_heading = "Record")]
pub(super) struct RecordArgs {
    #[command(flatten)]
    pub(super) ledger: LedgerArgs,

    /// Record nothing: what is interrupted cannot be resumed then
    #[arg(long, conflicts_with = "ledger")]
    pub(super) no_ledger: bool,
}

/// Settings.
#[derive(Debug, Args)]
#[command(next_help_heading = "Settings")]
pub(super) struct SettingArgs {
    /// Change any setting for this job (see `surecopy config explain`)
    #[arg(long, value_name = "KEY=VALUE")]
    pub(super) set: Vec<String>,

    /// Use a set of values for a known situation, such as low-memory or slow-network
    #[arg(long, value_name = "NAME")]
    pub(super) profile: Option<String>,

    /// Read this configuration file instead of the usual one
    #[arg(long, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
}

/// Names with their texts, as settings know them; a test compares them with the table.
macro_rules! word_argument {
    ($name:ident { $($(#[doc = $doc:literal])* $variant:ident = $text:literal),+ $(,)? }) => {
        #[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
        pub(super) enum $name {
            $($(#[doc = $doc])* #[value(name = $text)] $variant,)+
        }

        impl $name {
            pub(super) fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)+ }
            }
        }
    };
}

word_argument!(VerifyArg {
    /// No file
    None = "none",
    /// Files smaller than verify_threshold_bytes
    LtThreshold = "lt_threshold",
    /// Every file
    All = "all",
});

word_argument!(ReadBackArg {
    /// From the device, past the page cache, where the volume can do that
    Device = "device",
    /// With ordinary reads, which memory may answer
    Cache = "cache",
    /// Not at all: nothing is verified
    None = "none",
});

word_argument!(DigestArg {
    /// Fast, 256 bits
    Blake3 = "blake3",
    /// For those who need it
    Sha256 = "sha256",
});

word_argument!(StrategyArg {
    /// By volumes, number of destinations and size
    Auto = "auto",
    /// Clone, else a copy inside the kernel, else reads and writes
    Direct = "direct",
    /// Read once in chunks, digested in the same pass
    Staged = "staged",
});

word_argument!(ReflinkArg {
    /// Share where the volume can
    Auto = "auto",
    /// Share, or fail the item
    Always = "always",
    /// Make a second physical copy
    Never = "never",
});

word_argument!(ConflictArg {
    /// Skip what is identical, replace the rest (the default)
    Update = "update",
    /// Replace always
    Replace = "replace",
    /// Replace when the source is newer
    Newer = "newer",
    /// Keep what is there
    Skip = "skip",
    /// Copy under a free name beside it
    KeepBoth = "keep-both",
    /// Ask for each, on the terminal
    Ask = "ask",
    /// Fail the item
    Fail = "fail",
});
