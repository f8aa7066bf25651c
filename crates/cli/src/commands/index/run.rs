//! Which command of `surecopy index` it is.

use super::args::{IndexCommand, IndexCommandArgs};
use super::{add, list, remove, scan, status};
use crate::exit::ExitStatus;
use crate::failure::Failure;

/// Runs one of them.
pub(crate) fn run(args: IndexCommandArgs) -> Result<ExitStatus, Failure> {
    match args.command {
        IndexCommand::Add(args) => add::run(&args),
        IndexCommand::List(args) => list::run(&args),
        IndexCommand::Scan(args) => scan::run(&args),
        IndexCommand::Status(args) => status::run(&args),
        IndexCommand::Remove(args) => remove::run(&args),
    }
}
