//! The library against real files that are changed, swapped, cut and taken away while it works, and
//! against what real trees hold. Needs no root and no network.

mod child;
mod place;
mod running;
mod snapshot;

mod cancel;
mod identity;
mod leases;
mod mapped;
mod memory;
mod names;
mod reads;
mod replacing;
mod rights;
mod source;
mod special;
mod swaps;
mod threads;
