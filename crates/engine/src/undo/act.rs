//! One item: the step that its names call for, and what is found when it does not go as it should.

use std::ffi::OsStr;

use surecopy_fs::{FileSystem, FsError, FsErrorKind, FsResult, Metadata, Operation, Support};

use super::standing::{Standing, Step, decide};
use crate::destinations::Target;
use crate::error::{ErrorCode, ItemError, Side};
use crate::opened::Opened;
use crate::plan::Seen;
use crate::record::DoneItem;
use crate::report::Undone;

/// One item and the directory that it stands in.
pub(super) struct Names<'a, F: FileSystem> {
    pub(super) fs: &'a F,
    pub(super) place: &'a Opened<F>,
    pub(super) item: &'a DoneItem,
    pub(super) target: &'a Target,
}

/// What an item has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Acted {
    pub(super) how: Undone,
    /// Under the kept name now stands what was copied, or what has the target's name too.
    pub(super) is_left: bool,
}

/// Why an item was not undone.
#[derive(Debug)]
pub(super) enum Setback {
    /// It is not as the job has left it. Nothing was touched.
    Refused(ItemError),
    /// It could not be done.
    Failed(ItemError),
}

/// What the names show.
struct Found {
    target: Option<Metadata>,
    kept: Option<Metadata>,
}

impl Found {
    /// What has the target's name has the kept one too.
    fn is_one_file(&self) -> bool {
        let number = |found: &Option<Metadata>| found.as_ref().map(|found| found.id);
        self.target.is_some() && number(&self.target) == number(&self.kept)
    }
}

