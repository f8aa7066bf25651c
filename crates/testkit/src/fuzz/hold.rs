//! Giving a check one input after the other, for as long as is asked for.

use std::cell::Cell;
use std::fmt::Debug;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};

use super::mutation::{Input, Sample, mutated};

/// The seed where nobody asks for another.
const SEED: u64 = 1;

/// Longer than this nothing takes that is asked for here, on the slowest machine.
const LONGEST: Duration = Duration::from_secs(20);

/// More room than this nobody makes for an input. It is far more than a test needs, since others run beside
/// it, and far less than the numbers that are put in.
const MOST_BYTES: u64 = 4 << 30;

/// What became of an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Taken,
    /// It was refused, with an error.
    Refused,
}

impl<T, E> From<&Result<T, E>> for Verdict {
    fn from(result: &Result<T, E>) -> Self {
        if result.is_ok() { Verdict::Taken } else { Verdict::Refused }
    }
}

/// Gives the check samples as they are and changed at random: so many, or for as long as is asked for.
///
/// # Panics
/// When the check does, takes very long or makes very much room; or when no input was taken or none was
/// refused, since the target shows nothing then. The message has the seed, and the shortest list of changes
/// that does it.
#[track_caller]
pub fn hold(name: &str, count: u32, samples: Vec<Sample>, check: impl Fn(&[u8]) -> Verdict) {
    let strategy = mutated(samples);
    hold_values(name, count, &strategy, |Input(input)| check(&input));
}

/// The same with values of any kind.
///
/// # Panics
/// As [`hold`].
#[track_caller]
pub fn hold_values<S: Strategy<Value: Debug>>(
    name: &str,
    count: u32,
    strategy: &S,
    check: impl Fn(S::Value) -> Verdict,
) {
    let (taken, refused) = (Cell::new(0_u64), Cell::new(0_u64));
    let began = Instant::now();
    let last = began + Duration::from_secs(number("SURECOPY_FUZZ_SECONDS").unwrap_or(0));
    let is_long = last > began;
    let mut seed = number("SURECOPY_FUZZ_SEED").unwrap_or(if is_long { any_seed() } else { SEED });
    let first = seed;
    loop {
        let config = Config {
            cases: count,
            rng_seed: RngSeed::Fixed(seed),
            failure_persistence: None,
            max_shrink_time: 60_000,
            ..Config::default()
        };
        let outcome = TestRunner::new(config).run(strategy, |value| {
            let verdict = watched(|| check(value))?;
            let counter = if verdict == Verdict::Taken { &taken } else { &refused };
            counter.set(counter.get() + 1);
            Ok(())
        });
        if let Err(error) = outcome {
            panic!("{name}: {error}\nagain with: SURECOPY_FUZZ_SEED={seed} cargo test {name}");
        }
        if Instant::now() >= last {
            break;
        }
        seed = seed.wrapping_add(1);
    }
    let (taken, refused) = (taken.get(), refused.get());
    let seconds = began.elapsed().as_secs_f64();
    println!("{name}: {taken} taken, {refused} refused, {seconds:.1} s, seeds {first} to {seed}");
    assert!(taken > 0 && refused > 0, "{name}: {taken} taken, {refused} refused");
}

/// What a check says, unless it takes too much of something.
fn watched(check: impl FnOnce() -> Verdict) -> Result<Verdict, TestCaseError> {
    let (before, began) = (Room::now(), Instant::now());
    let verdict = check();
    let (taken, made) = (began.elapsed(), Room::now().since(&before));
    if taken > LONGEST {
        return Err(TestCaseError::fail(format!("it took {taken:?}")));
    }
    if made > MOST_BYTES {
        return Err(TestCaseError::fail(format!("it made room for {made} bytes")));
    }
    Ok(verdict)
}

/// How much room this process has, and the most that it ever had. Zeros where that is not told.
#[derive(Default)]
struct Room {
    bytes: u64,
    most_bytes: u64,
}

impl Room {
    fn now() -> Self {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let bytes = |name| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let kib = line.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
            kib.unwrap_or(0) << 10
        };
        Self { bytes: bytes("VmSize:"), most_bytes: bytes("VmPeak:") }
    }

    /// What was made in between, if it was more than ever before.
    fn since(&self, before: &Self) -> u64 {
        let is_more = self.most_bytes > before.most_bytes;
        if is_more { self.most_bytes.saturating_sub(before.bytes) } else { 0 }
    }
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable} is a number, not {text:?}")))
}

/// Another one each time.
fn any_seed() -> u64 {
    RandomState::new().hash_one(SEED) >> 32
}
