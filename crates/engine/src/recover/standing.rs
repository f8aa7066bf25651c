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
    /// Something else.
    Other,
    Nothing,
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
    /// The copy goes, and what it replaced gets the visible name back.
    TakeBack,
    /// What is hidden stays until the entry is copied, which the user is told each time.
    Leave(&'static str),
    /// What is hidden stays, which the user is told.
    Keep(&'static str),
}

impl Visible {
    pub(super) fn of(landed: Landed, found: Option<&Metadata>, volume: &Volume) -> Self {
        let Some(found) = found else { return Visible::Nothing };
        let is = |seen: Seen| seen.is_still(found, volume);
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
    const NOT_REPLACED: &str = "this is not what the job has replaced, so it stays";
    const UNCLEAR: &str = "this may be what was replaced when a run of the job was interrupted: on this file \
                           system nothing tells it from what replaced it";
    match (end, visible, hidden) {
        (RecordedEnd::InDoubt, ..) => in_doubt(toward, visible, hidden),
        (RecordedEnd::None, Visible::Copy, Hidden::Other | Hidden::CopyOfVisible) => Step::GiveBack,
        (RecordedEnd::None, Visible::Copy, _) => Step::Finish,
        (_, _, Hidden::Nothing) => Step::Nothing,
        // It is needed no second time.
        (_, _, Hidden::SecondName) => Step::RemoveHidden,
        // It has not yet taken the place of what it was to replace, or does no longer.
        (_, Visible::Former | Visible::Other | Visible::Nothing, Hidden::Copy) => {
            Step::RemoveHidden
        }
        // It is about to be put back, or is of use to whoever wants that.
        (RecordedEnd::Ok, ..) if keeps_replaced => Step::Nothing,
        (RecordedEnd::Ok, ..) if toward == Toward::Former => Step::Wait,
        (RecordedEnd::Ok, _, Hidden::Former | Hidden::Either) => Step::RemoveHidden,
        (RecordedEnd::Ok, ..) => Step::Keep(NOT_REPLACED),
        (_, Visible::Former, Hidden::Former | Hidden::CopyOfVisible) => Step::RemoveHidden,
        (_, Visible::Former, Hidden::Either) if !keeps_replaced && toward == Toward::Copied => {
            Step::RemoveHidden
        }
        (_, _, Hidden::Either) => Step::Keep(UNCLEAR),
        (_, _, Hidden::Former | Hidden::Copy | Hidden::CopyOfVisible | Hidden::Other) => {
            Step::Keep(DISPLACED)
        }
    }
}

const DISPLACED: &str = "this is the file that was being replaced when a run of the job was interrupted; what \
                         has its name now is another program's";

/// The same for one that has failed, and may have come about. Of two files that may both be wanted, neither
/// goes before the entry is copied; only an undo wants nothing of the copy.
fn in_doubt(toward: Toward, visible: Visible, hidden: Hidden) -> Step {
    const TAKEN: &str = "this was copied, and could not be made durable; what is in its place now is \
                         another program's";
    const REPLACED: &str = "this was replaced by a file that could not be made durable; what has its name now \
                            is not that one";
    const BESIDE: &str =
        "this is beside a file that could not be made durable, and is not what that has replaced";
    match (toward, visible, hidden) {
        (_, Visible::Copy, Hidden::Other | Hidden::CopyOfVisible) => Step::Leave(BESIDE),
        (Toward::Copied, Visible::Copy, _) => Step::Prove { is_hidden: false },
        (Toward::Copied, Visible::Former, Hidden::Copy) => Step::Prove { is_hidden: true },
        (Toward::Copied, _, Hidden::Copy) => Step::Leave(TAKEN),
        (Toward::Former, Visible::Copy, Hidden::Former | Hidden::Nothing) => Step::TakeBack,
        (Toward::Former, Visible::Nothing, Hidden::Former) => Step::TakeBack,
        (Toward::Former, Visible::Copy, _) => Step::Leave(REPLACED),
        (Toward::Former, _, Hidden::Copy) => Step::RemoveHidden,
        (_, _, Hidden::Nothing) => Step::Nothing,
        (_, _, Hidden::SecondName) => Step::RemoveHidden,
        (_, Visible::Former, Hidden::Former | Hidden::CopyOfVisible) => Step::RemoveHidden,
        (_, _, Hidden::Former | Hidden::Either) => Step::Leave(REPLACED),
        (_, _, Hidden::CopyOfVisible | Hidden::Other) => Step::Keep(DISPLACED),
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
    const VISIBLE: [Visible; 4] =
        [Visible::Copy, Visible::Former, Visible::Other, Visible::Nothing];
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

    /// A copy that is in doubt may be all that there is, and so may what it replaced.
    #[test]
    fn what_is_in_doubt_goes_only_when_the_job_is_undone_or_when_it_is_there_twice() {
        all(|end, toward, _, visible, hidden, step| {
            if end != RecordedEnd::InDoubt {
                return;
            }
            let goes = matches!(step, Step::RemoveHidden | Step::GiveBack | Step::TakeBack);
            let is_there_twice = hidden == Hidden::SecondName
                || visible == Visible::Former
                    && matches!(hidden, Hidden::Former | Hidden::CopyOfVisible);
            assert!(!goes || toward == Toward::Former || is_there_twice, "{visible:?} {hidden:?}");
            // Nor is it said to be done unseen.
            assert_ne!(step, Step::Finish, "{visible:?} {hidden:?}");
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

    /// It is there for whoever wants it back, which is nothing to warn of.
    #[test]
    fn what_was_replaced_and_is_to_be_kept_stays_whatever_has_its_name() {
        for visible in VISIBLE {
            let step = decide(RecordedEnd::Ok, Toward::Copied, true, visible, Hidden::Former);
            assert_eq!(step, Step::Nothing, "{visible:?}");
        }
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
            (InDoubt, Former, Visible::Copy, Hidden::Former, Step::TakeBack),
            (InDoubt, Former, Visible::Nothing, Hidden::Former, Step::TakeBack),
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
