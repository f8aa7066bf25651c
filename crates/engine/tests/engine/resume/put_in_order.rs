//! What a run that died has left is put in order, and what cannot be is left alone, told of, and
//! looked at again by the next run.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use surecopy_engine::{
    Control, CopySpec, Event, Fact, History, InFlight, ItemId, ItemStatus, JournalError, Known,
    MemoryWorkList, Publication, RecordedEnd, RootIdentity, Unsettled, WarningKind,
};
use surecopy_fs::{FileSystem, FsErrorKind, Operation, RelPath, Timestamp};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::done::Again;
use crate::job::{Ran, Recording, Records, carry_out_with, carry_out_within, spec};

const NEW: &[u8] = b"the new file";
const OLD: &[u8] = b"the old file, longer than the new one";
const THEIRS: &[u8] = b"what another program wrote";
const TARGET: &str = "/dst/sub/file";
/// The names that the dead run gave.
const PARTIAL: &str = "/dst/sub/.surecopy-0000000000000007-0000000000.partial";
const BACKUP: &str = "/dst/sub/.surecopy-0000000000000007-0000000001.backup";

/// What is known of a run that died.
#[derive(Default)]
struct Left(InFlight);

impl History for Left {
    fn known(&self, _: usize, _: &RelPath) -> Result<Known, JournalError> {
        Ok(Known::Nothing)
    }
    fn roots(&self) -> &[RootIdentity] {
        &[]
    }
    fn unfinished_directories(&self) -> &[(usize, RelPath)] {
        &[]
    }
    fn in_flight(&self) -> &InFlight {
        &self.0
    }
    fn is_finished(&self) -> bool {
        false
    }
}

/// A file is published, and what it replaced still has the backup's name.
fn published() -> (FakeFs, CopySpec, Publication) {
    let fs = FakeFs::new();
    fs.file("/src/sub/file", NEW).mount("/dst", VolumeSettings::of("ext4")).file(TARGET, OLD);
    let mut spec = spec(&fs, &["/src/"], "/dst");
    spec.keep_replaced = true;
    let fs = Arc::new(fs);
    let journal = Recording::default();
    carry_out_with(&fs, &spec, &journal, &Control::new()).all_ok();
    let publication = journal.facts().into_iter().find_map(|fact| match fact {
        Fact::Publishing { items } => items.into_iter().next(),
        _ => None,
    });
    (spec.keep_replaced, spec.nonce) = (false, 8);
    assert_eq!(fs.read(BACKUP).as_deref(), Some(OLD));
    ((*fs).clone(), spec, publication.expect("it was announced"))
}

fn unsettled(publication: &Publication, end: RecordedEnd) -> Left {
    let publications = vec![Unsettled { publication: publication.clone(), end }];
    Left(InFlight { publications, ..InFlight::default() })
}

struct Resumed {
    ran: Ran,
    facts: Vec<Fact>,
}

fn resume<F: FileSystem>(fs: &Arc<F>, spec: &CopySpec, left: &Left) -> Resumed {
    let (journal, work) = (Recording::default(), MemoryWorkList::default());
    let records = Records { journal: &journal, work: &work, history: Some(left) };
    let ran = carry_out_within(fs, spec, &records, &Control::new());
    let warned = ran.warnings().count() as u64;
    assert_eq!(ran.report.warnings, warned, "{}", ran.in_short());
    Resumed { ran, facts: journal.facts() }
}

impl Resumed {
    /// What nothing more is to be done about.
    fn settled(&self) -> Vec<ItemId> {
        let settled = self.facts.iter().filter_map(|fact| match fact {
            Fact::Settled { items } => Some(items.clone()),
            _ => None,
        });
        settled.flatten().collect()
    }

    /// How many are recorded as copied. What is found in place by the run itself was skipped.
    fn ended(&self) -> usize {
        let is_ok = |fact: &&Fact| matches!(fact, Fact::Ended { report, .. } if report.status == ItemStatus::Ok);
        self.facts.iter().filter(is_ok).count()
    }

