//! A file system whose power can be cut at any call, and what a reboot finds then.
//!
//! Calls before the cut behave as ever; from the cut on, every call fails and changes nothing.
//! What is durable by then is decided in the fake file system; what of the rest survives, here.

use std::collections::BTreeSet;
use std::sync::Mutex;

use surecopy_fs::{FsError, FsErrorKind, Operation};

use crate::fake::{Body, Content, FakeFs, FileBody, Ino, Inode, State, apply_names};
use crate::intercept::{Gate, Intercepted, Verdict};
use crate::random::Random;

/// What survives of that which was never flushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashStyle {
    /// Nothing.
    OnlyDurable,
    /// All names and permissions, but no data: what a journal of metadata leaves. A file that was
    /// never flushed has no content.
    NamesSurvive,
    /// Everything.
    Everything,
    /// Names up to some moment; of each file's data all, nothing or some pages. The same seed
    /// gives the same result.
    Seeded(u64),
}

/// Counts calls, and refuses them once the power is off.
#[derive(Debug)]
pub struct PowerCut {
    state: Mutex<Power>,
}

#[derive(Debug, Default)]
struct Power {
    steps: u64,
    off_at: Option<u64>,
    log: Vec<Operation>,
}

/// A fake file system whose power can be cut.
pub type CrashFs = Intercepted<FakeFs, PowerCut>;

impl Intercepted<FakeFs, PowerCut> {
    /// Takes over a fake file system; all that stands in it is durable.
    pub fn new(fake: FakeFs) -> Self {
        fake.lock().track_durability();
        Self { inner: fake, gate: PowerCut { state: Mutex::default() } }
    }

    /// Cuts the power just before the call with this number, counted from 1.
    pub fn power_off_at(self, step: u64) -> Self {
        self.gate.power().off_at = Some(step);
        self
    }

    /// Cuts the power now: the next call is the first that fails.
    pub fn power_off(&self) {
        let mut power = self.gate.power();
        power.off_at = Some(power.steps + 1);
    }

    /// The same running system for another process: nothing is lost, and what was not durable yet
    /// still is not.
    pub fn for_another_process(&self) -> Self {
        Self { inner: self.inner.clone(), gate: PowerCut { state: Mutex::default() } }
    }

    /// How many calls there were, those after the cut included.
    pub fn steps(&self) -> u64 {
        self.gate.power().steps
    }

    /// What was asked for, in order, those after the cut included.
    pub fn log(&self) -> Vec<Operation> {
        self.gate.power().log.clone()
    }

    /// Whether the power was cut. A test that does not ask may have tested nothing.
    pub fn fired(&self) -> bool {
        let power = self.gate.power();
        power.off_at.is_some_and(|off_at| power.steps >= off_at)
    }

    /// The file system as it is now, before any crash.
    pub fn live(&self) -> &FakeFs {
        &self.inner
    }

    /// The file system as a reboot would find it if the power failed now (or, if it has failed,
    /// as it was then). It stands on its own: handles of this one mean nothing to it.
    pub fn after_crash(&self, style: CrashStyle) -> FakeFs {
        let mut state = self.inner.lock().clone();
        reboot(&mut state, style);
        FakeFs::of_state(state)
    }
}

impl PowerCut {
    fn power(&self) -> std::sync::MutexGuard<'_, Power> {
        self.state.lock().expect("a test that panicked has failed already")
    }
}

impl Gate for PowerCut {
    const FAILED_FLUSH_LOSES: bool = false;

    fn decide(&self, operation: Operation, _can_decline: bool) -> Verdict {
        let mut power = self.power();
        power.steps += 1;
        power.log.push(operation);
        if power.off_at.is_some_and(|off_at| power.steps >= off_at) {
            Verdict::Fail(FsError {
                operation,
                kind: FsErrorKind::Io,
                source: std::io::Error::other("power off"),
            })
        } else {
            Verdict::Pass
        }
    }
}

