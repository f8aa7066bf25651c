//! Sizes, speeds and times for people. One way of writing each, used everywhere.

use std::fmt;
use std::time::Duration;

/// A number of bytes in binary units, with three digits or so.
pub(crate) struct Bytes(pub(crate) u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let mut value = self.0 as f64 / 1024.0;
        let mut unit = 0;
        // 1023.95 would be rounded to 1024.0, which is the next unit's 1.0.
        while value >= 1023.95 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        write!(f, "{value:.1} {}", UNITS[unit])
    }
}

/// Bytes per second.
pub(crate) struct Speed(pub(crate) f64);

impl fmt::Display for Speed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", Bytes(self.0.max(0.0) as u64))
    }
}

/// A span of time, to the precision that people care about.
pub(crate) struct Span(pub(crate) Duration);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secs = self.0.as_secs();
        match secs {
            0..10 => write!(f, "{:.1} s", self.0.as_secs_f64()),
            10..60 => write!(f, "{secs} s"),
            60..3600 => write!(f, "{}:{:02} min", secs / 60, secs % 60),
            _ => write!(f, "{}:{:02}:{:02} h", secs / 3600, secs / 60 % 60, secs % 60),
        }
    }
}

/// A span of time that is short, or may be.
pub(crate) struct Millis(pub(crate) Duration);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_secs() {
            0 => write!(f, "{:.0} ms", self.0.as_secs_f64() * 1000.0),
            _ => Span(self.0).fmt(f),
        }
    }
}

/// A count with its noun.
pub(crate) struct Count(pub(crate) u64, pub(crate) &'static str);

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = if self.0 == 1 { "" } else { "s" };
        write!(f, "{} {}{plural}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        let rows = [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KiB"),
            (1536, "1.5 KiB"),
            ((1 << 20) - 1, "1.0 MiB"),
            (5 << 30, "5.0 GiB"),
            (u64::MAX, "16.0 EiB"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Bytes(bytes).to_string(), expected, "{bytes}");
        }
        assert_eq!(Speed(2048.0).to_string(), "2.0 KiB/s");
        assert_eq!(Speed(-1.0).to_string(), "0 B/s");
    }

    #[test]
    fn spans() {
        let rows =
            [(0, "0.0 s"), (9, "9.0 s"), (59, "59 s"), (61, "1:01 min"), (3_661, "1:01:01 h")];
        for (secs, expected) in rows {
            assert_eq!(Span(Duration::from_secs(secs)).to_string(), expected, "{secs}");
        }
    }

    #[test]
    fn counts() {
        assert_eq!(Count(1, "file").to_string(), "1 file");
        assert_eq!(Count(0, "file").to_string(), "0 files");
    }
}
