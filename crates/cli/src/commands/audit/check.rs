//! `surecopy audit --check`.

use surecopy::jobs::{JobId, Ledger};

use crate::amounts::Count;
use crate::commands::print;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::json::{AuditCheckLine, line};

/// Checks the audit log of a job.
pub(super) fn check(ledger: &Ledger, job: JobId, is_json: bool) -> Result<ExitStatus, Failure> {
    let check = ledger.check_audit(job).map_err(|error| Failure::of_ledger(&error))?;
    let status = match check.broken {
        None => ExitStatus::Done,
        Some(_) => ExitStatus::RecordFailed,
    };
    if is_json {
        print(&line(&AuditCheckLine::new(job, &check)))?;
        return Ok(status);
    }
    let fit = if check.records == 1 { "fits" } else { "fit" };
    let records = Count(check.records, "record");
    match check.broken {
        None => print(format!("job {job}: {records} {fit}, up to {}\n", check.digest).as_bytes()),
        Some(broken) => Err(Failure {
            status,
            message: format!(
                "the audit log of job {job} cannot be trusted: {broken} ({records} before that {fit})"
            ),
            hint: None,
        }),
    }
}