    #[track_caller]
    fn warned_of(&self, path: &str) {
        let told = self.ran.warned_of(WarningKind::LeftBehind);
        assert_eq!(told, [PathBuf::from(path)], "{}", self.ran.in_short());
    }
}

#[test]
fn what_was_published_is_recorded_and_what_it_replaced_is_removed() {
    let (fs, spec, publication) = published();
    let fs = Arc::new(fs);
    let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::None));
    assert_eq!(resumed.settled(), [publication.item]);
    assert_eq!(resumed.ended(), 1);
    assert_eq!(fs.names("/dst/sub"), ["file"]);
    assert_eq!(fs.read(TARGET).as_deref(), Some(NEW));
    assert!(resumed.ran.warnings().all(|warning| warning.kind != WarningKind::LeftBehind));
}

/// Where a file is given its name by a link, the run may die before the other name goes.
#[test]
fn the_partial_name_of_what_was_published_goes_and_nothing_else_that_has_it() {
    for is_ours in [true, false] {
        let (fs, spec, publication) = published();
        let partial = Path::new(TARGET).with_file_name(&publication.partial);
        if is_ours {
            fs.link(TARGET, &partial);
        } else {
            fs.file(&partial, THEIRS);
        }
        let fs = Arc::new(fs);
        let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::None));
        assert_eq!(resumed.settled(), [publication.item]);
        let left = (!is_ours).then_some(THEIRS);
        assert_eq!(fs.read(&partial).as_deref(), left, "{}", resumed.ran.in_short());
        assert_eq!(fs.read(TARGET).as_deref(), Some(NEW));
    }
}

/// Begun again, it was published twice, and one of the two cannot be looked at.
#[test]
fn an_item_is_settled_when_all_its_publications_are() {
    let (fs, spec, publication) = published();
    let mut left = unsettled(&publication, RecordedEnd::None);
    left.0.publications.insert(0, left.0.publications[0].clone());
    let look = looks_before_removal(&left);
    let fs = Arc::new(FaultFs::new(
        fs,
        FaultPlan::once(look, FsErrorKind::Io).only(Operation::Metadata),
    ));
    let resumed = resume(&fs, &spec, &left);
    assert!(fs.fired());
    resumed.warned_of(TARGET);
    assert_eq!(resumed.settled(), []);
    assert_eq!(resumed.ended(), 1);
}

/// How often metadata are asked for until the first publication was looked at.
fn looks_before_removal(left: &Left) -> u64 {
    let (fs, spec, _) = published();
    let fs = Arc::new(FaultFs::counting(fs));
    resume(&fs, &spec, left);
    let opened = fs.log().iter().position(|call| call.operation == Operation::OpenDir);
    let before = &fs.log()[..opened.expect("it was looked at")];
    let looks = before.iter().filter(|call| call.operation == Operation::Metadata).count();
    looks as u64 + 2
}

#[test]
fn what_cannot_be_looked_at_waits_for_the_next_run() {
    let (_, _, publication) = published();
    let left = unsettled(&publication, RecordedEnd::Ok);
    for operation in [Operation::Metadata, Operation::OpenDir] {
        let (fs, spec, _) = published();
        let fs = Arc::new(FaultFs::new(fs, FaultPlan::once(1, FsErrorKind::Io).only(operation)));
        let resumed = resume(&fs, &spec, &left);
        assert!(fs.fired(), "{operation:?}");
        resumed.warned_of(TARGET);
        assert_eq!(resumed.settled(), [], "{operation:?}");
        assert!(fs.inner().exists(BACKUP), "{operation:?}");
    }
}

