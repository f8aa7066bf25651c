//! The people's view of a job: what goes where, what is happening, what went wrong and what was
//! done. Data goes to stdout, talk to stderr. It decides nothing about copying.

mod ask;
mod bars;
pub(crate) mod columns;
mod failures;
mod frames;
mod items;
pub(crate) mod look_back;
mod phases;
pub(crate) mod prepared;
mod progress;
mod screen;
mod summary;
mod validated;
mod view;

pub(crate) use ask::TerminalResolver;
pub(crate) use failures::fragment;
pub(crate) use items::{mapping_line, warning_line};
pub(crate) use progress::{ProgressMode, ProgressView};
pub(crate) use screen::Screen;
pub(crate) use validated::{directories, validated};
pub(crate) use view::{HumanView, Verbosity};
