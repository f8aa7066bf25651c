//! Disks that are made of a file each, and served by a process of the lab.
//!
//! The [`server`] serves images as files of a FUSE file system; a loop device stands on each, past every
//! cache, and a file system on that ([`Mounted`]). It records what is written ([`Log`]), from which the
//! states after a power cut are built, or does to it what bad disks do ([`Fault`]), or takes its time ([`Slow`]). [`Served`] is its
//! process.

mod disk;
mod faults;
mod image;
mod log;
pub(crate) mod marks;
mod medium;
mod pace;
mod process;
pub(crate) mod server;

pub(crate) use disk::{Disk, Mounted};
pub(crate) use faults::{Fault, Kind};
pub(crate) use image::{BLOCK, Image};
pub(crate) use log::{Entry, Log};
pub(crate) use pace::{Paced, Slow};
pub(crate) use process::Served;
