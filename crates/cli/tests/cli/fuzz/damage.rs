//! Damage to an SQLite database: bytes of its file, and values in its rows that nobody writes there.

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::Index;
use rusqlite::Connection;
use rusqlite::types::Value;
use surecopy_testkit::fuzz::{Mutation, mutations};

/// One thing that was done to a database.
#[derive(Debug, Clone)]
pub(super) enum Damage {
    /// A value in a row is another one.
    Value { column: Index, row: Index, value: NewValue },
    /// A row is gone.
    Gone { column: Index, row: Index },
    /// Some bytes of the file are others.
    Bytes { at: Index, bytes: Vec<u8> },
    /// A page stands in the place of another one.
    Page { from: Index, to: Index },
    /// The file ends there.
    Cut(Index),
}

/// What stands in a row instead.
#[derive(Debug, Clone)]
pub(super) enum NewValue {
    Null,
    Integer(i64),
    Real(f64),
    Text(&'static str),
    Blob(Vec<u8>),
    /// What another row has there.
    OfRow(Index),
    /// What stood there, changed.
    Changed(Vec<Mutation>),
}

const INTEGERS: &[i64] = &[
    i64::MIN,
    i64::MIN + 1,
    -1,
    0,
    1,
    2,
    7,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 60,
    253_402_300_800_000,
    i64::MAX - 1,
    i64::MAX,
];

const TEXTS: &[&str] = &[
    "",
    "0",
    "ok",
    "skipped",
    "failed",
    "interrupted",
    "copy",
    "resume",
    "running",
    "planning",
    "created",
    "..",
    "a/b",
    "../../outside/theirs",
    "/",
    "null",
    "[]",
    "{}",
    "[18446744073709551615]",
    "\u{1b}[31m\u{9b}31m\u{202e}\n",
];

/// Some damage: mostly one thing.
pub(super) fn damage() -> BoxedStrategy<Vec<Damage>> {
    let at = any::<Index>;
    let value = prop_oneof![
        2 => Just(NewValue::Null),
        6 => proptest::sample::select(INTEGERS).prop_map(NewValue::Integer),
        1 => Just(NewValue::Real(1e300)),
        4 => proptest::sample::select(TEXTS).prop_map(NewValue::Text),
        2 => proptest::sample::select(TEXTS).prop_map(|text| NewValue::Blob(text.into())),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(NewValue::Blob),
        3 => at().prop_map(NewValue::OfRow),
        6 => mutations().prop_map(NewValue::Changed),
    ];
    let bytes = proptest::collection::vec(any::<u8>(), 1..9);
    let one = prop_oneof![
        12 => (at(), at(), value)
            .prop_map(|(column, row, value)| Damage::Value { column, row, value }),
        2 => (at(), at()).prop_map(|(column, row)| Damage::Gone { column, row }),
        3 => (at(), bytes).prop_map(|(at, bytes)| Damage::Bytes { at, bytes }),
        1 => (at(), at()).prop_map(|(from, to)| Damage::Page { from, to }),
        1 => at().prop_map(Damage::Cut),
    ];
    prop_oneof![3 => 1..2usize, 1 => 2..5usize]
        .prop_flat_map(move |count| proptest::collection::vec(one.clone(), count))
        .boxed()
}

/// Does all of it to a database that nobody has open. Returns the columns in which other values stand now;
/// `file` stands for damage to the file itself.
pub(super) fn apply(path: &Path, damage: &[Damage]) -> Vec<String> {
    damage.iter().filter_map(|one| apply_one(path, one)).collect()
}

fn apply_one(path: &Path, damage: &Damage) -> Option<String> {
    const PAGE: usize = 4096;
    let mut content = fs::read(path).unwrap();
    match damage {
        Damage::Value { .. } | Damage::Gone { .. } => return in_rows(path, damage),
        Damage::Bytes { at, bytes } => {
            let at = at.index(content.len());
            let end = content.len().min(at + bytes.len());
            content[at..end].copy_from_slice(&bytes[..end - at]);
        }
        Damage::Page { from, to } => {
            let pages = content.len() / PAGE;
            let (from, to) = (from.index(pages) * PAGE, to.index(pages) * PAGE);
            content.copy_within(from..from + PAGE, to);
        }
        Damage::Cut(at) => content.truncate(at.index(content.len())),
    }
    fs::write(path, content).unwrap();
    Some("file".to_owned())
}

/// `None` where nothing could be changed: the database may be damaged already, or a key would be there
/// twice.
fn in_rows(path: &Path, damage: &Damage) -> Option<String> {
    let connection = Connection::open(path).unwrap();
    let schema = Schema::loosen(&connection).ok()?;
    let changed = change_row(&connection, damage);
    schema.restore(&connection).ok()?;
    changed.ok().flatten()
}

/// What keeps values out of a database.
struct Schema {
    tables: Vec<(i64, String)>,
    triggers: Vec<String>,
}

impl Schema {
    /// Takes all of it out, and returns how it was.
    fn loosen(connection: &Connection) -> rusqlite::Result<Self> {
        let triggers = "SELECT sql FROM sqlite_schema WHERE type = 'trigger'";
        let triggers = texts(connection, triggers)?;
        for name in texts(connection, "SELECT name FROM sqlite_schema WHERE type = 'trigger'")? {
            connection.execute_batch(&format!("DROP TRIGGER {name}"))?;
        }
        let sql = "SELECT rowid, sql FROM sqlite_schema WHERE type = 'table'";
        let tables = connection
            .prepare(sql)?
            .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
            .collect::<Result<Vec<(i64, String)>, _>>()?;
        let loose = tables.iter().map(|(row, sql)| {
            let sql = sql.replace("STRICT, WITHOUT", "WITHOUT").replace(") STRICT", ")");
            (*row, sql.replace(" NOT NULL", ""))
        });
        connection.execute_batch("PRAGMA foreign_keys = OFF")?;
        rewrite(connection, &loose.collect::<Vec<_>>())?;
        Ok(Self { tables, triggers })
    }

