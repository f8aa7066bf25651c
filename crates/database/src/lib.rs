//! What holds for every SQLite file of surecopy, whatever is in it: where it may lie, how it is opened,
//! shared and waited for, whose it is, how much of it is written at once, and what is wrong with it.
//!
//! The crate knows no table, and decides nothing of how much a database is worth: whether it waits long
//! for others, survives a power cut whole or is begun anew is said by those that it belongs to. It has no
//! words for users either: a [`Trouble`] says what happened, and each of them has errors of its own.

mod connection;
mod identity;
mod patience;
mod place;
mod transaction;
mod trouble;
mod wal;

pub use connection::{
    Access, Durability, LOG_BYTES, OpenError, PAGE_BYTES, References, Usage, open,
};
pub use identity::{Found, identify, stamp, version};
pub use patience::Patience;
pub use place::{
    PlaceError, Standing, beside, flush_names, gate, lock_path, look, make, metadata,
    prepare_folder,
};
pub use transaction::{in_snapshot, in_transaction};
pub use trouble::Trouble;
pub use wal::{use_wal, use_wal_among_others};
