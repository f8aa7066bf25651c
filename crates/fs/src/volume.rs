//! What is known about a volume.

use std::fmt;
use std::str::FromStr;

use crate::kinds::FilesystemKind;

/// Which volume this is, whenever and wherever it is mounted.
///
/// The same volume has the same one after it was mounted again and after a reboot; another volume
/// at the same path has another. What was copied block by block, such as the image of a disk or a
/// snapshot below the file system, cannot be told from its original. A volume in memory lives as
/// long as it is mounted.
///
/// It is kept as text, such as `uuid:594335e0-884d-49c2-968a-134c73335c38`: where it comes from, a
/// colon, and what was said there. Two of them are compared and not taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VolumeIdentity(String);

/// The text is not that of a [`VolumeIdentity`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not the identity of a volume")]
pub struct InvalidVolumeIdentity;

impl VolumeIdentity {
    /// The text that is the same for the same volume.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for VolumeIdentity {
    type Err = InvalidVolumeIdentity;

    /// Takes back what [`as_str`](Self::as_str) gave.
    fn from_str(text: &str) -> Result<Self, InvalidVolumeIdentity> {
        let (origin, said) = text.split_once(':').ok_or(InvalidVolumeIdentity)?;
        let is_plain = text.bytes().all(|byte| byte.is_ascii_graphic());
        if origin.is_empty() || said.is_empty() || !is_plain {
            return Err(InvalidVolumeIdentity);
        }
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Display for VolumeIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a volume lives, as the OS tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VolumeKind {
    /// On this machine.
    Local,
    /// On another machine.
    Network,
}

/// Room on a volume.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VolumeSpace {
    /// Bytes this user may still write; `None` when the volume does not say.
    pub free_bytes: Option<u64>,
    /// Files this user may still create; `None` when the volume has no fixed number.
    pub free_files: Option<u64>,
}

/// A volume and what it can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Volume {
    /// Identity while mounted (the device number).
    pub id: u64,
    /// Identity for good; `None` where nothing is known that can be trusted.
    pub identity: Option<VolumeIdentity>,
    /// The file system, with its known properties.
    pub filesystem: &'static FilesystemKind,
    /// Local or network, judged by the OS and never by the path.
    pub kind: VolumeKind,
    /// Mounted read-only.
    pub is_read_only: bool,
    /// Names that differ only in case are one name in this directory.
    pub is_case_insensitive: bool,
    /// Room.
    pub space: VolumeSpace,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_is_text_and_back() {
        for text in ["uuid:594335e0-884d-49c2-968a-134c73335c38", "fsid:dd6d210fcd56f873", "a:b:c"]
        {
            let identity: VolumeIdentity = text.parse().unwrap();
            assert_eq!((identity.as_str(), identity.to_string().as_str()), (text, text));
        }
        for text in ["", "uuid", ":", "uuid:", ":x", "uuid:a b", "uuid:a\n", "uuid:\u{e9}"] {
            assert_eq!(text.parse::<VolumeIdentity>(), Err(InvalidVolumeIdentity), "{text:?}");
        }
    }
}
