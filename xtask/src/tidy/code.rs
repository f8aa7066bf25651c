//! Rust sources reduced to what rules look at: code without comments and string contents, line by
//! line, with what is test code told apart.
//!
//! A scanner, not a parser: it knows where comments, strings and blocks end, and nothing else.

/// A Rust source file, ready for rules.
#[derive(Debug)]
pub(crate) struct Source<'a> {
    /// Relative to the root.
    pub(crate) path: &'a str,
    /// The file as it is.
    pub(crate) text: &'a str,
    /// The file's lines with comments and the contents of strings blanked.
    pub(crate) lines: Vec<Line>,
}

/// A line of code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// From 1.
    pub(crate) number: usize,
    /// What is left when comments and the contents of strings are blanked.
    pub(crate) code: String,
    /// The line is compiled for tests only.
    pub(crate) is_test: bool,
}

impl<'a> Source<'a> {
    /// Scans a file.
    pub(crate) fn read(path: &'a str, text: &'a str) -> Self {
        let code = blank(text);
        let test_lines = test_blocks(&code);
        let whole_file_is_test = is_test_path(path);
        let lines = code
            .lines()
            .zip(1..)
            .map(|(code, number)| Line {
                number,
                code: code.to_owned(),
                is_test: whole_file_is_test
                    || test_lines.iter().any(|(first, last)| (*first..=*last).contains(&number)),
            })
            .collect();
        Self { path, text, lines }
    }

    /// The lines that end up in the product.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = &Line> {
        self.lines.iter().filter(|line| !line.is_test)
    }

    /// Whether the file is part of the crate in `crates/<room>`.
    pub(crate) fn is_in(&self, room: &str) -> bool {
        self.path
            .strip_prefix("crates/")
            .and_then(|rest| rest.strip_prefix(room))
            .is_some_and(|rest| rest.starts_with('/'))
    }
}

/// Whether `word` stands in `code` as a word of its own.
pub(crate) fn has_word(code: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(word).any(|(at, _)| {
        !code[..at].chars().next_back().is_some_and(is_part)
            && !code[at + word.len()..].chars().next().is_some_and(is_part)
    })
}

fn is_test_path(path: &str) -> bool {
    let is_test_folder = |part: &str| matches!(part, "tests" | "benches" | "examples");
    path.split('/').any(is_test_folder) || path.ends_with("/tests.rs")
}

/// First and last line of every block that `#[cfg(test)]` governs.
fn test_blocks(code: &str) -> Vec<(usize, usize)> {
    let line_of = |at: usize| code[..at].matches('\n').count() + 1;
    let mut blocks = Vec::new();
    let mut from = 0;
    while let Some(found) = code[from..].find("#[cfg(test)]") {
        let start = from + found;
        let end = item_end(code, start + "#[cfg(test)]".len());
        blocks.push((line_of(start), line_of(end)));
        from = end;
    }
    blocks
}

/// Where the item that begins at or after `from` ends: at its closing brace or its semicolon.
fn item_end(code: &str, from: usize) -> usize {
    let mut braces = 0usize;
    for (offset, c) in code[from..].char_indices() {
        match c {
            ';' if braces == 0 => return from + offset,
            '{' => braces += 1,
            '}' => {
                braces = braces.saturating_sub(1);
                if braces == 0 {
                    return from + offset;
                }
            }
            _ => {}
        }
    }
    code.len()
}

/// The text with comments and the contents of string and character literals as spaces; lines stay
/// where they are.
fn blank(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let is_ident_before =
            out.chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_');
        let length = hidden_length(rest, is_ident_before);
        if length > 0 {
            let (hidden, after) = rest.split_at(length);
            out.extend(hidden.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
            rest = after;
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// How many bytes at the start of `rest` are a comment or a literal; 0 when it starts with code.
fn hidden_length(rest: &str, is_ident_before: bool) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment_length(rest);
    }
    if rest.starts_with('"') {
        return string_length(rest);
    }
    if rest.starts_with('\'') {
        return character_length(rest);
    }
    if is_ident_before {
        return 0;
    }
    raw_string_length(rest)
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string_length(rest: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal's length; 0 for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut chars = rest.char_indices().skip(1);
    match chars.next() {
        Some((_, '\\')) => {
            chars.next();
            chars.find(|(_, c)| *c == '\'').map_or(0, |(at, _)| at + 1)
        }
        Some(_) => match chars.next() {
            Some((at, '\'')) => at + 1,
            _ => 0,
        },
        None => 0,
    }
}

/// The length of `r"…"`, `r#"…"#`, `br"…"` and the like; 0 when there is none.
fn raw_string_length(rest: &str) -> usize {
    let Some(start) = ["r", "br", "cr"].iter().find(|prefix| {
        rest.strip_prefix(**prefix)
            .is_some_and(|after| after.trim_start_matches('#').starts_with('"'))
    }) else {
        return 0;
    };
    let after = &rest[start.len()..];
    let hashes = after.len() - after.trim_start_matches('#').len();
    let open = start.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_literals_are_blanked() {
        let cases = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"a("b\"c", d)"#, "a(      , d)"),
            ("r#\"a\" b\"# c", "          c"),
            ("for\"x\"", "for   "),
            ("&'a str", "&'a str"),
            ("'\"' + '\\'' + b", "    +      + b"),
        ];
        for (text, expected) in cases {
            assert_eq!(blank(text), expected, "{text}");
        }
    }

    #[test]
    fn test_code_is_told_apart() {
        let text = "a();\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nc();\n";
        let source = Source::read("crates/engine/src/x.rs", text);
        let product: Vec<usize> = source.product_lines().map(|line| line.number).collect();
        assert_eq!(product, [1, 6]);
        let source = Source::read("crates/engine/tests/x.rs", text);
        assert_eq!(source.product_lines().count(), 0);
    }

    #[test]
    fn a_test_module_in_a_file_of_its_own_ends_at_the_semicolon() {
        let source = Source::read("crates/fs/src/x.rs", "#[cfg(test)]\nmod tests;\na();\n");
        let product: Vec<usize> = source.product_lines().map(|line| line.number).collect();
        assert_eq!(product, [3]);
    }

    #[test]
    fn words_are_whole() {
        assert!(has_word("unsafe { x }", "unsafe"));
        assert!(!has_word("deny(unsafe_code)", "unsafe"));
        assert!(!has_word("is_unsafe()", "unsafe"));
    }

    #[test]
    fn rooms_are_not_prefixes() {
        assert!(Source::read("crates/fs/src/lib.rs", "").is_in("fs"));
        assert!(!Source::read("crates/fstab/src/lib.rs", "").is_in("fs"));
        assert!(!Source::read("xtask/src/main.rs", "").is_in("fs"));
    }
}
