//! How the clock was set when something was scanned, so that a step of it since then is noticed.

use std::collections::HashMap;

use rusqlite::Connection;
use surecopy_fs::{BootId, Moment};

use crate::error::Outcome;

/// How a machine's clock is set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockSetting {
    /// In which boot; `None` where it is not known.
    pub boot: Option<BootId>,
    /// How far the time of day was ahead of the time since boot.
    pub offset_nanos: i128,
}

/// Settings as near as this are taken for the same one when they are written down. They differ a
/// little with every look, since two clocks are not read at once.
const NEAR_NANOS: u128 = 10_000_000;

impl ClockSetting {
    /// How it is set at a moment.
    pub fn at(moment: &Moment) -> Self {
        Self { boot: moment.boot, offset_nanos: moment.offset_nanos() }
    }

    fn is_near(&self, other: &Self) -> bool {
        self.boot == other.boot && self.offset_nanos.abs_diff(other.offset_nanos) <= NEAR_NANOS
    }
}

/// The settings that are written down, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    known: HashMap<i64, ClockSetting>,
}

impl Clocks {
    /// Reads all of them.
    pub(crate) fn read(connection: &Connection) -> Outcome<Self> {
        let mut statement =
            connection.prepare_cached("SELECT clock, boot, offset FROM clocks ORDER BY clock")?;
        let mut rows = statement.query(())?;
        let mut known = HashMap::new();
        while let Some(row) = rows.next()? {
            let boot: Option<Vec<u8>> = row.get(1)?;
            let boot =
                boot.and_then(|bytes| Some(BootId(u128::from_be_bytes(bytes.try_into().ok()?))));
            let offset_nanos = i128::from(row.get::<_, i64>(2)?);
            known.insert(row.get(0)?, ClockSetting { boot, offset_nanos });
        }
        Ok(Self { known })
    }

    /// The setting of a number.
    pub(crate) fn get(&self, clock: i64) -> Option<ClockSetting> {
        self.known.get(&clock).copied()
    }

    /// The number of a setting, which is written down if it has none.
    pub(crate) fn number(&mut self, connection: &Connection, of: ClockSetting) -> Outcome<i64> {
        if let Some((clock, _)) = self.known.iter().find(|(_, known)| known.is_near(&of)) {
            return Ok(*clock);
        }
        let sql = "INSERT INTO clocks (boot, offset) VALUES (?, ?)";
        let offset = i64::try_from(of.offset_nanos).unwrap_or(i64::MAX);
        let boot = of.boot.map(|boot| boot.0.to_be_bytes());
        connection.prepare_cached(sql)?.execute((boot, offset))?;
        let clock = connection.last_insert_rowid();
        self.known.insert(clock, of);
        Ok(clock)
    }
}
