//! The volumes of a fake file system: what each offers, and how full it is.

use surecopy_fs::{
    FilesystemKind, FsErrorKind, GroupFlush, NameRules, Volume, VolumeIdentity, VolumeKind,
    VolumeSpace,
};

use super::content::PAGE;

/// What a fake volume is like. Every switch is public, so that a test can take away one ability
/// and leave the rest.
#[derive(Debug, Clone)]
pub struct VolumeSettings {
    /// The file system it claims to be.
    pub filesystem: &'static FilesystemKind,
    /// Which volume it says it is. One that is mounted without is given one of its own, which it
    /// keeps; one that a remount takes it from does not say.
    pub identity: Option<VolumeIdentity>,
    /// Bytes it can hold; `None` is no limit.
    pub capacity_bytes: Option<u64>,
    /// Entries it can hold; `None` is no limit.
    pub max_files: Option<u64>,
    /// Names that differ only in case are one name.
    pub is_case_insensitive: bool,
    /// Nothing can be changed.
    pub is_read_only: bool,
    /// The disk has gone: what only memory is asked for is answered still, and nothing else.
    pub is_gone: bool,
    /// Whole files can be cloned.
    pub can_clone: bool,
    /// Ranges can be copied inside the kernel, within the volume.
    pub can_copy_range: bool,
    /// Ranges can be copied inside the kernel from other volumes too.
    pub can_copy_range_across: bool,
    /// Two names can be exchanged.
    pub can_exchange: bool,
    /// Files can have several names.
    pub can_hard_link: bool,
    /// Files can be locked.
    pub can_lock: bool,
    /// Extended attributes can be stored.
    pub can_store_xattrs: bool,
    /// Files can be read past the cache.
    pub can_read_direct: bool,
    /// The whole volume can be flushed with errors reported.
    pub can_flush_group: bool,
    /// Holes can be stored.
    pub can_store_holes: bool,
    /// Holes can be told from data.
    pub can_find_holes: bool,
    /// Room can be reserved.
    pub can_preallocate: bool,
    /// Files can be compared through memory maps.
    pub can_compare_mapped: bool,
    /// Cached pages can be dropped and counted.
    pub can_drop_cache: bool,
    /// Memory is all there is, so that dropping pages leaves them where they are.
    pub is_memory: bool,
}

impl VolumeSettings {
    /// A volume that offers what the named file system offers.
    pub fn of(filesystem: &str) -> Self {
        let kind = FilesystemKind::named(filesystem);
        let is_fat = matches!(kind.name, "vfat" | "exfat");
        Self {
            filesystem: kind,
            identity: None,
            capacity_bytes: None,
            max_files: None,
            is_case_insensitive: kind.is_case_insensitive,
            is_read_only: false,
            is_gone: false,
            can_clone: matches!(kind.name, "btrfs" | "xfs" | "bcachefs"),
            can_copy_range: !is_fat,
            can_copy_range_across: false,
            can_exchange: !is_fat && !kind.is_network,
            can_hard_link: !is_fat,
            can_lock: true,
            can_store_xattrs: !is_fat,
            can_read_direct: !matches!(kind.name, "tmpfs" | "ramfs"),
            can_flush_group: kind.group_flush != GroupFlush::No,
            can_store_holes: kind.can_store_holes,
            can_find_holes: kind.can_store_holes,
            can_preallocate: !kind.is_network,
            can_compare_mapped: true,
            can_drop_cache: true,
            is_memory: matches!(kind.name, "tmpfs" | "ramfs"),
        }
    }

    /// The same with this identity.
    ///
    /// # Panics
    /// When the text is not that of an identity.
    #[track_caller]
    pub fn identity(mut self, text: &str) -> Self {
        self.identity = Some(text.parse().expect("an identity has an origin and a value"));
        self
    }

    /// The same with this many bytes of room.
    pub fn capacity_bytes(mut self, bytes: u64) -> Self {
        self.capacity_bytes = Some(bytes);
        self
    }

