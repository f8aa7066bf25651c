//! The answer to facts that were sent, which whoever sent them need not wait for at once.

use std::sync::mpsc::{Receiver, TryRecvError};

use surecopy_engine::{JournalError, Recording};

use crate::error::LedgerError;
use crate::write::writer::Failure;

/// What the thread that writes will answer, or has answered.
pub(crate) struct Answer {
    coming: Receiver<Result<(), LedgerError>>,
    come: Option<Result<(), LedgerError>>,
    failure: Failure,
}

impl Answer {
    /// It comes from there. `failure` tells why, should nobody be left to send it.
    pub(crate) fn new(coming: Receiver<Result<(), LedgerError>>, failure: Failure) -> Self {
        Self { coming, come: None, failure }
    }
}

impl Recording for Answer {
    fn is_over(&mut self) -> bool {
        if self.come.is_none() {
            self.come = match self.coming.try_recv() {
                Ok(answer) => Some(answer),
                Err(TryRecvError::Empty) => None,
                Err(TryRecvError::Disconnected) => Some(Err(gone(&self.failure))),
            };
        }
        self.come.is_some()
    }

    fn wait(self: Box<Self>) -> Result<(), JournalError> {
        let Self { coming, come, failure } = *self;
        let answer = come.or_else(|| coming.recv().ok());
        Ok(answer.unwrap_or_else(|| Err(gone(&failure)))?)
    }
}

/// Why there is nobody who writes.
pub(crate) fn gone(failure: &Failure) -> LedgerError {
    failure.get().cloned().unwrap_or_else(|| LedgerError::Contradiction {
        message: "nobody is there to write it".to_owned(),
    })
}
