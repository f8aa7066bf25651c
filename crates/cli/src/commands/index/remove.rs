//! `surecopy index remove`.

use surecopy::index::{KnownLocation, known};

use super::args::RemoveArgs;
use super::chosen::{chosen, named_without_index};
use crate::commands::print;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::indexed::{FoundIndex, with};
use crate::json::{LocationRemovedLine, line};
use crate::shown::Shown;

/// Forgets locations: all that are named, or none when one of them is not there.
pub(super) fn run(args: &RemoveArgs) -> Result<ExitStatus, Failure> {
    let index = match args.index.existing()? {
        FoundIndex::Index(index) => index,
        FoundIndex::None { path } => return Err(named_without_index(&args.paths, &path)),
    };
    let removed = with(index, |index| {
        let chosen = chosen(known(index)?, &args.paths)?;
        for known in &chosen {
            index.remove_location(known.location.id)?;
        }
        Ok(chosen)
    })?;
    let told = |known: &KnownLocation| {
        let path = &known.location.path;
        if args.json {
            return line(&LocationRemovedLine::new(path));
        }
        format!("removed {} from the index\n", Shown(path)).into_bytes()
    };
    print(&removed.iter().flat_map(told).collect::<Vec<u8>>())
}