    fn restore(self, connection: &Connection) -> rusqlite::Result<()> {
        rewrite(connection, &self.tables)?;
        self.triggers.iter().try_for_each(|trigger| connection.execute_batch(trigger))
    }
}

fn rewrite(connection: &Connection, tables: &[(i64, String)]) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA writable_schema = ON")?;
    for (row, sql) in tables {
        connection.execute("UPDATE sqlite_schema SET sql = ? WHERE rowid = ?", (sql, row))?;
    }
    connection.execute_batch("PRAGMA writable_schema = RESET")
}

fn change_row(connection: &Connection, damage: &Damage) -> rusqlite::Result<Option<String>> {
    let (Damage::Value { column, row, .. } | Damage::Gone { column, row }) = damage else {
        return Ok(None);
    };
    let all = columns(connection)?;
    let (table, column) = &all[column.index(all.len())];
    let rows = rows(connection, table)?;
    if rows.is_empty() {
        return Ok(None);
    }
    let row = &rows[row.index(rows.len())];
    let columns = texts(connection, &format!("SELECT name FROM pragma_table_info('{table}')"))?;
    let is_it: Vec<String> = columns.iter().map(|column| format!("{column} IS ?")).collect();
    let is_it = is_it.join(" AND ");
    let Damage::Value { value, .. } = damage else {
        let sql = format!("DELETE FROM {table} WHERE {is_it}");
        connection.execute(&sql, rusqlite::params_from_iter(row))?;
        return Ok(Some(table.clone()));
    };
    let at = columns.iter().position(|known| known == column).expect("a column of this table");
    let (value, is_text) = match value {
        NewValue::Null => (Value::Null, false),
        NewValue::Integer(number) => (Value::Integer(*number), false),
        NewValue::Real(number) => (Value::Real(*number), false),
        NewValue::Text(text) => (Value::Text((*text).to_owned()), false),
        NewValue::Blob(bytes) => (Value::Blob(bytes.clone()), false),
        NewValue::OfRow(other) => (rows[other.index(rows.len())][at].clone(), false),
        NewValue::Changed(changes) => changed(&row[at], changes, &rows, at),
    };
    let new = if is_text { "CAST(? AS TEXT)" } else { "?" };
    let sql = format!("UPDATE {table} SET {} = {new} WHERE {is_it}", columns[at]);
    let values = [&value].into_iter().chain(row);
    let count = connection.execute(&sql, rusqlite::params_from_iter(values))?;
    let is_other = value != row[at] || is_text;
    Ok((count > 0 && is_other).then(|| format!("{table}.{}", columns[at])))
}

/// A value with changes, and whether it is text, which need not be UTF-8 any more.
fn changed(value: &Value, changes: &[Mutation], rows: &[Vec<Value>], at: usize) -> (Value, bool) {
    let bytes = |value: &Value| match value {
        Value::Text(text) => text.clone().into_bytes(),
        Value::Blob(bytes) => bytes.clone(),
        Value::Integer(number) => number.to_string().into_bytes(),
        Value::Null | Value::Real(_) => Vec::new(),
    };
    let others: Vec<Vec<u8>> = rows.iter().map(|row| bytes(&row[at])).collect();
    let mut content = bytes(value);
    for change in changes {
        change.apply(&mut content, &others);
    }
    let number = || std::str::from_utf8(&content).ok()?.parse().ok();
    match value {
        Value::Integer(_) => number().map_or_else(
            || (Value::Blob(content.clone()), true),
            |number| (Value::Integer(number), false),
        ),
        Value::Blob(_) => (Value::Blob(content), false),
        Value::Text(_) | Value::Null | Value::Real(_) => (Value::Blob(content), true),
    }
}

/// Every column with its table; those several times that hold texts of many members.
fn columns(connection: &Connection) -> rusqlite::Result<Vec<(String, String)>> {
    let sql = "SELECT tables.name, columns.name
               FROM sqlite_schema AS tables, pragma_table_info(tables.name) AS columns
               WHERE tables.type = 'table' ORDER BY tables.name, columns.cid";
    let columns = connection
        .prepare(sql)?
        .query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, String)>, _>>()?;
    let times = |column: &str| if ["request", "body", "entries"].contains(&column) { 8 } else { 1 };
    Ok(columns.into_iter().flat_map(|pair| vec![pair.clone(); times(&pair.1)]).collect())
}

fn texts(connection: &Connection, sql: &str) -> rusqlite::Result<Vec<String>> {
    connection.prepare(sql)?.query_map((), |row| row.get(0))?.collect()
}

fn rows(connection: &Connection, table: &str) -> rusqlite::Result<Vec<Vec<Value>>> {
    let mut statement = connection.prepare(&format!("SELECT * FROM {table}"))?;
    let columns = statement.column_count();
    statement.query_map((), |row| (0..columns).map(|at| row.get(at)).collect())?.collect()
}
