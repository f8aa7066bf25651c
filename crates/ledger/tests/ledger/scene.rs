//! A ledger in a directory of its own, and things to tell it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use surecopy_engine::{
    Action, CopySpec, Digest, DigestAlgorithm, Done, Evidence, Fact, ItemId, ItemKind, ItemReport,
    ItemStatus, Journal, Landed, LinkRole, Mapping, Outcome, Planned, PlannedItem, Publication,
    Report, RootIdentity, Seen, Strategy, Tally,
};
use surecopy_fs::{FileId, RelPath, Timestamp};
use surecopy_ledger::{JobId, JobRun, Ledger, RunKind};
use tempfile::TempDir;

pub(crate) struct Scene {
    pub(crate) temp: TempDir,
    pub(crate) ledger: Ledger,
}

pub(crate) fn scene() -> Scene {
    let temp = tempfile::tempdir().unwrap();
    let ledger = Ledger::open(&path(&temp)).unwrap();
    Scene { temp, ledger }
}

pub(crate) fn path(temp: &TempDir) -> PathBuf {
    temp.path().join("state").join("ledger.db")
}

impl Scene {
    /// The same ledger, as another program has it open.
    pub(crate) fn again(&self) -> Ledger {
        Ledger::open(&path(&self.temp)).unwrap()
    }

    pub(crate) fn job(&self) -> JobId {
        self.ledger.create_job(&spec()).unwrap().id()
    }

    pub(crate) fn first_run(&self) -> JobRun {
        self.ledger.create_job(&spec()).unwrap().begin(7).unwrap()
    }

    pub(crate) fn resume(&self, job: JobId) -> JobRun {
        self.ledger.begin_run(job, RunKind::Resume, 8).unwrap()
    }
}

pub(crate) fn rel(path: &str) -> RelPath {
    RelPath::new(path).unwrap()
}

/// The contents of `/from` into `/to/in`.
pub(crate) fn spec() -> CopySpec {
    CopySpec::new(vec![Mapping {
        source_root: PathBuf::from("/from"),
        source: RelPath::root(),
        destination_root: PathBuf::from("/to"),
        target: rel("in"),
    }])
}

pub(crate) fn seen(file: u64, size_bytes: u64) -> Seen {
    let modified = Timestamp { secs: 1_700_000_000, nanos: 123_456_789 };
    Seen { id: FileId { volume: 2049, file }, size_bytes, modified }
}

pub(crate) fn item(id: u64, path: &str) -> PlannedItem {
    PlannedItem {
        id: ItemId(id),
        mapping: 0,
        path: rel(path),
        target_name: None,
        kind: ItemKind::File,
        source: seen(1_000 + id, 4_096),
        action: Action::Create,
        strategy: Some(Strategy::Direct),
        link_role: LinkRole::Single,
        known_digest: None,
    }
}

pub(crate) fn digest(byte: u8) -> Digest {
    Digest { algorithm: DigestAlgorithm::Blake3, bytes: vec![byte; 32] }
}

/// How an item ends that all goes well with.
pub(crate) fn report(item: &PlannedItem) -> ItemReport {
    let source = Path::new("/from").join(item.path.as_path());
    let target = Path::new("/to/in").join(item.path.as_path());
    let mut report = ItemReport::new(item.kind, source, target, item.source.size_bytes);
    report.strategy = item.strategy;
    report.mechanism = Some(surecopy_engine::Mechanism::ReadWrite);
    report.bytes_copied = 4_096;
    report.source_bytes_read = 4_096;
    report.evidence = Evidence::Device;
    report.digest = Some(digest(u8::try_from(item.id.0 % 251).unwrap()));
    report.partial = Some(report.target.with_file_name(partial(item.id)));
    let target = seen(1_000_000 + item.id.0, item.source.size_bytes);
    report.landed = Some(Landed { source: item.source, target, replaced: None });
    report.times.copy = std::time::Duration::from_nanos(123_456);
    report.times.verify = std::time::Duration::from_nanos(654_321);
    report
}

/// What later runs are told of an item that ended with this report.
pub(crate) fn done(report: &ItemReport) -> Done {
    let Landed { source, target, .. } = report.landed.expect("it is known again");
    Done {
        source,
        target,
        target_name: None,
        is_incomplete: report.is_metadata_incomplete(),
        has_lost_link: report.has_lost_link(),
        evidence: report.evidence,
        digest: report.digest.clone(),
    }
}

pub(crate) fn partial(id: ItemId) -> OsString {
    format!(".surecopy-0000000000000007-{:010x}.partial", id.0).into()
}

pub(crate) fn publication(item: &PlannedItem) -> Publication {
    Publication {
        item: item.id,
        mapping: 0,
        target: rel("in").join_path(&item.path),
        partial: partial(item.id),
        backup: format!(".surecopy-0000000000000007-{:010x}.backup", item.id.0).into(),
        report: Box::new(report(item)),
    }
}

pub(crate) fn ended(item: &PlannedItem, status: ItemStatus) -> Fact {
    let mut report = report(item);
    report.status = status;
    Fact::Ended { item: item.id, report: Box::new(report) }
}

/// What is told when everything is planned.
pub(crate) fn planned(items: u64) -> Vec<Fact> {
    let planned = Planned { items, to_copy: items, ..Planned::default() };
    let roots = vec![RootIdentity {
        source: Some("uuid:from".parse().unwrap()),
        destination: Some("uuid:to".parse().unwrap()),
    }];
    vec![Fact::Opened { roots }, Fact::Planned { planned }]
}

/// Tells all there is to tell of items that all goes well with.
pub(crate) fn copy(run: &JobRun, items: &[PlannedItem]) {
    let publications = items.iter().map(publication).collect();
    run.record(vec![Fact::Publishing { items: publications }]).unwrap();
    let items: Vec<ItemId> = items.iter().map(|item| item.id).collect();
    let ends = Fact::EndedAsAnnounced { items: items.clone() };
    run.record(vec![ends, Fact::Settled { items }]).unwrap();
}

pub(crate) fn finished(tally: Tally) -> Report {
    Report {
        outcome: Outcome::Finished,
        tally,
        problems: Vec::new(),
        planned: Planned::default(),
        corrected: surecopy_engine::Corrected::default(),
        warnings: 0,
        duration: std::time::Duration::ZERO,
    }
}

pub(crate) fn all_ok(ok: u64) -> Report {
    finished(Tally { ok, ..Tally::default() })
}
