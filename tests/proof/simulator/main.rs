//! The simulator: one seeded loop that runs the real ledger object and the
//! real journal over a simulated storage, under callers that retry, a network
//! that loses, repeats and reorders, a clock that jumps, and an object that
//! dies at any moment. After each event an auditor with books of its own
//! looks whether a credit was lost, doubled or invented.
//!
//! `PROOF_SEED` repeats an earlier run, `PROOF_SECONDS` is the time to go on
//! for, `PROOF_SEEDS` and `PROOF_EVENTS` how many seeds of how many events.
//! A failure prints its seed and the smallest history that still fails.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods
)]

mod audit;
mod books;
mod caller;
mod disk;
mod event;
mod judge;
mod mailbox;
#[path = "../../messages/mod.rs"]
mod messages;
mod object;
mod plan;
mod process;
mod quiet;
mod shrink;
#[path = "../../sqlite/mod.rs"]
mod sqlite;
mod table;
mod task;
mod twin;
mod world;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use disk::Defect;
use event::{Deed, Event, HOUR_MS, history};
use process::Bug;
use world::{Figures, Scenario, World};

const EVENTS: usize = 1_000;
/// The short form's time.
const SHORT: Duration = Duration::from_secs(8);

fn number_from_env(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

fn plain(seed: u64) -> Scenario {
    Scenario { seed, bug: Bug::None, defect: Defect::None, has_twin: false }
}

thread_local! {
    static IS_RUNNING: Cell<bool> = const { Cell::new(false) };
}

/// A panic in a run is not printed: it will be told with its history.
fn hush() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !IS_RUNNING.get() {
                loud(panic);
            }
        }));
    });
}

/// A run, a panic in it being a failure like any other.
fn run(scenario: &Scenario, history: &[Event]) -> Result<Figures, String> {
    hush();
    IS_RUNNING.set(true);
    let result = catch_unwind(AssertUnwindSafe(|| World::new(scenario).live(history)));
    IS_RUNNING.set(false);
    result.unwrap_or_else(|panic| {
        let words = panic.downcast_ref::<String>().map(String::as_str);
        Err(words.or(panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned())
    })
}

/// How a failure begins, without its numbers: a smaller history must not fail
/// for another reason.
fn kind_of(words: &str) -> String {
    words.chars().filter(|letter| !letter.is_ascii_digit()).take(30).collect()
}

/// Runs that making a failure smaller takes at most.
const TRIES: usize = 20_000;

/// The failure, if it is one, and the smallest history that fails so.
fn failure(scenario: &Scenario, history: &[Event], tries: usize) -> Option<(String, Vec<Event>)> {
    let words = run(scenario, history).err()?;
    let kind = kind_of(&words);
    let fails_so = |history: &[Event]| run(scenario, history).is_err_and(|words| kind_of(&words) == kind);
    let smallest = shrink::smallest(history, tries, fails_so);
    Some((run(scenario, &smallest).err().unwrap_or(words), smallest))
}

/// Fails with all there is to say of a seed that failed.
fn hold(scenario: &Scenario, history: &[Event]) -> Figures {
    match run(scenario, history) {
        Ok(figures) => figures,
        Err(first) => {
            let (words, smallest) = failure(scenario, history, TRIES).unwrap_or_default();
            let lines: Vec<String> = smallest.iter().map(|event| format!("  {event:?}")).collect();
            panic!(
                "PROOF_SEED={}\n{first}\nthe smallest history ({} events): {words}\n{}",
                scenario.seed,
                smallest.len(),
                lines.join("\n")
            );
        }
    }
}

#[test]
fn no_credit_is_lost_doubled_or_invented() {
    let first = number_from_env("PROOF_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let events = number_from_env("PROOF_EVENTS").map_or(EVENTS, |events| events as usize);
    let seeds = number_from_env("PROOF_SEEDS");
    let time = match (number_from_env("PROOF_SECONDS"), seeds) {
        (Some(seconds), _) => Duration::from_secs(seconds),
        (None, Some(_)) => Duration::MAX,
        (None, None) => SHORT,
    };
    // The short form leaves the machine to the tests beside it.
    let is_long = time != SHORT;
    let threads = if is_long { available_parallelism().map_or(1, NonZero::get) } else { 1 };
    println!("PROOF_SEED={first}");
    let (begun, next) = (Instant::now(), AtomicU64::new(0));
    let work = || {
        let mut sum = Figures::default();
        while begun.elapsed() < time {
            let count = next.fetch_add(1, Ordering::Relaxed);
            if seeds.is_some_and(|seeds| count >= seeds) {
                break;
            }
            let seed = first.wrapping_add(count);
            sum.add(&hold(&plain(seed), &history(seed, events)));
        }
        sum
    };
    let mut sum = Figures::default();
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in threads {
            let figures = thread.join().unwrap_or_else(|failure| std::panic::resume_unwind(failure));
            sum.add(&figures);
        }
    });
    let rate = (sum.events as f64 / begun.elapsed().as_secs_f64()) as u64;
    println!(
        "figures: {} seeds, {} events ({} faults), {} operations, {} answers, {} entries; {rate} events/s",
        sum.seeds, sum.events, sum.faults, sum.operations, sum.answered, sum.entries
    );
}

