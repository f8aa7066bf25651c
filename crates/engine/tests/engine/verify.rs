//! Read-back against a disk that lies, and what is claimed for each way of reading back.

use std::sync::Arc;

use surecopy_engine::{
    CopySpec, Digest, DigestAlgorithm, ErrorCode, Evidence, ItemStatus, Mechanism, ReadBack,
    ReflinkMode, Strategy, StrategyChoice, UnverifiedReason, VerifyPolicy,
};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{FakeFs, FaultFs, FaultPlan, Persistence, Random, VolumeSettings};

use crate::job::{CHUNK, Ran, carry_out, spec};
use crate::oracle::leftovers;

const OLD: &str = "the old file, which is to stay";

/// The ways in which a file is moved and proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Path {
    /// Read whole, written whole, proved by digest.
    Whole,
    /// In chunks, proved by digest.
    Streamed,
    /// In chunks, the source read for its digest first.
    ReadTwice,
    /// Copied by the kernel, proved by mapped comparison.
    Mapped,
    /// Copied by the kernel; mapping fails, so ordinary reads compare.
    Buffered,
}

const PATHS: [Path; 5] =
    [Path::Whole, Path::Streamed, Path::ReadTwice, Path::Mapped, Path::Buffered];

impl Path {
    fn length(self) -> usize {
        if self == Path::Whole { 5_000 } else { 2 * CHUNK + 500 }
    }

    /// `/src/file` and an older `/dst/file`, and the job that copies one over the other.
    fn set_up(self) -> (Arc<FakeFs>, CopySpec, Vec<u8>) {
        let fs = FakeFs::new();
        let content = Random::new(5).bytes(self.length());
        let mut settings = VolumeSettings::of("ext4");
        settings.can_copy_range_across = true;
        settings.can_compare_mapped = self != Path::Buffered;
        fs.file("/src/file", &content).mount("/dst", settings).file("/dst/file", OLD);
        let mut spec = spec(&fs, &["/src/file"], "/dst");
        if matches!(self, Path::Streamed | Path::ReadTwice) {
            spec.strategy = StrategyChoice::Staged;
            spec.buffer_reuse = self == Path::Streamed;
        }
        (Arc::new(fs), spec, content)
    }

    fn check_taken(self, ran: &Ran) {
        let item = ran.item("/dst/file");
        let is_kernel = matches!(self, Path::Mapped | Path::Buffered);
        let mechanism = if is_kernel { Mechanism::CopyFileRange } else { Mechanism::ReadWrite };
        assert_eq!(item.mechanism, Some(mechanism), "{self:?}");
        assert_eq!(item.mapped_fallbacks > 0, self == Path::Buffered, "{self:?}: {item:#?}");
    }
}

/// How a device lies.
#[derive(Debug, Clone, Copy)]
enum Lie {
    Drop,
    Flip,
}

/// Where: in a page of the middle of the whole file, in a later chunk of the others.
fn spot(path: Path) -> u64 {
    if path == Path::Whole { 4_100 } else { CHUNK as u64 + 77 }
}

fn lie(fs: &FakeFs, lie: Lie, at: u64) {
    match lie {
        Lie::Drop => fs.drop_next_write(at),
        Lie::Flip => fs.corrupt_next_write(at),
    };
}

/// Lets the device lie at every write over the spot.
fn always_lie(fs: &FakeFs, how: Lie, at: u64) {
    fs.before(Operation::CreatePartial, move |fs, _| lie(fs, how, at));
}

