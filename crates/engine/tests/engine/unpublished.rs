//! The name of a partial file never shows anything but our own file that is not published yet, and
//! a replaced file, or another program's, only ever the name of a backup.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use surecopy_engine::{CopySpec, ErrorCode, ItemStatus, WarningKind};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, VolumeSettings};

use crate::job::{Ran, carry_out, spec};
use crate::oracle::leftovers;

const NEW: &[u8] = b"the new file";
const OLD: &[u8] = b"the old file, longer than the new one";

/// The names that the first file of a run is given.
const PARTIAL: &str = "/dst/.surecopy-0000000000000007-0000000000.partial";
const BACKUP: &str = "/dst/.surecopy-0000000000000007-0000000001.backup";

/// All that can be asked for while a file is replaced.
const OPERATIONS: [Operation; 36] = [
    Operation::OpenRoot,
    Operation::OpenDir,
    Operation::CreateDir,
    Operation::RemoveDir,
    Operation::RemoveFile,
    Operation::List,
    Operation::Metadata,
    Operation::CheckReadable,
    Operation::CheckWritable,
    Operation::ReadLink,
    Operation::CreateSymlink,
    Operation::HardLink,
    Operation::OpenSource,
    Operation::CreatePartial,
    Operation::OpenReadBack,
    Operation::Read,
    Operation::Write,
    Operation::Clone,
    Operation::CopyRange,
    Operation::Preallocate,
    Operation::SetLength,
    Operation::SeekData,
    Operation::WriteBack,
    Operation::FlushFile,
    Operation::FlushDir,
    Operation::FlushVolume,
    Operation::DropCache,
    Operation::CountResident,
    Operation::CompareMapped,
    Operation::PublishNew,
    Operation::Exchange,
    Operation::Replace,
    Operation::SetPermissions,
    Operation::SetOwner,
    Operation::SetTimes,
    Operation::Volume,
];

fn volumes() -> [VolumeSettings; 3] {
    let all = VolumeSettings::of("ext4");
    let no_exchange = VolumeSettings { can_exchange: false, ..all.clone() };
    let no_links = VolumeSettings { can_hard_link: false, ..no_exchange.clone() };
    [all, no_exchange, no_links]
}

fn scene(settings: &VolumeSettings) -> (Arc<FakeFs>, CopySpec) {
    let fs = FakeFs::new();
    fs.file("/src/file", NEW).mount("/dst", settings.clone()).file("/dst/file", OLD);
    let mut spec = spec(&fs, &["/src/file"], "/dst");
    spec.retries = 0;
    (Arc::new(fs), spec)
}

/// What names of partial files have shown that was not the new file, whole or in part.
#[derive(Clone, Default)]
struct Watch {
    wrong: Arc<Mutex<Vec<String>>>,
    looks: Arc<AtomicU64>,
}

impl Watch {
    /// Looks before every call.
    fn over(fs: &FakeFs) -> Self {
        let watch = Self::default();
        for operation in OPERATIONS {
            let watch = watch.clone();
            fs.before(operation, move |fs, nth| watch.look(fs, &format!("{operation:?} {nth}")));
        }
        watch
    }

    fn look(&self, fs: &FakeFs, when: &str) {
        for name in fs.names("/dst") {
            let path = Path::new("/dst").join(&name);
            if path.extension().is_none_or(|extension| extension != "partial") {
                continue;
            }
            self.looks.fetch_add(1, Ordering::Relaxed);
            let shown = fs.read(&path).unwrap_or_default();
            // What is not written yet reads as zeros.
            let is_new = |(at, byte): (usize, &u8)| *byte == 0 || NEW.get(at) == Some(byte);
            if !(shown.len() <= NEW.len() && shown.iter().enumerate().all(is_new)) {
                let shown = String::from_utf8_lossy(&shown).into_owned();
                self.wrong.lock().expect("nobody panics").push(format!("{when}: {shown}"));
            }
        }
    }

    #[track_caller]
    fn saw_only_ours(&self, fs: &FakeFs, what: &str) {
        self.look(fs, "at the end");
        let wrong = self.wrong.lock().expect("nobody panics");
        assert!(wrong.is_empty(), "{what}: {wrong:#?}");
        assert!(self.looks.load(Ordering::Relaxed) > 0, "there was nothing to look at: {what}");
    }
}

/// Another program renames a file of its own over the target before these calls.
fn comes_in_between(fs: &FakeFs, operation: Operation, calls: std::ops::RangeInclusive<u64>) {
    fs.before(operation, move |fs, nth| {
        if calls.contains(&nth) {
            let theirs = format!("what another program wrote, number {nth}");
            fs.file("/dst/theirs", theirs).rename("/dst/theirs", "/dst/file");
        }
    });
}