#[test]
fn what_cannot_be_removed_is_told_of_and_waits_for_the_next_run() {
    for end in [RecordedEnd::None, RecordedEnd::Ok] {
        let (fs, spec, publication) = published();
        let plan = FaultPlan::from_then_on(1, FsErrorKind::Io).only(Operation::RemoveFile);
        let fs = Arc::new(FaultFs::new(fs, plan));
        let resumed = resume(&fs, &spec, &unsettled(&publication, end));
        assert!(fs.fired());
        resumed.warned_of(if end == RecordedEnd::None { BACKUP } else { TARGET });
        assert_eq!(resumed.settled(), [], "{end:?}");
        assert_eq!(fs.inner().read(BACKUP).as_deref(), Some(OLD));
    }
}

/// A removal that may be undone by a power cut is not said to be over.
#[test]
fn a_removal_that_cannot_be_flushed_waits_for_the_next_run() {
    for (fails, settled) in [(true, 0), (false, 1)] {
        let (fs, spec, publication) = published();
        let nth = if fails { 1 } else { u64::MAX };
        let plan = FaultPlan::from_then_on(nth, FsErrorKind::Io).only(Operation::FlushDir);
        let fs = Arc::new(FaultFs::new(fs, plan));
        let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::Ok));
        assert_eq!(fs.fired(), fails);
        assert_eq!(resumed.settled().len(), settled, "{}", resumed.ran.in_short());
        // So somebody has to look again.
        assert_eq!(resumed.ran.report.tally.left_behind, u64::from(fails));
        assert!(!fs.inner().exists(BACKUP));
        assert!(fs.count(Operation::FlushDir) > 0, "nothing was flushed");
    }
}

/// The run that published it may have died before it flushed the name.
#[test]
fn a_name_that_cannot_be_flushed_is_not_recorded_as_copied() {
    for (kind, is_recorded) in [(FsErrorKind::Io, false), (FsErrorKind::PermissionDenied, true)] {
        let (fs, spec, publication) = published();
        let fs = Arc::new(FaultFs::new(fs, FaultPlan::once(1, kind).only(Operation::FlushDir)));
        let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::None));
        assert!(fs.fired());
        assert_eq!(resumed.ended(), usize::from(is_recorded), "{}", resumed.ran.in_short());
        assert_eq!(resumed.settled().len(), usize::from(is_recorded));
        if !is_recorded {
            resumed.warned_of(TARGET);
            assert_eq!(fs.inner().read(BACKUP).as_deref(), Some(OLD));
        }
    }
}

/// Nothing goes because of its name.
#[test]
fn what_another_program_put_under_the_name_of_a_backup_stays() {
    let [other_size, other_time] = [(THEIRS.len(), false), (OLD.len(), true)];
    for (size, has_other_time) in [other_size, other_time] {
        let (fs, spec, publication) = published();
        let modified = fs.stat(BACKUP).expect("it is there").modified;
        let theirs = vec![b't'; size];
        fs.remove(BACKUP).file(BACKUP, &theirs);
        let secs = modified.secs + i64::from(has_other_time);
        fs.modified(BACKUP, Timestamp { secs, ..modified });
        let fs = Arc::new(fs);
        let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::Ok));
        resumed.warned_of(BACKUP);
        assert_eq!(fs.read(BACKUP), Some(theirs), "{}", resumed.ran.in_short());
    }
}

/// The old file is visible, and under the name of the backup is something that is no copy of it: a copy
/// that was begun is never longer, and is for its owner's eyes until it has its time.
#[test]
fn what_is_no_copy_of_the_target_stays() {
    for (length, mode, time) in [(OLD.len() + 1, 0o600, 1), (OLD.len() - 1, 0o644, 1)] {
        let (fs, mut spec, publication) = published();
        // What is visible is to be kept.
        spec.conflict = surecopy_engine::ConflictPolicy::Skip;
        fs.remove(TARGET).rename(BACKUP, TARGET);
        let theirs = vec![b't'; length];
        fs.file(BACKUP, &theirs).mode(BACKUP, mode);
        fs.modified(BACKUP, Timestamp { secs: time, nanos: 0 });
        let fs = Arc::new(fs);
        let resumed = resume(&fs, &spec, &unsettled(&publication, RecordedEnd::None));
        resumed.warned_of(BACKUP);
        assert_eq!(fs.read(BACKUP), Some(theirs), "{}", resumed.ran.in_short());
        assert_eq!(fs.read(TARGET).as_deref(), Some(OLD));
    }
}

