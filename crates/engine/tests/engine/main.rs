//! The engine as its users see it, on file systems in memory that fail, lie and lose power.

mod counters;
mod crash;
mod directories;
mod facts;
mod fault;
mod flush;
mod held;
mod job;
mod links;
mod listed;
mod model;
mod moved;
mod oracle;
mod permissions;
mod place;
mod plan;
mod preflight;
mod replace;
mod resources;
mod scene;
mod sides;
mod source;
mod stop;
mod unpublished;
mod verify;
mod waiting;
