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

    /// Begins to record facts, like [`record`](Self::record), so that the caller can do something else
    /// until a step depends on them. A journal that has nobody to do it meanwhile records them at once.
    fn begin_record(&self, facts: Vec<Fact>) -> Box<dyn Recording> {
        Box::new(self.record(facts))
    }

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

/// Facts that are being recorded.
pub trait Recording {
    /// Whether it is known what came of it. Does not wait.
    fn is_over(&mut self) -> bool;

    /// Waits until it is known what came of it.
    ///
    /// # Errors
    /// When the facts are not recorded, as with [`Journal::record`].
    fn wait(self: Box<Self>) -> Result<(), JournalError>;
}

/// What came of it is known already.
impl Recording for Result<(), JournalError> {
    fn is_over(&mut self) -> bool {
        true
    }

    fn wait(self: Box<Self>) -> Result<(), JournalError> {
        *self
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