/// Whoever undoes the job hears of it as well as whoever goes on with it.
#[test]
fn an_undo_counts_what_it_could_not_put_in_order() {
    let (fs, spec, publication) = published();
    fs.remove(TARGET).remove(BACKUP).file(BACKUP, THEIRS);
    let (fs, journal) = (Arc::new(fs), Recording::default());
    let left = unsettled(&publication, RecordedEnd::None);
    let again = Again { history: Some(&left), ..Again::new(&fs, &spec, &[], &journal) };
    let (report, events) = again.undo(&[]);
    let is_told = |event: &&Event| matches!(event, Event::Warned(warning) if warning.path == Path::new(BACKUP));
    assert_eq!(events.iter().filter(is_told).count(), 1, "{events:#?}");
    assert_eq!(report.warnings, 1, "{report:#?}");
    assert_eq!(fs.read(BACKUP).as_deref(), Some(THEIRS));
}

/// A partial file of which nothing was announced.
fn leftover() -> (FakeFs, CopySpec, Left) {
    let (fs, spec, _) = published();
    fs.remove(BACKUP).file(PARTIAL, "half of");
    let below = RelPath::root().join("sub".as_ref());
    let in_flight =
        InFlight { nonces: vec![7], directories: vec![(0, below)], ..InFlight::default() };
    (fs, spec, Left(in_flight))
}

#[test]
fn a_leftover_that_cannot_be_looked_at_or_removed_is_told_of() {
    let (fs, spec, left) = leftover();
    let counting = Arc::new(FaultFs::counting(fs));
    resume(&counting, &spec, &left).settled();
    assert!(!counting.inner().exists(PARTIAL));
    let log = counting.log();
    let locked = log.iter().position(|call| call.operation == Operation::CheckLock);
    let before = &log[..locked.expect("it was looked at")];
    let look = before.iter().filter(|call| call.operation == Operation::Metadata).count() as u64;
    for (operation, nth) in
        [(Operation::Metadata, look), (Operation::CheckLock, 1), (Operation::RemoveFile, 1)]
    {
        let (fs, spec, left) = leftover();
        let fs = Arc::new(FaultFs::new(fs, FaultPlan::once(nth, FsErrorKind::Io).only(operation)));
        let resumed = resume(&fs, &spec, &left);
        assert!(fs.fired());
        resumed.warned_of(PARTIAL);
        assert!(fs.inner().exists(PARTIAL), "{operation:?} {}", resumed.ran.in_short());
    }
}

#[test]
fn a_leftover_that_somebody_removed_meanwhile_is_not_missed() {
    let (fs, spec, left) = leftover();
    let is_listed = Arc::new(AtomicBool::new(false));
    let (listed, looks) = (Arc::clone(&is_listed), AtomicU64::new(0));
    fs.before(Operation::List, move |_, _| listed.store(true, Ordering::Relaxed));
    fs.before(Operation::Metadata, move |fs, _| {
        if is_listed.load(Ordering::Relaxed) && looks.fetch_add(1, Ordering::Relaxed) == 0 {
            assert!(fs.exists(PARTIAL), "it is gone too early");
            fs.remove(PARTIAL);
        }
    });
    let fs = Arc::new(fs);
    let resumed = resume(&fs, &spec, &left);
    assert!(!fs.exists(Path::new(PARTIAL)));
    let told = resumed.ran.warned_of(WarningKind::LeftBehind);
    assert!(told.is_empty(), "{}", resumed.ran.in_short());
}
