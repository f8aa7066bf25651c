//! Round after round.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};

use super::control;
use super::round::{self, Counts};
use crate::lab::Lab;
use crate::run::Case;

/// The lab started with this word does nothing else.
pub(crate) const WORD: &str = "--soak";

/// All that there is to run then.
pub(crate) static CASES: &[Case] =
    &[Case { name: "soak: random trees, faults, kills and resumes", run: for_a_while }];

/// How long it goes on, in seconds, and how long when nobody says.
const SECONDS: (&str, u64) = ("SURECOPY_LAB_SOAK", 180);

/// The seed of a round that is to be replayed; only that one is run.
const SEED: &str = "SURECOPY_LAB_SEED";

fn number(name: &str) -> Result<Option<u64>> {
    let Some(value) = std::env::var_os(name) else { return Ok(None) };
    let text = value.to_str().with_context(|| format!("{name} is no text"))?;
    Ok(Some(text.parse().with_context(|| format!("{name}={text}"))?))
}

/// Runs until the time is over.
fn for_a_while(lab: &Lab) -> Result<String> {
    control::strays_are_found(lab)?;
    let mut counts = Counts::default();
    if let Some(seed) = number(SEED)? {
        run(lab, seed, &mut counts)?;
        return Ok(format!("{SEED}={seed}: {counts}"));
    }
    let limit = Duration::from_secs(number(SECONDS.0)?.unwrap_or(SECONDS.1));
    let first = SystemTime::now().duration_since(UNIX_EPOCH)?.as_nanos() as u64 >> 16;
    println!("soak: {limit:?} from {SEED}={first} on");
    let (began, mut seed) = (Instant::now(), first);
    while began.elapsed() < limit {
        run(lab, seed, &mut counts)?;
        seed += 1;
    }
    // Over so many rounds, chance is no excuse.
    let is_long = limit >= Duration::from_secs(SECONDS.1);
    ensure!(!is_long || counts.has_all(), "some kind of fault has never struck: {counts}");
    Ok(format!("{} rounds from {SEED}={first}: {counts}", seed - first))
}

fn run(lab: &Lab, seed: u64, counts: &mut Counts) -> Result<()> {
    round::run(lab, seed, counts).with_context(|| format!("{SEED}={seed} lab/run --soak"))
}