#[test]
fn a_lying_disk_is_caught_on_every_path() {
    for path in PATHS {
        for how in [Lie::Drop, Lie::Flip] {
            let (fs, spec, _) = path.set_up();
            always_lie(&fs, how, spot(path));
            let ran = carry_out(&fs, &spec);
            let item = ran.item("/dst/file");
            let ItemStatus::Error(error) = &item.status else {
                panic!("{path:?} {how:?} was not caught: {item:#?}");
            };
            assert_eq!(error.code, ErrorCode::VerifyMismatch, "{path:?} {how:?}");
            let details = error.details.as_deref().expect("a mismatch says where");
            let page = spot(path) / 4096 * 4096;
            let first = match how {
                Lie::Flip => spot(path),
                Lie::Drop => page,
            };
            let place = format!("first difference at byte {first};");
            assert!(details.starts_with(&place), "{path:?} {how:?}: {details}");
            assert_eq!(item.retries.len(), 2, "{path:?} {how:?}");
            assert!(item.retries.iter().all(|r| r.code == ErrorCode::VerifyMismatch));
            assert!(!item.verified());
            assert_eq!(item.evidence, Evidence::None);
            assert_eq!(ran.report.tally.mismatched, 1);
            assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD.as_bytes()));
            assert!(leftovers(&fs, "/dst").is_empty());
            assert_eq!(fs.count(Operation::Exchange), 0, "something was published");
        }
    }
}

#[test]
fn a_source_that_changes_afterwards_does_not_explain_a_mismatch_away() {
    for path in [Path::Whole, Path::Streamed, Path::ReadTwice] {
        let (fs, spec, _) = path.set_up();
        always_lie(&fs, Lie::Flip, spot(path));
        fs.before(Operation::OpenReadBack, |fs, nth| {
            fs.write("/src/file", 0, nth.to_string().as_bytes());
        });
        let ran = carry_out(&fs, &spec);
        assert_eq!(fs.count(Operation::OpenReadBack), 3, "{path:?}: the source was changed");
        let item = ran.item("/dst/file");
        let ItemStatus::Error(error) = &item.status else {
            panic!("{path:?} was not caught: {item:#?}");
        };
        assert_eq!(error.code, ErrorCode::VerifyMismatch, "{path:?}");
        assert!(error.details.as_deref().is_some_and(|text| text.contains("has changed since")));
        assert!(item.retries.iter().all(|retry| retry.code == ErrorCode::VerifyMismatch));
        assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD.as_bytes()), "{path:?}");
    }
}

#[test]
fn a_disk_that_lies_once_is_given_another_chance() {
    for path in PATHS {
        for how in [Lie::Drop, Lie::Flip] {
            let (fs, spec, content) = path.set_up();
            lie(&fs, how, spot(path));
            let ran = carry_out(&fs, &spec);
            ran.all_ok();
            path.check_taken(&ran);
            let item = ran.item("/dst/file");
            let reasons: Vec<_> = item.retries.iter().map(|retry| retry.code).collect();
            assert_eq!(reasons, [ErrorCode::VerifyMismatch], "{path:?} {how:?}");
            assert_eq!(item.evidence, Evidence::Device);
            assert_eq!(fs.read_device("/dst/file"), Some(content));
            assert_eq!(ran.report.tally.retries, 1);
        }
    }
}

#[test]
fn row_40_reading_from_the_cache_misses_the_lie_and_does_not_claim_the_device() {
    for path in PATHS {
        let (fs, mut spec, content) = path.set_up();
        spec.read_back = ReadBack::Cache;
        always_lie(&fs, Lie::Flip, spot(path));
        let ran = carry_out(&fs, &spec);
        ran.all_ok();
        assert_eq!(ran.item("/dst/file").evidence, Evidence::Cache, "{path:?}");
        assert_ne!(fs.read_device("/dst/file"), Some(content), "the disk did not lie");
    }
}

#[test]
fn an_honest_disk_is_proved_on_every_path() {
    for path in PATHS {
        let (fs, spec, content) = path.set_up();
        let ran = carry_out(&fs, &spec);
        ran.all_ok();
        path.check_taken(&ran);
        let item = ran.item("/dst/file");
        assert_eq!((item.evidence, item.verified()), (Evidence::Device, true), "{path:?}");
        assert_eq!(item.digest, Some(digest_of(&content)), "{path:?}");
        let passes = if path == Path::Streamed || path == Path::Whole { 1 } else { 2 };
        assert_eq!(item.source_bytes_read, passes * content.len() as u64, "{path:?}");
    }
}

