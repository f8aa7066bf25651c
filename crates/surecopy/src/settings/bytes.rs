//! Numbers of bytes as people write them: `4MiB`, `4M`, `500MB`, `4194304`.

/// Units, the largest first. Those that end in `B` alone count in thousands, as on the box of a
/// disk; all others count in 1,024s.
const UNITS: [(&str, u64); 16] = [
    ("tib", 1 << 40),
    ("gib", 1 << 30),
    ("mib", 1 << 20),
    ("kib", 1 << 10),
    ("tb", 1_000_000_000_000),
    ("gb", 1_000_000_000),
    ("mb", 1_000_000),
    ("kb", 1_000),
    ("eib", 1 << 60),
    ("pib", 1 << 50),
    ("t", 1 << 40),
    ("g", 1 << 30),
    ("m", 1 << 20),
    ("k", 1 << 10),
    ("b", 1),
    ("", 1),
];

/// Why a text is no number of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBytes {
    /// It does not begin with a number.
    #[error("a number of bytes such as 4MiB, 4M, 500MB or 4194304")]
    NotANumber,
    /// What follows the number is no unit.
    #[error("a unit of K, M, G, T (1,024s), KiB … TiB (the same) or KB … TB (1,000s)")]
    UnknownUnit,
    /// A fraction of a byte is left over.
    #[error("a whole number of bytes")]
    Fraction,
    /// It does not fit into 64 bits.
    #[error("less than 16 EiB")]
    TooLarge,
}

/// Reads a number of bytes. Units may be in any case, with a space before them; the number may have
/// decimals as long as whole bytes come out.
///
/// ```
/// use surecopy::settings::parse_bytes;
///
/// assert_eq!(parse_bytes("4MiB"), Ok(4 * 1024 * 1024));
/// assert_eq!(parse_bytes("1.5 GB"), Ok(1_500_000_000));
/// ```
pub fn parse_bytes(text: &str) -> Result<u64, InvalidBytes> {
    let text = text.trim();
    let unit_at =
        text.find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_').unwrap_or(text.len());
    let (number, unit) = text.split_at(unit_at);
    let number = number.replace('_', "");
    let (whole, decimals) = number.split_once('.').unwrap_or((&number, ""));
    if whole.is_empty() || (number.contains('.') && decimals.is_empty()) || decimals.contains('.') {
        return Err(InvalidBytes::NotANumber);
    }
    let unit = unit.trim_start().to_ascii_lowercase();
    let (_, factor) =
        UNITS.iter().find(|(name, _)| *name == unit).ok_or(InvalidBytes::UnknownUnit)?;
    let decimals = decimals.trim_end_matches('0');
    // More decimals than this cannot come out even for any unit.
    if decimals.len() > 18 {
        return Err(InvalidBytes::Fraction);
    }
    let too_large = |_| InvalidBytes::TooLarge;
    let whole: u64 = whole.parse().map_err(too_large)?;
    let whole = whole.checked_mul(*factor).ok_or(InvalidBytes::TooLarge)?;
    whole.checked_add(fraction(decimals, *factor)?).ok_or(InvalidBytes::TooLarge)
}

/// The bytes that the digits after the point stand for.
fn fraction(decimals: &str, factor: u64) -> Result<u64, InvalidBytes> {
    if decimals.is_empty() {
        return Ok(0);
    }
    let digits: u128 = decimals.parse().map_err(|_| InvalidBytes::NotANumber)?;
    let scale = decimals.chars().fold(1u128, |scale, _| scale * 10);
    let bytes = digits * u128::from(factor);
    if !bytes.is_multiple_of(scale) {
        return Err(InvalidBytes::Fraction);
    }
    u64::try_from(bytes / scale).map_err(|_| InvalidBytes::TooLarge)
}

/// Writes a number of bytes exactly, in the largest unit that divides it. [`parse_bytes`] reads it
/// again.
pub fn format_bytes(bytes: u64) -> String {
    let units = [("EiB", 60), ("PiB", 50), ("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)];
    units
        .iter()
        .find(|(_, shift)| bytes != 0 && bytes.is_multiple_of(1u64 << shift))
        .map_or_else(|| bytes.to_string(), |(unit, shift)| format!("{}{unit}", bytes >> shift))
}

#[cfg(test)]
mod tests {
    use surecopy_testkit::fuzz::Verdict;

    use super::*;

    #[test]
    fn fuzz_numbers_of_bytes() {
        let samples = ["4MiB", "1.5 GB", "4_194_304", "0", "16 tib", "0.5K"];
        let samples = samples.map(|text| text.as_bytes().to_vec()).into();
        surecopy_testkit::fuzz::hold("fuzz_numbers_of_bytes", 400, samples, |input| {
            let Ok(text) = std::str::from_utf8(input) else { return Verdict::Refused };
            let read = parse_bytes(text);
            if let Ok(bytes) = read {
                assert_eq!(parse_bytes(&format_bytes(bytes)), Ok(bytes));
            }
            Verdict::from(&read)
        });
    }

    #[test]
    fn numbers_of_bytes() {
        let rows = [
            ("0", Ok(0)),
            ("4194304", Ok(4 << 20)),
            ("4_194_304", Ok(4 << 20)),
            ("4MiB", Ok(4 << 20)),
            ("4M", Ok(4 << 20)),
            ("4m", Ok(4 << 20)),
            (" 4 mib ", Ok(4 << 20)),
            ("8KiB", Ok(8 << 10)),
            ("2GiB", Ok(2 << 30)),
            ("1TiB", Ok(1 << 40)),
            ("1EiB", Ok(1 << 60)),
            ("7B", Ok(7)),
            ("4KB", Ok(4_000)),
            ("4MB", Ok(4_000_000)),
            ("4GB", Ok(4_000_000_000)),
            ("4TB", Ok(4_000_000_000_000)),
            ("1.5GiB", Ok(3 << 29)),
            ("0.5K", Ok(512)),
            ("2.50KB", Ok(2_500)),
            ("18446744073709551615", Ok(u64::MAX)),
            ("18446744073709551616", Err(InvalidBytes::TooLarge)),
            ("16777216TiB", Err(InvalidBytes::TooLarge)),
            ("0.3", Err(InvalidBytes::Fraction)),
            ("0.0001KiB", Err(InvalidBytes::Fraction)),
            ("0.0000000000000000001TiB", Err(InvalidBytes::Fraction)),
            ("", Err(InvalidBytes::NotANumber)),
            ("MiB", Err(InvalidBytes::NotANumber)),
            ("-1", Err(InvalidBytes::NotANumber)),
            (".5M", Err(InvalidBytes::NotANumber)),
            ("1.M", Err(InvalidBytes::NotANumber)),
            ("1.2.3M", Err(InvalidBytes::NotANumber)),
            ("none", Err(InvalidBytes::NotANumber)),
            ("4 apples", Err(InvalidBytes::UnknownUnit)),
            ("4Mb1", Err(InvalidBytes::UnknownUnit)),
        ];
        for (text, expected) in rows {
            assert_eq!(parse_bytes(text), expected, "{text:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let rows = [
            (0, "0"),
            (1, "1"),
            (1023, "1023"),
            (1024, "1KiB"),
            (1025, "1025"),
            (1536, "1536"),
            (4 << 20, "4MiB"),
            (3 << 29, "1536MiB"),
            (20 << 30, "20GiB"),
            (1 << 60, "1EiB"),
            (u64::MAX, "18446744073709551615"),
        ];
        for (bytes, expected) in rows {
            assert_eq!(format_bytes(bytes), expected);
            assert_eq!(parse_bytes(expected), Ok(bytes));
        }
    }
}
