//! Volumes to copy on: made when asked for, gone when dropped.

mod memory;
mod network;
mod node;
mod volumes;

pub(crate) use volumes::{Fs, Volume};
