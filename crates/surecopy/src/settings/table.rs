//! The table of all settings. Documents, help texts and checks are made from it.

use surecopy_engine::{
    ConflictPolicy, DigestAlgorithm, MAX_WORKERS, ReadBack, ReflinkMode, StrategyChoice,
    VerifyPolicy,
};

use super::profile::{self, PROFILE_NAMES};
use super::setting::{Field, Kind, Setting};

const KIB: u64 = 1 << 10;
const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;
const TIB: u64 = 1 << 40;
const EIB: u64 = 1 << 60;

/// The properties that `preserve` names.
const PROPERTIES: &[&str] = &[
    "timestamps",
    "permissions",
    "xattrs",
    "acls",
    "links",
    "holes",
    "owner",
    "group",
    "hard-links",
    "set-id",
];

const fn bytes(minimum: u64, maximum: u64) -> Kind {
    Kind::Bytes { minimum, maximum, clamped: false }
}

/// A number among the engine's limits.
macro_rules! limit {
    ($field:ident) => {
        Field::Number(|values| &mut values.limits.$field)
    };
}

/// A choice among the variants of an enum, by their stable texts.
macro_rules! word {
    ($field:ident, $as_str:path, $variants:expr) => {
        Field::Word(
            |values| $as_str(values.$field),
            |values, text| {
                values.$field = $variants.into_iter().find(|known| $as_str(*known) == text)?;
                Some(())
            },
        )
    };
}

/// The setting with this name.
pub fn find(name: &str) -> Option<&'static Setting> {
    SETTINGS.iter().find(|setting| setting.name == name)
}

