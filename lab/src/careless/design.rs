//! What can be done wrong.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use anyhow::{Context, Result};

use super::copier::WORD;
use crate::lab::Lab;

/// A tempting way of copying.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Design {
    /// The old file is moved away before the new one is in its place.
    MovesTargetAway,
    /// The partial file has a name that anybody can know, and is opened whatever is there.
    FixedNames,
    /// Nothing is flushed.
    NoFlush,
    /// As many bytes are copied as there were at first.
    TrustsSize,
    /// The new file gets its times when it is in its place.
    TimesAfterPublish,
    /// What was written is compared with what the system remembers of it.
    ComparesFromMemory,
    /// What differs is compared once more, in another way, and that is believed.
    ExplainsAway,
    /// A directory is as it was when its time is.
    DirectoryTimeAlone,
    /// A directory has not changed when its time is before that of the index.
    OlderThanIndex,
    /// What is undone goes before what it replaced is back.
    UndoRemovesFirst,
    /// Source and target are different when they are called differently.
    ComparesPaths,
}

impl Design {
    pub(super) const ALL: [Self; 11] = [
        Self::MovesTargetAway,
        Self::FixedNames,
        Self::NoFlush,
        Self::TrustsSize,
        Self::TimesAfterPublish,
        Self::ComparesFromMemory,
        Self::ExplainsAway,
        Self::DirectoryTimeAlone,
        Self::OlderThanIndex,
        Self::UndoRemovesFirst,
        Self::ComparesPaths,
    ];

    /// As the lab is told of it.
    pub(super) fn word(self) -> String {
        format!("{self:?}")
    }

    /// The same lab, with a copier of this design in the place of the program.
    pub(crate) fn in_place_of_the_program(self, lab: &Lab) -> Result<Lab> {
        let program = lab.new_path(&self.word());
        let own = std::env::current_exe()?;
        let script = format!("#!/bin/sh\nexec '{}' {WORD} {} \"$@\"\n", own.display(), self.word());
        fs::write(&program, script).with_context(|| format!("write {}", program.display()))?;
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755))?;
        lab.with_program(program)
    }
}
