//! How long cancelling takes in each phase, by each mechanism, and what it leaves.

mod case;
mod large;
mod small;
