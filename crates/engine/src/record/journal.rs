//! Where facts are written down.

use super::fact::Fact;

/// The record could not be written or read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("the journal could not record: {message}")]
pub struct JournalError {
    /// Why.
    pub message: String,
}

/// Where facts are recorded. A failure stops the item before the next irreversible step.
pub trait Journal: Send + Sync {
    /// Records facts, in order, all or none. They are durable when it returns.
    ///
    /// # Errors
    /// When they are not recorded. The caller then takes no further irreversible step.
    fn record(&self, facts: Vec<Fact>) -> Result<(), JournalError>;

    /// Takes facts for which no step waits. They keep their order with all others, and become
    /// durable with the next that are recorded, or within about a second.
    ///
    /// # Errors
    /// When nothing can be recorded any more.
    fn note(&self, facts: Vec<Fact>) -> Result<(), JournalError>;

    /// Whether a later run of the job can be told of directories that this one made and did not come to
    /// finish, so that they may be left to it.
    fn remembers_directories(&self) -> bool {
        false
    }
}

/// A run that leaves no record.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoJournal;

impl Journal for NoJournal {
    fn record(&self, _facts: Vec<Fact>) -> Result<(), JournalError> {
        Ok(())
    }

    fn note(&self, _facts: Vec<Fact>) -> Result<(), JournalError> {
        Ok(())
    }
}
