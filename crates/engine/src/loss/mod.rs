//! Whether what the user named at one end of a job is still there: where that is looked for, and what tells a
//! disk that is gone from blocks that are bad. When to look, and what follows, is the workers' (`worker/lost.rs`).

mod place;
mod readable;

pub(crate) use place::{Looked, Place};
pub(crate) use readable::{ReadFrom, Readable};
