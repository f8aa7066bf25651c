//! Opening an index, whatever state it is in.

use std::path::{Path, PathBuf};

use rusqlite::Connection;
use surecopy_fs::FileId;

use super::broken::set_aside;
use super::connection::connect;
use super::place::{Place, enter, identify};
use super::schema::{self, Found};
use crate::error::{Fault, IndexError, Outcome};

/// What the user is told, in one line, of an index that is not as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It was broken. It has another name now, and a new one was begun.
    SetAside {
        /// Its name now.
        path: PathBuf,
    },
    /// An earlier version had written it, and it was emptied.
    Rebuilt {
        /// That version.
        from: u32,
    },
}

impl std::fmt::Display for Notice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Notice::SetAside { path } => {
                write!(
                    f,
                    "the index was damaged; it is now {}, and a new one is begun",
                    path.display()
                )
            }
            Notice::Rebuilt { from } => {
                write!(f, "the index was of an earlier version ({from}), and is built anew")
            }
        }
    }
}

/// An index that was opened.
pub(crate) struct Opened {
    pub(crate) path: PathBuf,
    /// Which file it is, whatever name that has.
    pub(crate) file: FileId,
    pub(crate) connection: Connection,
    pub(crate) notice: Option<Notice>,
}

/// Opens the index at a path, and makes it if it is not there. One that is broken is set aside first.
pub(crate) fn open(path: &Path) -> Result<Opened, IndexError> {
    let place = enter(path)?;
    match open_at(&place) {
        Err(IndexError::Damaged { .. }) if place.is_known => {}
        Err(IndexError::Damaged { path, message }) => {
            return Err(IndexError::NotAnIndex { path, message });
        }
        opened => return opened,
    }
    begin_anew(&place)
}

/// Opens the index that is at a path, and changes nothing of it whatever state it is in.
pub(crate) fn open_unchanged(path: &Path) -> Result<Opened, IndexError> {
    let place = enter(path)?;
    let path = place.path.clone();
    let connection = || {
        let connection = connect(&path)?;
        match schema::look(&connection, &path)? {
            Found::Current => look_over(&connection).map(|()| connection),
            Found::Older(found) => Err(IndexError::Older { path: path.clone(), found }.into()),
            Found::Nothing => Err(Fault::Content("there is nothing in it")),
        }
    };
    let connection = connection().map_err(|fault| fault.in_index(&path))?;
    let file = identify(&path)?;
    Ok(Opened { path, file, connection, notice: None })
}

/// Sets an index aside that was found to be broken while it was used, and begins a new one. The caller
/// has closed it.
pub(crate) fn replace(path: &Path) -> Result<Opened, IndexError> {
    begin_anew(&enter(path)?)
}

fn begin_anew(place: &Place) -> Result<Opened, IndexError> {
    let path = set_aside(place)?;
    let opened = open_at(place)?;
    Ok(Opened { notice: Some(Notice::SetAside { path }), ..opened })
}

fn open_at(place: &Place) -> Result<Opened, IndexError> {
    // The log of a database that is gone does not matter: beside an empty file, SQLite removes it.
    place.make()?;
    let path = place.path.clone();
    let (connection, notice) = prepare(&path).map_err(|fault| fault.in_index(&path))?;
    // Nobody else replaces it before the place is left.
    let file = identify(&path)?;
    Ok(Opened { path, file, connection, notice })
}

fn prepare(path: &Path) -> Outcome<(Connection, Option<Notice>)> {
    let connection = connect(path)?;
    // Before anything is written: it may be another program's.
    let found = schema::look(&connection, path)?;
    if !surecopy_database::use_wal(&connection)? {
        return Err(Fault::Content("it cannot be shared"));
    }
    let notice = match found {
        Found::Current => None,
        Found::Nothing => {
            schema::create(&connection)?;
            None
        }
        Found::Older(from) => {
            schema::rebuild(&connection)?;
            Some(Notice::Rebuilt { from })
        }
    };
    look_over(&connection)?;
    Ok((connection, notice))
}

/// Shows whether the tables are there, and whether their first pages can be read.
fn look_over(connection: &Connection) -> Outcome<()> {
    let sql = "SELECT (SELECT count(*) FROM locations), (SELECT next_directory FROM numbers),
                      (SELECT count(*) FROM (SELECT 1 FROM directories LIMIT 1)),
                      (SELECT count(*) FROM (SELECT 1 FROM listings LIMIT 1))";
    connection.query_row(sql, (), |row| row.get::<_, i64>(1))?;
    Ok(())
}
