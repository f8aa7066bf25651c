//! Proving what was written by reading it again.
//!
//! Bytes that passed through memory are proved by digest: what is read back must have the digest
//! taken while copying. Bytes that the kernel moved are proved by comparing source and partial
//! file. Nothing here is ever satisfied with a size.

mod compare;
mod difference;
mod digest;
mod medium;
mod proof;

pub(crate) use compare::{Comparison, compare};
pub(crate) use difference::locate;
pub(crate) use digest::read_back_digest;
pub(crate) use medium::{Medium, open_medium};
pub(crate) use proof::{Proof, VerifyError};
