//! What to do about each error. The match is exhaustive: a new code without advice does not
//! compile. It advises only; what happened is said by the error itself.

use surecopy::{ErrorCode, ItemError, Problem, Scope};

/// What was being done when an error came up. The same code may call for something else then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Occasion {
    /// Bytes were to be copied.
    Copying,
    /// Copies were read again.
    Verifying,
    /// Copies were read again, and what is not as it should be is copied again right after.
    Reverifying,
    /// Copies were to go, and what they replaced was to come back.
    Undoing,
    /// What was kept was to go.
    Discarding,
    /// It was to be found out what there is.
    Preparing,
}

/// What the user can do about an error that came up then.
pub(crate) fn advice(code: ErrorCode, occasion: Occasion) -> &'static str {
    let of_its_own = match occasion {
        Occasion::Copying | Occasion::Preparing => None,
        Occasion::Verifying => when_verifying(code),
        Occasion::Reverifying => when_reverifying(code),
        Occasion::Undoing => when_undoing(code),
        Occasion::Discarding => when_discarding(code),
    };
    of_its_own.unwrap_or_else(|| for_code(code))
}

/// What the user can do about this error, which may say more than its code.
pub(crate) fn advice_on(error: &ItemError, occasion: Occasion) -> &'static str {
    match (error.code, occasion) {
        // The details name what is kept.
        (ErrorCode::TargetChanged, Occasion::Undoing) if error.details.is_none() => NOTHING_KEPT,
        (code, occasion) => advice(code, occasion),
    }
}

/// What the user can do about what stands in the way of a whole job, or of an item.
pub(crate) fn advice_on_problem(problem: &Problem, occasion: Occasion) -> &'static str {
    match (problem.scope, problem.error.code) {
        // No item was looked at: it is the destination itself that is not there.
        (Scope::Job, ErrorCode::TargetChanged) => DESTINATION_GONE,
        _ => advice_on(&problem.error, occasion),
    }
}

fn when_verifying(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::TargetChanged => Some(
            "surecopy resume copies it again if it is still in the source, in place of what was changed since: move away first what you want to keep of that; if it is gone, check first that its disk is mounted",
        ),
        ErrorCode::DestinationIoError => {
            Some("do not trust this disk until its health and its cable have been checked")
        }
        ErrorCode::JournalFailed => Some(NOT_RECORDED),
        ErrorCode::VolumeChanged => Some(OTHER_VOLUME),
        _ => None,
    }
}

fn when_reverifying(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::TargetChanged => {
            Some("nothing: it is copied again now, unless the job's --on-conflict says otherwise")
        }
        _ => when_verifying(code),
    }
}

fn when_undoing(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::TargetChanged => Some(
            "move what stands there away and undo again, or take the old file from where the details say that it is kept; if nothing is there, check that its disk is mounted",
        ),
        ErrorCode::LinkInPath | ErrorCode::TargetKindDiffers => Some(
            "move what stands there away, put the directory back that was there, and undo again",
        ),
        ErrorCode::DurabilityUnknown => Some(
            "check the disk, and undo again; if the details name a file that is kept, compare it first with what stands there",
        ),
        ErrorCode::JournalFailed => Some(NOT_RECORDED),
        ErrorCode::VolumeChanged => Some(OTHER_VOLUME),
        _ => None,
    }
}

fn when_discarding(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::DurabilityUnknown => {
            Some("check the disk, then run the same command again, which looks whether it is gone")
        }
        ErrorCode::TargetChanged => Some(
            "look at it, and remove it yourself if you do not need it; if nothing is there, check that its disk is mounted",
        ),
        _ => when_undoing(code),
    }
}

const NOT_RECORDED: &str =
    "see to it that the ledger can be read and written, then run the same command again";

const NOTHING_KEPT: &str = "if it was changed, move it away and undo again; what was not kept cannot be put back: leave what stands there, or remove it yourself; if nothing is there, check that its disk is mounted";

const DESTINATION_GONE: &str = "check first that its disk is mounted and that the directory was not moved, then run the same command again";

const OTHER_VOLUME: &str =
    "mount the right volume; or, if this is it, run the same command again with --accept-volume";

