//! Copies one file and proves it: `cargo run --example copy_file SOURCE TARGET`

use std::env;
use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args_os().skip(1).collect();
    let [source, target] = arguments.as_slice() else {
        eprintln!("usage: copy_file SOURCE TARGET");
        return ExitCode::from(2);
    };
    match surecopy::copy_file(source, target) {
        Ok(item) => {
            println!("{}: {} bytes", item.target.display(), item.size_bytes);
            println!("status {}, evidence {}", item.status.as_str(), item.evidence);
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("not copied: {error}");
            ExitCode::FAILURE
        }
    }
}
