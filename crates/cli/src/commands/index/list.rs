//! `surecopy index list`.

use surecopy::index::known;

use super::args::ListArgs;
use super::chosen::NO_LOCATIONS;
use super::table;
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::indexed::{FoundIndex, no_index, with};
use crate::json::{LocationLine, line};
use crate::terminal;

/// Lists locations, and looks at nothing else.
pub(super) fn run(args: &ListArgs) -> Result<ExitStatus, Failure> {
    let index = match args.index.existing()? {
        FoundIndex::Index(index) => index,
        FoundIndex::None { path } => {
            talk(&no_index(&path));
            return Ok(ExitStatus::Done);
        }
    };
    let locations = with(index, |index| Ok(known(index)?))?;
    if locations.is_empty() {
        talk(NO_LOCATIONS);
        return Ok(ExitStatus::Done);
    }
    if args.json {
        let lines = locations.iter().flat_map(|known| line(&LocationLine::new(known)));
        return print(&lines.collect::<Vec<u8>>());
    }
    let mut text = table::lines(&locations, terminal::output_columns()).join("\n");
    text.push('\n');
    print(text.as_bytes())
}
