//! Putting in order what runs of the same job have left that did not come to their end.
//!
//! What was published is finished, what was not is undone. Everything is known again by what the
//! journal says of it, never by its name alone; whatever is not what it should be is somebody else's,
//! and stays. Doing it again, also after having been interrupted, comes to the same.

mod doubtful;
mod leftovers;
mod publication;
mod recovery;
mod sight;
mod standing;

pub(crate) use recovery::{Recovered, Toward, recover};
