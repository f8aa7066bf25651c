//! Volumes to copy on: made when asked for, gone when dropped.

mod bound;
mod memory;
mod network;
mod node;
mod volumes;

pub(crate) use bound::Bound;
pub(crate) use volumes::{Fs, Volume};