/// Some volumes answer a read with fewer bytes than were asked for, and fewer than a page.
#[test]
fn short_answers_are_not_taken_for_the_end_of_a_file() {
    for path in PATHS {
        for read_back in [ReadBack::Device, ReadBack::Cache] {
            let (fs, mut spec, content) = path.set_up();
            fs.limit_transfers(1_000);
            spec.read_back = read_back;
            let ran = carry_out(&fs, &spec);
            ran.all_ok();
            assert!(ran.item("/dst/file").retries.is_empty(), "{path:?} {read_back:?}");
            assert_eq!(fs.read("/dst/file").as_ref(), Some(&content), "{path:?} {read_back:?}");
        }
    }
}

/// Some volumes offer unbuffered reads, and refuse the first one.
#[test]
fn a_volume_may_refuse_unbuffered_reads() {
    for (kind, nth, is_refusal) in [
        (FsErrorKind::InvalidInput, 1, true),
        (FsErrorKind::InvalidInput, 2, false),
        (FsErrorKind::Io, 1, false),
    ] {
        let (fake, mut spec, content) = Path::Streamed.set_up();
        spec.retries = 0;
        let plan = FaultPlan::once(reads_before_read_back() + nth, kind).only(Operation::Read);
        let fs = Arc::new(FaultFs::new((*fake).clone(), plan));
        let ran = carry_out(&fs, &spec);
        assert!(fs.fired());
        let item = ran.item("/dst/file");
        if is_refusal {
            // The pages are gone, so ordinary reads come from the device too.
            assert_eq!((&item.status, item.evidence), (&ItemStatus::Ok, Evidence::Device));
            assert_eq!(item.digest, Some(digest_of(&content)));
        } else {
            assert!(matches!(item.status, ItemStatus::Error(_)), "{kind:?} {nth}: {item:#?}");
            assert_eq!(fake.read("/dst/file").as_deref(), Some(OLD.as_bytes()));
        }
    }
}

fn reads_before_read_back() -> u64 {
    let (fs, spec, _) = Path::Streamed.set_up();
    let fs = Arc::new(FaultFs::counting((*fs).clone()));
    carry_out(&fs, &spec).all_ok();
    let log = fs.log();
    let opened = log.iter().position(|call| call.operation == Operation::OpenReadBack);
    let before = &log[..opened.expect("it was read back")];
    before.iter().filter(|call| call.operation == Operation::Read).count() as u64
}

/// Pages that were dropped may be there again, and that none is left has to be shown.
#[test]
fn row_40_dropped_pages_have_to_be_shown_to_be_gone() {
    for path in PATHS {
        let (fake, spec, _) = path.set_up();
        let plan = FaultPlan {
            persistence: Persistence::FromThenOn,
            ..FaultPlan::unsupported(1).only(Operation::CountResident)
        };
        let fs = Arc::new(FaultFs::new((*fake).clone(), plan));
        let ran = carry_out(&fs, &spec);
        ran.all_ok();
        assert!(fs.fired(), "{path:?}");
        assert_eq!(ran.item("/dst/file").evidence, Evidence::Cache, "{path:?}");
    }
}

/// Either end is another length when the comparison is over than when it began.
#[test]
fn row_25_a_file_that_grows_while_it_is_compared_is_not_called_verified() {
    for path in [Path::Mapped, Path::Buffered] {
        for is_source in [true, false] {
            let (fs, mut spec, _) = path.set_up();
            spec.retries = 0;
            fs.before(Operation::CompareMapped, move |fs, nth| {
                let mut names = fs.names("/dst").into_iter();
                let partial = names.find(|name| name.to_string_lossy().ends_with(".partial"));
                let partial = std::path::Path::new("/dst").join(partial.expect("it is there"));
                let grows = if is_source { "/src/file".into() } else { partial };
                if nth == 1 {
                    fs.write(grows, path.length() as u64, b"more");
                }
            });
            let ran = carry_out(&fs, &spec);
            let code = if is_source { ErrorCode::SourceChanged } else { ErrorCode::VerifyMismatch };
            assert_eq!(ran.code("/dst/file"), code, "{path:?} {}", ran.in_short());
            assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD.as_bytes()));
        }
    }
}

