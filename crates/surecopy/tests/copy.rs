//! The library as its users see it, on real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use surecopy::{
    Conflict, ConflictPolicy, ConflictResolver, CopyError, CopyRequest, ErrorCode, Event, Filter,
    ItemStatus, MappingError, NoObserver, Observer, Outcome, Rule, RuleAction, SkipReason,
    copy_file, copy_tree,
};
use tempfile::TempDir;

fn folder() -> (TempDir, PathBuf, PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (source, target) = (folder.path().join("source"), folder.path().join("target"));
    (folder, source, target)
}

fn names_in(path: &Path) -> Vec<String> {
    let entries = fs::read_dir(path).expect("a folder");
    let mut names: Vec<_> = entries
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_file_is_copied_and_verified() {
    let (folder, source, target) = folder();
    fs::write(&source, "new").unwrap();
    let item = copy_file(&source, &target).unwrap();
    assert_eq!((item.status, item.size_bytes), (ItemStatus::Ok, 3));
    // Shared blocks are the one thing that is exact without being read back.
    assert!(item.evidence.is_verified() || item.evidence == surecopy::Evidence::Shared);
    assert_eq!(fs::read(&target).unwrap(), b"new");
    assert_eq!(names_in(folder.path()), ["source", "target"]);
}

#[test]
fn an_existing_file_is_judged_by_its_content() {
    let (folder, source, target) = folder();
    fs::write(&source, "new").unwrap();
    fs::write(&target, "old").unwrap();
    // Size and time are the same, so only the content tells.
    let time = fs::metadata(&source).unwrap().modified().unwrap();
    fs::File::options().write(true).open(&target).unwrap().set_modified(time).unwrap();
    assert_eq!(copy_file(&source, &target).unwrap().status, ItemStatus::Ok);
    assert_eq!(fs::read(&target).unwrap(), b"new");
    let again = copy_file(&source, &target).unwrap();
    assert_eq!(again.status, ItemStatus::Skipped(SkipReason::IdenticalContent));
    assert!(!again.verified());
    assert_eq!(names_in(folder.path()), ["source", "target"]);
}

#[test]
fn row_28_what_is_no_file_link_or_directory_is_left_out_of_a_tree() {
    let (_folder, source, target) = folder();
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    std::os::unix::net::UnixListener::bind(source.join("socket")).unwrap();
    let report = copy_tree(&source, &target).unwrap();
    assert_eq!((report.tally.ok, report.tally.skipped, report.tally.failed), (1, 1, 0));
    assert_eq!(names_in(&target), ["file"]);
}

#[test]
fn what_does_not_fit_is_refused_before_anything_is_written() {
    let (folder, source, target) = folder();
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();

    let error = copy_file(&source, &target).unwrap_err();
    assert!(matches!(&error, CopyError::NotAFile { path } if *path == source), "{error}");
    let error = copy_file(source.join("none"), &target).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::SourceMissing));
    let error = copy_tree(source.join("file"), &target).unwrap_err();
    assert!(matches!(error, CopyError::NotADirectory { .. }), "{error}");
    let error = copy_tree(source.join("none"), &target).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::SourceMissing));
    let error = copy_file(source.join("file"), folder.path()).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TargetKindDiffers));
    assert_eq!(names_in(folder.path()), ["source"]);
}

#[test]
fn an_empty_path_is_refused_and_not_taken_for_the_current_directory() {
    let (_folder, source, target) = folder();
    fs::create_dir(&source).unwrap();
    // A name that the current directory has not, so that this test harms nothing when it fails.
    let name = format!("surecopy-test-{}", std::process::id());
    fs::write(source.join(&name), "content").unwrap();
    let here = names_in(Path::new("."));
    let is_empty_path =
        |error: CopyError| matches!(error, CopyError::Mapping(MappingError::EmptyPath));
    let copied = [
        copy_tree(&source, "").map(drop),
        copy_tree("", &target).map(drop),
        copy_file(source.join(&name), "").map(drop),
        copy_file("", &target).map(drop),
    ];
    let after = names_in(Path::new("."));
    fs::remove_file(&name).ok();
    assert!(copied.into_iter().all(|copied| copied.is_err_and(is_empty_path)));
    assert_eq!(after, here);
    assert!(!target.exists());
}

#[test]
fn row_31_a_tree_into_itself_is_refused() {
    let (_folder, source, _) = folder();
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    let error = copy_tree(&source, source.join("inside")).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::DestinationInsideSource), "{error}");
    assert_eq!(names_in(&source), ["file"]);
}

#[test]
fn the_contents_of_a_directory_become_the_target() {
    let (_folder, source, target) = folder();
    fs::create_dir_all(source.join("deep/empty")).unwrap();
    fs::write(source.join("deep/file"), "content").unwrap();
    fs::create_dir(&target).unwrap();
    fs::write(target.join("other"), "stays").unwrap();
    let report = copy_tree(&source, &target).unwrap();
    assert_eq!(report.outcome, Outcome::Finished);
    assert_eq!(names_in(&target), ["deep", "other"]);
    assert_eq!(names_in(&target.join("deep")), ["empty", "file"]);
    assert_eq!(fs::read(target.join("deep/file")).unwrap(), b"content");
}

