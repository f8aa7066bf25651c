//! A recorded job of several threads that is killed at random moments, and gone on with.

use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier::{self, Copied, done_among};
use crate::disturbed::{Disturbed, Ends};
use crate::job::{Job, Size};
use crate::lab::Lab;
use crate::ledger::Ledger;
use crate::likeness::Likeness;
use crate::volume::Volume;

/// How many kills there are unless this variable says another number.
const KILLS: usize = 150;
const KILLS_VARIABLE: &str = "SURECOPY_LAB_KILLS";

/// The moments are drawn from this; what is met there differs anyway.
const SEED: u64 = 500;

/// The exit status of what was killed.
const KILLED: i32 = 128 + 9;

const WORKERS: usize = 4;
const GROUP: usize = 8;
/// What each worker may have in flight: a group that is announced and not published, the one that is
/// gathered meanwhile, and the file that is being copied.
const IN_FLIGHT: usize = WORKERS * (2 * GROUP + 1);

const OPTIONS: [&str; 6] = ["-j", "4", "--set", "group_max_files=8", "--on-conflict", "replace"];

/// Whenever it is killed, the resumed job ends like one that nothing has disturbed, and no more than what
/// is in flight is begun again.
pub(crate) fn of_a_job(lab: &Lab) -> Result<String> {
    let kills = match std::env::var(KILLS_VARIABLE) {
        Ok(text) => text.parse().with_context(|| format!("{KILLS_VARIABLE}={text}"))?,
        Err(_) => KILLS,
    };
    let job = Job::with_links(&lab.new_dir("source")?, Size { small: 192, medium: 6 })?;
    let volume = Volume::thin(lab, 512 << 20, 600 << 20)?;
    let ledger = Ledger::within(&volume.join("ledger"));
    let target = volume.join("target");
    let recorded = Disturbed { lab, job: &job, options: &OPTIONS, target, ledger };
    let undisturbed = recorded.undisturbed()?;
    let mut random = Random::new(SEED);
    let mut took = time(&recorded)?;
    let (mut ends, mut killed, mut amid, mut twice, mut too_late) = (Ends::default(), 0, 0, 0, 0);
    while killed < kills {
        let mut draw = || -> Result<_> {
            Ok(Duration::from_micros(random.below(took.as_micros().try_into()?)))
        };
        // Every third one is killed again while it is resumed.
        let moments = (draw()?, if killed % 3 == 2 { Some(draw()? / 2) } else { None });
        match kill_at(&recorded, moments, &undisturbed, &mut ends)? {
            Some(seen) => {
                killed += 1;
                amid += usize::from(seen.is_amid);
                twice += usize::from(seen.is_killed_twice);
            }
            None => {
                too_late += 1;
                ensure!(too_late <= kills, "{killed} kills, and {too_late} came too late");
                // Others may have kept the machine busy before.
                took = took.min(time(&recorded)?);
            }
        }
    }
    ensure!(amid * 10 >= kills, "only {amid} of {kills} kills were in the middle");
    ensure!(twice * 10 >= kills, "only {twice} of {kills} were killed while resuming");
    ensure!(ends.found_done > 0 && ends.begun_again > 0, "the kills were not spread: {ends}");
    ensure!(
        ends.most_begun_again <= IN_FLIGHT,
        "more than {IN_FLIGHT} files are begun again: {ends}"
    );
    Ok(format!(
        "seed {SEED}: {killed} kills within {} ms, {amid} in the middle, {twice} killed again while \
        resuming ({too_late} more came too late), \
        {} files: {ends}",
        took.as_millis(),
        job.len()
    ))
}

/// How long it takes when nobody disturbs it.
fn time(recorded: &Disturbed<'_>) -> Result<Duration> {
    let mut command = recorded.begin(&[])?;
    let began = Instant::now();
    copier::finish(&mut command)?.ensure_ok()?;
    Ok(began.elapsed())
}

/// A job that was killed.
struct Seen {
    /// Some was done, and some was not.
    is_amid: bool,
    /// It was killed again while it was resumed.
    is_killed_twice: bool,
}

/// Gives nothing when the job had ended by then.
fn kill_at(
    recorded: &Disturbed<'_>,
    (moment, again): (Duration, Option<Duration>),
    undisturbed: &Likeness,
    ends: &mut Ends,
) -> Result<Option<Seen>> {
    let mut copied = kill_after(&mut recorded.begin(&[])?, moment)?;
    if copied.status != KILLED {
        copied.ensure_ok()?;
        recorded.ensure_ended(undisturbed)?;
        return Ok(None);
    }
    let mut is_killed_twice = false;
    if let Some(again) = again
        && recorded.ledger.has_job(recorded.lab)?
    {
        let resumed = kill_after(&mut recorded.ledger.resume_command(recorded.lab, &[]), again)?;
        is_killed_twice = resumed.status == KILLED;
        ensure!(is_killed_twice || resumed.status == 0, "resume: {}", resumed.describe());
        copied.objects.extend(resumed.objects);
    }
    let what = || format!("killed after {moment:?}, and again after {again:?}");
    let told = done_among(&copied.objects);
    let found = recorded.check_and_go_on(&told, undisturbed, ends).with_context(what)?;
    let is_amid = found.new > 0 && found.new < recorded.job.len();
    Ok(Some(Seen { is_amid, is_killed_twice }))
}

fn kill_after(command: &mut Command, moment: Duration) -> Result<Copied> {
    let running = Running::start(command)?;
    thread::sleep(moment);
    running.kill()?;
    copier::read(&running.output()?)
}
