//! Directories that are exchanged with links while they are copied from, or into. Whatever the
//! moment, nothing outside is read or changed.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use surecopy::{ConflictPolicy, CopyRequest, ErrorCode, VerifyPolicy};

use crate::place::{Place, alone, long_ago, set_times};
use crate::running::{Ended, run, run_during};
use crate::snapshot::{Content, assert_same, tree};

const RUNS: u64 = 120;
const FILES: u64 = 12;
const SECRET: &[u8] = b"this is not for you";

/// Names in `dir`, in a subdirectory that will be swapped and one below it.
fn fill(dir: &Path, content: &[u8]) {
    fs::create_dir_all(dir.join("deeper")).expect("a directory");
    for number in 0..FILES {
        fs::write(dir.join(format!("file-{number}")), content).expect("a file");
        fs::write(dir.join(format!("deeper/file-{number}")), content).expect("a file");
    }
}

struct Swapped {
    place: Place,
    real: PathBuf,
    link: PathBuf,
}

impl Swapped {
    /// `real` is a directory; beside it waits a link to a directory outside that has the same
    /// names in it.
    fn new(real: &str) -> Self {
        let place = Place::new();
        fill(&place.dir("source/sub"), b"harmless");
        place.dir("out/sub");
        place.dir("parked");
        let link = place.at("parked/link");
        fill(&place.dir("outside"), SECRET);
        symlink(place.at("outside"), &link).expect("a link");
        for name in ["outside", "outside/deeper"] {
            set_times(&place.at(name), long_ago(5));
        }
        let real = place.at(real);
        Self { place, real, link }
    }

    fn swap(&self) {
        renameat_with(CWD, &self.real, CWD, &self.link, RenameFlags::EXCHANGE).expect("a swap");
    }

    fn copy(&self, run: u64) -> CopyRequest {
        let policy = if run.is_multiple_of(2) { VerifyPolicy::None } else { VerifyPolicy::All };
        CopyRequest::new([self.place.at("source/")], self.place.at("out"))
            .on_conflict(ConflictPolicy::Replace)
            .verify(policy)
            .jobs(2)
    }
}

/// Everything that may be said about an entry that was not what it had been.
fn is_fitting(code: ErrorCode) -> bool {
    use ErrorCode as Code;
    let fitting = [Code::LinkInPath, Code::SourceMissing, Code::SourceChanged, Code::TargetChanged];
    fitting.contains(&code) || code == Code::TargetKindDiffers
}

/// Without a swap everything is copied; during swaps nothing outside is read or changed, whatever
/// is said of the items. How many of them are copied then is chance, so that nothing hangs on it.
fn copy_again_and_again(swapped: &Swapped, prepare: impl Fn()) {
    let outside = tree(&swapped.place.at("outside"));
    prepare();
    let undisturbed = run(swapped.copy(0));
    assert_eq!(undisturbed.report.tally.ok, 2 * FILES, "{undisturbed:?}");
    let (mut runs, mut whole, mut barred) = (0, 0, 0);
    let ((), swaps) = run_during(
        |_| swapped.swap(),
        || {
            while runs < RUNS || (barred == 0 && runs < 50 * RUNS) {
                prepare();
                let ended: Ended = run(swapped.copy(runs));
                let codes = ended.codes();
                assert!(codes.iter().all(|code| is_fitting(*code)), "{codes:?}: {ended:?}");
                runs += 1;
                whole += u64::from(ended.report.tally.ok == 2 * FILES);
                barred += u64::from(!codes.is_empty());
                assert_same(&outside, &tree(&swapped.place.at("outside")));
            }
        },
    );
    println!("{runs} runs during {swaps} swaps: {whole} whole, {barred} told of a swap");
    assert!(swaps > RUNS, "{swaps} swaps are not worth the name");
    assert!(barred > 0, "no swap was ever met");
}

#[test]
fn row_30_nothing_is_read_through_a_link_swapped_into_the_source() {
    let _machine = alone();
    let swapped = Swapped::new("source/sub");
    let out = swapped.place.at("out");
    let is_clean = || {
        for (path, entry) in tree(&out) {
            let is_secret = matches!(&entry.content, Content::File(bytes) if bytes == SECRET);
            assert!(!is_secret, "{path:?} came from outside");
        }
        fs::remove_dir_all(&out).expect("our own directory");
        fs::create_dir(&out).expect("our own directory");
    };
    copy_again_and_again(&swapped, is_clean);
    is_clean();
}

#[test]
fn row_30_nothing_is_written_through_a_link_swapped_into_the_destination() {
    let _machine = alone();
    let swapped = Swapped::new("out/sub");
    copy_again_and_again(&swapped, || ());
}
