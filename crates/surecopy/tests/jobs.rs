//! Jobs in a ledger, as users of the library see them, on real files.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use surecopy::jobs::{
    JobState, Ledger, LedgerError, ResumeOptions, discard_replaced, resume, retry, undo_job,
    verify_job,
};
use surecopy::{
    ConflictPolicy, CopyError, CopyRequest, Event, NoObserver, Observer, Outcome, StrategyChoice,
    WarningKind,
};
use tempfile::TempDir;

struct Scene {
    _folder: TempDir,
    source: PathBuf,
    target: PathBuf,
    ledger: Arc<Ledger>,
}

impl Scene {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let (source, target) = (folder.path().join("source"), folder.path().join("target"));
        fs::create_dir_all(source.join("inner")).expect("a directory to copy");
        fs::write(source.join("a"), "new a").expect("a file to copy");
        fs::write(source.join("inner/b"), "new b").expect("another file to copy");
        let ledger = Ledger::open(&folder.path().join("state/ledger.db")).expect("a new ledger");
        Self { source, target, ledger: Arc::new(ledger), _folder: folder }
    }

    fn request(&self) -> CopyRequest {
        CopyRequest::new([&self.source], &self.target)
            .exact_target(true)
            .ledger(Arc::clone(&self.ledger))
    }
}

/// What was warned of.
#[derive(Default)]
struct Warned(Mutex<Vec<(WarningKind, PathBuf)>>);

impl Observer for Warned {
    fn on_event(&self, event: Event) {
        if let Event::Warned(warning) = event {
            self.0
                .lock()
                .expect("nobody panics while holding it")
                .push((warning.kind, warning.path));
        }
    }
}

fn read(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("a file with text")
}

#[test]
fn a_finished_job_has_nothing_to_do_until_something_changes() {
    let scene = Scene::new();
    let job = scene.request().prepare().unwrap();
    let id = job.id().unwrap();
    assert_eq!(job.run(&NoObserver).tally.ok, 2);
    let options = ResumeOptions::default();
    let report = resume(&scene.ledger, id, &options).unwrap().run(&NoObserver);
    assert_eq!((report.planned.kept, report.tally.ok), (2, 0));
    fs::write(scene.source.join("a"), "newer a").unwrap();
    fs::remove_file(scene.target.join("inner/b")).unwrap();
    let report = resume(&scene.ledger, id, &options).unwrap().run(&NoObserver);
    assert_eq!((report.planned.kept, report.tally.ok), (0, 2));
    assert_eq!(read(scene.target.join("a")), "newer a");
    assert_eq!(read(scene.target.join("inner/b")), "new b");
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Finished);
}

#[test]
fn a_job_is_run_by_one_at_a_time() {
    let scene = Scene::new();
    let job = scene.request().prepare().unwrap();
    let id = job.id().unwrap();
    let refused = resume(&scene.ledger, id, &ResumeOptions::default()).unwrap_err();
    let me = std::process::id();
    assert!(
        matches!(refused, CopyError::Ledger(LedgerError::JobIsRunning { pid, .. }) if pid == me),
        "{refused}"
    );
    // Given up without having run, it is one that was interrupted.
    drop(job);
    let latest = scene.ledger.latest_to_resume().unwrap().unwrap();
    assert_eq!((latest.id, latest.state), (id, JobState::Interrupted));
    let report = resume(&scene.ledger, id, &ResumeOptions::default()).unwrap().run(&NoObserver);
    assert_eq!((report.outcome, report.tally.ok), (Outcome::Finished, 2));
}

#[test]
fn what_failed_is_tried_again_and_nothing_else() {
    let scene = Scene::new();
    // A directory in the way of a file.
    fs::create_dir_all(scene.target.join("a")).unwrap();
    let job = scene.request().prepare().unwrap();
    let id = job.id().unwrap();
    let report = job.run(&NoObserver);
    assert_eq!((report.tally.ok, report.tally.failed), (1, 1));
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Incomplete);
    fs::remove_dir(scene.target.join("a")).unwrap();
    fs::write(scene.source.join("c"), "has appeared since").unwrap();
    let again = retry(&scene.ledger, id, &ResumeOptions::default()).unwrap();
    let report = again.run(&NoObserver);
    assert_eq!(report.tally.ok, 1, "{report:#?}");
    assert_eq!(read(scene.target.join("a")), "new a");
    assert!(!scene.target.join("c").exists());
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Finished);
    let error = retry(&scene.ledger, id, &ResumeOptions::default()).unwrap_err();
    assert!(matches!(error, CopyError::NothingFailed { job } if job == id), "{error}");
}

