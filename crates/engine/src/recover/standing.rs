//! What stands under the names of a publication, and what is to be done about it. Only decisions; nothing is
//! touched.

use surecopy_fs::{FileKind, Metadata, Volume};

use super::recovery::Toward;
use crate::plan::Seen;
use crate::record::{Landed, RecordedEnd};

/// What the visible name shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Visible {
    /// What was copied.
    Copy,
    /// What it was to replace. Where files have no lasting numbers, a copy that looks like it counts as that:
    /// its content is compared when it is planned anew.
    Former,
    /// Something else, or nothing.
    Other,
}

/// What stands under the name of the backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hidden {
    Nothing,
    /// What was copied.
    Copy,
    /// What it replaced, or a copy of that.
    Former,
    /// One of the two, and on this volume nothing tells which.
    Either,
    /// The very file that has the visible name.
    SecondName,
    /// A copy of what has the visible name, or what was to become one.
    CopyOfVisible,
    /// Something else.
    Other,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Step {
    /// Nothing, now and later.
    Nothing,
    /// Nothing now.
    Wait,
    /// What has the name of the backup goes.
    RemoveHidden,
    /// The copy is published: that is recorded, and then what it replaced goes.
    Finish,
    /// The copy is read again. It is published if it is right.
    Prove {
        /// It has the name of the backup.
        is_hidden: bool,
    },
    /// Another program's file gets the visible name back.
    GiveBack,
    /// What is hidden stays until the entry is copied, which the user is told each time.
    Leave(&'static str),
    /// What is hidden stays, which the user is told.
    Keep(&'static str),
}

impl Visible {
    pub(super) fn of(landed: Landed, found: Option<&Metadata>, volume: &Volume) -> Self {
        let is = |seen: Seen| found.is_some_and(|found| seen.is_still(found, volume));
        match (landed.replaced.is_some_and(is), is(landed.target)) {
            (true, _) => Visible::Former,
            (false, true) => Visible::Copy,
            (false, false) => Visible::Other,
        }
    }
}

impl Hidden {
    pub(super) fn of(
        landed: Landed,
        found: Option<&Metadata>,
        visible: Option<&Metadata>,
        volume: &Volume,
    ) -> Self {
        // What replaces nothing leaves nothing there.
        let (Some(found), Some(_)) = (found, landed.replaced) else { return Hidden::Nothing };
        let is = |seen: Seen| seen.is_still(found, volume);
        if visible.is_some_and(|visible| visible.id == found.id) {
            return Hidden::SecondName;
        }
        match (landed.replaced.is_some_and(is), is(landed.target)) {
            (true, true) => Hidden::Either,
            (false, true) => Hidden::Copy,
            _ if is_replaced(landed, found) => Hidden::Former,
            _ if visible.is_some_and(|visible| is_copy(visible, found)) => Hidden::CopyOfVisible,
            _ => Hidden::Other,
        }
    }
}

/// What is to be done about a publication of which these two names and the recorded end are known.
pub(super) fn decide(
    end: RecordedEnd,
    toward: Toward,
    keeps_replaced: bool,
    visible: Visible,
    hidden: Hidden,
) -> Step {
    const TAKEN: &str =
        "this was copied when a disk was lost; what is in its place now is another program's";
    const NOT_REPLACED: &str = "this is not what the job has replaced, so it stays";
    const IN_DOUBT: &str = "this was replaced when a disk was lost, and what has its name now is not what was \
                            put there then";
    const UNCLEAR: &str = "this may be what was replaced when a run of the job was interrupted: on this file \
                           system nothing tells it from what replaced it";
    const DISPLACED: &str = "this is the file that was being replaced when a run of the job was interrupted; \
                             what has its name now is another program's";
    match (end, visible, hidden) {
        (
            RecordedEnd::None | RecordedEnd::InDoubt,
            Visible::Copy,
            Hidden::Other | Hidden::CopyOfVisible,
        ) => Step::GiveBack,
        (RecordedEnd::None, Visible::Copy, _) => Step::Finish,
        // What it replaced is put back, whatever the copy is worth.
        (RecordedEnd::InDoubt, Visible::Copy, _) if toward == Toward::Former => Step::Finish,
        (RecordedEnd::InDoubt, Visible::Copy, _) => Step::Prove { is_hidden: false },
        (RecordedEnd::InDoubt, Visible::Former, Hidden::Copy) if toward == Toward::Copied => {
            Step::Prove { is_hidden: true }
        }
        (RecordedEnd::InDoubt, _, Hidden::Copy) if toward == Toward::Copied => Step::Leave(TAKEN),
        (_, _, Hidden::Nothing) => Step::Nothing,
        // It is needed no second time.
        (_, _, Hidden::SecondName) => Step::RemoveHidden,
        // It has not yet taken the place of what it was to replace, or does no longer.
        (_, Visible::Former | Visible::Other, Hidden::Copy) => Step::RemoveHidden,
        // It is about to be put back, or is of use to whoever wants that.
        (RecordedEnd::Ok, ..) if keeps_replaced => Step::Nothing,
        (RecordedEnd::Ok, ..) if toward == Toward::Former => Step::Wait,
        (RecordedEnd::Ok, _, Hidden::Former | Hidden::Either) => Step::RemoveHidden,
        (RecordedEnd::Ok, ..) => Step::Keep(NOT_REPLACED),
        (_, Visible::Former, Hidden::Former | Hidden::CopyOfVisible) => Step::RemoveHidden,
        (RecordedEnd::InDoubt, _, Hidden::Former | Hidden::Either) if !keeps_replaced => {
            Step::Leave(IN_DOUBT)
        }
        (RecordedEnd::InDoubt, _, Hidden::Former) => Step::Nothing,
        (_, Visible::Former, Hidden::Either) if !keeps_replaced && toward == Toward::Copied => {
            Step::RemoveHidden
        }
        (_, _, Hidden::Either) => Step::Keep(UNCLEAR),
        (_, _, Hidden::Former | Hidden::Copy | Hidden::CopyOfVisible | Hidden::Other) => {
            Step::Keep(DISPLACED)
        }
    }
}

/// Whether an entry is what was replaced, or a copy of it: copies have a number of their own.
pub(super) fn is_replaced(landed: Landed, found: &Metadata) -> bool {
    landed.replaced.is_some_and(|old| {
        let is_like_it = old.size_bytes == found.size && old.modified == found.modified;
        is_like_it && found.kind != FileKind::Directory
    })
}

/// Whether an entry is a copy of another one, or was to become one. A copy is made to be read by its owner
/// only, and grows, before it is given its time; of one that the power left, the time may be there without
/// the content. A link has its whole text at once.
fn is_copy(original: &Metadata, copy: &Metadata) -> bool {
    let has_begun = copy.modified == original.modified || copy.mode & 0o777 == 0o600;
    match (original.kind, copy.kind) {
        (FileKind::File, FileKind::File) => copy.size <= original.size && has_begun,
        (FileKind::Symlink, FileKind::Symlink) => copy.size == original.size,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENDS: [RecordedEnd; 4] =
        [RecordedEnd::None, RecordedEnd::Ok, RecordedEnd::InDoubt, RecordedEnd::Undone];
    const VISIBLE: [Visible; 3] = [Visible::Copy, Visible::Former, Visible::Other];
    const HIDDEN: [Hidden; 7] = [
        Hidden::Nothing,
        Hidden::Copy,
        Hidden::Former,
        Hidden::Either,
        Hidden::SecondName,
        Hidden::CopyOfVisible,
        Hidden::Other,
    ];

    /// Every case, with what is decided.
    fn all(mut check: impl FnMut(RecordedEnd, Toward, bool, Visible, Hidden, Step)) {
        for end in ENDS {
            for toward in [Toward::Copied, Toward::Former] {
                for keeps in [false, true] {
                    for visible in VISIBLE {
                        for hidden in HIDDEN {
                            let step = decide(end, toward, keeps, visible, hidden);
                            check(end, toward, keeps, visible, hidden, step);
                        }
                    }
                }
            }
        }
    }

    /// What was replaced goes only when the copy is recorded as durable, or when it is there twice.
    #[test]
    fn what_was_replaced_goes_only_when_it_is_not_needed() {
        let mut removed = 0;
        all(|end, toward, keeps, visible, hidden, step| {
            let may_be_former = matches!(hidden, Hidden::Former | Hidden::Either);
            if step != Step::RemoveHidden || !may_be_former {
                return;
            }
            removed += 1;
            let is_done = end == RecordedEnd::Ok && toward == Toward::Copied && !keeps;
            let is_there_twice = visible == Visible::Former && hidden == Hidden::Former;
            // Its content is compared when it is planned anew, and nothing of it was to be kept.
            let is_unclear = visible == Visible::Former && toward == Toward::Copied && !keeps;
            let may_go = is_done || is_there_twice || is_unclear && end != RecordedEnd::InDoubt;
            assert!(may_go, "{end:?} {toward:?} {keeps} {visible:?} {hidden:?}");
        });
        assert!(removed > 0);
    }

    /// A copy that is in doubt may be all that there is.
    #[test]
    fn a_copy_in_doubt_goes_only_when_the_job_is_undone() {
        all(|end, toward, _, visible, hidden, step| {
            if end == RecordedEnd::InDoubt && toward == Toward::Copied && hidden == Hidden::Copy {
                let may_be =
                    matches!(step, Step::Prove { .. } | Step::Leave(_)) && visible != Visible::Copy;
                assert!(
                    may_be || visible == Visible::Copy && step == Step::Prove { is_hidden: false }
                );
            }
        });
    }

    #[test]
    fn nothing_of_another_program_goes() {
        all(|end, toward, keeps, visible, hidden, step| {
            if hidden == Hidden::Other {
                assert_ne!(step, Step::RemoveHidden, "{end:?} {toward:?} {keeps} {visible:?}");
            }
        });
    }

    #[test]
    fn steps() {
        use RecordedEnd::{InDoubt, None, Ok, Undone};
        use Toward::{Copied, Former};
        let decide = |end, toward, visible, hidden| decide(end, toward, false, visible, hidden);
        for (end, toward, visible, hidden, step) in [
            (None, Copied, Visible::Copy, Hidden::Former, Step::Finish),
            (None, Former, Visible::Copy, Hidden::Former, Step::Finish),
            (None, Copied, Visible::Former, Hidden::Copy, Step::RemoveHidden),
            (None, Copied, Visible::Former, Hidden::SecondName, Step::RemoveHidden),
            (None, Copied, Visible::Former, Hidden::CopyOfVisible, Step::RemoveHidden),
            (None, Copied, Visible::Copy, Hidden::Other, Step::GiveBack),
            (Ok, Copied, Visible::Copy, Hidden::Former, Step::RemoveHidden),
            (Ok, Former, Visible::Copy, Hidden::Former, Step::Wait),
            (Ok, Copied, Visible::Copy, Hidden::Nothing, Step::Nothing),
            (InDoubt, Copied, Visible::Copy, Hidden::Former, Step::Prove { is_hidden: false }),
            (InDoubt, Copied, Visible::Former, Hidden::Copy, Step::Prove { is_hidden: true }),
            (InDoubt, Former, Visible::Copy, Hidden::Former, Step::Finish),
            (InDoubt, Former, Visible::Former, Hidden::Copy, Step::RemoveHidden),
            (Undone, Copied, Visible::Former, Hidden::Copy, Step::RemoveHidden),
        ] {
            assert_eq!(
                decide(end, toward, visible, hidden),
                step,
                "{end:?} {visible:?} {hidden:?}"
            );
        }
        let is_left = |step| matches!(step, Step::Leave(_));
        assert!(is_left(decide(InDoubt, Copied, Visible::Other, Hidden::Former)));
        assert!(is_left(decide(InDoubt, Copied, Visible::Other, Hidden::Copy)));
    }
}
