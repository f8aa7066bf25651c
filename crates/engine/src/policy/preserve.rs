//! What is kept besides content.

/// Which properties of a source are given to its target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Preserve {
    /// Modification time (and access time).
    pub timestamps: bool,
    /// Permission bits.
    pub permissions: bool,
    /// Extended attributes.
    pub xattrs: bool,
    /// POSIX access control lists.
    pub acls: bool,
    /// Symbolic links are made as links; otherwise they are skipped with a warning.
    pub links: bool,
    /// Holes stay holes.
    pub holes: bool,
    /// Owner.
    pub owner: bool,
    /// Group.
    pub group: bool,
    /// Names of one file stay names of one file.
    pub hard_links: bool,
    /// The setuid, setgid and file-capability bits, which are dropped otherwise.
    pub set_id: bool,
}

/// One property by its name on the command line.
type Property = (&'static str, fn(&mut Preserve) -> &mut bool);

/// The names accepted by `--preserve`.
const PROPERTIES: [Property; 10] = [
    ("timestamps", |p| &mut p.timestamps),
    ("permissions", |p| &mut p.permissions),
    ("xattrs", |p| &mut p.xattrs),
    ("acls", |p| &mut p.acls),
    ("links", |p| &mut p.links),
    ("holes", |p| &mut p.holes),
    ("owner", |p| &mut p.owner),
    ("group", |p| &mut p.group),
    ("hard-links", |p| &mut p.hard_links),
    ("set-id", |p| &mut p.set_id),
];

impl Preserve {
    /// Nothing but content.
    pub const NONE: Preserve = Preserve {
        timestamps: false,
        permissions: false,
        xattrs: false,
        acls: false,
        links: false,
        holes: false,
        owner: false,
        group: false,
        hard_links: false,
        set_id: false,
    };

    /// What any user can expect of a copy of their own files.
    pub const DEFAULT: Preserve = Preserve {
        timestamps: true,
        permissions: true,
        xattrs: true,
        acls: true,
        links: true,
        holes: true,
        ..Preserve::NONE
    };

    /// Everything (`-a`).
    pub const ALL: Preserve =
        Preserve { owner: true, group: true, hard_links: true, set_id: true, ..Preserve::DEFAULT };

    /// The names accepted by [`Preserve::set`].
    pub fn names() -> impl Iterator<Item = &'static str> {
        PROPERTIES.iter().map(|(name, _)| *name)
    }

    /// Switches one property by name; `None` when there is no such property.
    pub fn set(&mut self, name: &str, keep: bool) -> Option<()> {
        let (_, field) = PROPERTIES.iter().find(|(known, _)| *known == name)?;
        *field(self) = keep;
        Some(())
    }

    /// The names of the properties that are kept.
    pub fn kept(self) -> Vec<&'static str> {
        let mut copy = self;
        PROPERTIES.iter().filter(|(_, field)| *field(&mut copy)).map(|(name, _)| *name).collect()
    }
}

impl Default for Preserve {
    fn default() -> Self {
        Preserve::DEFAULT
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_switches_its_own_property() {
        for name in Preserve::names() {
            let mut preserve = Preserve::NONE;
            preserve.set(name, true).unwrap();
            assert_eq!(preserve.kept(), [name]);
        }
        let mut none = Preserve::NONE;
        assert_eq!(none.set("mode", true), None);
        assert_eq!(Preserve::ALL.kept().len(), PROPERTIES.len());
    }
}
