//! The table as a picture, readable on light and on dark ground.

use super::matrix::Cell;
use super::summary::{DISKS, Verdict, rows};

const LEFT: usize = 312;
const TOP: usize = 96;
const COLUMN: usize = 108;
const ROW: usize = 44;
const FONT: &str = "system-ui,-apple-system,Segoe UI,Roboto,Helvetica,Arial,sans-serif";

/// Draws what came of every program on every disk.
pub(super) fn draw(cells: &[Cell], caption: &str) -> String {
    let rows = rows(cells);
    let width = LEFT + DISKS.len() * COLUMN + 16;
    let height = TOP + rows.len() * ROW + 84;
    let title = "What programs say on bad disks, and what lies there then";
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
         height=\"{height}\" role=\"img\" aria-label=\"{title}\">\n<title>{title}</title>\n\
         <rect width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#1c1f26\"/>\n\
         <g font-family=\"{FONT}\" font-size=\"12\" fill=\"#d7dbe2\">\n"
    );
    text.push_str(&line(20, 32, 16, "start", "bold", title));
    for (number, (_, name)) in DISKS.iter().enumerate() {
        let middle = LEFT + number * COLUMN + COLUMN / 2;
        for (row, half) in in_two(name).into_iter().enumerate() {
            text.push_str(&line(middle, TOP - 26 + row * 15, 12, "middle", "normal", &half));
        }
    }
    for (row, (name, summaries)) in rows.iter().enumerate() {
        let y = TOP + row * ROW;
        let weight = if row == 0 { "bold" } else { "normal" };
        text.push_str(&line(20, y + ROW / 2 + 2, 13, "start", weight, name));
        for (column, summary) in summaries.iter().enumerate() {
            let x = LEFT + column * COLUMN;
            let (fill, words, status) = match summary {
                Some(summary) => (
                    colour(summary.verdict),
                    summary.words.clone(),
                    format!("exit {}", summary.statuses),
                ),
                None => (UNKNOWN, "not known".to_owned(), "to this version".to_owned()),
            };
            let middle = x + COLUMN / 2;
            text.push_str(&format!(
                "<rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"4\" fill=\"{fill}\"/>\n",
                x + 2,
                y,
                COLUMN - 4,
                ROW - 4
            ));
            let size = if words.len() > 14 { 10 } else { 12 };
            text.push_str(&line(middle, y + 17, size, "middle", "bold", &words));
            text.push_str(&line(middle, y + 32, 11, "middle", "normal", &status));
        }
    }
    let below = TOP + rows.len() * ROW + 20;
    text.push_str(&legend(below));
    let caption = format!("{WHERE}. {caption}");
    text.push_str(&line(20, below + 42, 11, "start", "normal", &caption));
    text.push_str("</g>\n</svg>\n");
    text
}

const WHERE: &str = "On ext4, xfs and btrfs, as a new file and over an old one";

const UNKNOWN: &str = "#343a46";

fn colour(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Right => "#3b5b8c",
        Verdict::Refused => "#23713f",
        Verdict::Told => "#86651a",
        Verdict::Lie => "#b3261e",
    }
}

fn legend(y: usize) -> String {
    let words = [
        (Verdict::Lie, 262, "success, and the content is not there"),
        (Verdict::Told, 232, "failure, and a wrong file is there"),
        (Verdict::Refused, 330, "failure; nothing published, an old file untouched"),
    ];
    let mut x = 20;
    let mut text = String::new();
    for (verdict, width, words) in words {
        let fill = colour(verdict);
        let top = y - 3;
        text.push_str(&format!(
            "<rect x=\"{x}\" y=\"{top}\" width=\"12\" height=\"12\" rx=\"2\" fill=\"{fill}\"/>\n"
        ));
        text.push_str(&line(x + 18, y + 7, 12, "start", "normal", words));
        x += width;
    }
    text
}

fn line(x: usize, y: usize, size: usize, anchor: &str, weight: &str, words: &str) -> String {
    let words = words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    format!(
        "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\" text-anchor=\"{anchor}\" \
         font-weight=\"{weight}\">{words}</text>\n"
    )
}

/// A heading on two lines, parted at the space nearest to its middle.
fn in_two(words: &str) -> Vec<String> {
    let spaces = words.match_indices(' ').map(|(at, _)| at);
    let middle = words.len() / 2;
    match spaces.min_by_key(|at| at.abs_diff(middle)) {
        Some(at) => vec![words[..at].to_owned(), words[at + 1..].to_owned()],
        None => vec![words.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::super::outcome::Left;
    use super::super::summary::tests::cells;
    use super::*;

    #[test]
    fn the_same_copies_make_the_same_picture() {
        let wrong = cells(2, [(0, Left::Wrong); 3]);
        let picture = draw(&wrong, "a < b");
        assert_eq!(picture, draw(&wrong, "a < b"));
        assert!(picture.contains(">WRONG</text>") && picture.contains("a &lt; b"));
        assert_eq!(picture.matches(colour(Verdict::Lie)).count(), 2, "a cell and the legend");
        assert_eq!(in_two("a bit rots after the flush"), ["a bit rots", "after the flush"]);
    }
}