/// What a buffer holds of the bytes before is not taken for what is missing now.
#[test]
fn row_25_a_file_that_shrinks_while_it_is_compared_is_not_called_verified() {
    for path in [Path::Mapped, Path::Buffered] {
        for (is_source, left) in [(true, 1), (true, CHUNK + 20_000), (false, CHUNK + 20_000)] {
            let (fs, mut spec, content) = path.set_up();
            fs.file("/src/file", vec![b'x'; content.len()]);
            spec.retries = 0;
            fs.before(Operation::CompareMapped, move |fs, nth| {
                let mut names = fs.names("/dst").into_iter();
                let partial = names.find(|name| name.to_string_lossy().ends_with(".partial"));
                let partial = std::path::Path::new("/dst").join(partial.expect("it is there"));
                let shrinks = if is_source { "/src/file".into() } else { partial };
                if nth == 2 {
                    fs.truncate(shrinks, left as u64);
                }
            });
            let ran = carry_out(&fs, &spec);
            let code = if is_source { ErrorCode::SourceChanged } else { ErrorCode::VerifyMismatch };
            assert_eq!(ran.code("/dst/file"), code, "{path:?} {left} {}", ran.in_short());
            assert_eq!(fs.read("/dst/file").as_deref(), Some(OLD.as_bytes()));
        }
    }
}

/// A window in which mapping fails is compared with ordinary reads from where it failed.
#[test]
fn the_rest_of_a_window_is_compared_with_ordinary_reads() {
    let (fs, spec, content) = Path::Mapped.set_up();
    fs.before(Operation::CompareMapped, |fs, nth| {
        if nth == 2 {
            // A page of it cannot be read for a moment.
            fs.truncate("/src/file", CHUNK as u64 + 40_000);
        }
    });
    let whole = content.clone();
    fs.before(Operation::Read, move |fs, _| {
        if fs.count(Operation::CompareMapped) >= 2 {
            let modified = fs.stat("/src/file").expect("it is there").modified;
            fs.write("/src/file", CHUNK as u64 + 40_000, &whole[CHUNK + 40_000..]);
            fs.modified("/src/file", modified);
        }
    });
    let ran = carry_out(&fs, &spec);
    ran.all_ok();
    let item = ran.item("/dst/file");
    assert_eq!(item.mapped_fallbacks, 1, "{}", ran.in_short());
    assert_eq!(item.digest, Some(digest_of(&content)), "{}", ran.in_short());
    assert_eq!(item.source_bytes_read, 2 * content.len() as u64, "{}", ran.in_short());
}

fn digest_of(content: &[u8]) -> Digest {
    let mut digester = DigestAlgorithm::default().begin();
    digester.update(content);
    digester.finish()
}

/// Copies a file of `length` bytes to a volume of its own and says how it was proved.
fn evidence(
    settings: VolumeSettings,
    length: usize,
    change: impl Fn(&FakeFs, &mut CopySpec),
) -> (Evidence, Option<UnverifiedReason>, bool) {
    let fs = FakeFs::new();
    fs.mount("/vol", settings).dir("/vol/dst").file("/vol/src/file", vec![9; length]);
    let mut spec = spec(&fs, &["/vol/src/file"], "/vol/dst");
    change(&fs, &mut spec);
    let ran = carry_out(&Arc::new(fs), &spec);
    ran.all_ok();
    let item = ran.item("/vol/dst/file");
    (item.evidence, item.unverified, item.verified())
}

