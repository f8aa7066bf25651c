//! "Not supported here" as a value.

/// The answer of an operation that a volume may simply not offer.
///
/// It is a value and not an error, because the caller always has something else to try; and it is
/// not a `bool`, so that "unsupported" cannot be read as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "`Unsupported` means that nothing was done"]
pub enum Support<T> {
    /// The operation was carried out.
    Done(T),
    /// This volume, pair of volumes or kernel does not offer the operation; nothing was changed.
    Unsupported,
}

impl<T> Support<T> {
    /// The value, if the operation was carried out.
    pub fn done(self) -> Option<T> {
        match self {
            Support::Done(value) => Some(value),
            Support::Unsupported => None,
        }
    }

    /// Whether the operation was carried out.
    pub fn is_done(&self) -> bool {
        matches!(self, Support::Done(_))
    }
}