#[test]
fn a_tree_that_arrives_in_part_is_an_error_that_says_what_is_missing() {
    let (_folder, source, target) = folder();
    fs::create_dir(&source).unwrap();
    fs::write(source.join("a"), "content").unwrap();
    fs::write(source.join("b"), "content").unwrap();
    // A directory stands where a file should go.
    fs::create_dir_all(target.join("a/inside")).unwrap();
    let error = copy_tree(&source, &target).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::TargetKindDiffers), "{error}");
    assert!(
        matches!(&error, CopyError::Incomplete { report, .. } if report.tally.failed == 1),
        "{error}"
    );
    assert_eq!(fs::read(target.join("b")).unwrap(), b"content");
    assert_eq!(names_in(&target.join("a")), ["inside"]);
}

#[test]
fn a_dry_run_plans_and_writes_nothing() {
    let (folder, source, target) = folder();
    fs::write(&source, "content").unwrap();
    let job = CopyRequest::new([&source], &target).dry_run(true).prepare().unwrap();
    let report = job.run(&NoObserver);
    assert_eq!(report.outcome, Outcome::Planned);
    assert_eq!((report.planned.to_copy, report.planned.bytes_to_copy), (1, 7));
    assert_eq!(names_in(folder.path()), ["source"]);
}

#[test]
fn a_job_that_was_cancelled_before_it_began_writes_nothing() {
    let (folder, source, target) = folder();
    fs::write(&source, "content").unwrap();
    let job = CopyRequest::new([&source], &target).prepare().unwrap();
    job.control().cancel();
    assert_eq!(job.run(&NoObserver).outcome, Outcome::Cancelled);
    assert_eq!(names_in(folder.path()), ["source"]);
}

#[derive(Default)]
struct Targets(Mutex<Vec<PathBuf>>);

impl Observer for Targets {
    fn on_event(&self, event: Event) {
        if let Event::ItemFinished(item) = event {
            self.0.lock().expect("no panic while locked").push(item.target);
        }
    }
}

#[test]
fn an_observer_is_told_of_every_item_and_counters_agree() {
    let (_folder, source, target) = folder();
    fs::create_dir(&source).unwrap();
    for name in ["a.txt", "b.txt", "c.tmp"] {
        fs::write(source.join(name), "content").unwrap();
    }
    let rule = Rule::new(RuleAction::Exclude, "*.tmp").unwrap();
    let job =
        CopyRequest::new([&source], &target).filter(Filter::new(vec![rule])).prepare().unwrap();
    let progress = job.progress();
    let targets = Targets::default();
    let report = job.run(&targets);
    let told = targets.0.into_inner().unwrap();
    assert!(told.contains(&target.join("a.txt")) && told.contains(&target.join("b.txt")));
    assert_eq!(names_in(&target), ["a.txt", "b.txt"]);
    let snapshot = progress.snapshot();
    assert_eq!(snapshot.items_done, snapshot.items_total);
    assert_eq!(snapshot.bytes_copied, snapshot.bytes_total);
    assert_eq!(told.len() as u64, report.tally.ok + report.tally.skipped);
}

struct Always(ConflictPolicy);

impl ConflictResolver for Always {
    fn resolve(&self, _conflict: &Conflict) -> ConflictPolicy {
        self.0
    }
}

#[test]
fn whoever_is_asked_decides() {
    for (answer, expected) in
        [(ConflictPolicy::Replace, &b"new"[..]), (ConflictPolicy::Skip, b"former")]
    {
        let (_folder, source, target) = folder();
        fs::write(&source, "new").unwrap();
        fs::write(&target, "former").unwrap();
        let copy = CopyRequest::new([&source], &target).on_conflict(ConflictPolicy::Ask);
        let mut job = copy.prepare().unwrap();
        job.ask(Box::new(Always(answer)));
        assert_eq!(job.run(&NoObserver).outcome, Outcome::Finished);
        assert_eq!(fs::read(&target).unwrap(), expected, "{answer:?}");
    }
}

#[test]
fn what_the_builder_is_told_is_in_the_job() {
    let (_folder, source, target) = folder();
    fs::write(&source, "content").unwrap();
    let copy = CopyRequest::new([&source], &target)
        .set("staged_chunk_bytes", "8MiB")
        .unwrap()
        .retries(9)
        .jobs(1000)
        .on_conflict(ConflictPolicy::Newer)
        .fail_fast(true)
        .checksum(true)
        .replace_read_only(true);
    assert_eq!(copy.clone().set("colour", "red").unwrap_err().name(), "colour");
    let job = copy.prepare().unwrap();
    let spec = job.spec();
    assert_eq!(spec.limits.staged_chunk_bytes, 8 << 20);
    assert_eq!((spec.retries, spec.workers), (9, surecopy::MAX_WORKERS));
    assert_eq!(spec.conflict, ConflictPolicy::Newer);
    assert!(spec.fail_fast && spec.by_content && spec.replace_read_only && !spec.dry_run);
    assert_eq!(job.mappings()[0].target_path(), target);
}