/// Everything but what had failed is changed before it is tried again.
#[test]
fn what_has_not_failed_is_left_alone_though_it_has_the_same_path() {
    let scene = Scene::new();
    let folder = scene.source.parent().unwrap();
    let sources = ["one/x", "one/y", "two/x", "two/y", "alone", "single"].map(|it| folder.join(it));
    for source in &sources {
        fs::create_dir_all(source.parent().unwrap()).unwrap();
        fs::write(source, "as it was").unwrap();
    }
    // Directories in the way of files: of one source, and of a file that is a source itself.
    for way in ["one/x", "single"] {
        fs::create_dir_all(scene.target.join(way)).unwrap();
    }
    let named = ["one", "two", "alone", "single"].map(|it| folder.join(it));
    let job = CopyRequest::new(named, &scene.target).ledger(Arc::clone(&scene.ledger));
    let job = job.prepare().unwrap();
    let id = job.id().unwrap();
    let report = job.run(&NoObserver);
    assert_eq!((report.tally.ok, report.tally.failed), (4, 2), "{report:#?}");
    for way in ["one/x", "single"] {
        fs::remove_dir(scene.target.join(way)).unwrap();
    }
    for source in &sources {
        fs::write(source, "changed since, and longer").unwrap();
    }
    let report = retry(&scene.ledger, id, &ResumeOptions::default()).unwrap().run(&NoObserver);
    assert_eq!((report.tally.ok, report.tally.failed), (2, 0), "{report:#?}");
    for path in ["one/x", "one/y", "two/x", "two/y", "alone", "single"] {
        let expected = match path {
            "one/x" | "single" => "changed since, and longer",
            _ => "as it was",
        };
        assert_eq!(read(scene.target.join(path)), expected, "{path}");
    }
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Finished);
}

#[test]
fn what_failed_stays_so_whatever_becomes_of_the_runs_between() {
    let scene = Scene::new();
    fs::create_dir_all(scene.target.join("a")).unwrap();
    let job = scene.request().prepare().unwrap();
    let id = job.id().unwrap();
    assert_eq!(job.run(&NoObserver).tally.failed, 1);
    let away = scene.source.with_extension("away");
    fs::rename(&scene.source, &away).unwrap();
    let options = ResumeOptions::default();
    for _ in 0..2 {
        let report = retry(&scene.ledger, id, &options).unwrap().run(&NoObserver);
        assert_eq!(report.outcome, Outcome::Refused);
        assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Incomplete);
    }
    assert_eq!(
        resume(&scene.ledger, id, &options).unwrap().run(&NoObserver).outcome,
        Outcome::Refused
    );
    fs::rename(&away, &scene.source).unwrap();
    fs::remove_dir(scene.target.join("a")).unwrap();
    let report = retry(&scene.ledger, id, &options).unwrap().run(&NoObserver);
    assert_eq!((report.tally.ok, report.tally.failed), (1, 0), "{report:#?}");
    assert_eq!(read(scene.target.join("a")), "new a");
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Finished);
}

/// What the policy says is of files that were there before the job; this one is the job's own.
#[test]
fn damage_is_found_and_copied_again_whatever_the_policy() {
    for policy in ConflictPolicy::ALL {
        let scene = Scene::new();
        let job = scene.request().on_conflict(policy).prepare().unwrap();
        let id = job.id().unwrap();
        job.run(&NoObserver);
        let damaged = scene.target.join("a");
        let time = fs::metadata(&damaged).unwrap().modified().unwrap();
        fs::write(&damaged, "nEw a").unwrap();
        fs::File::options().write(true).open(&damaged).unwrap().set_modified(time).unwrap();
        let options = ResumeOptions::default();
        let found = verify_job(&scene.ledger, id, &options).unwrap().run(&NoObserver);
        let found = (found.same() + found.no_digest, found.damaged);
        assert_eq!(found, (1, 1), "{policy:?}");
        let report = resume(&scene.ledger, id, &options).unwrap().run(&NoObserver);
        assert_eq!((report.tally.ok, report.tally.failed), (1, 0), "{policy:?}: {report:#?}");
        assert_eq!(read(&damaged), "new a", "{policy:?}");
        let found = verify_job(&scene.ledger, id, &options).unwrap().run(&NoObserver);
        assert_eq!(found.damaged, 0, "{policy:?}: {found:?}");
    }
}

