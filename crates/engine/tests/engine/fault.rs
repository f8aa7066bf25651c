//! A failure at every single call, once and for ever: old or new, no partial files, and a truthful
//! result.

use std::path::Path;
use std::sync::Arc;

use surecopy_engine::{Outcome, WarningKind};
use surecopy_fs::{FsErrorKind, Operation};
use surecopy_testkit::{
    CrashFs, CrashStyle, FakeFs, Fault, FaultFs, FaultPlan, Persistence, Random,
};

use crate::job::{Ran, carry_out};
use crate::oracle::{Before, adds_up, leftovers};
use crate::scene::{Way, scene};

/// A file system that fails as planned and knows what a power cut would leave.
type Faulty = FaultFs<CrashFs>;

const REMOVALS: [Operation; 2] = [Operation::RemoveFile, Operation::RemoveDir];

struct Tried {
    fs: Arc<Faulty>,
    before: Before,
    ran: Ran,
}

impl Tried {
    fn live(&self) -> &FakeFs {
        self.fs.inner().live()
    }
}

/// Runs the scene's job with one fault. The roots are resolved before faults begin.
fn attempt(way: Way, plan: Option<FaultPlan>, exempt: &[Operation], workers: usize) -> Tried {
    let fake = scene(way);
    let before = Before::of(&fake);
    let mut spec = way.spec(&fake);
    spec.workers = workers;
    let inner = CrashFs::new(fake);
    let fs = match plan {
        None => Faulty::counting(inner),
        Some(plan) => Faulty::new(inner, plan).exempt(exempt),
    };
    let fs = Arc::new(fs);
    let ran = carry_out(&fs, &spec);
    Tried { fs, before, ran }
}

fn calls(way: Way) -> u64 {
    let undisturbed = attempt(way, None, &[], 1);
    undisturbed.ran.all_ok();
    undisturbed.before.as_reported(&undisturbed.ran, &undisturbed.live().tree("/dst")).expect("ok");
    assert!(leftovers(undisturbed.live(), "/dst").is_empty());
    undisturbed.fs.calls()
}

/// What must hold after any fault at all.
fn check(tried: &Tried, what: &str) {
    let Tried { before, ran, fs } = tried;
    let live = tried.live();
    let now = live.tree("/dst");
    let durable = fs.inner().after_crash(CrashStyle::OnlyDurable).tree("/dst");
    let told = || format!("{what}\n{}", ran.in_short());
    assert_eq!(live.tree("/src"), before.source, "the source changed: {what}");
    for (tree, when) in [(&now, "now"), (&durable, "after a power cut")] {
        let whole = before.whole(tree).and_then(|()| before.as_reported(ran, tree));
        whole.unwrap_or_else(|wrong| panic!("{when}: {wrong}\n{}", told()));
    }
    adds_up(ran);
    if ran.report.outcome == Outcome::Refused {
        assert_eq!(now, before.destination, "{}", told());
    }
    let admitted = ran.admitted_leftovers();
    for left in leftovers(live, "/dst") {
        let path = Path::new("/dst").join(left);
        assert!(admitted.contains(&path), "{} is not told of: {}", path.display(), told());
    }
    let warned = ran.warned_of(WarningKind::Directory);
    for dir in before.idle_directories(&now) {
        let path = Path::new("/dst").join(&dir);
        // What is beneath one that cannot be removed keeps those above it.
        let is_told = warned.iter().any(|warned| warned.starts_with(&path));
        assert!(is_told, "{} is left empty and not told of: {}", path.display(), told());
    }
    assert_eq!(live.open_handles(), 0, "handles are left open: {what}");
}

/// Besides: with removals working, no file with one of our names is left, except an old file that
/// could not be put back.
fn check_clean(tried: &Tried, what: &str) {
    let warned = tried.ran.warned_of(WarningKind::LeftBehind);
    assert!(warned.is_empty(), "{warned:?} though removals work: {what}");
}

/// Fails every `stride`th call of the job in turn.
fn calls_fail(
    way: Way,
    kind: FsErrorKind,
    persistence: Persistence,
    exempt: &[Operation],
    stride: usize,
) {
    let (mut tries, mut fired) = (0, 0);
    let calls = calls(way);
    for at in (1..=calls).step_by(stride) {
        let plan = FaultPlan { persistence, ..FaultPlan::once(at, kind) };
        let tried = attempt(way, Some(plan), exempt, 1);
        let what = format!("{way:?}, call {at} of {calls}, {kind:?}, {persistence:?}, {exempt:?}");
        let is_exempt = exempt.contains(&tried.fs.log()[at as usize - 1].operation);
        assert!(tried.fs.fired() || is_exempt, "the fault did not strike: {what}");
        tries += 1;
        fired += u64::from(tried.fs.fired());
        check(&tried, &what);
        if !exempt.is_empty() {
            check_clean(&tried, &what);
        }
    }
    assert!(fired * 10 > tries * 8, "only {fired} of {tries} faults struck");
}

#[test]
fn row_04_any_call_may_fail_once() {
    for way in Way::ALL {
        calls_fail(way, FsErrorKind::Io, Persistence::Once, &[], 1);
    }
}

#[test]
fn row_04_everything_but_removals_may_fail_from_any_call_on() {
    for way in Way::ALL {
        calls_fail(way, FsErrorKind::Io, Persistence::FromThenOn, &REMOVALS, 1);
    }
}

#[test]
fn row_04_failures_may_be_of_any_kind() {
    for (way, kind) in [
        (Way::Kernel, FsErrorKind::NoSpace),
        (Way::Staged, FsErrorKind::PermissionDenied),
        (Way::Plain, FsErrorKind::NoSpace),
        (Way::NoExchange, FsErrorKind::NotFound),
        (Way::Kernel, FsErrorKind::InvalidInput),
    ] {
        calls_fail(way, kind, Persistence::Once, &REMOVALS, 5);
        calls_fail(way, kind, Persistence::FromThenOn, &[], 7);
    }
}

/// What a volume does not offer is done in another way; it never fails a copy.
#[test]
fn row_04_any_call_may_be_unsupported() {
    for way in Way::ALL {
        let mut fired = 0;
        for at in (1..=calls(way)).step_by(2) {
            for persistence in [Persistence::Once, Persistence::FromThenOn] {
                let plan = FaultPlan {
                    fault: Fault::Unsupported,
                    persistence,
                    ..FaultPlan::once(at, FsErrorKind::NotSupported)
                };
                let tried = attempt(way, Some(plan), &[], 1);
                if !tried.fs.fired() {
                    // Not a call that can answer so.
                    break;
                }
                fired += 1;
                tried.ran.all_ok();
                check(&tried, &format!("{way:?}, call {at} unsupported, {persistence:?}"));
                assert!(leftovers(tried.live(), "/dst").is_empty());
            }
        }
        assert!(fired > 20, "only {fired} calls could answer so");
    }
}

#[test]
fn calls_may_fail_while_four_workers_are_at_it() {
    let mut random = Random::new(2024);
    let kinds = [FsErrorKind::Io, FsErrorKind::NoSpace, FsErrorKind::PermissionDenied];
    for way in Way::ALL {
        let calls = calls(way);
        for _ in 0..20 {
            let (at, kind) = (random.below(calls) + 1, *random.pick(&kinds));
            let persistence = *random.pick(&[Persistence::Once, Persistence::FromThenOn]);
            let plan = FaultPlan { persistence, ..FaultPlan::once(at, kind) };
            let tried = attempt(way, Some(plan), &[], 4);
            check(&tried, &format!("{way:?}, call {at}, {kind:?}, {persistence:?}, 4 workers"));
        }
    }
}