#[test]
fn only_our_unpublished_file_has_the_name_of_a_partial_one() {
    for settings in volumes() {
        for operation in [
            Operation::PublishNew,
            Operation::Exchange,
            Operation::HardLink,
            Operation::Replace,
            Operation::FlushDir,
        ] {
            for calls in [0..=0, 1..=1, 2..=2, 1..=2, 2..=3, 1..=u64::MAX] {
                for fails in [None, Some(Operation::FlushDir), Some(Operation::Exchange)] {
                    let (fs, spec) = scene(&settings);
                    let watch = Watch::over(&fs);
                    comes_in_between(&fs, operation, calls.clone());
                    let ran = match fails {
                        None => carry_out(&fs, &spec),
                        Some(fails) => {
                            let plan = FaultPlan::once(1, FsErrorKind::Io).only(fails);
                            carry_out(&Arc::new(FaultFs::new(fs.as_ref().clone(), plan)), &spec)
                        }
                    };
                    let what = format!(
                        "{operation:?} {calls:?} {fails:?} {settings:?} {}",
                        ran.in_short()
                    );
                    watch.saw_only_ours(&fs, &what);
                }
            }
        }
    }
}

/// The file is there under its new name, or its former, or both, and the old one is not touched.
#[track_caller]
fn failed_and_cleaned_up(fs: &FakeFs, ran: &Ran) {
    assert!(matches!(ran.item("/dst/file").status, ItemStatus::Error(_)), "{}", ran.in_short());
    assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD), "{}", ran.in_short());
    assert!(leftovers(fs, "/dst").is_empty(), "{:?} {}", fs.names("/dst"), ran.in_short());
    assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{}", ran.in_short());
}

#[test]
fn nothing_is_left_whichever_call_fails() {
    for settings in volumes() {
        let operations =
            [Operation::PublishNew, Operation::Exchange, Operation::HardLink, Operation::Replace];
        for operation in operations {
            for nth in 1..=2 {
                for kind in [FsErrorKind::Io, FsErrorKind::NotFound, FsErrorKind::AlreadyExists] {
                    let (fake, spec) = scene(&settings);
                    let plan = FaultPlan::once(nth, kind).only(operation);
                    let fs = Arc::new(FaultFs::new(fake.as_ref().clone(), plan));
                    let ran = carry_out(&fs, &spec);
                    if fs.fired() {
                        failed_and_cleaned_up(&fake, &ran);
                    } else {
                        ran.all_ok();
                        assert!(leftovers(&fake, "/dst").is_empty());
                    }
                }
            }
        }
    }
}

/// A server renames, its answer is lost, and asking again finds nothing left to do.
#[test]
fn a_rename_whose_answer_was_lost_has_given_the_other_name() {
    for (settings, renames) in [(&volumes()[0], 1), (&volumes()[1], 2), (&volumes()[2], 2)] {
        for lost in 1..=renames {
            let (fs, spec) = scene(settings);
            let watch = Watch::over(&fs);
            fs.before(Operation::PublishNew, move |fs, nth| match nth {
                1 if lost == 1 => {
                    fs.rename(PARTIAL, BACKUP);
                }
                2 if lost == 2 => {
                    fs.rename(BACKUP, PARTIAL);
                }
                _ => {}
            });
            let ran = carry_out(&fs, &spec);
            ran.all_ok();
            assert_eq!(fs.count(Operation::PublishNew), renames, "{}", ran.in_short());
            assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
            assert_eq!(fs.names("/dst"), ["file"], "{}", ran.in_short());
            assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{}", ran.in_short());
            watch.saw_only_ours(&fs, "a lost answer");
        }
    }
}

/// As above, and what has become of it cannot be looked at either.
#[test]
fn a_file_of_which_nobody_knows_the_name_is_removed_under_both() {
    for lost in [true, false] {
        let looks_before = Arc::new(AtomicU64::new(0));
        let (fs, spec) = scene(&volumes()[0]);
        let looks = Arc::clone(&looks_before);
        fs.before(Operation::PublishNew, move |fs, _| {
            looks.store(fs.count(Operation::Metadata), Ordering::Relaxed);
        });
        carry_out(&fs, &spec).all_ok();

        let (fake, spec) = scene(&volumes()[0]);
        fake.before(Operation::PublishNew, move |fs, _| {
            if lost {
                fs.rename(PARTIAL, BACKUP);
            }
        });
        let at = looks_before.load(Ordering::Relaxed) + 1;
        let blind = FaultPlan::from_then_on(at, FsErrorKind::Unreachable).only(Operation::Metadata);
        let fails = FaultPlan::once(1, FsErrorKind::Unreachable).only(Operation::PublishNew);
        let outer = if lost {
            FaultFs::counting(fake.as_ref().clone())
        } else {
            FaultFs::new(fake.as_ref().clone(), fails)
        };
        let fs = Arc::new(FaultFs::new(outer, blind));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired());
        failed_and_cleaned_up(&fake, &ran);
    }
}

