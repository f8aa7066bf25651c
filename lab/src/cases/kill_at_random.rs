//! A recorded job of several threads that is killed at random moments, and gone on with.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use surecopy_testkit::Random;

use crate::child::Running;
use crate::copier::{self, done_among};
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

const WORKERS: usize = 4;
const GROUP: usize = 8;
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
    let (mut ends, mut killed, mut amid, mut too_late) = (Ends::default(), 0, 0, 0);
    while killed < kills {
        let moment = Duration::from_micros(random.below(took.as_micros().try_into()?));
        match kill_at(&recorded, moment, &undisturbed, &mut ends)? {
            Some(is_amid) => {
                killed += 1;
                amid += usize::from(is_amid);
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
    ensure!(ends.found_done > 0 && ends.begun_again > 0, "the kills were not spread: {ends}");
    let most = WORKERS * (GROUP + 1);
    ensure!(ends.most_begun_again <= most, "more than {most} files are begun again: {ends}");
    Ok(format!(
        "seed {SEED}: {killed} kills within {} ms, {amid} in the middle ({too_late} more came too late), \
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

/// Gives nothing when the job had ended by then, and otherwise whether some was done and some was not.
fn kill_at(
    recorded: &Disturbed<'_>,
    moment: Duration,
    undisturbed: &Likeness,
    ends: &mut Ends,
) -> Result<Option<bool>> {
    let running = Running::start(&mut recorded.begin(&[])?)?;
    thread::sleep(moment);
    running.kill()?;
    let copied = copier::read(&running.output()?)?;
    if copied.status != 128 + 9 {
        copied.ensure_ok()?;
        recorded.ensure_ended(undisturbed)?;
        return Ok(None);
    }
    let what = || format!("killed after {moment:?}");
    let found = recorded
        .check_and_go_on(&done_among(&copied.objects), undisturbed, ends)
        .with_context(what)?;
    Ok(Some(found.new > 0 && found.new < recorded.job.len()))
}
