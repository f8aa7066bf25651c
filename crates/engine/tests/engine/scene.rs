//! The tree that faults and power cuts are tried on: one of everything.

use std::sync::OnceLock;

use surecopy_engine::{CopySpec, StrategyChoice};
use surecopy_fs::{FileSystem, Timestamp};
use surecopy_testkit::{FakeFs, Random, VolumeSettings};

use crate::job::{CHUNK, spec};

/// Long enough for several chunks, windows and short transfers.
const BIG: usize = CHUNK + 1234;

/// The ways through the engine that are worth a pass of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The kernel copies, mapped comparison proves, one flush serves the group.
    Kernel,
    /// Chunks through memory, digests, one flush for the group.
    Staged,
    /// A volume that knows none of the extras, so every file is flushed on its own and the old
    /// file is copied to be kept.
    Plain,
    /// A volume without exchange: the old file is kept by a hard link.
    NoExchange,
}

impl Way {
    pub(crate) const ALL: [Way; 4] = [Way::Kernel, Way::Staged, Way::Plain, Way::NoExchange];

    fn settings(self) -> VolumeSettings {
        let mut settings = VolumeSettings::of("ext4");
        settings.can_copy_range_across = true;
        match self {
            Way::Kernel | Way::Staged => settings,
            Way::Plain => settings.without_extras(),
            Way::NoExchange => {
                settings.can_exchange = false;
                settings.can_flush_group = false;
                settings
            }
        }
    }

    pub(crate) fn spec<F: FileSystem>(self, fs: &F) -> CopySpec {
        let mut spec = spec(fs, &["/src/"], "/dst");
        if self == Way::Staged {
            spec.strategy = StrategyChoice::Staged;
        }
        spec
    }
}

/// `/src` with one of everything, `/dst` (a volume of its own) with files to be replaced and one
/// that is not concerned.
pub(crate) fn scene(way: Way) -> FakeFs {
    let fs = FakeFs::new();
    let (big, old_big) = big_contents();
    fs.file("/src/new", "a new file");
    fs.file("/src/replaced", "what is to replace it");
    for name in ["one/a", "one/b", "one/c", "two/d", "two/deep/e"] {
        fs.file(format!("/src/{name}"), format!("a small file by the name of {name}"));
    }
    fs.file("/src/big-replaced", big);
    fs.symlink("/src/link", "new");
    fs.symlink("/src/link-replaced", "replaced");
    fs.link("/src/new", "/src/twin");
    fs.dir("/src/empty");
    let past = Timestamp { secs: 1_000, nanos: 5 };
    for name in ["new", "replaced", "one/a", "big-replaced", "one", "two", ""] {
        fs.modified(format!("/src/{name}"), past);
    }
    fs.mount("/dst", way.settings());
    fs.file("/dst/replaced", "the old file");
    fs.file("/dst/big-replaced", old_big);
    fs.symlink("/dst/link-replaced", "elsewhere");
    fs.file("/dst/not-concerned", "somebody's");
    for name in ["replaced", "big-replaced", "not-concerned", ""] {
        fs.modified(format!("/dst/{name}"), Timestamp { secs: 500, nanos: 9 });
    }
    fs.limit_transfers(CHUNK - 1);
    fs
}

/// Made once: every test begins with the same scene, thousands of times.
fn big_contents() -> &'static (Vec<u8>, Vec<u8>) {
    static CONTENTS: OnceLock<(Vec<u8>, Vec<u8>)> = OnceLock::new();
    CONTENTS.get_or_init(|| (Random::new(11).bytes(BIG), Random::new(12).bytes(CHUNK + 7)))
}
