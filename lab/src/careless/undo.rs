//! An undo that takes the copy away before what it replaced is back. Each of its steps is flushed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::json;

/// Beside the ledger: each target, and where what it replaced is kept. What is in a ledger, no careless
/// program can read.
pub(crate) const PLAN: &str = "to-be-undone.json";

pub(super) fn run() -> Result<()> {
    let ledger = std::env::var_os("SURECOPY_LEDGER").context("there is a ledger")?;
    let plan = fs::read_to_string(Path::new(&ledger).with_file_name(PLAN))?;
    let items: Vec<(PathBuf, Option<PathBuf>)> = serde_json::from_str(&plan)?;
    for (target, kept) in items {
        let dir = File::open(target.parent().context("it is in a folder")?)?;
        fs::remove_file(&target)?;
        dir.sync_all()?;
        if let Some(kept) = kept {
            fs::rename(kept, &target)?;
            dir.sync_all()?;
        }
        println!("{}", json!({"type": "undone", "how": "restored", "target": target}));
    }
    Ok(())
}
