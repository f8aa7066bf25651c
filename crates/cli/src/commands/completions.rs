//! `surecopy completions`: a script that completes commands and options in a shell.

use clap::Args;
use clap_complete::Shell;

use crate::exit::ExitStatus;
use crate::failure::Failure;

/// Write a shell's completion script to stdout
///
/// For bash: surecopy completions bash > ~/.local/share/bash-completion/completions/surecopy
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

/// Writes the script for this command line.
pub(crate) fn run(
    args: &CompletionsArgs,
    mut definition: clap::Command,
) -> Result<ExitStatus, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut definition, "surecopy", &mut script);
    super::print(&script)
}
