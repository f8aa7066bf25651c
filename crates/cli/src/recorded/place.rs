//! Where the ledger is, and what it means for a command that it is not there or cannot be used.

use std::path::{Path, PathBuf};

use clap::Args;
use surecopy::environment::UserEnvironment;
use surecopy::jobs::{JobId, JobRecord, Ledger, LedgerError};

use crate::exit::ExitStatus;
use crate::failure::Failure;
use crate::shown::Shown;

/// Which ledger.
#[derive(Debug, Args)]
pub(crate) struct LedgerArgs {
    /// Use this ledger instead of the usual one
    #[arg(long, value_name = "FILE")]
    pub(crate) ledger: Option<PathBuf>,
}

impl LedgerArgs {
    /// This one, or else the other.
    pub(crate) fn or(self, other: Self) -> Self {
        Self { ledger: self.ledger.or(other.ledger) }
    }

    /// The one that is named, by the option or by the environment, or the usual one.
    fn path(&self) -> Result<PathBuf, Failure> {
        let environment = UserEnvironment::read();
        let named = self.ledger.clone().or_else(|| environment.named_ledger());
        named.or_else(|| environment.usual_ledger()).ok_or_else(|| {
            Failure::usage(
                "there is no home directory where the ledger would be: name one with --ledger",
            )
        })
    }

    /// The ledger, for recording jobs in it; it is made when it is not there.
    pub(crate) fn create(&self) -> Result<Ledger, Failure> {
        let path = self.path()?;
        Ledger::open(&path).map_err(|error| match error {
            LedgerError::Missing { .. } => Failure {
                status: ExitStatus::RecordFailed,
                message: format!(
                    "the ledger {} cannot be made: there is no such place",
                    Shown(&path)
                ),
                hint: None,
            },
            error => Failure::of_ledger(&error),
        })
    }

    /// The ledger, for looking at what is in it or going on with that.
    pub(crate) fn existing(&self) -> Result<Found, Failure> {
        let path = self.path()?;
        match Ledger::open_existing(&path) {
            Ok(ledger) => Ok(Found::Ledger(ledger)),
            Err(LedgerError::Missing { path }) => Ok(Found::None { path }),
            Err(error) => Err(Failure::of_ledger(&error)),
        }
    }
}

/// What there is where the ledger should be.
pub(crate) enum Found {
    Ledger(Ledger),
    /// Nothing yet: no job was ever recorded there.
    None {
        path: PathBuf,
    },
}

impl Found {
    /// The ledger and a certain job, which must be in it.
    pub(crate) fn with(self, job: JobId) -> Result<(Ledger, JobRecord), Failure> {
        let ledger = match self {
            Found::Ledger(ledger) => ledger,
            Found::None { path } => {
                let path = Shown(&path);
                let message = format!("there is no job {job}: there is no ledger at {path}");
                return Err(Failure::usage(message));
            }
        };
        match ledger.job(job) {
            Ok(record) => Ok((ledger, record)),
            Err(LedgerError::NoSuchJob { .. }) => {
                let path = Shown(ledger.path());
                Err(Failure {
                    hint: Some("surecopy jobs lists those of a ledger".to_owned()),
                    ..Failure::usage(format!("there is no job {job} in the ledger {path}"))
                })
            }
            Err(error) => Err(Failure::of_ledger(&error)),
        }
    }
}

/// What is said when nothing has been recorded yet.
pub(crate) fn no_jobs(path: &Path) -> String {
    format!("no jobs yet: there is no ledger at {}", Shown(path))
}

/// Reads the number of a job, as it is typed.
pub(crate) fn job_number(text: &str) -> Result<JobId, String> {
    let number = text.parse().ok().filter(|number| *number > 0);
    number.map(JobId).ok_or_else(|| "a job has a number, from 1 (see `surecopy jobs`)".to_owned())
}
