//! Rows that are written in one place and read in many.

pub(crate) mod directory_ids;
pub(crate) mod known_digest;
pub(crate) mod plan;
pub(crate) mod records;
