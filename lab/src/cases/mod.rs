//! The parts of the lab.

mod bit_rot;
mod contract;
mod controls;
mod crash_states;
mod evidence;
mod full_disk;
mod hung_device;
mod identity;
mod kill;
mod kill_and_resume;
mod kill_at_random;
mod kill_matrix;
mod ledger_faults;
mod link_swaps;
mod memory;
mod mounted_within;
mod other_volume;
mod power_cut;
mod power_cut_and_resume;
mod power_cut_at_calls;
mod prepared;
mod protected;
mod read_counts;
mod really_there;
mod replace;
mod same_target;
mod source_changes;
mod strategies;
mod table;
mod two_processes;
mod undo;
mod watched;

pub(crate) use table::CASES;
