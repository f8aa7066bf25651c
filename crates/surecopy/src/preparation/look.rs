//! The first two phases: what the index says, and how much of that still holds.

use std::sync::Arc;

use surecopy_engine::{Cancelled, Control, Event, Observer, Phase, Progress, Warning, WarningKind};
use surecopy_fs::FileSystem;

use super::asked::{Asked, PrepareMode, SourceRoot};
use super::memory::{Clock, Memory};
use super::troubles::Notices;
use crate::clock::SystemClock;

/// Who watches a run, and who may end it.
#[derive(Clone, Copy)]
pub(crate) struct Watched<'a> {
    pub(crate) observer: &'a dyn Observer,
    pub(crate) clock: &'a SystemClock,
    pub(crate) control: &'a Control,
    pub(crate) progress: &'a Arc<Progress>,
}

impl Watched<'_> {
    pub(super) fn run<T>(&self, phase: Phase, work: impl FnOnce() -> T) -> T {
        phase.run(self.observer, self.clock, self.progress, work)
    }

    /// Tells what there is to say of the use of an index; returns how much that was.
    pub(crate) fn tell(&self, notices: Notices) -> u64 {
        let told = notices.len() as u64;
        for (path, message) in notices {
            let warning = Warning { kind: WarningKind::Index, path, message };
            self.observer.on_event(Event::Warned(warning));
        }
        told
    }
}

/// What is remembered of the sources, and how many warnings were given.
pub(crate) struct LookedUp<F: FileSystem> {
    pub(crate) memory: Option<Memory<F>>,
    pub(crate) warnings: u64,
}

/// Goes through the first two phases.
pub(crate) fn look_up<F: FileSystem>(
    fs: &Arc<F>,
    clock: &Clock,
    asked: &Asked,
    sources: &[SourceRoot<'_>],
    threads: usize,
    watched: Watched<'_>,
) -> Result<LookedUp<F>, Cancelled> {
    watched.control.checkpoint()?;
    let (mut memory, notices) = watched.run(Phase::QuickAssessment, || {
        let (memory, notices) = Memory::assess(fs, clock, asked, sources);
        if let Some(expected) = memory.as_ref().and_then(Memory::expected) {
            watched.progress.expect(expected);
        }
        (memory, notices)
    });
    let warnings = watched.tell(notices);
    let has_news =
        |memory: &&mut Memory<F>| asked.mode != PrepareMode::Scan && memory.knows_something();
    if let Some(memory) = memory.as_mut().filter(has_news) {
        watched.run(Phase::StalenessValidation, || {
            memory.validate(threads, watched.control, watched.progress)
        })?;
        if let Some(found) = memory.validated() {
            watched.observer.on_event(Event::Validated {
                fresh: found.fresh,
                stale: found.stale,
                gone: found.gone,
                confidence: found.confidence.as_str(),
            });
        }
    }
    Ok(LookedUp { memory, warnings })
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;
    use std::time::Duration;

    use surecopy_engine::{Catalog as _, NoObserver};
    use surecopy_fs::RelPath;
    use surecopy_testkit::{FakeFs, VolumeSettings};

    use super::super::asked::Unknown;
    use super::super::request::PrepareRequest;
    use super::*;

    #[test]
    fn a_copy_lists_what_cannot_tell_that_it_has_changed() {
        let folder = tempfile::tempdir().unwrap();
        for (kind, is_remembered) in [
            ("ext4", true),
            ("ext3", true),
            ("exfat", false),
            ("vfat", false),
            ("fuse.gphotofs", false),
            ("overlay", false),
            ("nfs", false),
            ("brandnewfs", false),
        ] {
            let index = folder.path().join(kind);
            let fs = Arc::new(FakeFs::new());
            fs.mount("/disk", VolumeSettings::of(kind));
            fs.file("/disk/data/a", "1").pass(Duration::from_secs(60));
            let machine = Arc::clone(&fs);
            let clock: Clock = Arc::new(move || machine.moment());
            let request = PrepareRequest::new(["/disk/data"]).index(&index);
            request.prepare_on(Arc::clone(&fs), Arc::clone(&clock)).unwrap().run(&NoObserver);
            for distrusts_low_confidence in [true, false] {
                let asked = Asked {
                    index: index.clone(),
                    mode: PrepareMode::Auto,
                    unknown: Unknown::LeftOut,
                    distrusts_low_confidence,
                    is_unfiltered: true,
                    records: true,
                };
                let source =
                    SourceRoot { root: &PathBuf::from("/disk/data"), below: &RelPath::root() };
                let watched = Watched {
                    observer: &NoObserver,
                    clock: &SystemClock::new(),
                    control: &Control::new(),
                    progress: &Arc::default(),
                };
                let looked_up = look_up(&fs, &clock, &asked, &[source], 1, watched).unwrap();
                let memory = looked_up.memory.unwrap();
                assert_eq!(memory.validated().unwrap().stale, 0, "{kind}");
                let entries = memory.entries(0, &RelPath::root());
                let expected = is_remembered || !distrusts_low_confidence;
                assert_eq!(entries.is_some(), expected, "{kind} {distrusts_low_confidence}");
            }
        }
    }
}