/// Where a rename is a link and an unlink, the file has both names when the second fails.
#[test]
fn a_file_that_has_both_names_is_removed_under_both() {
    let (fs, spec) = scene(&volumes()[0]);
    fs.before(Operation::PublishNew, |fs, _| {
        fs.link(PARTIAL, BACKUP);
    });
    let ran = carry_out(&fs, &spec);
    failed_and_cleaned_up(&fs, &ran);
}

#[test]
fn a_file_that_has_the_name_meant_for_the_backup_is_left_alone() {
    for settings in volumes() {
        let (fs, spec) = scene(&settings);
        let is_done = AtomicBool::new(false);
        fs.before(Operation::PublishNew, move |fs, _| {
            if !is_done.swap(true, Ordering::Relaxed) {
                fs.file(BACKUP, "theirs");
            }
        });
        let ran = carry_out(&fs, &spec);
        assert!(matches!(ran.item("/dst/file").status, ItemStatus::Error(_)), "{}", ran.in_short());
        assert_eq!(fs.read(BACKUP).as_deref(), Some(b"theirs".as_slice()), "{}", ran.in_short());
        assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD));
        assert!(!fs.exists(PARTIAL), "{}", ran.in_short());
    }
}

/// The file that another program put there in between is told of by the name of the backup.
#[test]
fn what_could_not_be_given_back_is_kept_as_a_backup() {
    let (fs, spec) = scene(&volumes()[0]);
    comes_in_between(&fs, Operation::Exchange, 1..=u64::MAX);
    let ran = carry_out(&fs, &spec);
    assert_eq!(ran.code("/dst/file"), ErrorCode::DurabilityUnknown, "{}", ran.in_short());
    assert_eq!(ran.item("/dst/file").backup.as_deref(), Some(Path::new(BACKUP)));
    assert!(fs.exists(BACKUP) && !fs.exists(PARTIAL), "{:?}", fs.names("/dst"));
}

#[test]
fn what_was_replaced_is_kept_when_that_is_asked_for() {
    for settings in volumes() {
        let (fs, mut spec) = scene(&settings);
        fs.mode("/dst/file", 0o640);
        let before = fs.stat("/dst/file").expect("it is there");
        spec.keep_replaced = true;
        let ran = carry_out(&fs, &spec);
        ran.all_ok();
        assert!(ran.warned_of(WarningKind::LeftBehind).is_empty(), "{}", ran.in_short());
        assert_eq!(fs.read("/dst/file").as_deref(), Some(NEW));
        let kept = ran.item("/dst/file").backup.as_ref().expect("it is told of");
        assert_eq!(kept, Path::new(BACKUP));
        assert_eq!(fs.read(kept).as_deref(), Some(OLD), "{settings:?}");
        let now = fs.stat(kept).expect("it is there");
        assert_eq!((now.mode, now.modified), (before.mode, before.modified), "{settings:?}");
        assert_eq!(leftovers(&fs, "/dst").len(), 1, "{:?}", fs.names("/dst"));
    }
}

/// The two renames that it takes to find out are made once, and a single refusal proves nothing where
/// names were exchanged before.
#[test]
fn that_names_cannot_be_exchanged_is_found_out_once() {
    const FILES: u64 = 6;
    let [all, no_exchange, _] = volumes();
    for (settings, refused, exchanges, renames) in [
        (&all, None, FILES, FILES),
        (&all, Some(3), FILES, FILES + 1),
        (&no_exchange, None, 1, 2),
        (&all, Some(1), 1, 2),
    ] {
        let fake = FakeFs::new();
        fake.mount("/dst", settings.clone());
        for nth in 0..FILES {
            fake.file(format!("/src/{nth}"), NEW).file(format!("/dst/{nth}"), OLD);
        }
        let plan = FaultPlan::unsupported(refused.unwrap_or(u64::MAX)).only(Operation::Exchange);
        let fs = Arc::new(FaultFs::new(fake.clone(), plan));
        carry_out(&fs, &spec(fs.as_ref(), &["/src/"], "/dst")).all_ok();
        assert_eq!(fs.fired(), refused.is_some());
        let counts = (fs.count(Operation::Exchange), fs.count(Operation::PublishNew));
        assert_eq!(counts, (exchanges, renames), "{settings:?} {refused:?}");
        assert!(leftovers(&fake, "/dst").is_empty());
    }
}
