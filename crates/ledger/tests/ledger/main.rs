//! The ledger from outside: what a run tells it is there for the next one, whatever happens in
//! between.
#![expect(clippy::unwrap_used, reason = "what a test cannot go on without ends it")]

mod asked;
mod audit;
mod cut_short;
mod damage;
mod doubt;
mod ends;
mod failed;
mod handed_out;
mod incomplete;
mod known;
mod later;
mod life;
mod place;
mod scene;
mod slots;
mod speed;
mod standing;
mod undoing;
mod unreadable;
mod versions;
mod written;
