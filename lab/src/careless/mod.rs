//! Copiers that work in ways that tempt, each wrong in one respect only. The lab must catch every one of them
//! with the very checks that it holds surecopy to: a check that lets them pass would show nothing.

mod copier;
mod design;
mod index;
pub(crate) mod mapping;
mod undo;

pub(crate) use copier::{WORD, run};
pub(crate) use design::Design;
pub(crate) use undo::PLAN;
