//! Words with a stable meaning, in columns and in JSON.

use crate::error::{Fault, Result};

/// A word with a stable meaning.
pub(crate) fn word<T>(read: fn(&str) -> Option<T>, text: &str) -> Result<T> {
    read(text).ok_or_else(|| unknown(text))
}

pub(crate) fn optional_word<T>(
    read: fn(&str) -> Option<T>,
    text: Option<&str>,
) -> Result<Option<T>> {
    text.map(|text| word(read, text)).transpose()
}

pub(crate) fn unknown(text: &str) -> Fault {
    Fault::content(format!("the word {text:?}, which is not known"))
}
