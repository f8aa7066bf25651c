//! `surecopy audit --check`.

use surecopy::jobs::{AuditBreak, JobId, Ledger, LedgerError};

use crate::amounts::Count;
use crate::commands::print;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{AuditCheckLine, line};

/// Checks the audit log of a job, and the database that it is in.
pub(super) fn check(ledger: &Ledger, job: JobId, is_json: bool) -> Result<ExitStatus, Failure> {
    let check = ledger.check_audit(job).map_err(|error| Failure::of_ledger(&error))?;
    let damage = match ledger.check_database() {
        Ok(()) => None,
        // An answer, as a log that does not fit is one.
        Err(error @ LedgerError::Damaged { .. }) => Some(error),
        Err(error) => return Err(Failure::of_ledger(&error)),
    };
    if is_json {
        print(&line(&AuditCheckLine::new(job, &check, damage.as_ref())))?;
        let is_intact = check.broken.is_none() && damage.is_none();
        return Ok(if is_intact { ExitStatus::Done } else { ExitStatus::RecordFailed });
    }
    let fit = if check.records == 1 { "fits" } else { "fit" };
    let records = Count(check.records, "record");
    if let Some(broken) = check.broken {
        let message = match broken {
            AuditBreak::End { .. } | AuditBreak::Ends { .. } => format!(
                "what the ledger says of job {job} cannot be trusted: {broken} (of the audit log, {records} \
                 {fit})"
            ),
            AuditBreak::Altered { .. } | AuditBreak::Missing { .. } | AuditBreak::Added { .. } => {
                format!(
                    "the audit log of job {job} cannot be trusted: {broken} ({records} before that {fit})"
                )
            }
        };
        return Err(Failure { status: ExitStatus::RecordFailed, message, hint: None });
    }
    if let Some(damage) = damage {
        return Err(Failure::of_ledger(&damage));
    }
    print(format!("job {job}: {records} {fit}, up to {}\n", check.digest).as_bytes())
}
