//! Text in columns that fits a terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// The columns of a terminal that a text takes. It has no control characters.
pub(crate) fn width(text: &str) -> usize {
    text.width()
}

/// A text in so many columns, with spaces behind; in more, when it is longer.
pub(crate) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(width(text))))
}

/// The end of a text in at most so many columns: of a path, the last names tell most.
pub(crate) fn end_of(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut taken = 0;
    let mut start = text.len();
    for (index, c) in text.char_indices().rev() {
        taken += c.width().unwrap_or(0);
        if taken > room {
            break;
        }
        start = index;
    }
    format!("…{}", &text[start..])
}

/// The start of a text in at most so many columns.
pub(crate) fn start_of(text: &str, columns: usize) -> String {
    if width(text) <= columns {
        return text.to_owned();
    }
    let room = columns.saturating_sub(1);
    let mut taken = 0;
    let fits = |c: &char| {
        taken += c.width().unwrap_or(0);
        taken <= room
    };
    let mut start: String = text.chars().take_while(fits).collect();
    start.push('…');
    start
}

/// "from -> to" in at most so many columns. What one side does not need, the other one may have.
pub(crate) fn from_to(from: &str, to: &str, columns: usize) -> String {
    const ARROW: &str = " -> ";
    let room = columns.saturating_sub(ARROW.len());
    let (half, wanted) = (room / 2, width(from));
    let for_from = if wanted <= half { wanted } else { half.max(room.saturating_sub(width(to))) };
    let for_to = room.saturating_sub(for_from.min(wanted));
    format!("{}{ARROW}{}", end_of(from, for_from), end_of(to, for_to))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(end_of("/a/b", 4), "/a/b");
        assert_eq!(from_to("/a", "/b", 8), "/a -> /b");
        assert_eq!(padded("a", 3), "a  ");
        assert_eq!(padded("abcd", 3), "abcd");
    }

    #[test]
    fn the_end_of_a_path_stays() {
        assert_eq!(end_of("/home/me/photos", 7), "…photos");
        assert_eq!(end_of("/home/me/photos", 1), "…");
        let row = from_to("/home/me/photos", "/backup/photos", 20);
        assert_eq!((row.as_str(), width(&row)), ("…/photos -> …/photos", 20));
        // The shorter side leaves its room to the longer one.
        assert_eq!(from_to("/home/me/photos", "/b", 20), "…ome/me/photos -> /b");
        assert_eq!(from_to("/b", "/home/me/photos", 20), "/b -> …ome/me/photos");
    }

    #[test]
    fn the_start_of_a_line_stays() {
        assert_eq!(start_of("12 of 20", 8), "12 of 20");
        assert_eq!(start_of("12 of 20", 5), "12 o…");
        assert_eq!(start_of("鳥鳥", 3), "鳥…");
    }

    #[test]
    fn a_character_that_is_two_columns_wide_is_not_cut_in_two() {
        assert_eq!(width("鳥"), 2);
        assert_eq!(end_of("/鳥/鳥", 4), "…/鳥");
        assert_eq!(end_of("/鳥/鳥", 3), "…鳥");
        assert_eq!(end_of("/鳥/鳥", 2), "…");
        assert_eq!(padded("鳥", 4), "鳥  ");
    }
}
