//! `surecopy undo -n`. It goes by the ledger alone: whether something was changed since is found out when
//! it is done.

use std::io::{BufWriter, Write, stdout};

use surecopy::CopyError;
use surecopy::jobs::{ItemRecord, ItemState, JobId, Ledger};

use crate::amounts::Count;
use crate::commands::written;
use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::shown::Shown;

/// Items that are read at once.
const PAGE: usize = 1000;

/// Says what would be done with each item.
pub(super) fn tell(ledger: &Ledger, job: JobId, is_discard: bool) -> Result<ExitStatus, Failure> {
    let record = ledger.job(job).map_err(|error| Failure::of_ledger(&error))?;
    let spec = record.request.map_err(|error| Failure::of_ledger(&error))?;
    if !spec.keep_replaced {
        return Err(Failure::of_copy(&CopyError::NothingKept { job }));
    }
    let mut out = BufWriter::new(stdout().lock());
    let mut counts = Counts::default();
    for state in [ItemState::Ok, ItemState::Damaged] {
        let mut after = None;
        loop {
            let page = ledger
                .items(job, Some(state), after, PAGE)
                .map_err(|error| Failure::of_ledger(&error))?;
            let Some(last) = page.last() else { break };
            after = Some(last.item);
            for item in &page {
                let Some(line) = counts.line(item, is_discard) else { continue };
                if let Err(error) = writeln!(out, "{line}") {
                    return written(Err(error));
                }
            }
        }
    }
    let end = writeln!(out, "{}\ndry run: nothing was touched", counts.sums(is_discard));
    written(end.and_then(|()| out.flush()))
}

#[derive(Default)]
struct Counts {
    restored: u64,
    removed: u64,
    discarded: u64,
}

impl Counts {
    /// What would become of an item, if anything would.
    fn line(&mut self, item: &ItemRecord, is_discard: bool) -> Option<String> {
        let landed = item.report.as_ref()?.landed?;
        let target = Shown(&item.target);
        if is_discard {
            self.discarded += u64::from(item.is_kept);
            return item.is_kept.then(|| format!("give up       what {target} replaced"));
        }
        if landed.replaced.is_some() {
            self.restored += 1;
            return Some(format!("put back      what {target} replaced"));
        }
        self.removed += 1;
        Some(format!("remove        {target}"))
    }

    fn sums(&self, is_discard: bool) -> String {
        if is_discard {
            return format!("would remove {}", Count(self.discarded, "kept file"));
        }
        let restored = Count(self.restored, "replaced file");
        format!("would put back {restored} and remove {}", Count(self.removed, "file"))
    }
}
