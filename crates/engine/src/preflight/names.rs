//! Names that a destination cannot hold, and names that would become one there.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::ffi::{OsStr, OsString};

use surecopy_fs::{FileId, NameRules, RelPath};
use unicode_normalization::UnicodeNormalization;

use crate::plan::Place;

/// The longest name, in bytes or UTF-16 units, that file systems hold.
const MAX_NAME: usize = 255;

const RESERVED: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// Why a volume cannot hold a name, or `None` if it can.
pub(crate) fn name_refusal(name: &OsStr, rules: NameRules) -> Option<String> {
    match rules {
        NameRules::Posix => {
            (name.len() > MAX_NAME).then(|| format!("the name is longer than {MAX_NAME} bytes"))
        }
        NameRules::Windows => windows_refusal(name),
    }
}

fn windows_refusal(name: &OsStr) -> Option<String> {
    let Some(name) = name.to_str() else {
        return Some("the name is not valid Unicode".to_owned());
    };
    if name.encode_utf16().count() > MAX_NAME {
        return Some(format!("the name is longer than {MAX_NAME} UTF-16 units"));
    }
    if let Some(bad) = name.chars().find(|c| r#"<>:"/\|?*"#.contains(*c) || (*c as u32) < 32) {
        return Some(format!("the name contains {bad:?}"));
    }
    if name.ends_with('.') || name.ends_with(' ') {
        return Some("the name ends in a dot or space".to_owned());
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end().to_uppercase();
    let is_port = ["COM", "LPT"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|rest| {
            let mut rest = rest.chars();
            matches!(rest.next(), Some('1'..='9' | '\u{b9}' | '\u{b2}' | '\u{b3}'))
                && rest.next().is_none()
        })
    });
    (is_port || RESERVED.contains(&stem.as_str()))
        .then(|| "the name is reserved for a device".to_owned())
}

/// The targets planned so far, as the destination tells names apart. Kept only where two different
/// sources can meet: on volumes that fold case, when several sources share a destination, and when
/// items may get new names.
///
/// A target is known by the deepest directory above it that exists, whatever root it was written
/// from, and the path beneath that.
#[derive(Debug)]
pub(crate) struct TargetNames {
    may_meet: bool,
    seen: HashMap<(FileId, Vec<u8>), Taken>,
}

/// What has a name.
#[derive(Debug, PartialEq, Eq)]
enum Taken {
    Item,
    /// A directory, with its name as it was spelled.
    Directory(OsString),
}

/// How a target meets an earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Meeting {
    /// It is the first of its name.
    First,
    /// It is a directory, and so is the earlier one, spelled the same: they become one.
    Merge,
    /// Another target is the same name at the destination.
    Collision,
}

impl TargetNames {
    /// Nothing is planned yet. `may_meet` says whether targets can be the same on any volume.
    pub(crate) fn new(may_meet: bool) -> Self {
        Self { may_meet, seen: HashMap::new() }
    }

    /// Notes a target that is not a directory.
    pub(crate) fn note(&mut self, parent: &Place, name: &OsStr) -> Meeting {
        self.take(parent, name, Taken::Item)
    }

    /// Notes a directory. Those of several sources merge, but two spellings of one name do not.
    pub(crate) fn note_directory(&mut self, parent: &Place, name: &OsStr) -> Meeting {
        self.take(parent, name, Taken::Directory(name.to_owned()))
    }

    fn take(&mut self, parent: &Place, name: &OsStr, taken: Taken) -> Meeting {
        let folds = parent.volume.is_case_insensitive;
        if !folds && !self.may_meet {
            return Meeting::First;
        }
        let target = parent.below.join(name);
        let key =
            if folds { fold(&target).into_bytes() } else { target.as_encoded_bytes().to_vec() };
        match self.seen.entry((parent.anchor, key)) {
            Entry::Vacant(vacant) => {
                vacant.insert(taken);
                Meeting::First
            }
            Entry::Occupied(known) if taken != Taken::Item && *known.get() == taken => {
                Meeting::Merge
            }
            Entry::Occupied(_) => Meeting::Collision,
        }
    }
}

/// One text for all spellings that a case-insensitive, normalising volume takes for one.
fn fold(path: &RelPath) -> String {
    path.as_path().to_string_lossy().nfc().flat_map(char::to_lowercase).nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_rules() {
        for bad in [
            "a:b",
            "a?",
            "x ",
            "x.",
            "con",
            "CON.txt",
            "nul",
            "COM1",
            "com\u{b9}",
            "LPT9.log",
            "CONIN$",
            "tab\t",
            "CON .txt",
        ] {
            assert!(name_refusal(OsStr::new(bad), NameRules::Windows).is_some(), "{bad}");
        }
        for good in ["console", "COM0", "COM10", "a b", ".hidden", "\u{1f600}", "lpt"] {
            assert_eq!(name_refusal(OsStr::new(good), NameRules::Windows), None, "{good}");
        }
    }

    #[test]
    fn length_is_counted_in_the_volumes_own_units() {
        let wide = "\u{1f600}".repeat(127);
        assert_eq!(name_refusal(OsStr::new(&wide), NameRules::Windows), None);
        assert!(name_refusal(OsStr::new(&wide), NameRules::Posix).is_some());
        assert_eq!(name_refusal(OsStr::new(&"a".repeat(255)), NameRules::Posix), None);
        assert!(name_refusal(OsStr::new(&"a".repeat(256)), NameRules::Posix).is_some());
    }

    #[test]
    fn case_and_normalisation_fold_to_one() {
        let path = |text: &str| RelPath::new(text).unwrap();
        assert_eq!(fold(&path("Dir/FILE")), fold(&path("dir/file")));
        assert_eq!(fold(&path("e\u{301}")), fold(&path("\u{c9}")));
        assert_ne!(fold(&path("a")), fold(&path("b")));
    }
}
