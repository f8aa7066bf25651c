//! What is read: jobs, items, what is known of them, and what is left to do.

pub(crate) mod done;
pub(crate) mod failed;
pub(crate) mod in_flight;
pub(crate) mod items;
pub(crate) mod jobs;
pub(crate) mod known;
pub(crate) mod refused;
pub(crate) mod reports;
pub(crate) mod standing;