/// Every setting, in the order in which documents list them.
pub static SETTINGS: &[Setting] = &[
    Setting {
        name: "profile",
        kind: Kind::Choice(PROFILE_NAMES),
        default: "none",
        unit: "",
        doc: "A named set of values for a known situation. Everything that is set by itself \
              counts more.",
        reason: "Without a profile the defaults suit a desktop computer with local disks.",
        field: Field::Word(|values| values.profile, profile::choose),
    },
    Setting {
        name: "verify_policy",
        kind: Kind::Choice(&["none", "lt_threshold", "all"]),
        default: "lt_threshold",
        unit: "",
        doc: "Which files are verified: none, those smaller than `verify_threshold_bytes`, or \
              all. A stored value that cannot be read counts as `all`.",
        reason: "Most files are below the threshold and are proved at little cost; reading back the \
              few huge ones costs as long as copying them.",
        field: word!(
            verify_policy,
            VerifyPolicy::as_str,
            [VerifyPolicy::None, VerifyPolicy::LtThreshold, VerifyPolicy::All]
        ),
    },
    Setting {
        name: "verify_threshold_bytes",
        kind: bytes(0, EIB),
        default: "2GiB",
        unit: "bytes",
        doc: "With `verify_policy = lt_threshold`: files of this size and larger are not verified.",
        reason: "Several seconds of reading back: longer than that should be asked for.",
        field: limit!(verify_threshold_bytes),
    },
    Setting {
        name: "read_back",
        kind: Kind::Choice(&["device", "cache", "none"]),
        default: "device",
        unit: "",
        doc: "How a written file is read again: past the page cache where the volume can do \
              that, from wherever the system takes it, or not at all.",
        reason: "Only what came from the device shows that the device has it.",
        field: word!(
            read_back,
            ReadBack::as_str,
            [ReadBack::Device, ReadBack::Cache, ReadBack::None]
        ),
    },
    Setting {
        name: "digest",
        kind: Kind::Choice(&["blake3", "sha256"]),
        default: "blake3",
        unit: "",
        doc: "The digest algorithm.",
        reason: "A cryptographic digest that keeps up with the disks it serves.",
        field: word!(digest, DigestAlgorithm::as_str, DigestAlgorithm::ALL),
    },
    Setting {
        name: "strategy",
        kind: Kind::Choice(&["auto", "direct", "staged"]),
        default: "auto",
        unit: "",
        doc: "How bytes travel: by the kernel's own means, through surecopy's buffers, or as \
              size and volumes suggest.",
        reason: "Which is faster depends on the volumes, and the table of strategies knows them.",
        field: word!(
            strategy,
            StrategyChoice::as_str,
            [StrategyChoice::Auto, StrategyChoice::Direct, StrategyChoice::Staged]
        ),
    },
    Setting {
        name: "copy_strategy_threshold_bytes",
        kind: bytes(0, EIB),
        default: "2GiB",
        unit: "bytes",
        doc: "With `strategy = auto`: files of this size and larger are staged even between \
              local volumes.",
        reason: "Below it the kernel's copy is quickest; a file that takes long is better read once, \
                 with its digest taken on the way.",
        field: limit!(copy_strategy_threshold_bytes),
    },
    Setting {
        name: "reflink",
        kind: Kind::Choice(&["auto", "always", "never"]),
        default: "auto",
        unit: "",
        doc: "Whether blocks may be shared with the source. `never` makes a second physical copy.",
        reason: "Sharing takes no time and no room, and the report says which files share.",
        field: word!(
            reflink,
            ReflinkMode::as_str,
            [ReflinkMode::Auto, ReflinkMode::Always, ReflinkMode::Never]
        ),
    },
    Setting {
        name: "on_conflict",
        kind: Kind::Choice(&["update", "replace", "newer", "skip", "keep-both", "ask", "fail"]),
        default: "update",
        unit: "",
        doc: "What happens to a target that exists: skipped when identical and replaced \
              otherwise, replaced always, replaced when older, kept, kept beside the new one, \
              asked about, or a failure.",
        reason: "A second run of the same copy then does only what is missing. Whatever is replaced \
              is replaced safely.",
        field: word!(
            on_conflict,
            ConflictPolicy::as_str,
            [
                ConflictPolicy::Update,
                ConflictPolicy::Replace,
                ConflictPolicy::Newer,
                ConflictPolicy::Skip,
                ConflictPolicy::KeepBoth,
                ConflictPolicy::Ask,
                ConflictPolicy::Fail
            ]
        ),
    },
    Setting {
        name: "preserve",
        kind: Kind::Names(PROPERTIES),
        default: "default",
        unit: "",
        doc: "What is kept besides content. `default` stands for timestamps, permissions, \
              xattrs, acls, links and holes.",
        reason: "What any user can expect of a copy of their own files; owners need privileges, and \
              set-id bits are a risk.",
        field: Field::Preserve(|values| &mut values.preserve),
    },
    Setting {
        name: "retries",
        kind: Kind::Count { minimum: 0, maximum: 100 },
        default: "2",
        unit: "attempts",
        doc: "How often an item is begun again after a failure that may pass.",
        reason: "Passing trouble is over by then; lasting trouble should be told soon.",
        field: Field::Number(|values| &mut values.retries),
    },
    Setting {
        name: "jobs",
        kind: Kind::Count { minimum: 0, maximum: MAX_WORKERS as u64 },
        default: "0",
        unit: "items",
        doc: "How many items are worked on at once. 0 goes by the processor: one for each core, \
              at least 2, at most 8.",
        reason: "One item waits while another works; more than eight seldom help one device.",
        field: Field::Number(|values| &mut values.jobs),
    },
    Setting {
        name: "buffer_reuse",
        kind: Kind::Flag,
        default: "on",
        unit: "",
        doc: "The source's digest is taken from the copy buffer. Off: the source is read a \
              second time for it.",
        reason: "One read instead of two, and the digest is of the very bytes that were written.",
        field: Field::Flag(|values| &mut values.buffer_reuse),
    },
    Setting {
        name: "sparse_file_warning",
        kind: Kind::Flag,
        default: "on",
        unit: "",
        doc: "Warn of each sparse file whose holes will not be kept.",
        reason: "Such a file can take many times its room at the destination.",
        field: Field::Flag(|values| &mut values.sparse_file_warning),
    },
    Setting {
        name: "progress_updates_per_second",
        kind: Kind::Count { minimum: 1, maximum: 60 },
        default: "20",
        unit: "updates a second",
        doc: "How often a display of progress is drawn.",
        reason: "Smooth to the eye, and cheap.",
        field: Field::Number(|values| &mut values.progress_updates_per_second),
    },
    Setting {
        name: "ledger_keep_days",
        kind: Kind::Count { minimum: 1, maximum: 36_500 },
        default: "90",
        unit: "days",
        doc: "How long finished jobs stay in the ledger. Unfinished ones, and those that keep replaced files, stay until they are dealt with.",
        reason: "Long enough to look back at last quarter's transfers, short enough for the ledger not to grow without end.",
        field: Field::Number(|values| &mut values.ledger_keep_days),
    },
    Setting {
        name: "staged_chunk_bytes",
        kind: bytes(MIB, 8 * MIB),
        default: "4MiB",
        unit: "bytes",
        doc: "How much is read, digested and written at a time when a file is staged.",
        reason: "Large enough for full speed on disks and networks, small enough to cancel at once.",
        field: limit!(staged_chunk_bytes),
    },
    Setting {
        name: "mmap_window_bytes",
        kind: bytes(8 * MIB, 256 * MIB),
        default: "64MiB",
        unit: "bytes",
        doc: "How much of two files is mapped at a time to compare them. Halved by itself when \
              memory is short.",
        reason: "Few enough mappings, and no large part of the address space or of memory.",
        field: limit!(mmap_window_bytes),
    },
    Setting {
        name: "memory_budget_bytes",
        kind: bytes(32 * MIB, 16 * GIB),
        default: "256MiB",
        unit: "bytes",
        doc: "The bound on memory for data in flight, whatever the number and size of files. \
              Reduced by itself when memory is short.",
        reason: "Keeps every worker busy with full chunks, and leaves a small computer usable.",
        field: limit!(memory_budget_bytes),
    },
    Setting {
        name: "low_memory_bytes",
        kind: bytes(0, TIB),
        default: "2GiB",
        unit: "bytes",
        doc: "With less than this available, windows and the memory budget are halved.",
        reason: "Below it other programs begin to feel what a copy takes.",
        field: limit!(low_memory_bytes),
    },
    Setting {
        name: "buffer_size_bytes",
        kind: Kind::Bytes { minimum: 8 * KIB, maximum: 10 * MIB, clamped: true },
        default: "1MiB",
        unit: "bytes",
        doc: "The buffer of ordinary reads and writes. A value outside the range is moved to its \
              nearer end.",
        reason: "Full speed of local disks with few system calls; larger buffers fall out of the \
              processor's cache.",
        field: limit!(buffer_size_bytes),
    },
    Setting {
        name: "small_file_limit_bytes",
        kind: bytes(4 * KIB, 16 * MIB),
        default: "1MiB",
        unit: "bytes",
        doc: "Files below this size count as small, and are read whole in one read.",
        reason: "One read and one write, and hundreds of them fit into the memory budget.",
        field: limit!(small_file_limit_bytes),
    },
    Setting {
        name: "medium_file_limit_bytes",
        kind: bytes(16 * MIB, TIB),
        default: "100MiB",
        unit: "bytes",
        doc: "Files below this size, and not small, count as medium; all others are large.",
        reason: "From about here on, the time for opening and publishing a file no longer matters.",
        field: limit!(medium_file_limit_bytes),
    },
    Setting {
        name: "maximum_copy_file_size_bytes",
        kind: Kind::OptionalBytes { minimum: 1, maximum: EIB },
        default: "20GiB",
        unit: "bytes",
        doc: "Larger files are refused before anything is copied. `none` lifts the bound.",
        reason: "A file of this size is often a mistake (a disk image, a runaway log), and would \
              take the destination's room.",
        field: Field::OptionalNumber(|values| &mut values.limits.maximum_copy_file_size_bytes),
    },
    Setting {
        name: "free_disk_space_margin_bytes",
        kind: bytes(0, TIB),
        default: "64MiB",
        unit: "bytes",
        doc: "Room that must be left at the destination when everything is copied.",
        reason: "Directories and the file system's own records take room too, and a full disk hurts \
              other programs.",
        field: limit!(free_disk_space_margin_bytes),
    },
    Setting {
        name: "group_max_files",
        kind: Kind::Count { minimum: 1, maximum: 10_000 },
        default: "128",
        unit: "files",
        doc: "At most this many small files share one flush.",
        reason: "The flush is paid for by then; a larger group only holds results back.",
        field: limit!(group_max_files),
    },
    Setting {
        name: "group_max_bytes",
        kind: bytes(MIB, GIB),
        default: "32MiB",
        unit: "bytes",
        doc: "At most this many bytes of small files share one flush.",
        reason: "About a tenth of a second of writing to an ordinary disk.",
        field: limit!(group_max_bytes),
    },
    Setting {
        name: "group_max_millis",
        kind: Kind::Count { minimum: 10, maximum: 60_000 },
        default: "1000",
        unit: "milliseconds",
        doc: "A group of small files is flushed after this time at the latest.",
        reason: "Nobody waits longer than a second to see a file done.",
        field: limit!(group_max_millis),
    },
];
