//! Everything that can be known before a byte moves.

mod item;
mod job;
mod names;
mod problem;
mod space;
mod volume;

pub(crate) use item::{check_item, check_name, check_replacement, check_sticky};
pub(crate) use job::{check_job, own_directories, same_file};
pub(crate) use names::{Meeting, TargetNames};
pub use problem::{Problem, RefusedEntry, Scope};
pub(crate) use space::SpaceNeeds;
pub(crate) use volume::{
    check_destination_volume, check_volumes, is_other_volume, volume_identity,
};
