//! The commit protocol of one item, encoded in types.
//!
//! ```text
//! Partial ─▶ Filled ─▶ Written ─▶ Flushed ─▶ Proved ─▶ Published ─▶ Committed
//!  bytes     length    metadata    durable   read       visible      names durable,
//!  arrive    checked   applied               back       (old kept)   old removed
//! ```
//! Each arrow consumes the former value, so a wrong order does not compile. Dropping any value
//! before `Published` removes the partial file and nothing else; dropping `Published` changes
//! nothing, because by then only a decision can say which file should stay.

mod exchange_back;
mod old_copy;
mod partial;
mod publish;
mod publish_error;
mod published;
mod rename_over;

pub(crate) use exchange_back::{ExchangedBack, exchange_back};
pub(crate) use partial::{Flushed, Partial, Proved, Target, Written};
pub(crate) use publish::{Expected, Unpublished};
pub(crate) use publish_error::PublishError;
pub(crate) use published::{Published, RollBack};
