//! Watching: what happens marks what it concerns, and what was missed is found.

mod added;
mod changes;
mod held;
mod kill;
mod load;
mod losses;
mod own_files;
mod post;
mod session;
