//! What one thread writes: what is planned, what is told of items, how they and runs end.

pub(crate) mod announced;
pub(crate) mod answer;
pub(crate) mod book;
pub(crate) mod change;
pub(crate) mod ended;
pub(crate) mod finish;
pub(crate) mod handing_out;
pub(crate) mod writer;
