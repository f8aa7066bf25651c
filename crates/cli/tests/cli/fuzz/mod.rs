//! The program with files of its own that were damaged, and with texts that nobody would write. It ends by
//! itself, with one of its own words, and touches nothing that is not its to touch.

mod damage;
mod index;
mod ledger;
mod outside;
mod texts;
