//! From sources and a destination as written to a list of planned items: what goes where, what
//! there is, what is to be done about it. Nothing is written.

mod anew;
mod catalog;
mod collector;
mod copied;
mod decision;
mod destination;
mod item;
mod keep_both;
mod kept;
mod left_out;
mod listed;
mod mapping;
mod objection;
mod opened;
mod planner;
mod prepare;
mod room;
mod scan;
mod state;
mod totals;

pub(crate) use catalog::tell_scanned;
pub use catalog::{Catalog, ListedPart, MOST_REMEMBERED_ENTRIES, Sums};
pub(crate) use copied::choose_strategy;
pub(crate) use destination::Place;
pub use item::{Action, ItemId, LinkRole, PlannedItem, Seen};
pub(crate) use mapping::resolve_source;
pub use mapping::{MappingError, Request, resolve_mappings};
pub(crate) use planner::{PlanSink, Planner};
pub(crate) use prepare::{Prepared, Unprepared, phase, prepare};
pub(crate) use scan::{Bounds, Entry, Origin, ScanSink, Source, scan};
pub(crate) use state::PlanState;
