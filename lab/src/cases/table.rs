//! Every part, in the order in which they run.

use super::{
    contract, crash_states, evidence, full_disk, identity, kill, kill_and_resume, kill_at_random,
    kill_matrix, link_swaps, memory, power_cut, power_cut_and_resume, power_cut_at_calls,
    protected, read_counts, replace, strategies,
};
use crate::run::Case;

/// All of them. The number is the order, the word before the colon a filter for `lab/run`.
pub(crate) static CASES: &[Case] = &[
    Case { name: "01 strategy: by place, size and order", run: strategies::rows },
    Case { name: "02 strategy: the default threshold", run: strategies::two_gib },
    Case { name: "03 evidence: without reading back", run: evidence::unproved },
    Case { name: "04 evidence: cache", run: evidence::cache },
    Case { name: "05 evidence: device", run: evidence::device },
    Case { name: "06 evidence: shared, and a second physical copy", run: evidence::shared },
    Case { name: "07 evidence: small files within btrfs' tree", run: evidence::inline },
    Case { name: "08 evidence: only a clone will do", run: evidence::clone_only },
    Case { name: "09 identity: one of everything, on all volumes", run: identity::odd },
    Case { name: "10 identity: tens of thousands of real files", run: identity::many },
    Case {
        name: "11 reads: once with buffer reuse, twice without",
        run: read_counts::buffer_reuse,
    },
    Case { name: "12 full: known before copying", run: full_disk::before_copying },
    Case { name: "13 full: less room than promised", run: full_disk::while_copying },
    Case { name: "14 full: taken by another program", run: full_disk::taken_by_another },
    Case { name: "15 full: inodes", run: full_disk::inodes },
    Case { name: "16 full: quota", run: full_disk::quota },
    Case { name: "17 protected: immutable and append-only", run: protected::attributes },
    Case { name: "18 protected: read-only mount", run: protected::read_only_mount },
    Case { name: "19 protected: read-only target", run: protected::read_only_target },
    Case { name: "20 protected: as nobody", run: protected::nobody },
    Case { name: "21 power: cut after the report", run: power_cut::after_the_report },
    Case { name: "22 power: cut in the middle", run: power_cut::in_the_middle },
    Case { name: "23 memory: a large file", run: memory::large_file },
    Case { name: "24 memory: many files at once", run: memory::many_files },
    Case { name: "25 contract: on every volume", run: contract::everywhere },
    Case { name: "26 swaps: in the source", run: link_swaps::source },
    Case { name: "27 swaps: in the destination", run: link_swaps::destination },
    Case { name: "28 kill: at any moment", run: kill::at_any_moment },
    Case { name: "29 replace: as seen by others", run: replace::seen_by_others },
    Case { name: "30 evidence: without a journal", run: evidence::no_journal },
    Case { name: "31 evidence: whole seconds", run: evidence::small_inodes },
    Case {
        name: "32 power: cut before a name is flushed",
        run: power_cut::before_the_name_is_flushed,
    },
    Case {
        name: "33 power: disk gone before a name is flushed",
        run: power_cut::gone_before_the_name_is_flushed,
    },
    Case { name: "34 crash states: of careless programs", run: crash_states::of_careless_programs },
    Case { name: "35 crash states: of two disks", run: crash_states::of_two_disks },
    Case {
        name: "36 crash states: of a copy without flushes",
        run: crash_states::of_a_copy_without_flushes,
    },
    Case { name: "37 crash states: of a copy", run: crash_states::of_a_copy },
    Case { name: "38 power: cut before calls that publish", run: power_cut_at_calls::of_a_copy },
    Case { name: "39 kill: a careless program", run: kill_matrix::of_a_careless_program },
    Case { name: "40 kill: before every call that changes something", run: kill_matrix::of_a_copy },
    Case { name: "41 resume: what is not in order is found", run: kill_and_resume::of_bad_ends },
    Case { name: "42 resume: killed before every call", run: kill_and_resume::of_a_job },
    Case { name: "43 resume: killed while resuming", run: kill_and_resume::of_a_resumed_job },
    Case { name: "44 resume: killed at random moments", run: kill_at_random::of_a_job },
    Case {
        name: "45 resume: crash states without flushes",
        run: power_cut_and_resume::of_states_without_flushes,
    },
    Case { name: "46 resume: crash states", run: power_cut_and_resume::of_states },
    Case { name: "47 resume: power cut before calls", run: power_cut_and_resume::at_calls },
];
