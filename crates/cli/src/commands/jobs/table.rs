//! The list of jobs, as a table that fits the terminal.

use surecopy::CopySpec;
use surecopy::jobs::JobRecord;

use crate::amounts::Bytes;
use crate::human::columns::{end_of, from_to, padded, width};
use crate::recorded::{Condition, Figures, Incomplete, Moment};
use crate::shown::{Plain, Shown};

/// With fewer columns than this left for what goes where, that gets a line of its own.
const NARROWEST: usize = 24;

/// One job, in words.
struct Row {
    job: String,
    started: String,
    state: String,
    files: String,
    size: String,
    from: String,
    to: String,
}

impl Row {
    fn new(record: &JobRecord) -> Self {
        let figures = Figures::of(record);
        let (from, to) = match &record.request {
            Ok(spec) => what(spec),
            Err(error) => (format!("({})", Plain(&error.to_string())), String::new()),
        };
        let mut files = format!("{}/{}", figures.items_done, figures.items_total);
        if figures.is_growing {
            files.push('+');
        }
        let mut state = Condition::of(record).to_string();
        if figures.items_damaged > 0 {
            state.push_str(&format!(", {} damaged", figures.items_damaged));
        }
        let incomplete = Incomplete::of_job(record);
        if incomplete.is_any() {
            state.push_str(&format!(", {} incomplete", incomplete.items + incomplete.directories));
        }
        Self {
            job: record.id.to_string(),
            started: Moment(record.created_ms).to_string(),
            state,
            files,
            size: Bytes(figures.bytes_total).to_string(),
            from,
            to,
        }
    }

    /// Source and destination in at most so many columns; whole, when there is no limit.
    fn what(&self, columns: Option<usize>) -> String {
        match (columns, self.to.is_empty()) {
            (None, true) => self.from.clone(),
            (Some(columns), true) => end_of(&self.from, columns),
            (None, false) => format!("{} -> {}", self.from, self.to),
            (Some(columns), false) => from_to(&self.from, &self.to, columns),
        }
    }
}

/// Where from and where to; of several sources, the first one and how many more there are.
fn what(spec: &CopySpec) -> (String, String) {
    let Some(first) = spec.mappings.first() else { return (String::new(), String::new()) };
    let from = Shown(&first.source_path()).to_string();
    let others = spec.mappings.len() - 1;
    if others == 0 {
        return (from, Shown(&first.target_path()).to_string());
    }
    let target = first.target_path();
    let folder = target.parent().unwrap_or(&target);
    (format!("{from} and {others} more"), Shown(folder).to_string())
}

/// The table, as lines that fit so many columns; lines are as long as they are where nobody looks.
pub(super) fn lines(records: &[JobRecord], columns: Option<usize>) -> Vec<String> {
    let rows: Vec<Row> = records.iter().map(Row::new).collect();
    let widest = |heading: &str, cell: fn(&Row) -> &str| {
        rows.iter().map(|row| width(cell(row))).max().unwrap_or(0).max(heading.len())
    };
    let job = widest("JOB", |row| &row.job);
    let started = widest("STARTED", |row| &row.started);
    let state = widest("STATE", |row| &row.state);
    let files = widest("FILES", |row| &row.files);
    let size = widest("SIZE", |row| &row.size);
    let before = job + started + state + files + size + 5 * 2;
    let is_narrow = columns.is_some_and(|columns| columns < before + NARROWEST);
    if is_narrow {
        return rows.iter().flat_map(|row| narrow(row, job, columns.unwrap_or(before))).collect();
    }
    let room = columns.map(|columns| columns - before);
    let head = |[a, b, c, d, e, f]: [&str; 6]| {
        format!(
            "{a:>job$}  {}  {}  {d:>files$}  {e:>size$}  {f}",
            padded(b, started),
            padded(c, state)
        )
    };
    let heading = head(["JOB", "STARTED", "STATE", "FILES", "SIZE", "WHAT"]);
    let row = |row: &Row| {
        head([&row.job, &row.started, &row.state, &row.files, &row.size, &row.what(room)])
    };
    std::iter::once(heading).chain(rows.iter().map(row)).collect()
}

/// A job in some short lines.
fn narrow(row: &Row, job: usize, columns: usize) -> Vec<String> {
    let indent = " ".repeat(job + 2);
    let room = columns.saturating_sub(indent.len());
    vec![
        format!("{:>job$}  {}, {}", row.job, row.state, row.started),
        format!("{indent}{} files, {}", row.files, row.size),
        format!("{indent}{}", row.what(Some(room))),
    ]
}
