//! What the program is connected to: terminals, and the two environment variables that the program
//! itself reads. Settings from the environment are the library's business.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin};

/// The standard streams, as far as they matter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Somebody can be asked.
    pub(crate) can_ask: bool,
    /// Talk goes to a screen, on which bars can be drawn.
    pub(crate) can_draw: bool,
    /// Talk may be coloured.
    pub(crate) can_colour: bool,
}

impl Terminal {
    /// Looks at the standard streams and at `NO_COLOR`.
    pub(crate) fn look() -> Self {
        let can_draw = stderr().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { can_ask: stdin().is_terminal(), can_draw, can_colour: can_draw && !no_colour }
    }
}

/// The filter for diagnostic messages on stderr (`SURECOPY_LOG`), when there is one.
pub(crate) fn log_filter() -> Option<OsString> {
    std::env::var_os("SURECOPY_LOG").filter(|value| !value.is_empty())
}
