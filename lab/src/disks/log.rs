//! What was done to the disks, in order.

use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

/// One thing that was done to a disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    /// Written; nobody knows when it is on the disk.
    Write { disk: usize, at: u64, data: Vec<u8> },
    /// All that was written to this disk before is on it.
    Flush { disk: usize },
}

impl Entry {
    pub(crate) fn disk(&self) -> usize {
        match self {
            Entry::Write { disk, .. } | Entry::Flush { disk } => *disk,
        }
    }

    /// Appends it to a file; that is what [`Log::read`] reads.
    pub(crate) fn write_to(&self, mut file: impl Write) -> io::Result<()> {
        let (kind, at, data) = match self {
            Entry::Write { at, data, .. } => (b'w', *at, data.as_slice()),
            Entry::Flush { .. } => (b'f', 0, &[][..]),
        };
        let mut head = vec![kind];
        for number in [self.disk() as u64, at, data.len() as u64] {
            head.extend_from_slice(&number.to_le_bytes());
        }
        file.write_all(&head)?;
        file.write_all(data)
    }

    fn read_from(mut file: impl Read) -> Result<Option<Self>> {
        let mut head = [0; 25];
        match file.read_exact(&mut head[..1]) {
            Ok(()) => file.read_exact(&mut head[1..])?,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        let number = |from: usize| -> Result<u64> {
            Ok(u64::from_le_bytes(head[from..from + 8].try_into()?))
        };
        let disk = usize::try_from(number(1)?)?;
        match head[0] {
            b'w' => {
                let mut data = vec![0; usize::try_from(number(17)?)?];
                file.read_exact(&mut data)?;
                Ok(Some(Entry::Write { disk, at: number(9)?, data }))
            }
            b'f' => Ok(Some(Entry::Flush { disk })),
            other => bail!("an entry of kind {other}"),
        }
    }
}

/// All that was done to some disks. A position in it is a number of entries, and a moment.
pub(crate) struct Log {
    pub(crate) entries: Vec<Entry>,
}

impl Log {
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("open {}", path.display()))?;
        let mut file = BufReader::new(file);
        let mut entries = Vec::new();
        while let Some(entry) = Entry::read_from(&mut file)? {
            entries.push(entry);
        }
        Ok(Self { entries })
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// How often something was flushed.
    pub(crate) fn flushes(&self) -> usize {
        self.entries.iter().filter(|entry| matches!(entry, Entry::Flush { .. })).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_as_they_were_written() {
        let entries = [
            Entry::Write { disk: 1, at: 512, data: b"abc".to_vec() },
            Entry::Flush { disk: 0 },
            Entry::Write { disk: 0, at: 0, data: Vec::new() },
        ];
        let mut bytes = Vec::new();
        for entry in &entries {
            entry.write_to(&mut bytes).expect("memory takes it");
        }
        let mut rest = bytes.as_slice();
        for entry in entries {
            assert_eq!(Entry::read_from(&mut rest).expect("it is whole"), Some(entry));
        }
        assert_eq!(Entry::read_from(&mut rest).expect("it is the end"), None);
        assert!(Entry::read_from(&bytes[..20]).is_err(), "a part of an entry is no end");
    }
}
