//! Names and foreign text as they may be shown to people: no byte of a file's name reaches a
//! terminal as a command. Not for machines; those get the exact bytes (see `json`).

use std::fmt::{self, Write as _};
use std::path::Path;

/// A path for people. Control characters, characters that reorder or hide text and bytes that are
/// not UTF-8 are written as escapes; a name that holds any of them, or a space, is quoted.
pub(crate) struct Shown<'a>(pub(crate) &'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.0.as_os_str().as_encoded_bytes();
        if !needs_quotes(bytes) {
            return write_escaped(f, bytes, false);
        }
        f.write_char('"')?;
        write_escaped(f, bytes, true)?;
        f.write_char('"')
    }
}

/// Text that may hold a file's name somewhere: the same escapes, but never quoted.
pub(crate) struct Plain<'a>(pub(crate) &'a str);

impl fmt::Display for Plain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0.as_bytes(), false)
    }
}

fn needs_quotes(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else { return true };
    text.is_empty()
        || text.chars().any(|c| c.is_whitespace() || matches!(c, '"' | '\\') || is_unsafe(c))
}

fn write_escaped(f: &mut fmt::Formatter<'_>, bytes: &[u8], in_quotes: bool) -> fmt::Result {
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '"' | '\\' if in_quotes => write!(f, "\\{c}")?,
                '\n' => f.write_str("\\n")?,
                '\r' => f.write_str("\\r")?,
                '\t' => f.write_str("\\t")?,
                c if is_unsafe(c) && c.is_ascii() => write!(f, "\\x{:02x}", u32::from(c))?,
                c if is_unsafe(c) => write!(f, "\\u{{{:x}}}", u32::from(c))?,
                c => f.write_char(c)?,
            }
        }
        for byte in chunk.invalid() {
            write!(f, "\\x{byte:02x}")?;
        }
    }
    Ok(())
}

/// Characters that move the cursor, change the terminal, reorder the text around them or cannot be
/// seen at all.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn row_33_names_are_shown_without_their_powers() {
        let rows: [(&[u8], &str); 15] = [
            (b"plain/name.txt", "plain/name.txt"),
            ("grüße/日本".as_bytes(), "grüße/日本"),
            (b"two words", r#""two words""#),
            (b"", r#""""#),
            (b"new\nline", r#""new\nline""#),
            (b"tab\tcr\r", r#""tab\tcr\r""#),
            (b"\x1b[31mred", r#""\x1b[31mred""#),
            (b"bell\x07", r#""bell\x07""#),
            (b"del\x7f", r#""del\x7f""#),
            ("c1\u{9b}31m".as_bytes(), r#""c1\u{9b}31m""#),
            ("gnp\u{202e}exe".as_bytes(), r#""gnp\u{202e}exe""#),
            ("zero\u{200b}width".as_bytes(), r#""zero\u{200b}width""#),
            (b"caf\xe9.jpg", r#""caf\xe9.jpg""#),
            (b"back\\slash", r#""back\\slash""#),
            (b"quo\"te", r#""quo\"te""#),
        ];
        for (bytes, expected) in rows {
            assert_eq!(Shown(Path::new(OsStr::from_bytes(bytes))).to_string(), expected);
        }
    }

    #[test]
    fn row_33_two_names_never_look_the_same() {
        let pairs: [(&[u8], &[u8]); 3] =
            [(b"a\\x1b", b"a\x1b"), (b"a\\n", b"a\n"), (b"\\xff", b"\xff")];
        for (left, right) in pairs {
            let shown = |bytes| Shown(Path::new(OsStr::from_bytes(bytes))).to_string();
            assert_ne!(shown(left), shown(right));
        }
    }

    #[test]
    fn text_keeps_its_spaces_and_loses_its_escapes() {
        assert_eq!(
            Plain("no such file: a \x1b]0;x\x07").to_string(),
            r"no such file: a \x1b]0;x\x07"
        );
    }
}
