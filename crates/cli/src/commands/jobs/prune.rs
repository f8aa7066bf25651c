//! `surecopy jobs prune`.

use surecopy::jobs::JobId;

use super::args::PruneArgs;
use crate::amounts::Count;
use crate::commands::{print, talk};
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{PrunedLine, line};
use crate::recorded::{Found, no_jobs};
use crate::settings;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Removes old jobs.
pub(super) fn run(args: &PruneArgs) -> Result<ExitStatus, Failure> {
    let days = match args.older_than {
        Some(days) => u64::from(days),
        None => settings::without_options()?.ledger_keep_days(),
    };
    let ledger = match args.ledger.existing()? {
        Found::Ledger(ledger) => ledger,
        Found::None { path } => {
            talk(&no_jobs(&path));
            return Ok(ExitStatus::Done);
        }
    };
    let age = i64::try_from(days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
    let before = jiff::Timestamp::now().as_millisecond().saturating_sub(age);
    let pruned = if args.dry_run { ledger.prunable(before) } else { ledger.prune(before) };
    let pruned = pruned.map_err(|error| Failure::of_ledger(&error))?;
    if args.json {
        return print(&line(&PrunedLine::new(&pruned, days, args.dry_run)));
    }
    print(format!("{}\n", told(&pruned, days, args.dry_run)).as_bytes())
}

fn told(pruned: &[JobId], days: u64, is_dry: bool) -> String {
    if pruned.is_empty() {
        return format!("nothing to remove: no finished job is older than {}", Count(days, "day"));
    }
    let verb = if is_dry { "would remove" } else { "removed" };
    let jobs: Vec<String> = pruned.iter().map(JobId::to_string).collect();
    format!("{verb} {}: {}", Count(pruned.len() as u64, "job"), jobs.join(", "))
}