/// What the user can do when something cannot be copied, as one or two sentences.
pub(crate) fn for_code(code: ErrorCode) -> &'static str {
    use ErrorCode as Code;
    match code {
        Code::SourceNotIndexed => {
            "run `surecopy prepare` on it first, or leave out --prepare index-only"
        }
        Code::SourceMissing => {
            "check the path; if it was there before, see whether its disk is still connected"
        }
        Code::SourceUnreadable => "ask the owner for read access, or run as a user who has it",
        Code::SourceChanged => {
            "copy again when no program is writing to the file, or copy from a snapshot"
        }
        Code::SourceIoError => {
            "the disk cannot read this file: copy the others first, then look at the disk's health"
        }
        Code::DestinationFull => {
            "make room at the destination, then run the same command again: what is done will be skipped"
        }
        Code::QuotaExceeded => {
            "remove files or have the quota raised, then run the same command again"
        }
        Code::DestinationReadOnly => "mount the destination for writing, or choose another one",
        Code::DestinationDenied => {
            "make the destination directory readable and writable for you, or choose another one"
        }
        Code::DestinationIoError => {
            "do not trust this disk until its health and its cable have been checked; the old file, if there was one, is still there"
        }
        Code::TargetReadOnly => {
            "take the protection off the target, or use --replace-read-only for files without a write bit"
        }
        Code::TargetExists => "choose another policy with --on-conflict, or another destination",
        Code::TargetKindDiffers => {
            "move what stands there out of the way, or choose another destination"
        }
        Code::TargetChanged => {
            "another program writes to the destination: stop it, then run the same command again"
        }
        Code::FileBusy => "close the program that holds the file, then run the same command again",
        Code::SameFile => {
            "nothing needs to be copied; if a copy was meant, give another destination"
        }
        Code::DestinationInsideSource => "choose a destination outside the source",
        Code::DuplicateTarget => "copy the two sources to different directories",
        Code::FileTooLarge => "raise the limit with --set maximum_copy_file_size_bytes=BYTES",
        Code::FileTooLargeForVolume => {
            "use a destination with another file system (FAT32 ends at 4 GiB), or split the file"
        }
        Code::NameNotAllowed => {
            "rename the file, or use a destination whose file system can hold the name"
        }
        Code::NameCollision => {
            "rename one of the two, or use a destination that tells such names apart"
        }
        Code::LinkInPath => {
            "look at where the link points; to copy there, give the real directory as the destination"
        }
        Code::LinksNotSupported => {
            "use a destination with links, or leave them out with --preserve=-links or --preserve=-hard-links"
        }
        Code::CloneNotPossible => "use --reflink auto to copy where blocks cannot be shared",
        Code::VerifyMismatch => {
            "the destination returns other bytes than were written: do not trust this disk, its cable or this machine's memory until checked"
        }
        Code::ReadBackFailed => {
            "run the same command again; if it happens again, check the destination disk's health"
        }
        Code::FlushFailed => {
            "data was lost on its way to the disk: check the disk and its connection, then run the same command again"
        }
        Code::VolumeChanged => {
            "mount the right volume; or, if this is it, go on with surecopy resume JOB --accept-volume"
        }
        Code::BitRotSuspected => {
            "compare both with another copy; only if the source is right, copy it with --accept-changed-content"
        }
        Code::DurabilityUnknown => {
            "check the disk, then go on with surecopy resume JOB, which reads the file again and settles which of the two stays; without a ledger, compare it yourself with the old one that the details name"
        }
        Code::VolumeUnreachable => {
            "bring the network or the disk back, then run the same command again"
        }
        Code::OutOfResources => {
            "use fewer jobs (-j 1) or the low-memory profile, or raise the limit of open files"
        }
        Code::JournalFailed => {
            "see to it that the ledger can be read and written, then go on with surecopy resume JOB"
        }
        Code::SystemError => {
            "the operating system's message tells more; if it does not help, please report it"
        }
        Code::Internal => {
            "this is a mistake in surecopy: please report it with the message and the details"
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn advice_for_an_occasion_is_another_one() {
        for of_its_own in [when_verifying, when_reverifying, when_undoing, when_discarding] {
            for code in ErrorCode::ALL {
                let Some(hint) = of_its_own(*code) else { continue };
                assert!(!hint.ends_with('.') && hint.len() > 20, "{code}");
                assert_ne!(hint, for_code(*code), "{code}");
            }
        }
    }

    #[test]
    fn advice_is_a_fragment_of_its_own_for_every_code() {
        for (index, code) in ErrorCode::ALL.iter().enumerate() {
            let hint = for_code(*code);
            assert!(!hint.ends_with('.') && hint.len() > 20, "{code}");
            let is_repeated =
                ErrorCode::ALL[index + 1..].iter().any(|other| for_code(*other) == hint);
            assert!(!is_repeated, "{code}");
        }
    }
}
