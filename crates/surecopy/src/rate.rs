//! Speeds and the time left, from bytes and moments that are handed in.
//!
//! Pure arithmetic: it has no clock and looks at no counters, so that its tests can say what time
//! it is.

use std::time::Duration;

/// How fast the current speed follows: after this time, what came before counts 37 %.
const SMOOTHING_SECS: f64 = 3.0;

/// Moments closer together than this are one moment; speeds over less are noise.
const SHORTEST_INTERVAL: Duration = Duration::from_millis(50);

/// Speeds in bytes per second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Rates {
    /// Now, smoothed over about three seconds.
    pub current: f64,
    /// From the first moment on.
    pub average: f64,
    /// The highest smoothed speed so far.
    pub peak: f64,
}

/// Measures the speed of a count that grows.
#[derive(Debug, Clone, Default)]
pub struct RateMeter {
    began: Option<Moment>,
    last: Moment,
    /// Speed and how much of it is known: a smoothed speed that began at zero would be too low in
    /// the first seconds, so it is divided by the weight that it has gathered.
    smoothed: f64,
    weight: f64,
    peak: f64,
}

#[derive(Debug, Clone, Copy, Default)]
struct Moment {
    at: Duration,
    bytes: u64,
}

impl RateMeter {
    /// Has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note that the count stood at `bytes` at the moment `now`. A count that went down (an
    /// item was begun again) or a moment that is too near to the last one is waited out.
    pub fn observe(&mut self, now: Duration, bytes: u64) {
        let moment = Moment { at: now, bytes };
        if self.began.is_none() {
            self.began = Some(moment);
            self.last = moment;
            return;
        }
        let elapsed = now.saturating_sub(self.last.at);
        if elapsed < SHORTEST_INTERVAL {
            return;
        }
        let secs = elapsed.as_secs_f64();
        let speed = bytes.saturating_sub(self.last.bytes) as f64 / secs;
        let kept = (-secs / SMOOTHING_SECS).exp();
        self.smoothed = self.smoothed * kept + speed * (1.0 - kept);
        self.weight = self.weight * kept + (1.0 - kept);
        self.last = moment;
        self.peak = self.peak.max(self.current());
    }

    /// The speeds at the last moment noted.
    pub fn rates(&self) -> Rates {
        let average = self.began.map_or(0.0, |began| {
            let secs = self.last.at.saturating_sub(began.at).as_secs_f64();
            let bytes = self.last.bytes.saturating_sub(began.bytes);
            if secs > 0.0 { bytes as f64 / secs } else { 0.0 }
        });
        Rates { current: self.current(), average, peak: self.peak }
    }

    /// How long `remaining_bytes` will take at the present speed; `None` while nothing moves or
    /// too little is known.
    pub fn time_left(&self, remaining_bytes: u64) -> Option<Duration> {
        if remaining_bytes == 0 {
            return Some(Duration::ZERO);
        }
        let speed = self.current();
        // Slower than a byte a second: any number would be a guess.
        if speed < 1.0 {
            return None;
        }
        Duration::try_from_secs_f64(remaining_bytes as f64 / speed).ok()
    }

    fn current(&self) -> f64 {
        if self.weight > 0.0 { self.smoothed / self.weight } else { 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MB: u64 = 1_000_000;

    fn at(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// A meter that saw `speed` bytes per second from one moment to another, ten times a second.
    fn run(meter: &mut RateMeter, from_millis: u64, to_millis: u64, bytes: &mut u64, speed: u64) {
        for millis in (from_millis..=to_millis).step_by(100) {
            meter.observe(at(millis), *bytes);
            if millis < to_millis {
                *bytes += speed / 10;
            }
        }
    }

    fn assert_near(got: f64, expected: f64) {
        assert!((got - expected).abs() <= expected.abs() * 0.01, "{got} instead of {expected}");
    }

    #[test]
    fn a_steady_speed_is_known_from_the_first_interval_on() {
        let mut meter = RateMeter::new();
        assert_eq!(meter.rates(), Rates::default());
        meter.observe(at(7_000), 5 * MB);
        assert_eq!(meter.rates(), Rates::default());
        assert_eq!(meter.time_left(MB), None);
        meter.observe(at(7_100), 6 * MB);
        assert_near(meter.rates().current, 10e6);
        let mut bytes = 6 * MB;
        run(&mut meter, 7_100, 20_000, &mut bytes, 10 * MB);
        let rates = meter.rates();
        assert_near(rates.current, 10e6);
        assert_near(rates.average, 10e6);
        assert_near(rates.peak, 10e6);
        assert_near(meter.time_left(100 * MB).unwrap().as_secs_f64(), 10.0);
    }

    #[test]
    fn the_current_speed_follows_within_seconds_and_the_average_does_not() {
        let mut meter = RateMeter::new();
        let mut bytes = 0;
        run(&mut meter, 0, 60_000, &mut bytes, 100 * MB);
        run(&mut meter, 60_000, 63_000, &mut bytes, 10 * MB);
        // After one time constant 37 % of the step is left.
        assert_near(meter.rates().current, 10e6 + 90e6 * (-1.0f64).exp());
        run(&mut meter, 63_000, 90_000, &mut bytes, 10 * MB);
        let rates = meter.rates();
        assert_near(rates.current, 10e6);
        assert_near(rates.average, 70e6);
        assert_near(rates.peak, 100e6);
    }

    #[test]
    fn how_often_it_is_asked_does_not_matter() {
        let (mut often, mut seldom) = (RateMeter::new(), RateMeter::new());
        let mut bytes = 0;
        run(&mut often, 0, 4_000, &mut bytes, 8 * MB);
        seldom.observe(at(0), 0);
        seldom.observe(at(4_000), bytes);
        let mut stalled = bytes;
        run(&mut often, 4_000, 6_000, &mut stalled, 0);
        seldom.observe(at(6_000), bytes);
        assert_near(seldom.rates().current, often.rates().current);
        assert_near(seldom.rates().average, often.rates().average);
    }

    #[test]
    fn a_standstill_has_no_time_left_to_tell() {
        let mut meter = RateMeter::new();
        let mut bytes = 0;
        run(&mut meter, 0, 2_000, &mut bytes, MB);
        run(&mut meter, 2_000, 90_000, &mut bytes, 0);
        assert_eq!(meter.time_left(1), None);
        assert_eq!(meter.time_left(0), Some(Duration::ZERO));
        assert_near(meter.rates().average, 2e6 / 90.0);
    }

    #[test]
    fn odd_moments_and_counts_do_no_harm() {
        let mut meter = RateMeter::new();
        meter.observe(at(1_000), 10 * MB);
        // Too near, then earlier, then a count that went down because an item was begun again.
        meter.observe(at(1_001), 20 * MB);
        meter.observe(at(500), 30 * MB);
        assert_eq!(meter.rates(), Rates::default());
        meter.observe(at(2_000), 0);
        assert_eq!(meter.rates(), Rates::default());
        meter.observe(at(3_000), MB);
        assert!(meter.rates().current > 0.0);
        assert!(meter.time_left(u64::MAX).is_some());
    }
}
