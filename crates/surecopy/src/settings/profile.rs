//! Profiles: sets of values for known situations.

use super::values::Values;

/// The name that stands for "no profile".
pub(super) const NO_PROFILE: &str = "none";

/// What the `profile` setting may be.
pub(super) const PROFILE_NAMES: &[&str] =
    &[NO_PROFILE, "low-memory", "fast-ssd", "slow-network", "fast-network", "limited-cpu"];

/// A profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Its name.
    pub name: &'static str,
    /// When to use it.
    pub doc: &'static str,
    /// What it sets.
    pub rows: &'static [ProfileRow],
}

/// One value of a profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProfileRow {
    /// The setting.
    pub name: &'static str,
    /// Its value, as text.
    pub value: &'static str,
    /// Why.
    pub reason: &'static str,
}

const fn row(name: &'static str, value: &'static str, reason: &'static str) -> ProfileRow {
    ProfileRow { name, value, reason }
}

/// Every profile.
pub static PROFILES: &[Profile] = &[
    Profile {
        name: "low-memory",
        doc: "A computer with little memory, or one that is needed for other things meanwhile.",
        rows: &[
            row("memory_budget_bytes", "48MiB", "Enough for two workers with small chunks."),
            row("staged_chunk_bytes", "1MiB", "More chunks fit into the small budget."),
            row("mmap_window_bytes", "8MiB", "Comparing pushes little else out of memory."),
            row("buffer_size_bytes", "256KiB", "Speed hardly suffers, memory does."),
            row("group_max_bytes", "8MiB", "Less waits in memory to be written."),
            row("jobs", "2", "Each item in flight has buffers of its own."),
        ],
    },
    Profile {
        name: "fast-ssd",
        doc: "Local flash storage on both sides.",
        rows: &[
            row("jobs", "16", "Flash is fastest with many requests at once."),
            row("memory_budget_bytes", "1GiB", "Sixteen workers with full chunks in flight."),
            row("staged_chunk_bytes", "8MiB", "Fewer, larger requests."),
            row("mmap_window_bytes", "256MiB", "Fewer mappings to set up."),
            row("group_max_files", "512", "A flush costs more than the writing of small files."),
            row("group_max_bytes", "128MiB", "Written in well under a second."),
        ],
    },
    Profile {
        name: "slow-network",
        doc: "A share over a slow or unsteady connection.",
        rows: &[
            row("jobs", "2", "More would only share the same narrow line."),
            row("retries", "5", "Connections come back."),
            row("staged_chunk_bytes", "1MiB", "Progress is seen and cancelling felt at once."),
            row("group_max_files", "32", "Less is copied again when the connection breaks."),
            row("group_max_bytes", "8MiB", "Less is copied again when the connection breaks."),
        ],
    },
    Profile {
        name: "fast-network",
        doc: "A share over a fast local network.",
        rows: &[
            row("jobs", "16", "Each request waits for an answer; others travel meanwhile."),
            row("retries", "4", "Servers restart."),
            row("staged_chunk_bytes", "8MiB", "Fewer waits for an answer."),
            row("memory_budget_bytes", "512MiB", "Sixteen workers with chunks in flight."),
            row("group_max_files", "512", "A flush over the network is dear."),
            row("group_max_bytes", "128MiB", "A flush over the network is dear."),
        ],
    },
    Profile {
        name: "limited-cpu",
        doc: "A weak processor, such as in a storage box or a single-board computer.",
        rows: &[
            row("jobs", "1", "The processor is the bottleneck, and there is only one."),
            row("buffer_size_bytes", "4MiB", "Fewer system calls."),
            row("staged_chunk_bytes", "8MiB", "Fewer hand-overs between threads."),
            row("progress_updates_per_second", "4", "Drawing costs as well."),
        ],
    },
];

/// Puts a profile's name in force, if there is such a profile. Its rows are applied by whoever
/// knows which settings nobody named.
pub(super) fn choose(values: &mut Values, name: &str) -> Option<()> {
    values.profile = PROFILE_NAMES.iter().find(|known| **known == name)?;
    Some(())
}

/// What a profile sets.
pub(super) fn rows(name: &str) -> &'static [ProfileRow] {
    PROFILES.iter().find(|profile| profile.name == name).map_or(&[], |profile| profile.rows)
}
