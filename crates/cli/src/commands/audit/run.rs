//! Which of the three ways of looking at an audit log was asked for.

use super::args::AuditArgs;
use super::{check, export, list};
use crate::exit::ExitStatus;
use crate::failure::Failure;

/// Shows, checks or exports the record of a job.
pub(crate) fn run(args: AuditArgs) -> Result<ExitStatus, Failure> {
    let (ledger, record) = args.ledger.existing()?.with(args.job)?;
    if args.check {
        return check::check(&ledger, args.job, args.json);
    }
    match &args.export {
        Some(file) => export::export(&ledger, args.job, file),
        None => list::list(&ledger, &record, &args),
    }
}
