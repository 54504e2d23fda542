//! The measurement: two classes in random order, and Welch's t.

use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Refusals that are timed of a class, before the first look.
const SAMPLES: usize = 10_000;
/// How often a suspicion is looked into with new samples. Another program on
/// the machine may favour a class once; a leak favours it each time.
const ATTEMPTS: usize = 4;
/// How often the control is looked for, each time with twice the samples: the
/// busier the machine, the more of them it takes to see what is there.
const LOOKS: usize = 7;
/// The slower half is full of interruptions by others, and tells of nothing.
const KEPT: f64 = 0.5;

/// One measurement at a time.
static MEASURING: Mutex<()> = Mutex::new(());

/// Where a guess is wrong.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Class {
    WrongFirst,
    WrongLast,
}

impl Class {
    /// Beyond this t the classes differ: dudect's word for "definitely".
    pub(crate) const TELLING: f64 = 10.0;
}

/// What `PROOF_SEED` says, or the clock.
pub(crate) fn seed() -> u64 {
    let told = std::env::var("PROOF_SEED").ok().and_then(|text| text.parse().ok());
    told.unwrap_or(20_260_301)
}

/// A xorshift generator.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % end
    }
}

/// Welch's t of the times of `refuse` for wrong last bytes over wrong first
/// ones, of which several attempts have the smallest: a leak shows in all.
pub(crate) fn least_difference(values: usize, refuse: impl Fn(usize, Class)) -> f64 {
    let alike = |t: f64| t.abs() < Class::TELLING;
    let attempts = attempts(values, refuse, &[1; ATTEMPTS], alike);
    attempts.into_iter().min_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or_default()
}

/// As [`least_difference`], but the largest: what is known to leak is seen with
/// enough samples.
pub(crate) fn greatest_difference(values: usize, refuse: impl Fn(usize, Class)) -> f64 {
    let growing: [usize; LOOKS] = std::array::from_fn(|look| 1 << look);
    let attempts = attempts(values, refuse, &growing, |t| t.abs() > Class::TELLING);
    attempts.into_iter().max_by(|one, other| one.abs().total_cmp(&other.abs())).unwrap_or_default()
}

/// Measures until one attempt is enough; each takes so many times the samples.
fn attempts(
    values: usize,
    refuse: impl Fn(usize, Class),
    times: &[usize],
    is_enough: impl Fn(f64) -> bool,
) -> Vec<f64> {
    let _alone = MEASURING.lock();
    let mut random = Random::new(seed());
    let mut found = Vec::new();
    for times in times {
        let t = attempt(values, SAMPLES * longer() * times, &mut random, &refuse);
        found.push(t);
        if is_enough(t) {
            break;
        }
    }
    found
}

/// A long run takes more samples, which finds smaller differences.
fn longer() -> usize {
    let seconds = std::env::var("PROOF_SECONDS").ok().and_then(|text| text.parse::<usize>().ok());
    seconds.map_or(1, |seconds| seconds.clamp(10, 400) / 10 * 5)
}

fn attempt(values: usize, samples: usize, random: &mut Random, refuse: &impl Fn(usize, Class)) -> f64 {
    let mut times = [Vec::with_capacity(samples), Vec::with_capacity(samples)];
    // The first ones warm up caches and branch predictors.
    for round in 0..(2 * samples + values) {
        let value = random.below(values as u64) as usize;
        let class = if random.below(2) == 0 { Class::WrongFirst } else { Class::WrongLast };
        let took = time(|| refuse(value, class));
        if round >= values {
            times[usize::from(class == Class::WrongLast)].push(took.as_nanos() as f64);
        }
    }
    let mut all: Vec<f64> = times.concat();
    all.sort_by(f64::total_cmp);
    let longest = all[(all.len() as f64 * KEPT) as usize];
    let [first, last] = times.map(|times| Summary::of(times.into_iter().filter(|time| *time <= longest)));
    (last.mean - first.mean) / (last.variance / last.count + first.variance / first.count).sqrt().max(1e-9)
}

#[allow(clippy::disallowed_methods)] // time is what is measured
fn time(work: impl FnOnce()) -> Duration {
    let began = Instant::now();
    work();
    began.elapsed()
}

struct Summary {
    count: f64,
    mean: f64,
    variance: f64,
}

impl Summary {
    /// By Welford's method.
    fn of(values: impl Iterator<Item = f64>) -> Self {
        let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
        for value in values {
            count += 1.0;
            let off = value - mean;
            mean += off / count;
            squares += off * (value - mean);
        }
        Self { count, mean, variance: squares / f64::max(count - 1.0, 1.0) }
    }
}
