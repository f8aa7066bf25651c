//! The list of locations, as a table that fits the terminal.

use surecopy::index::KnownLocation;

use crate::amounts::Bytes;
use crate::human::columns::{end_of, padded, width};
use crate::indexed::{standing, when};
use crate::shown::Shown;

/// With fewer columns than this left for the path, that gets a line of its own.
const NARROWEST: usize = 24;

/// One location, in words.
struct Row {
    status: &'static str,
    scanned: String,
    files: String,
    size: String,
    directories: String,
    path: String,
}

impl Row {
    fn new(known: &KnownLocation) -> Self {
        let number = |figure: Option<String>| figure.unwrap_or_else(|| "-".to_owned());
        let (estimate, scanned) = (known.estimate, known.location.last_full_scan);
        Self {
            status: standing(known),
            scanned: scanned.map_or_else(|| "never".to_owned(), |time| when(time).to_string()),
            files: number(estimate.map(|estimate| estimate.files.to_string())),
            size: number(estimate.map(|estimate| Bytes(estimate.bytes).to_string())),
            directories: number(estimate.map(|estimate| estimate.directories.to_string())),
            path: Shown(&known.location.path).to_string(),
        }
    }

    fn path(&self, columns: Option<usize>) -> String {
        columns.map_or_else(|| self.path.clone(), |columns| end_of(&self.path, columns))
    }
}

/// The table, as lines that fit so many columns; lines are as long as they are where nobody looks.
pub(super) fn lines(locations: &[KnownLocation], columns: Option<usize>) -> Vec<String> {
    let rows: Vec<Row> = locations.iter().map(Row::new).collect();
    let widest = |heading: &str, cell: fn(&Row) -> &str| {
        rows.iter().map(|row| width(cell(row))).max().unwrap_or(0).max(heading.len())
    };
    let status = widest("STATUS", |row| row.status);
    let scanned = widest("FULL SCAN", |row| &row.scanned);
    let files = widest("FILES", |row| &row.files);
    let size = widest("SIZE", |row| &row.size);
    let directories = widest("DIRECTORIES", |row| &row.directories);
    let before = status + scanned + files + size + directories + 5 * 2;
    if columns.is_some_and(|columns| columns < before + NARROWEST) {
        return rows.iter().flat_map(|row| narrow(row, columns.unwrap_or(before))).collect();
    }
    let room = columns.map(|columns| columns - before);
    let line = |[a, b, c, d, e, f]: [&str; 6]| {
        let (a, b) = (padded(a, status), padded(b, scanned));
        format!("{a}  {b}  {c:>files$}  {d:>size$}  {e:>directories$}  {f}")
    };
    let heading = line(["STATUS", "FULL SCAN", "FILES", "SIZE", "DIRECTORIES", "PATH"]);
    let row = |row: &Row| {
        let path = row.path(room);
        line([row.status, &row.scanned, &row.files, &row.size, &row.directories, &path])
    };
    std::iter::once(heading).chain(rows.iter().map(row)).collect()
}

/// A location in some short lines.
fn narrow(row: &Row, columns: usize) -> Vec<String> {
    vec![
        row.path(Some(columns)),
        format!("  {}, full scan {}", row.status, row.scanned),
        format!("  {} files, {}, {} directories", row.files, row.size, row.directories),
    ]
}