/// The same numbers give the same run, or a seed would be worth nothing.
#[test]
fn a_seed_gives_the_same_run_again() {
    let figures = || format!("{:?}", hold(&plain(7), &history(7, EVENTS)));
    assert_eq!(figures(), figures());
}

/// The simulated storage does what SQLite does, statement by statement,
/// through crashes and all.
#[test]
fn the_simulated_storage_does_what_sqlite_does() {
    for seed in 0..4 {
        hold(&Scenario { has_twin: true, ..plain(seed) }, &history(seed, EVENTS));
    }
}

/// Runs that make a planted failure small enough to be read.
const TRIES_TO_READ: usize = 400;

/// A harness that finds nothing proves nothing: bugs are planted, and each is
/// found by one of a few seeds, with a history that is small enough to read.
fn is_found(bug: Bug, defect: Defect, tries: usize, words: &[&str]) {
    let found = (0..40).find_map(|seed| {
        let scenario = Scenario { bug, defect, ..plain(seed) };
        failure(&scenario, &history(seed, EVENTS), tries)
    });
    let Some((told, smallest)) = found else { panic!("{bug:?} {defect:?} is not found") };
    assert!(words.iter().any(|words| told.contains(words)), "{bug:?} {defect:?}: {told}");
    assert!(
        tries < TRIES_TO_READ || smallest.len() <= 60,
        "{bug:?} {defect:?}: {told}, by {} events",
        smallest.len()
    );
}

#[test]
fn a_storage_that_acknowledges_before_it_commits_is_found() {
    is_found(Bug::None, Defect::SyncsNothing, TRIES_TO_READ, &["were durable", "is lost"]);
}

#[test]
fn a_ledger_that_forgets_a_key_is_found() {
    is_found(Bug::None, Defect::ForgetsKeys, TRIES_TO_READ, &["have the same key"]);
}

#[test]
fn a_charge_that_is_done_twice_is_found() {
    is_found(Bug::AppliesTwice, Defect::None, TRIES_TO_READ, &["nobody asked for"]);
}

#[test]
fn answers_that_leave_before_the_commit_are_found() {
    is_found(Bug::AnswersEarly, Defect::None, TRIES_TO_READ, &["were durable"]);
}

#[test]
fn memory_that_outlives_a_failed_commit_is_found() {
    // Each try is long: callers ask again and again.
    is_found(Bug::KeepsMemory, Defect::None, 20, &["do not get their answers", "no such balance", "entry"]);
}

// The mailbox did these once.

#[test]
fn a_failed_commit_that_counts_as_durable_is_found() {
    is_found(Bug::TrustsWrites, Defect::None, TRIES_TO_READ, &["were durable", "the alarm rings"]);
}

/// Too rare for a few seeds, so it is told how.
#[test]
fn a_leader_that_is_lost_while_the_clock_goes_back_is_found() {
    let topup = Event::Ask { object: 0, deed: Deed::Topup, size: 2 };
    let history = [topup, Event::Go(0), Event::Hang(0), Event::Clock(-HOUR_MS)];
    hold(&plain(0), &history);
    let words = run(&Scenario { bug: Bug::TrustsClock, ..plain(0) }, &history).unwrap_err();
    assert_eq!(words, "callers do not get their answers");
}
