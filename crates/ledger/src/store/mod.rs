//! The files: the database, its schema, its place and the locks beside it.

pub(crate) mod connection;
pub(crate) mod place;
pub(crate) mod schema;
pub(crate) mod slots;