    /// The same with room for this many entries.
    pub fn max_files(mut self, files: u64) -> Self {
        self.max_files = Some(files);
        self
    }

    /// The same, but read-only.
    pub fn read_only(mut self) -> Self {
        self.is_read_only = true;
        self
    }

    /// The same, but offering none of the operations that a volume may not know.
    pub fn without_extras(mut self) -> Self {
        self.can_clone = false;
        self.can_copy_range = false;
        self.can_exchange = false;
        self.can_hard_link = false;
        self.can_lock = false;
        self.can_read_direct = false;
        self.can_flush_group = false;
        self.can_find_holes = false;
        self.can_preallocate = false;
        self.can_compare_mapped = false;
        self.can_drop_cache = false;
        self
    }
}

impl Default for VolumeSettings {
    fn default() -> Self {
        Self::of("ext4")
    }
}

/// A volume and what is stored on it.
#[derive(Debug, Clone)]
pub(crate) struct FakeVolume {
    pub(crate) settings: VolumeSettings,
    pub(crate) used_bytes: u64,
    pub(crate) used_files: u64,
}

impl FakeVolume {
    /// The volume with this number.
    pub(crate) fn new(number: u64, mut settings: VolumeSettings) -> Self {
        if settings.identity.is_none() {
            settings = settings.identity(&format!("fake:{number}"));
        }
        Self { settings, used_bytes: 0, used_files: 0 }
    }

    /// How many more pages fit.
    pub(crate) fn free_pages(&self) -> u64 {
        self.settings
            .capacity_bytes
            .map_or(u64::MAX, |capacity| capacity.saturating_sub(self.used_bytes) / PAGE)
    }

    /// Whether one more entry fits, and may be made at all.
    pub(crate) fn check_new_entry(&self) -> Result<(), FsErrorKind> {
        self.check_writable()?;
        let is_full = self.settings.max_files.is_some_and(|most| self.used_files >= most);
        if is_full { Err(FsErrorKind::NoSpace) } else { Ok(()) }
    }

    pub(crate) fn check_writable(&self) -> Result<(), FsErrorKind> {
        self.check_device()?;
        if self.settings.is_read_only { Err(FsErrorKind::ReadOnlyVolume) } else { Ok(()) }
    }

    /// Whether there is a disk to ask.
    pub(crate) fn check_device(&self) -> Result<(), FsErrorKind> {
        if self.settings.is_gone { Err(FsErrorKind::Io) } else { Ok(()) }
    }

    /// Whether the volume can hold such a name.
    pub(crate) fn check_new_name(&self, name: &[u8]) -> Result<(), FsErrorKind> {
        if self.settings.filesystem.name_rules == NameRules::Posix {
            return Ok(());
        }
        let text = std::str::from_utf8(name).map_err(|_| FsErrorKind::InvalidInput)?;
        let is_refused = text.chars().any(|c| c.is_control() || "<>:\"\\|?*".contains(c))
            || text.ends_with([' ', '.']);
        if is_refused { Err(FsErrorKind::InvalidInput) } else { Ok(()) }
    }

    /// The longest file it can hold.
    pub(crate) fn max_file_bytes(&self) -> u64 {
        self.settings.filesystem.max_file_size_bytes.unwrap_or(i64::MAX as u64)
    }

    pub(crate) fn describe(&self, id: u64) -> Volume {
        let settings = &self.settings;
        let kind = settings.filesystem;
        Volume {
            id,
            identity: settings.identity.clone(),
            filesystem: kind,
            kind: if kind.is_network { VolumeKind::Network } else { VolumeKind::Local },
            is_read_only: settings.is_read_only,
            is_case_insensitive: settings.is_case_insensitive,
            space: VolumeSpace {
                free_bytes: settings.capacity_bytes.map(|all| all.saturating_sub(self.used_bytes)),
                free_files: settings.max_files.map(|all| all.saturating_sub(self.used_files)),
            },
        }
    }
}
