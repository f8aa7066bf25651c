//! The command line as a whole: what subcommands there are, and how one of them is run.

use std::io::{self, Write as _};
use std::process::ExitCode;

use clap::builder::StyledStr;
use clap::error::{ContextValue, ErrorKind};
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands::{
    audit, completions, config, copy, index, jobs, look_back, man, prepare, resume, status, watch,
};
use crate::exit::{self, ExitStatus};
use crate::failure::Failure;
use crate::shown::Plain;
use crate::{signals, terminal};

/// Copy files and trees, and prove what lands.
///
/// A file appears under its name only when it is whole, flushed to the device and, as the policy
/// asks, read back and found equal. Until then, and whenever anything fails, what was there before
/// stays there.
#[derive(Debug, Parser)]
// Without a name of its own, usage would repeat the one that the caller gave the program.
#[command(name = "surecopy", bin_name = "surecopy", version, disable_help_subcommand = true)]
struct Program {
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Debug, Subcommand)]
enum Subcommands {
    Copy(Box<copy::CopyArgs>),
    Resume(resume::ResumeArgs),
    Retry(resume::RetryArgs),
    Verify(look_back::VerifyArgs),
    Undo(look_back::UndoArgs),
    Jobs(jobs::JobsArgs),
    Status(status::StatusArgs),
    Audit(audit::AuditArgs),
    Prepare(prepare::PrepareArgs),
    Index(index::IndexCommandArgs),
    Watch(watch::WatchArgs),
    Config(config::ConfigArgs),
    Completions(completions::CompletionsArgs),
    Man(man::ManArgs),
}

/// The commands whose exit status says how a job ended or what was found, and what it may be.
const WITH_TABLE: [(&str, &[ExitStatus]); 11] = [
    ("copy", &ExitStatus::ALL),
    ("resume", &ExitStatus::ALL),
    ("retry", &ExitStatus::ALL),
    ("verify", &ExitStatus::ALL),
    ("undo", &ExitStatus::ALL),
    ("jobs", &ExitStatus::ALL),
    ("status", &ExitStatus::ALL),
    ("audit", &ExitStatus::ALL),
    ("prepare", &ExitStatus::OF_PREPARATION),
    ("index", &ExitStatus::OF_INDEX),
    ("watch", &ExitStatus::OF_INDEX),
];

/// The definition of the command line, for parsing, help, completions and manual pages.
fn definition() -> clap::Command {
    // Every page ends with the table, so that nobody has to look for it.
    let program = Program::command().after_help(exit::table(&ExitStatus::ALL));
    WITH_TABLE.iter().fold(program, |definition, (name, statuses)| {
        definition.mut_subcommand(name, |command| command.after_help(exit::table(statuses)))
    })
}

/// Runs the program with the arguments of this process.
pub(crate) fn run() -> ExitCode {
    start_log();
    signals::outlive_file_size_limits();
    let parsed = definition()
        .try_get_matches()
        .and_then(|mut matches| Program::from_arg_matches_mut(&mut matches));
    let program = match parsed {
        Ok(program) => program,
        Err(error) => return end_of_parsing(error),
    };
    let result = match program.command {
        Subcommands::Copy(args) => copy::run(*args),
        Subcommands::Resume(args) => resume::resume(args),
        Subcommands::Retry(args) => resume::retry(args),
        Subcommands::Verify(args) => look_back::verify(args),
        Subcommands::Undo(args) => look_back::undo(args),
        Subcommands::Jobs(args) => jobs::run(args),
        Subcommands::Status(args) => status::run(args),
        Subcommands::Audit(args) => audit::run(args),
        Subcommands::Prepare(args) => prepare::run(args),
        Subcommands::Index(args) => index::run(args),
        Subcommands::Watch(args) => watch::run(args),
        Subcommands::Config(args) => config::run(args),
        Subcommands::Completions(args) => completions::run(&args, definition()),
        Subcommands::Man(args) => man::run(&args, definition()),
    };
    match result {
        Ok(status) => status.into(),
        Err(failure) => end_of_failure(&failure),
    }
}

fn end_of_failure(failure: &Failure) -> ExitCode {
    if let Err(unwritten) = write!(io::stderr().lock(), "{failure}") {
        tracing::debug!("nobody reads the error: {unwritten}");
    }
    failure.status.into()
}

/// Help and version are answers, everything else is wrong usage.
fn end_of_parsing(mut error: clap::Error) -> ExitCode {
    let status = match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitStatus::Done,
        _ => ExitStatus::Usage,
    };
    escape_typed(&mut error);
    match error.print() {
        Err(unwritten) if status == ExitStatus::Done && !is_reader_gone(&unwritten) => {
            end_of_failure(&Failure::other(format!("cannot write output: {unwritten}")))
        }
        _ => status.into(),
    }
}

/// Escapes what the error repeats of the command line: clap shows it as it was typed.
fn escape_typed(error: &mut clap::Error) {
    let context: Vec<_> = error.context().map(|(kind, value)| (kind, value.clone())).collect();
    let escaped = |typed: &String| Plain(typed).to_string();
    let typed: Vec<&String> = context
        .iter()
        .flat_map(|(_, value)| match value {
            ContextValue::String(typed) => std::slice::from_ref(typed),
            ContextValue::Strings(typed) => typed.as_slice(),
            _ => &[],
        })
        .filter(|typed| escaped(typed) != **typed)
        .collect();
    // Tips are coloured already, so only what was typed may be escaped in them.
    let in_tip = |tip: &StyledStr| {
        let text = tip.ansi().to_string();
        StyledStr::from(
            typed.iter().fold(text, |text, typed| text.replace(*typed, &escaped(typed))),
        )
    };
    for (kind, value) in &context {
        let value = match value {
            ContextValue::String(typed) => ContextValue::String(escaped(typed)),
            ContextValue::Strings(typed) => {
                ContextValue::Strings(typed.iter().map(escaped).collect())
            }
            ContextValue::StyledStr(tip) => ContextValue::StyledStr(in_tip(tip)),
            ContextValue::StyledStrs(tips) => {
                ContextValue::StyledStrs(tips.iter().map(in_tip).collect())
            }
            _ => continue,
        };
        error.insert(*kind, value);
    }
}

fn is_reader_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Diagnostic messages go to stderr when `SURECOPY_LOG` asks for them.
fn start_log() {
    let Some(filter) = terminal::log_filter() else { return };
    let filter = tracing_subscriber::EnvFilter::new(filter.to_string_lossy());
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(terminal::Terminal::look().can_colour)
        .init();
}

#[cfg(test)]
mod tests;
