//! `surecopy man`: manual pages, made from the same definition as the help.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use clap_mangen::Man;

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::shown::Shown;

/// Write the manual pages
///
/// Without a directory, the main page goes to stdout.
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Where to write one page for the program and one for each command
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

/// Writes the pages about this command line.
pub(crate) fn run(args: &ManArgs, definition: clap::Command) -> Result<ExitStatus, Failure> {
    let Some(directory) = &args.directory else {
        let mut page = Vec::new();
        Man::new(definition).render(&mut page).map_err(Failure::other)?;
        return super::print(&page);
    };
    write_pages(directory, definition).map_err(|error| {
        Failure::other(format!("cannot write manual pages to {}: {error}", Shown(directory)))
    })?;
    Ok(ExitStatus::Done)
}

fn write_pages(directory: &Path, definition: clap::Command) -> std::io::Result<()> {
    fs::create_dir_all(directory)?;
    let mut definition = definition.disable_help_subcommand(true);
    definition.build();
    write_page(directory, "surecopy", &definition)
}

/// One page, and one for each command beneath it that is not hidden.
fn write_page(directory: &Path, name: &str, command: &clap::Command) -> std::io::Result<()> {
    let mut page = Vec::new();
    Man::new(command.clone()).title(name.to_uppercase()).source(source()).render(&mut page)?;
    fs::write(directory.join(format!("{name}.1")), page)?;
    for below in command.get_subcommands().filter(|below| !below.is_hide_set()) {
        write_page(directory, &format!("{name}-{}", below.get_name()), below)?;
    }
    Ok(())
}

/// What stands at the foot of every page.
fn source() -> String {
    format!("surecopy {}", env!("CARGO_PKG_VERSION"))
}
