//! What the program is connected to: terminals, and the environment variables that the program
//! itself reads. Settings from the environment are the library's business.

use std::ffi::OsString;
use std::io::{IsTerminal, stderr, stdin, stdout};

use terminal_size::{Width, terminal_size_of};

/// The standard streams, as far as they matter.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terminal {
    /// Why nobody can be asked, when nobody can: whoever is to answer must see the question.
    pub(crate) obstacle_to_asking: Option<&'static str>,
    /// Talk goes to a screen, on which bars can be drawn.
    pub(crate) can_draw: bool,
    /// Talk may be coloured.
    pub(crate) can_colour: bool,
}

impl Terminal {
    /// There is none.
    #[cfg(test)]
    pub(crate) const NONE: Self = Self {
        obstacle_to_asking: Some("there is no terminal"),
        can_draw: false,
        can_colour: false,
    };

    /// Looks at the standard streams, at `TERM` and at `NO_COLOR`.
    pub(crate) fn look() -> Self {
        let is_terminal = stderr().is_terminal();
        let no_colour = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let obstacle_to_asking = match (stdin().is_terminal(), is_terminal) {
            (true, true) => None,
            (true, false) => Some("stderr is not a terminal"),
            (false, _) => Some("stdin is not a terminal"),
        };
        Self {
            obstacle_to_asking,
            can_draw: is_terminal && can_move(),
            can_colour: is_terminal && !no_colour,
        }
    }
}

/// The columns of the terminal that stdout is; `None` where it is none, or does not tell.
pub(crate) fn output_columns() -> Option<usize> {
    terminal_size_of(stdout()).map(|(Width(columns), _)| usize::from(columns)).filter(|n| *n > 0)
}

/// Whether a line that was written to stdout can be written anew.
pub(crate) fn can_redraw_output() -> bool {
    stdout().is_terminal() && can_move()
}

/// A terminal of which nothing is known, or known to be a mere printer, cannot move its cursor.
fn can_move() -> bool {
    std::env::var_os("TERM").is_some_and(|name| name != "dumb")
}

/// The filter for diagnostic messages on stderr (`SURECOPY_LOG`), when there is one.
pub(crate) fn log_filter() -> Option<OsString> {
    std::env::var_os("SURECOPY_LOG").filter(|value| !value.is_empty())
}
