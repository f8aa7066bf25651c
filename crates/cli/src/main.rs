//! The `surecopy` program: typed arguments, one call to the library, one renderer.
//!
//! It decides nothing about copying.

mod amounts;
mod commands;
mod exit;
mod failure;
mod hint;
mod human;
mod indexed;
mod json;
mod program;
mod recorded;
mod running;
mod settings;
mod shown;
mod signals;
mod stream;
mod terminal;

fn main() -> std::process::ExitCode {
    program::run()
}