#[test]
fn a_job_that_keeps_what_it_replaces_can_be_undone() {
    let scene = Scene::new();
    fs::create_dir_all(&scene.target).unwrap();
    fs::write(scene.target.join("a"), "old a").unwrap();
    let job = scene.request().keep_replaced(true).prepare().unwrap();
    let id = job.id().unwrap();
    job.run(&NoObserver);
    assert_eq!(read(scene.target.join("a")), "new a");
    let undone = undo_job(&scene.ledger, id, &ResumeOptions::default()).unwrap();
    let report = undone.run(&NoObserver);
    assert_eq!((report.restored, report.removed, report.refused), (1, 1, 0), "{report:?}");
    assert_eq!(read(scene.target.join("a")), "old a");
    let left: Vec<_> = fs::read_dir(&scene.target).unwrap().map(|it| it.unwrap()).collect();
    assert_eq!(left.len(), 1, "{left:?}");
    assert_eq!(scene.ledger.job(id).unwrap().state, JobState::Undone);
}

/// That a copy was undone takes nothing away from what is known of its source.
#[test]
fn a_file_that_has_rotted_since_its_copy_was_undone_is_told() {
    let scene = Scene::new();
    let request = || scene.request().strategy(StrategyChoice::Staged).keep_replaced(true);
    let job = request().prepare().unwrap();
    let id = job.id().unwrap();
    assert_eq!(job.run(&NoObserver).tally.ok, 2);
    let undone = undo_job(&scene.ledger, id, &ResumeOptions::default()).unwrap().run(&NoObserver);
    assert_eq!(undone.removed, 2, "{undone:?}");
    let rotten = scene.source.join("a");
    let time = fs::metadata(&rotten).unwrap().modified().unwrap();
    fs::write(&rotten, "nEw a").unwrap();
    fs::File::options().write(true).open(&rotten).unwrap().set_modified(time).unwrap();
    let warned = Warned::default();
    let report = request().prepare().unwrap().run(&warned);
    let warned = warned.0.into_inner().unwrap();
    assert_eq!(warned, [(WarningKind::BitRot, rotten)], "{report:#?}");
}

#[test]
fn what_is_kept_can_be_given_up() {
    let scene = Scene::new();
    fs::create_dir_all(&scene.target).unwrap();
    fs::write(scene.target.join("a"), "old a").unwrap();
    let job = scene.request().keep_replaced(true).prepare().unwrap();
    let id = job.id().unwrap();
    job.run(&NoObserver);
    assert_eq!(scene.ledger.job(id).unwrap().kept_backups, 1);
    let options = ResumeOptions::default();
    let report = discard_replaced(&scene.ledger, id, &options).unwrap().run(&NoObserver);
    assert_eq!(report.discarded, 1, "{report:?}");
    assert_eq!(scene.ledger.job(id).unwrap().kept_backups, 0);
    assert_eq!(read(scene.target.join("a")), "new a");
    // Half of it would be undone, and the rest never could be.
    let error = undo_job(&scene.ledger, id, &options).unwrap_err();
    assert!(matches!(error, CopyError::GivenUp { job } if job == id), "{error}");
    assert_eq!(scene.ledger.job(id).unwrap().runs.len(), 2);
    assert_eq!(discard_replaced(&scene.ledger, id, &options).unwrap().run(&NoObserver).already, 0);
}

#[test]
fn a_job_that_had_nothing_to_give_up_can_be_undone() {
    let scene = Scene::new();
    let job = scene.request().keep_replaced(true).prepare().unwrap();
    let id = job.id().unwrap();
    job.run(&NoObserver);
    let options = ResumeOptions::default();
    discard_replaced(&scene.ledger, id, &options).unwrap().run(&NoObserver);
    assert_eq!(undo_job(&scene.ledger, id, &options).unwrap().run(&NoObserver).removed, 2);
}

#[test]
fn keeping_needs_a_ledger_and_undoing_needs_keeping() {
    let scene = Scene::new();
    let request = CopyRequest::new([&scene.source], &scene.target).keep_replaced(true);
    assert!(matches!(request.prepare().unwrap_err(), CopyError::NothingToUndoBy));
    let job = scene.request().prepare().unwrap();
    let id = job.id().unwrap();
    job.run(&NoObserver);
    let error = undo_job(&scene.ledger, id, &ResumeOptions::default()).unwrap_err();
    assert!(matches!(error, CopyError::NothingKept { job } if job == id), "{error}");
}

#[test]
fn a_dry_run_leaves_no_job() {
    let scene = Scene::new();
    let job = scene.request().dry_run(true).prepare().unwrap();
    assert_eq!(job.id(), None);
    job.run(&NoObserver);
    assert!(scene.ledger.jobs().unwrap().is_empty());
}
