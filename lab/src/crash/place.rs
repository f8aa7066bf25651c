//! Which disks a target and a ledger are on.

use std::path::{Path, PathBuf};

use crate::disks::Disk;
use crate::volume::Fs;

/// Where the ledger is: on the disk of the target, or on one of its own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place {
    pub(crate) target: Fs,
    pub(crate) ledger: Option<Fs>,
}

impl Place {
    /// As told in figures.
    pub(crate) fn name(self) -> String {
        let Self { target, ledger } = self;
        match ledger {
            None => format!("{} with its ledger", target.name()),
            Some(ledger) => format!("{}, ledger on {}", target.name(), ledger.name()),
        }
    }

    /// The disk of the target, and then that of the ledger if it is another one.
    pub(crate) fn disks(self) -> Vec<Disk> {
        [Some(self.target), self.ledger].into_iter().flatten().map(Disk::new).collect()
    }

    /// The folder of the ledger, given where the disks are mounted.
    pub(crate) fn ledger<'a>(self, disk: impl Fn(usize) -> &'a Path) -> PathBuf {
        disk(usize::from(self.ledger.is_some())).join("ledger")
    }
}
