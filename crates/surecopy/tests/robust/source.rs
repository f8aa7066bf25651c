//! Sources that change, vanish or cannot be read while they are copied.

use std::fs::{self, File, OpenOptions, Permissions};
use std::os::unix::fs::{FileExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;

use rustix::fs::{CWD, RenameFlags, renameat_with};
use surecopy::{
    ConflictPolicy, CopyRequest, ErrorCode, ItemStatus, Outcome, StrategyChoice, VerifyPolicy,
};

use crate::child;
use crate::place::{Place, alongside, fill, long_ago, partial_in, set_times, skipped};
use crate::running::{Ended, has_copied, run, run_during, run_watched};
use crate::snapshot::{Tree, assert_same, tree};

/// Some steps of any mechanism, between which a job can be held.
const SIZE: u64 = 40 << 20;
const NOBODY: u32 = 65_534;

/// A job on a busy machine may be over before anybody gets to disturb it.
const TRIES: usize = 6;

/// Both ways that bytes travel; they see changes at different moments.
const STRATEGIES: [StrategyChoice; 2] = [StrategyChoice::Direct, StrategyChoice::Staged];

/// A source, and a target that stands there already.
struct Changing {
    place: Place,
    before: Tree,
}

impl Changing {
    fn new() -> Self {
        let place = Place::new();
        place.file("source", SIZE);
        place.file("out/target", 5000);
        set_times(&place.at("out/target"), long_ago(1));
        set_times(&place.at("out"), long_ago(2));
        let before = tree(&place.at("out"));
        Self { place, before }
    }

    fn copy(&self, strategy: StrategyChoice) -> CopyRequest {
        CopyRequest::new([self.place.at("source")], self.place.at("out/target"))
            .exact_target(true)
            .on_conflict(ConflictPolicy::Replace)
            .strategy(strategy)
            .verify(VerifyPolicy::All)
            .set("staged_chunk_bytes", "1MiB")
            .expect("a setting")
            .retries(2)
    }

    /// The job ended, the item failed like this, and the destination is what it was.
    fn assert_failed(&self, ended: &Ended, code: ErrorCode) {
        assert_eq!(ended.report.outcome, Outcome::Finished);
        assert_eq!(ended.codes(), [code], "{ended:?}");
        assert_same(&self.before, &tree(&self.place.at("out")));
    }
}

/// Copies, and does something to the source in the middle of every attempt, or of the first one
/// only. The job is held meanwhile, so that it is certain which of the two came first.
fn disturb(
    changing: &Changing,
    strategy: StrategyChoice,
    attempts: usize,
    mut change: impl FnMut(&Path),
) -> Ended {
    let (source, out) = (changing.place.at("source"), changing.place.at("out"));
    let mut disturbed = Vec::new();
    run_watched(changing.copy(strategy), |now, control| {
        if disturbed.len() == attempts || !has_copied(now, 1) {
            return false;
        }
        control.pause();
        // Every attempt has a partial file of its own.
        let partial = partial_in(&out).filter(|partial| !disturbed.contains(partial));
        let is_new = partial.is_some();
        if let Some(partial) = partial {
            disturbed.push(partial);
            change(&source);
        }
        control.resume();
        is_new
    })
}

/// A source that is never left in peace fails after some attempts.
fn never_in_peace(mut change: impl FnMut(&Path, u64)) {
    let _machine = alongside();
    for strategy in STRATEGIES {
        let is_done = (0..TRIES).any(|_| is_never_in_peace(strategy, &mut change));
        if !is_done {
            skipped(&format!("{strategy:?} copies too fast here to be disturbed every time"));
        }
    }
}

/// Whether every attempt was disturbed; on a busy machine one may be over too soon.
fn is_never_in_peace(strategy: StrategyChoice, change: &mut impl FnMut(&Path, u64)) -> bool {
    let (changing, mut round) = (Changing::new(), 0);
    let ended = disturb(&changing, strategy, usize::MAX, |source| {
        round += 1;
        change(source, round);
    });
    let retries = &ended.only().retries;
    assert!(retries.iter().all(|error| error.code == ErrorCode::SourceChanged), "{retries:?}");
    if ended.codes().is_empty() {
        // Each disturbance was noticed; there were too few.
        assert_eq!(retries.len() as u64, round, "{ended:?}");
        return false;
    }
    changing.assert_failed(&ended, ErrorCode::SourceChanged);
    assert_eq!((retries.len(), round), (2, 3));
    true
}

/// Disturbs the first attempt.
fn disturb_once(strategy: StrategyChoice, change: impl Fn(&Path)) -> Option<(Changing, Ended)> {
    for _ in 0..TRIES {
        let changing = Changing::new();
        let ended = disturb(&changing, strategy, 1, &change);
        if ended.was_reached {
            return Some((changing, ended));
        }
    }
    skipped(&format!("{strategy:?} copies too fast here to be disturbed"));
    None
}

fn open(path: &Path) -> File {
    OpenOptions::new().write(true).open(path).expect("the source")
}

#[test]
fn row_25_a_source_that_is_rewritten_in_place_is_noticed() {
    never_in_peace(|source, round| {
        open(source).write_all_at(&round.to_le_bytes(), SIZE - 100).unwrap();
    });
}

#[test]
fn row_25_a_source_that_is_rewritten_and_dated_back_is_noticed() {
    never_in_peace(|source, round| {
        let modified = fs::metadata(source).unwrap().modified().unwrap();
        let file = open(source);
        file.write_all_at(&round.to_le_bytes(), SIZE - 100).unwrap();
        file.set_modified(modified).unwrap();
    });
}

#[test]
fn row_25_a_source_that_grows_is_noticed() {
    never_in_peace(|source, round| open(source).set_len(SIZE + round).unwrap());
}

#[test]
fn row_25_a_source_that_is_cut_is_noticed() {
    never_in_peace(|source, round| open(source).set_len(SIZE - round).unwrap());
}

#[test]
fn row_25_a_source_that_is_cut_to_nothing_and_written_again_is_noticed() {
    never_in_peace(|source, _| fill(source, SIZE));
}

#[test]
fn row_25_a_source_that_others_take_the_place_of_is_noticed() {
    never_in_peace(|source, _| {
        let other = source.with_file_name("other");
        fill(&other, SIZE);
        fs::rename(&other, source).unwrap();
    });
}

#[test]
fn row_25_a_source_that_changes_once_is_copied_as_it_then_is() {
    let _machine = alongside();
    for strategy in STRATEGIES {
        let cut = |source: &Path| open(source).set_len(SIZE / 3).unwrap();
        let Some((changing, ended)) = disturb_once(strategy, cut) else { continue };
        let item = ended.only();
        assert_eq!(item.status, ItemStatus::Ok, "{item:?}");
        assert_eq!(item.retries.len(), 1, "{item:?}");
        assert_eq!(item.retries[0].code, ErrorCode::SourceChanged);
        assert_eq!(item.size_bytes, SIZE / 3);
        let copied = fs::read(changing.place.at("out/target")).unwrap();
        assert!(copied == fs::read(changing.place.at("source")).unwrap());
        assert_eq!(fs::read_dir(changing.place.at("out")).unwrap().count(), 1);
    }
}

#[test]
fn row_25_a_source_that_vanishes_is_a_failure_and_its_target_stays() {
    let _machine = alongside();
    for strategy in STRATEGIES {
        let vanish = |source: &Path| fs::remove_file(source).unwrap();
        let Some((changing, ended)) = disturb_once(strategy, vanish) else { continue };
        changing.assert_failed(&ended, ErrorCode::SourceMissing);
        assert_eq!(ended.only().retries[0].code, ErrorCode::SourceChanged);
    }
}

/// Writers that cannot be held: whatever they do, what is published is one state of the source.
#[test]
fn row_25_a_source_that_changes_all_the_time_is_copied_whole_or_not_at_all() {
    let _machine = alongside();
    for strategy in STRATEGIES {
        let changing = Changing::new();
        let (source, target) = (changing.place.at("source"), changing.place.at("out/target"));
        let other = source.with_file_name("other");
        fill(&other, SIZE - 1);
        let contents = [fs::read(&source).unwrap(), fs::read(&other).unwrap()];
        let swap = |_| renameat_with(CWD, &source, CWD, &other, RenameFlags::EXCHANGE).unwrap();
        let (ended, rounds) = run_during(swap, || run(changing.copy(strategy)));
        let codes = ended.codes();
        if codes.is_empty() {
            assert!(contents.contains(&fs::read(target).unwrap()), "{ended:?}");
        } else {
            changing.assert_failed(&ended, ErrorCode::SourceChanged);
        }
        println!("{strategy:?}, {rounds} changes: {codes:?}");
    }
}

#[test]
fn row_23_what_may_not_be_read_is_told_and_the_rest_is_copied() {
    let _machine = alongside();
    let place = Place::new();
    place.file("in/source/readable", 100);
    place.file("in/source/secret", 100);
    place.file("in/source/locked/file", 100);
    place.dir("in/out");
    let protected = |name: &str, mode| {
        fs::set_permissions(place.at(name), Permissions::from_mode(mode)).unwrap();
    };
    protected("in/source/secret", 0);
    let is_root = rustix::process::geteuid().is_root();
    let mut child = child::command("unprivileged");
    child.env("ROBUST_SOURCE", place.at("in/source")).env("ROBUST_TARGET", place.at("in/out"));
    if is_root {
        for name in [
            "",
            "in",
            "in/source",
            "in/source/readable",
            "in/source/secret",
            "in/source/locked",
            "in/out",
        ] {
            if let Err(error) = chown(place.at(name), Some(NOBODY), Some(NOBODY)) {
                return skipped(&format!("a root who can give nothing away: {error}"));
            }
        }
        child.uid(NOBODY).gid(NOBODY);
    }
    protected("in/source/locked", 0);
    // What stands above may be passed through; it need not be listed.
    protected("", 0o311);
    let output = child.output();
    protected("", 0o700);
    protected("in/source/locked", 0o700);
    let output = match output {
        Ok(output) => output,
        Err(error) => return skipped(&format!("root, and another user cannot run this: {error}")),
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(fs::read(place.at("in/out/source/readable")).unwrap().len(), 100);
    assert!(!place.at("in/out/source/secret").exists());
    assert!(!place.at("in/out/source/locked/file").exists());
}

/// The role of a process that is not root's.
pub(crate) fn copy_what_may_not_be_read() {
    assert!(!rustix::process::geteuid().is_root());
    let ended =
        run(CopyRequest::new([child::given("ROBUST_SOURCE")], child::given("ROBUST_TARGET")));
    let codes = ended.codes();
    assert_eq!(codes, [ErrorCode::SourceUnreadable; 2], "{ended:?}");
    assert_eq!((ended.report.tally.ok, ended.report.tally.failed), (1, 2));
}
