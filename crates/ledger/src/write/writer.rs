//! The one thread that writes. It takes everything that is waiting and writes it in one transaction:
//! at once when somebody waits for it, otherwise when there is much or when it has waited for long.
//!
//! The database is locked for others only while it is written: what waits, waits in memory.

use std::mem;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use surecopy_engine::{PlannedItem, Queue};

use crate::error::{LedgerError, Result};
use crate::job::ProgressRecord;
use crate::lines::locked;
use crate::store::connection::in_transaction;
use crate::store::place::now_ms;
use crate::write::book::Book;
use crate::write::change::Change;
use crate::write::finish::{Ending, finish};

/// What nobody waits for is written when it has waited for as long as this.
const PATIENCE: Duration = Duration::from_millis(500);

/// What nobody waits for is written when it is as much as this.
const MANY_CHANGES: usize = 4_096;

/// How many messages may wait. A batch is up to a thousand items, a group some hundred facts.
pub(crate) const WAITING: usize = 16;

/// Where an answer goes.
pub(crate) type Reply<T> = SyncSender<Result<T, LedgerError>>;

/// What the thread is told.
pub(crate) enum Message {
    /// Facts, and who waits for them.
    Facts(Vec<Change>, Option<Reply<()>>),
    /// A batch of planned items, and the members of its record.
    Append(Queue, Vec<PlannedItem>, String),
    /// More items of a line are wanted than may be handed out.
    More(Queue),
    /// Counters for whoever looks on.
    Progress(ProgressRecord),
    /// The run is over.
    Finish(Box<Ending>, Reply<()>),
}

impl Message {
    fn changes(&self) -> usize {
        match self {
            Message::Facts(changes, _) => changes.iter().map(Change::rows).sum(),
            Message::Append(_, batch, _) => batch.len(),
            Message::More(_) | Message::Progress(_) | Message::Finish(..) => 1,
        }
    }

    fn is_waited_for(&self) -> bool {
        match self {
            Message::Facts(_, reply) => reply.is_some(),
            Message::Append(..) | Message::Progress(_) => false,
            Message::More(_) | Message::Finish(..) => true,
        }
    }

    /// Tells whoever waits that it was in vain.
    fn fail(self, error: &LedgerError) {
        match self {
            Message::Facts(_, Some(reply)) | Message::Finish(_, reply) => {
                answer(&reply, Err(error.clone()));
            }
            Message::Facts(_, None)
            | Message::Append(..)
            | Message::More(_)
            | Message::Progress(_) => {}
        }
    }
}

/// Whoever waited may be gone; that is not our business.
fn answer<T>(reply: &Reply<T>, result: Result<T, LedgerError>) {
    if reply.send(result).is_err() {
        tracing::debug!("nobody waits for what was written any more");
    }
}

/// What is written before all that waits, so that nobody waits long for it.
pub(crate) type Urgent = Arc<Mutex<Vec<Change>>>;

/// Why nothing is written any more, once it is so.
pub(crate) type Failure = Arc<OnceLock<LedgerError>>;

/// What the thread owns.
pub(crate) struct Writer {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    pub(crate) book: Book,
    pub(crate) urgent: Urgent,
    pub(crate) failure: Failure,
}

/// What waits to be written.
#[derive(Default)]
struct Waiting {
    messages: Vec<Message>,
    changes: usize,
    since: Option<Instant>,
    is_waited_for: bool,
}

impl Waiting {
    fn push(&mut self, message: Message) {
        self.since.get_or_insert_with(Instant::now);
        self.changes += message.changes();
        self.is_waited_for |= message.is_waited_for();
        self.messages.push(message);
    }

    fn is_due(&self) -> bool {
        let is_old = self.since.is_some_and(|since| since.elapsed() >= PATIENCE);
        self.is_waited_for || self.changes >= MANY_CHANGES || is_old
    }
}

impl Writer {
    /// Writes until nobody can send anything any more.
    pub(crate) fn run(mut self, receiver: &Receiver<Message>) {
        let mut waiting = Waiting::default();
        loop {
            let next = match waiting.since {
                None => receiver.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(since) => receiver.recv_timeout(PATIENCE.saturating_sub(since.elapsed())),
            };
            match next {
                Ok(message) => waiting.push(message),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    self.write(waiting.messages);
                    return;
                }
            }
            // What others have sent in the meantime is written along.
            while waiting.changes < MANY_CHANGES {
                match receiver.try_recv() {
                    Ok(message) => waiting.push(message),
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            if waiting.is_due() {
                self.write(mem::take(&mut waiting).messages);
            }
        }
    }

    fn write(&mut self, mut messages: Vec<Message>) {
        if messages.is_empty() {
            return;
        }
        if let Some(error) = self.failure.get() {
            messages.into_iter().for_each(|message| message.fail(error));
            return;
        }
        match self.transact(&mut messages) {
            Ok(()) => {
                self.book.handing_out.release();
                for message in messages {
                    match message {
                        Message::Facts(_, Some(reply)) | Message::Finish(_, reply) => {
                            answer(&reply, Ok(()));
                        }
                        Message::Facts(_, None)
                        | Message::Append(..)
                        | Message::More(_)
                        | Message::Progress(_) => {}
                    }
                }
            }
            Err(fault) => {
                let error = fault.in_ledger(&self.path);
                tracing::error!(%error, "the ledger is not used any more in this run");
                let error = self.failure.get_or_init(|| error);
                self.book.handing_out.close();
                messages.into_iter().for_each(|message| message.fail(error));
            }
        }
    }

    /// Writes all or nothing.
    fn transact(&mut self, messages: &mut [Message]) -> Result<()> {
        let (connection, book) = (&self.connection, &mut self.book);
        book.at = now_ms();
        in_transaction(connection, || {
            book.chain.confirm(connection)?;
            let urgent = mem::take(&mut *locked(&self.urgent));
            urgent.into_iter().try_for_each(|change| book.apply(connection, change))?;
            for message in messages {
                match message {
                    Message::Facts(changes, _) => {
                        let mut changes = mem::take(changes).into_iter();
                        changes.try_for_each(|change| book.apply(connection, change))?;
                    }
                    Message::Append(queue, batch, text) => {
                        book.append(connection, *queue, mem::take(batch), text)?;
                    }
                    Message::More(queue) => book.more(connection, *queue)?,
                    Message::Progress(progress) => {
                        connection
                            .prepare_cached(
                                "UPDATE runs SET progress = ? WHERE job = ? AND run = ?",
                            )?
                            .execute((serde_json::to_string(progress)?, book.job.0, book.run))?;
                    }
                    Message::Finish(ending, _) => finish(connection, book, ending)?,
                }
            }
            book.save(connection)
        })
    }
}