#[test]
fn evidence_is_never_overstated() {
    let of = VolumeSettings::of;
    let as_is = |_: &FakeFs, _: &mut CopySpec| {};
    let staged = |_: &FakeFs, spec: &mut CopySpec| spec.strategy = StrategyChoice::Staged;
    let device = (Evidence::Device, None, true);
    let cache = (Evidence::Cache, None, true);
    for length in [5_000, 3 * CHUNK] {
        assert_eq!(evidence(of("ext4"), length, as_is), device);
        assert_eq!(evidence(of("ext4"), length, staged), device);
        assert_eq!(evidence(of("tmpfs"), length, as_is), cache);
        assert_eq!(evidence(of("nfs"), length, as_is), cache);
        assert_eq!(evidence(of("cifs"), length, as_is), cache);
        // Without unbuffered reads, dropped pages that are shown to be gone do as well.
        let mut settings = of("ext4");
        settings.can_read_direct = false;
        assert_eq!(evidence(settings.clone(), length, staged), device);
        // Pages that cannot be shown to be gone may still be there.
        settings.can_drop_cache = false;
        assert_eq!(evidence(settings, length, staged), cache);
        let shared = (Evidence::Shared, Some(UnverifiedReason::SharedBlocks), false);
        assert_eq!(evidence(of("btrfs"), length, as_is), shared);
        assert_eq!(evidence(of("xfs"), length, as_is), shared);
        let second = |_: &FakeFs, spec: &mut CopySpec| spec.reflink = ReflinkMode::Never;
        assert_eq!(evidence(of("btrfs"), length, second), device);
        let unread = |_: &FakeFs, spec: &mut CopySpec| {
            spec.read_back = ReadBack::None;
            spec.strategy = StrategyChoice::Staged;
        };
        let stream = (Evidence::Stream, Some(UnverifiedReason::ReadBackOff), false);
        assert_eq!(evidence(of("ext4"), length, unread), stream);
        let policy = |_: &FakeFs, spec: &mut CopySpec| spec.verify = VerifyPolicy::None;
        let none = (Evidence::None, Some(UnverifiedReason::PolicyNone), false);
        assert_eq!(evidence(of("ext4"), length, policy), none);
        let threshold =
            |_: &FakeFs, spec: &mut CopySpec| spec.limits.verify_threshold_bytes = 5_000;
        let above = (Evidence::None, Some(UnverifiedReason::AboveThreshold), false);
        assert_eq!(evidence(of("ext4"), length, threshold), above);
    }
}

#[test]
fn what_is_stored_inside_metadata_was_not_read_from_the_device() {
    let inline = |fs: &FakeFs, spec: &mut CopySpec| {
        fs.store_inline(true);
        spec.reflink = ReflinkMode::Never;
    };
    let settings = || VolumeSettings::of("btrfs");
    assert_eq!(evidence(settings(), 500, inline).0, Evidence::Cache);
    assert_eq!(evidence(settings(), 3 * CHUNK, inline).0, Evidence::Device);
}

#[test]
fn strategies_follow_the_volumes() {
    let strategy = |source: &str, destination: &str, threshold: u64| {
        let fs = FakeFs::new();
        fs.mount("/src", VolumeSettings::of(source)).file("/src/file", vec![1; 6_000]);
        fs.mount("/dst", VolumeSettings::of(destination));
        let mut spec = spec(&fs, &["/src/file"], "/dst");
        spec.limits.copy_strategy_threshold_bytes = threshold;
        let ran = carry_out(&Arc::new(fs), &spec);
        ran.all_ok();
        ran.item("/dst/file").strategy
    };
    for (source, destination, threshold, wanted) in [
        ("ext4", "ext4", 6_001, Strategy::Direct),
        ("ext4", "vfat", 6_001, Strategy::Direct),
        ("ext4", "ext4", 6_000, Strategy::Staged),
        ("ext4", "nfs", 6_001, Strategy::Staged),
        ("cifs", "ext4", 6_001, Strategy::Staged),
        ("fuse.sshfs", "nfs4", 6_000, Strategy::Staged),
    ] {
        let row = format!("{source} to {destination}, threshold {threshold}");
        assert_eq!(strategy(source, destination, threshold), Some(wanted), "{row}");
    }
}
