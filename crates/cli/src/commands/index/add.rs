//! `surecopy index add`.

use std::path::PathBuf;

use surecopy::index::{self, Added, Became};

use super::args::AddArgs;
use super::scan;
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::indexed::with;
use crate::json::{LocationAddedLine, line};
use crate::shown::Shown;

/// Adds locations, and scans those that are new.
pub(super) fn run(args: &AddArgs) -> Result<ExitStatus, Failure> {
    let directories = args.paths.iter().map(|path| index::directory_at(path));
    let directories: Vec<PathBuf> =
        directories.collect::<Result<_, _>>().map_err(|error| Failure::of_location(&error))?;
    let index = args.listing.index.create()?;
    let path = index.path().to_owned();
    let added = with(index, |index| index::add(index, &directories))?;
    let status = tell(&added, args)?;
    let is_new = |added: &&Added| added.became == Became::New;
    let new: Vec<PathBuf> = added.iter().filter(is_new).map(|added| added.path.clone()).collect();
    if args.no_scan || new.is_empty() {
        return Ok(status);
    }
    scan::scan(&path, new, Vec::new(), &args.listing)
}

fn tell(added: &[Added], args: &AddArgs) -> Result<ExitStatus, Failure> {
    if args.listing.output.json {
        let lines = added.iter().flat_map(|added| line(&LocationAddedLine::new(added)));
        return print(&lines.collect::<Vec<u8>>());
    }
    if args.listing.output.quiet {
        return Ok(ExitStatus::Done);
    }
    let mut lines = String::new();
    for Added { path, became } in added {
        let path = Shown(path);
        match became {
            Became::New => lines.push_str(&format!("added {path} to the index\n")),
            Became::ThereBefore => {
                talk(&format!("{path} is in the index already; surecopy index scan lists it anew"));
            }
            Became::PartOf(location) => talk(&format!(
                "{path} is in the index already, as part of {}; nothing is added",
                Shown(location)
            )),
        }
    }
    print(lines.as_bytes())
}
