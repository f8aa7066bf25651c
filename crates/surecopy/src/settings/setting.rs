//! One row of the table: its shape, and how text becomes its value.

use surecopy_engine::Preserve;

use super::bytes::{format_bytes, parse_bytes};
use super::values::Values;

/// What values a setting takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number of bytes.
    Bytes {
        /// The smallest.
        minimum: u64,
        /// The largest.
        maximum: u64,
        /// A value outside is moved to the nearest end, instead of being refused.
        clamped: bool,
    },
    /// A number of bytes, or `none` for "no bound".
    OptionalBytes {
        /// The smallest.
        minimum: u64,
        /// The largest.
        maximum: u64,
    },
    /// A whole number.
    Count {
        /// The smallest.
        minimum: u64,
        /// The largest.
        maximum: u64,
    },
    /// `on` or `off`.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any of these words, separated by commas; or `default`, `all` or `none`.
    Names(&'static [&'static str]),
}

impl Kind {
    /// What values there are, in words.
    pub fn allowed(&self) -> String {
        match self {
            Kind::Bytes { minimum, maximum, .. } => range(*minimum, *maximum, format_bytes),
            Kind::OptionalBytes { minimum, maximum } => {
                format!("{}, or none", range(*minimum, *maximum, format_bytes))
            }
            Kind::Count { minimum, maximum } => range(*minimum, *maximum, |n| n.to_string()),
            Kind::Flag => "on or off".to_owned(),
            Kind::Choice(words) => one_of(words),
            Kind::Names(words) => {
                format!("default, all, none, or any of {} with commas between", words.join(", "))
            }
        }
    }
}

fn range(minimum: u64, maximum: u64, write: impl Fn(u64) -> String) -> String {
    format!("{} to {}", write(minimum), write(maximum))
}

fn one_of(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// A setting.
pub struct Setting {
    /// Its name, as in the configuration file and after `--set`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The value when nobody says anything, as text.
    pub default: &'static str,
    /// What its numbers count.
    pub unit: &'static str,
    /// What it means.
    pub doc: &'static str,
    /// Why the default is what it is.
    pub reason: &'static str,
    pub(super) field: Field,
}

/// Where a setting's value lives.
#[derive(Clone, Copy)]
pub(super) enum Field {
    Number(fn(&mut Values) -> &mut u64),
    OptionalNumber(fn(&mut Values) -> &mut Option<u64>),
    Flag(fn(&mut Values) -> &mut bool),
    Preserve(fn(&mut Values) -> &mut Preserve),
    /// Reads the word in force; puts another one in force, if there is such a word.
    Word(fn(&Values) -> &'static str, fn(&mut Values, &str) -> Option<()>),
}

/// What became of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stored {
    AsGiven,
    /// It was outside the range; this is the nearest value inside.
    Clamped(u64),
}

/// Why a text was not taken.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// What it should be, in words.
    Invalid(String),
    OutOfRange,
}

impl Setting {
    /// The environment variable that sets it.
    pub fn variable(&self) -> String {
        format!("{}{}", crate::environment::PREFIX, self.name.to_ascii_uppercase())
    }

    /// Reads a text and stores the value; on refusal nothing is changed.
    pub(super) fn store(&self, values: &mut Values, text: &str) -> Result<Stored, Refusal> {
        let expected = || Refusal::Invalid(self.kind.allowed());
        match self.field {
            Field::Number(field) => {
                let (number, stored) = self.read_number(text)?;
                *field(values) = number;
                return Ok(stored);
            }
            Field::OptionalNumber(field) => {
                *field(values) =
                    if text == "none" { None } else { Some(self.read_number(text)?.0) };
            }
            Field::Flag(field) => *field(values) = read_flag(text).ok_or_else(expected)?,
            Field::Preserve(field) => {
                *field(values) = read_preserve(text).ok_or_else(expected)?;
            }
            Field::Word(_, set) => set(values, text).ok_or_else(expected)?,
        }
        Ok(Stored::AsGiven)
    }

    fn read_number(&self, text: &str) -> Result<(u64, Stored), Refusal> {
        let bytes = || parse_bytes(text).map_err(|error| Refusal::Invalid(error.to_string()));
        let (number, minimum, maximum, clamped) = match self.kind {
            Kind::Bytes { minimum, maximum, clamped } => (bytes()?, minimum, maximum, clamped),
            Kind::OptionalBytes { minimum, maximum } => (bytes()?, minimum, maximum, false),
            Kind::Count { minimum, maximum } => {
                let number = text.trim().parse();
                let number = number.map_err(|_| Refusal::Invalid(self.kind.allowed()))?;
                (number, minimum, maximum, false)
            }
            Kind::Flag | Kind::Choice(_) | Kind::Names(_) => {
                return Err(Refusal::Invalid(self.kind.allowed()));
            }
        };
        let inside = number.clamp(minimum, maximum);
        match (inside == number, clamped) {
            (true, _) => Ok((number, Stored::AsGiven)),
            (false, true) => Ok((inside, Stored::Clamped(inside))),
            (false, false) => Err(Refusal::OutOfRange),
        }
    }

    /// The value in force, as text that [`Setting::store`] reads again.
    pub(super) fn text(&self, values: &Values) -> String {
        let number = |number: u64| match self.kind {
            Kind::Bytes { .. } | Kind::OptionalBytes { .. } => format_bytes(number),
            _ => number.to_string(),
        };
        // The accessors of fields lend for writing; reading borrows a copy.
        let mut copy = values.clone();
        match self.field {
            Field::Number(field) => number(*field(&mut copy)),
            Field::OptionalNumber(field) => {
                field(&mut copy).map_or_else(|| "none".to_owned(), number)
            }
            Field::Flag(field) => if *field(&mut copy) { "on" } else { "off" }.to_owned(),
            Field::Preserve(field) => {
                let kept = field(&mut copy).kept();
                if kept.is_empty() { "none".to_owned() } else { kept.join(",") }
            }
            Field::Word(get, _) => get(values).to_owned(),
        }
    }
}

fn read_flag(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "yes" | "1" => Some(true),
        "off" | "false" | "no" | "0" => Some(false),
        _ => None,
    }
}

fn read_preserve(text: &str) -> Option<Preserve> {
    let mut preserve = Preserve::NONE;
    for name in text.split(',').map(str::trim) {
        match name {
            "none" => {}
            "default" => Preserve::DEFAULT.kept().iter().try_for_each(|n| preserve.set(n, true))?,
            "all" => preserve = Preserve::ALL,
            name => preserve.set(name, true)?,
        }
    }
    Some(preserve)
}
