//! The fuzzer: mutates inputs of a kept corpus, and keeps what brings out
//! something new. What counts as new is what the code answers, so that no
//! special compiler is needed; a panic is caught and its input made small.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};
use std::panic::{self, AssertUnwindSafe};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use crate::mutate::{Dice, mutate};

/// The targets of this program, among which a long run's time is divided.
const TARGETS: f64 = 11.0;
/// What each target gets of a short run.
const SHORT: Duration = Duration::from_millis(1_200);
/// An input that takes this long hangs, as far as a caller can tell: so many looks at it.
/// Looks are counted, since a program that is stopped for a while looks at nothing meanwhile.
const TOO_SLOW: u32 = 75;
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// Tries to make a failing input smaller.
const SHRINKS: usize = 20_000;
/// Inputs longer than this are not kept in the corpus.
const MAX_KEPT_BYTES: usize = 400;
const MAX_POOL: usize = 2_000;

thread_local! {
    /// The last panic of a run under way, and none of others.
    static CAUGHT: RefCell<Option<String>> = const { RefCell::new(None) };
}

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// How many targets run at once, by the test runner's own rule.
fn at_once() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |threads| threads.get() as f64).min(TARGETS)
}

/// How long a target goes on.
enum Budget {
    Time(Duration),
    /// Of a CPU, which others may want as well; only where Linux tells.
    Cpu(Duration),
}

impl Budget {
    fn from_env() -> Self {
        match (number_from_env("PROOF_CPU_SECONDS"), number_from_env("PROOF_SECONDS")) {
            (Some(seconds), _) => Self::Cpu(Duration::from_secs(seconds)),
            (None, Some(seconds)) => {
                Self::Time(Duration::from_secs_f64(seconds as f64 * at_once() / TARGETS))
            }
            (None, None) => Self::Time(SHORT),
        }
    }

    /// Asked after each input, of which there are thousands in a second.
    fn is_spent(&self, started: Instant, runs: u64) -> bool {
        match self {
            Self::Time(budget) => started.elapsed() >= *budget,
            Self::Cpu(budget) => runs.is_multiple_of(64) && cpu_time().expect("a Linux") >= *budget,
        }
    }
}

/// The CPU time that this thread has had: each target has a thread of its own.
fn cpu_time() -> Option<Duration> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}

/// An input under way, by its number.
type Running = Option<(u64, Vec<u8>)>;

/// One target: its inputs so far, and what they brought out.
pub(crate) struct Fuzz<F> {
    name: &'static str,
    tokens: &'static [&'static str],
    run: F,
    pool: Vec<Vec<u8>>,
    outcomes: BTreeMap<String, Vec<u8>>,
    runs: u64,
    /// Runs, and those that make a failure smaller.
    tries: u64,
    /// What is run just now.
    running: Arc<Mutex<Running>>,
}

