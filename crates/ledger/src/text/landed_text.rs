//! By what both ends of an item are known again, as members of a JSON object, and back again.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use surecopy_engine::{Landed, Seen};

use crate::error::{Fault, Result};
use crate::text::seen::{Numbers, from_numbers, to_numbers};

/// How the new entry is known again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum TargetSeen {
    /// Of the size and time of the source: the numbers of volume and file.
    Alike(u64, u64),
    Other(u64, u64, u64, i64, u32),
}

impl TargetSeen {
    pub(crate) fn new(target: Seen, source: Seen) -> Self {
        let (volume, file, size, secs, nanos) = to_numbers(target);
        if target.size_bytes == source.size_bytes && target.modified == source.modified {
            TargetSeen::Alike(volume, file)
        } else {
            TargetSeen::Other(volume, file, size, secs, nanos)
        }
    }

    fn read(&self, source: Seen) -> Result<Seen> {
        match *self {
            TargetSeen::Alike(volume, file) => {
                let (.., size, secs, nanos) = to_numbers(source);
                from_numbers((volume, file, size, secs, nanos))
            }
            TargetSeen::Other(volume, file, size, secs, nanos) => {
                from_numbers((volume, file, size, secs, nanos))
            }
        }
    }
}

/// By hand: what serde makes of it tries one way after the other, which takes longer than all the rest
/// of a report.
impl<'de> Deserialize<'de> for TargetSeen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Two;

        impl<'de> Visitor<'de> for Two {
            type Value = TargetSeen;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("two numbers or five")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<TargetSeen, A::Error> {
                let cut_off = || A::Error::custom("what is remembered of a file is cut off");
                let volume = seq.next_element()?.ok_or_else(cut_off)?;
                let file = seq.next_element()?.ok_or_else(cut_off)?;
                let Some(size) = seq.next_element()? else {
                    return Ok(TargetSeen::Alike(volume, file));
                };
                let secs = seq.next_element()?.ok_or_else(cut_off)?;
                let nanos = seq.next_element()?.ok_or_else(cut_off)?;
                Ok(TargetSeen::Other(volume, file, size, secs, nanos))
            }
        }

        deserializer.deserialize_seq(Two)
    }
}

/// By what both ends are known again, of an item that has that.
pub(crate) fn landed(
    source: Option<Numbers>,
    target: Option<TargetSeen>,
    replaced: Option<Numbers>,
) -> Result<Option<Landed>> {
    let Some((source, target)) = source.zip(target) else { return Ok(None) };
    let source = from_numbers(source)?;
    let replaced = replaced.map(from_numbers).transpose()?;
    Ok(Some(Landed { source, target: target.read(source)?, replaced }))
}

/// The size of an item. When it is left out, it is that of the source that was copied.
pub(crate) fn size_bytes(size: Option<u64>, landed: Option<&Landed>) -> Result<u64> {
    let size = size.or(landed.map(|landed| landed.source.size_bytes));
    size.ok_or_else(|| Fault::content("an item without a size"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_cut_off_or_goes_on_is_refused() {
        let read = |text: &str| serde_json::from_str::<TargetSeen>(text);
        assert_eq!(read("[1,2]").unwrap(), TargetSeen::Alike(1, 2));
        assert_eq!(read("[1,2,3,-4,5]").unwrap(), TargetSeen::Other(1, 2, 3, -4, 5));
        for text in ["[]", "[1]", "[1,2,3]", "[1,2,3,-4]", "[1,2,3,-4,5,6]", "[1,-2]", "12"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