/// Turns a running system's state into what the next boot sees.
fn reboot(state: &mut State, style: CrashStyle) {
    let Some(durability) = state.durability.take() else { return };
    let mut random = Random::new(match style {
        CrashStyle::Seeded(seed) => seed,
        CrashStyle::OnlyDurable | CrashStyle::NamesSurvive | CrashStyle::Everything => 0,
    });
    let surviving_changes = match style {
        CrashStyle::OnlyDurable => 0,
        CrashStyle::NamesSurvive | CrashStyle::Everything => durability.pending.len(),
        CrashStyle::Seeded(_) => random.below(durability.pending.len() as u64 + 1) as usize,
    };
    let mut entries = durability.entries;
    for change in &durability.pending[..surviving_changes] {
        apply_names(entries.entry(change.dir).or_default(), &change.names);
    }
    for (ino, inode) in &mut state.inodes {
        let image = durability.images.get(ino);
        if let Body::Dir(dir) = &mut inode.body {
            dir.entries = entries.remove(ino).unwrap_or_default();
            continue;
        }
        survive(inode, image, style, &mut random);
    }
    forget_the_session(state);
}

/// Decides what one inode is like after the crash. `inode` is as memory had it, `image` as it was
/// flushed.
fn survive(inode: &mut Inode, image: Option<&Inode>, style: CrashStyle, random: &mut Random) {
    let flushed = image.map_or_else(Content::default, content_of);
    let live = content_of(inode);
    let content = match style {
        CrashStyle::OnlyDurable => {
            // A file whose name survives without it ever having been flushed exists, and is empty.
            if let Some(image) = image {
                *inode = image.clone();
            }
            flushed
        }
        CrashStyle::NamesSurvive => flushed,
        CrashStyle::Everything => live,
        CrashStyle::Seeded(_) => match random.below(3) {
            0 => flushed,
            1 => live,
            _ => torn(&flushed, &live, random),
        },
    };
    if let Body::File(file) = &mut inode.body {
        *file = FileBody { content, ..FileBody::default() };
    }
}

fn content_of(inode: &Inode) -> Content {
    match &inode.body {
        Body::File(file) => file.device_content(),
        Body::Dir(_) | Body::Symlink(_) | Body::Special(_) => Content::default(),
    }
}

/// The new length with some pages old and some new.
fn torn(flushed: &Content, live: &Content, random: &mut Random) -> Content {
    let mut content = flushed.clone();
    content.set_size(live.size());
    for page in live.written_pages() {
        if random.below(2) == 0 {
            content.put_page(page, live.page(page).cloned());
        }
    }
    content
}

/// Drops what does not outlive a boot: handles, locks, caches, and inodes without a name.
fn forget_the_session(state: &mut State) {
    let mut named: BTreeSet<Ino> = BTreeSet::from([state.root]);
    let mut names: Vec<Ino> = Vec::new();
    let mut waiting = vec![state.root];
    while let Some(ino) = waiting.pop() {
        let children: Vec<Ino> =
            state.dir(ino).map(|dir| dir.entries.values().copied().collect()).unwrap_or_default();
        for child in children {
            names.push(child);
            if named.insert(child) {
                waiting.push(child);
            }
        }
    }
    state.inodes.retain(|ino, _| named.contains(ino));
    for volume in &mut state.volumes {
        (volume.used_bytes, volume.used_files) = (0, 0);
    }
    for inode in state.inodes.values_mut() {
        (inode.open_count, inode.link_count, inode.is_locked) = (0, 0, false);
        inode.charged_bytes = 0;
        state.volumes[inode.volume].used_files += 1;
    }
    for ino in names {
        state.inode_mut(ino).link_count += 1;
    }
    for ino in named {
        state.settle_room(ino);
    }
    state.corruptions.clear();
    state.counts.clear();
    state.trace.clear();
    state.bytes_read.clear();
}
