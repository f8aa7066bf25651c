//! The parts of the lab.

mod contract;
mod crash_states;
mod evidence;
mod full_disk;
mod identity;
mod kill;
mod kill_and_resume;
mod kill_at_random;
mod kill_matrix;
mod link_swaps;
mod memory;
mod power_cut;
mod power_cut_and_resume;
mod power_cut_at_calls;
mod protected;
mod read_counts;
mod replace;
mod strategies;
mod table;

pub(crate) use table::CASES;
