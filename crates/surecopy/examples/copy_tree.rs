//! Copies the contents of a directory and proves every file:
//! `cargo run --example copy_tree SOURCE TARGET`

use std::env;
use std::process::ExitCode;

use surecopy::CopyError;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [source, target] = arguments.as_slice() else {
        eprintln!("usage: copy_tree SOURCE TARGET");
        return ExitCode::from(2);
    };
    match surecopy::copy_tree(source, target) {
        Ok(report) => {
            let tally = report.tally;
            println!("{} items in place, {} of them verified files", tally.ok, tally.verified());
            println!("{} skipped because they were there already", tally.skipped);
            ExitCode::SUCCESS
        }
        Err(CopyError::Incomplete { report, failures }) => {
            eprintln!("{} items were not copied, among them:", report.tally.failed);
            for failure in failures {
                eprintln!("  {}: {failure}", failure.path.display());
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("not copied: {error}");
            ExitCode::FAILURE
        }
    }
}