impl<F: FnMut(&[u8]) -> String> Fuzz<F> {
    /// `run` says in a word or two what became of an input, and panics if
    /// something is wrong. `tokens` are words that the inputs are made of.
    pub(crate) fn new(name: &'static str, tokens: &'static [&'static str], run: F) -> Self {
        Self {
            name,
            tokens,
            run,
            pool: Vec::new(),
            outcomes: BTreeMap::new(),
            runs: 0,
            tries: 0,
            running: Arc::default(),
        }
    }

    /// With inputs besides those of the corpus.
    pub(crate) fn with(mut self, seeds: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.pool.extend(seeds);
        self
    }

    /// Runs all inputs that are kept, then new ones until the time is over.
    pub(crate) fn go(mut self) {
        catch_panics();
        let seed = number_from_env("PROOF_SEED").unwrap_or_else(|| RandomState::new().hash_one(self.name));
        let mut dice =
            Dice(seed ^ self.name.bytes().fold(0, |sum: u64, byte| sum.rotate_left(7) ^ u64::from(byte)));
        self.watch(seed);
        let kept = self.corpus();
        self.pool.extend(kept.iter().cloned());
        assert!(!self.pool.is_empty(), "no inputs to begin with");
        for input in self.pool.clone() {
            self.attempt(&input, seed);
        }
        let budget = Budget::from_env();
        let started = Instant::now();
        while !budget.is_spent(started, self.runs) {
            let mut input = self.pick(&mut dice).clone();
            for _ in 0..=dice.below(5) {
                let other = self.pick(&mut dice);
                input = mutate(&input, other, self.tokens, &mut dice);
            }
            if self.attempt(&input, seed) && self.pool.len() < MAX_POOL {
                self.pool.push(input);
            }
        }
        let cpu = cpu_time().map(|time| format!(" ({:.0} s of CPU)", time.as_secs_f64()));
        println!(
            "figures: {}: {} inputs in {:.0} s{}, {} different outcomes, 0 panics",
            self.name,
            self.runs,
            started.elapsed().as_secs_f64(),
            cpu.unwrap_or_default(),
            self.outcomes.len()
        );
        if std::env::var_os("PROOF_KEEP").is_some() {
            self.keep(kept);
        }
    }

    fn pick(&self, dice: &mut Dice) -> &Vec<u8> {
        &self.pool[dice.index(self.pool.len())]
    }

    /// Whether the input brought out something new.
    fn attempt(&mut self, input: &[u8], seed: u64) -> bool {
        self.runs += 1;
        match self.outcome(input) {
            Ok(outcome) => {
                let is_new = !self.outcomes.contains_key(&outcome);
                let shortest = self.outcomes.entry(outcome).or_insert_with(|| input.to_vec());
                if input.len() < shortest.len() {
                    *shortest = input.to_vec();
                }
                is_new
            }
            Err(reason) => {
                let smallest = self.shrink(input);
                let reason = self.outcome(&smallest).err().unwrap_or(reason);
                panic!(
                    "PROOF_SEED={seed} {}: {reason}\nthe smallest input:\n{}",
                    self.name,
                    escape(&smallest)
                )
            }
        }
    }

    fn outcome(&mut self, input: &[u8]) -> Result<String, String> {
        self.tries += 1;
        *self.running.lock().unwrap() = Some((self.tries, input.to_vec()));
        CAUGHT.set(Some(String::new()));
        let outcome = panic::catch_unwind(AssertUnwindSafe(|| (self.run)(input)));
        let caught = CAUGHT.take().unwrap_or_default();
        *self.running.lock().unwrap() = None;
        outcome.map_err(|_| caught)
    }

    /// Ends this program with the input that hangs: it can be left in no
    /// other way.
    fn watch(&self, seed: u64) {
        let (running, name) = (Arc::downgrade(&self.running), self.name);
        std::thread::spawn(move || {
            let (mut seen, mut looks) = (None, 0);
            while let Some(running) = running.upgrade() {
                if let Some((run, input)) = &*running.lock().unwrap() {
                    looks = if seen == Some(*run) { looks + 1 } else { 0 };
                    seen = Some(*run);
                    if looks > TOO_SLOW {
                        eprintln!("PROOF_SEED={seed} {name} hangs with the input\n{}", escape(input));
                        std::process::exit(101);
                    }
                }
                drop(running);
                std::thread::sleep(LOOK_EVERY);
            }
        });
    }

    /// Leaves out whatever the failure does without.
    fn shrink(&mut self, input: &[u8]) -> Vec<u8> {
        let mut smallest = input.to_vec();
        let (mut size, mut tries) = (smallest.len().div_ceil(2), 0);
        while size > 0 && tries < SHRINKS {
            let mut start = 0;
            while start < smallest.len() {
                let end = (start + size).min(smallest.len());
                let shorter = [&smallest[..start], &smallest[end..]].concat();
                tries += 1;
                match self.outcome(&shorter) {
                    Err(_) => smallest = shorter,
                    Ok(_) => start = end,
                }
            }
            size /= 2;
        }
        smallest
    }

    fn path(&self) -> PathBuf {
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("tests/proof/corpus/{}.txt", self.name))
    }

    fn corpus(&self) -> Vec<Vec<u8>> {
        let text = std::fs::read_to_string(self.path()).unwrap_or_default();
        text.lines().filter(|line| !line.starts_with('#')).map(unescape).collect()
    }

    /// Writes the corpus anew: what it had, and for each new outcome the
    /// shortest input.
    fn keep(&self, mut kept: Vec<Vec<u8>>) {
        let short = self.outcomes.values().filter(|input| input.len() <= MAX_KEPT_BYTES);
        kept.extend(short.cloned());
        let mut text =
            String::from("# Inputs that each bring out something of their own; PROOF_KEEP=1 adds to them.\n");
        let mut seen = std::collections::BTreeSet::new();
        for input in kept.into_iter().filter(|input| seen.insert(input.clone())) {
            writeln!(text, "{}", escape(&input)).unwrap();
        }
        std::fs::write(self.path(), text).unwrap();
    }
}

/// Panics of inputs are told with the input, and not as they happen.
fn catch_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let usual = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let is_caught = CAUGHT
                .with_borrow_mut(|caught| caught.as_mut().map(|text| *text = info.to_string()).is_some());
            if !is_caught {
                usual(info);
            }
        }));
    });
}

fn escape(input: &[u8]) -> String {
    match std::str::from_utf8(input) {
        // As it is, where that can be read again.
        Ok(text) if !text.contains(['\\', '\n', '\r', '\t', '#', '\u{85}']) => text.to_owned(),
        _ => input.escape_ascii().to_string().replace("\\\"", "\"").replace("\\'", "'").replace('#', "\\x23"),
    }
}

fn unescape(line: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = line.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        bytes.push(match rest.next() {
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'x') => {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
            }
            Some(other) => other,
            None => b'\\',
        });
    }
    bytes
}
