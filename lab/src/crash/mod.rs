//! The states in which a power cut can leave a volume.
//!
//! A [`Machine`] has disks with a file system each. While work is done on it, a block device written
//! here records every write and every flush in order ([`crate::disks`]). Afterwards the states in
//! which a power cut can leave the disks are built from that ([`states`]): what was flushed is there,
//! and of what was not, anything may be. Each is mounted, which replays the journal, and looked at.

mod cut;
mod machine;
mod place;
mod recorder;
mod states;

pub(crate) use cut::CUTS;
pub(crate) use machine::{Machine, State};
pub(crate) use place::Place;
pub(crate) use recorder::{Recorder, Told};
