//! What is written as text: reports, requests and the members of records, as JSON, and back again.

pub(crate) mod error_text;
#[cfg(test)]
mod fuzz;
pub(crate) mod gist;
pub(crate) mod group_text;
pub(crate) mod how_text;
pub(crate) mod item_text;
pub(crate) mod landed_text;
pub(crate) mod path_text;
pub(crate) mod publication_text;
pub(crate) mod records;
pub(crate) mod request;
pub(crate) mod seen;
pub(crate) mod short_name;
pub(crate) mod words;
