//! The bit-rot alarm: a file of the same path, size and modification time as one that was copied
//! before, but of another content.

use surecopy_fs::FileSystem;

use super::member::{Setback, Work};
use super::take::Worker;
use crate::error::{ErrorCode, ItemError};
use crate::plan::{Action, Seen};
use crate::report::{Warning, WarningKind};

impl<F: FileSystem> Worker<'_, '_, F> {
    /// Compares the digest with that of an earlier copy. Programs that change a file change its time,
    /// so a difference means that one of the two readings is wrong, and nobody knows which. Then a
    /// file that is there is not replaced, unless that was asked for.
    ///
    /// What was known is known of a file of the size and time that were planned. Where those were only
    /// remembered, or have changed since, it is another file's.
    pub(super) fn compare_with_earlier(&self, work: &Work, read: Seen) -> Result<(), Setback> {
        let planned = work.item.source;
        if (read.size_bytes, read.modified) != (planned.size_bytes, planned.modified) {
            return Ok(());
        }
        let (Some(known), Some(found)) = (&work.item.known_digest, &work.report.digest) else {
            return Ok(());
        };
        if known.algorithm != found.algorithm || known == found {
            return Ok(());
        }
        let source = &work.report.source;
        let message = format!(
            "the content is not what an earlier job copied, though size and modification time are: \
             {} now, {} then",
            found.to_hex(),
            known.to_hex(),
        );
        self.context.warn(Warning {
            kind: WarningKind::BitRot,
            path: source.clone(),
            message: message.clone(),
        });
        let replaces =
            matches!(work.item.action, Action::Replace(_) | Action::ReplaceIfContentDiffers(_));
        if replaces && !self.context.spec.accept_changed_content {
            let error = ItemError::new(ErrorCode::BitRotSuspected, source.clone(), message);
            return Err(Setback::Failed(error.with_details("the target was not replaced")));
        }
        Ok(())
    }
}