impl<F: FileSystem> Names<'_, F> {
    /// Does what there is to do about the item.
    pub(super) fn undo(&self) -> Result<Acted, Setback> {
        let found = self.look().map_err(|error| self.failed(&error))?;
        let done = |how, is_left| Ok(Acted { how, is_left });
        match self.step(&found) {
            Step::Refuse(why) => Err(self.refused(why, &found)),
            Step::Nothing => done(Undone::Already, found.is_one_file()),
            Step::RemoveExchanged => done(Undone::Already, true),
            Step::Remove => self.remove(),
            Step::PutBack | Step::Exchange => match (&self.item.kept, &found.kept) {
                (Some(name), Some(_)) if found.target.is_none() => self.put_back(name, &found),
                (Some(name), Some(kept)) => self.exchange(name, Seen::of(kept)),
                _ => Err(self.refused("what it replaced was not kept", &found)),
            },
        }
    }

    fn look(&self) -> FsResult<Found> {
        let kept = match &self.item.kept {
            Some(name) => self.place.at(self.fs, name)?,
            None => None,
        };
        Ok(Found { target: self.place.at(self.fs, &self.target.name)?, kept })
    }

    fn step(&self, found: &Found) -> Step {
        let standing = |found: &Option<Metadata>| self.standing(found.as_ref());
        let kept = self.item.kept.as_ref().map(|_| standing(&found.kept));
        decide(self.item, standing(&found.target), kept)
    }

    fn standing(&self, found: Option<&Metadata>) -> Standing {
        Standing::of(self.item, found, &self.place.volume)
    }

    fn stands(&self, name: &OsStr) -> FsResult<Standing> {
        Ok(self.standing(self.place.at(self.fs, name)?.as_ref()))
    }

    /// Whether the names show this now: the target, and the kept one.
    fn is_now(&self, kept: &OsStr, wanted: (Standing, Standing)) -> bool {
        let found = (self.stands(&self.target.name), self.stands(kept));
        matches!(found, (Ok(target), Ok(kept)) if (target, kept) == wanted)
    }

    /// Another program's file that is put there between the look and this is lost: no file system
    /// removes a name only if it shows what was seen.
    fn remove(&self) -> Result<Acted, Setback> {
        let name = &self.target.name;
        let removed = self.fs.remove_file(&self.place.dir, name).or_else(|error| {
            // A server's answer may be lost after it did what it was asked for.
            let is_gone = matches!(self.stands(name), Ok(Standing::Missing));
            if is_gone { Ok(()) } else { Err(error) }
        });
        removed.map_err(|error| self.failed(&error))?;
        Ok(Acted { how: Undone::Removed, is_left: false })
    }

    fn exchange(&self, kept: &OsStr, old: Seen) -> Result<Acted, Setback> {
        let done = Acted { how: Undone::Restored, is_left: true };
        match self.fs.exchange(&self.place.dir, kept, &self.target.name) {
            // Now, and only now, is it certain what had the target's name.
            Ok(Support::Done(())) => match self.stands(kept) {
                Ok(Standing::New) => Ok(done),
                Ok(_) => Err(self.give_back(kept, old, None)),
                Err(error) => Err(self.give_back(kept, old, Some(error))),
            },
            Ok(Support::Unsupported) => self.rename_over(kept),
            // A server's answer may be lost after it did what it was asked for.
            Err(_) if self.is_now(kept, (Standing::Old, Standing::New)) => Ok(done),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Another program's file that is put there between the look and this is lost, as when the file
    /// was copied.
    fn rename_over(&self, kept: &OsStr) -> Result<Acted, Setback> {
        let done = Acted { how: Undone::Restored, is_left: false };
        match self.fs.replace(&self.place.dir, kept, &self.target.name) {
            Ok(()) => Ok(done),
            Err(_) if self.is_now(kept, (Standing::Old, Standing::Missing)) => Ok(done),
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Nothing has the target's name, and nothing is taken from whoever takes it at this moment.
    fn put_back(&self, kept: &OsStr, found: &Found) -> Result<Acted, Setback> {
        let done = |is_left| Ok(Acted { how: Undone::Restored, is_left });
        match self.fs.publish_new(&self.place.dir, kept, &self.target.name) {
            Ok(()) => done(false),
            // A server's answer may be lost after it did what it was asked for, and where a file is
            // given its name by a link, the other name may refuse to go.
            Err(_) if self.is_now(kept, (Standing::Old, Standing::Missing)) => done(false),
            Err(_) if self.look().is_ok_and(|now| now.is_one_file()) => done(true),
            Err(error) if error.kind == FsErrorKind::AlreadyExists => {
                Err(self.refused("another program put a file there at this moment", found))
            }
            Err(error) => Err(self.failed(&error)),
        }
    }

    /// Exchanges again, because what came out was not what was copied, or could not be looked at: it
    /// may be another program's file, and that stays where it was. Should that program have put a
    /// newer one there meanwhile, the newer one is given its name in turn.
    fn give_back(&self, kept: &OsStr, old: Seen, cause: Option<FsError>) -> Setback {
        match self.exchange_until_back(kept, old) {
            Ok(()) => match cause {
                None => self.refused_with(
                    "another program changed it at this moment",
                    Some(self.kept_as(kept)),
                ),
                Some(error) => self.failed(&error),
            },
            Err(error) => {
                let path = self.target.shown.clone();
                let both = path.with_file_name(kept);
                let message = match error.kind {
                    FsErrorKind::AlreadyExists => {
                        "another program put a file there at the same moment"
                    }
                    _ => "what was there could not be looked at after the exchange",
                };
                let details = format!(
                    "nothing was removed: look at the target and at what is kept as {}: {error}",
                    both.display()
                );
                let error = ItemError::new(ErrorCode::DurabilityUnknown, path, message);
                Setback::Failed(error.with_details(details))
            }
        }
    }

    fn exchange_until_back(&self, kept: &OsStr, old: Seen) -> FsResult<()> {
        /// Who puts file after file there need not be waited for.
        const ROUNDS: usize = 8;
        let (fs, dir) = (self.fs, &self.place.dir);
        let at_kept = || fs.metadata_at(dir, kept).map(|found| Seen::of(&found));
        // What should come out next, and what is made visible in its stead.
        let (mut visible, mut hidden) = (old, at_kept().ok());
        for _ in 0..ROUNDS {
            if !fs.exchange(dir, kept, &self.target.name)?.is_done() {
                return Err(FsError::of_kind(Operation::Exchange, FsErrorKind::NotSupported));
            }
            let found = at_kept()?;
            if found == old {
                return Ok(());
            }
            let (Some(next), true) = (hidden, found != visible) else { break };
            (visible, hidden) = (next, Some(found));
        }
        Err(FsError::of_kind(Operation::Exchange, FsErrorKind::AlreadyExists))
    }

    /// Removes what was exchanged out, if that is what was copied, and the other name of what was put
    /// back.
    pub(super) fn remove_exchanged(&self) -> FsResult<()> {
        let Some(kept) = &self.item.kept else { return Ok(()) };
        match self.stands(kept)? {
            Standing::New => match self.fs.remove_file(&self.place.dir, kept) {
                Err(error) if error.kind == FsErrorKind::NotFound => Ok(()),
                removed => removed,
            },
            Standing::Missing => Ok(()),
            Standing::Old if self.look()?.is_one_file() => {
                self.fs.remove_file(&self.place.dir, kept)
            }
            Standing::Old | Standing::Unclear | Standing::Other => {
                Err(FsError::of_kind(Operation::Metadata, FsErrorKind::AlreadyExists))
            }
        }
    }

    fn refused(&self, why: &str, found: &Found) -> Setback {
        let kept = self.item.kept.as_deref().filter(|_| found.kept.is_some());
        self.refused_with(why, kept.map(|kept| self.kept_as(kept)))
    }

    fn refused_with(&self, why: &str, details: Option<String>) -> Setback {
        Setback::Refused(ItemError { details, ..refusal(self.target, why) })
    }

    /// Where the old file is, for whoever wants it all the same.
    fn kept_as(&self, kept: &OsStr) -> String {
        format!("what it replaced is kept as {}", self.target.shown.with_file_name(kept).display())
    }

    fn failed(&self, error: &FsError) -> Setback {
        failed(self.target, error)
    }
}

pub(super) fn refusal(target: &Target, why: &str) -> ItemError {
    ItemError::new(ErrorCode::TargetChanged, target.shown.clone(), why)
}

/// What stands in the way where a directory was is not what the job has left either.
pub(super) fn failed(target: &Target, error: &FsError) -> Setback {
    let reason = ItemError::from_fs(error, Side::Destination, target.shown.clone());
    match error.kind {
        FsErrorKind::LinkInPath | FsErrorKind::NotADirectory => Setback::Refused(reason),
        _ => Setback::Failed(reason),
    }
}
