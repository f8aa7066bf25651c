//! What a directory held, packed into bytes and back. No names and numbers of tables or files here.

mod bytes;
mod entry;
mod pack;

pub(crate) use pack::{ENTRIES_OF_A_PART, decode, encode};
