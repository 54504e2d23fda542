//! The ledger against a naive model of the contract, over random histories.
//!
//! `PROOF_OPERATIONS` sets how many operations are tried (100,000 if absent),
//! or `PROOF_SECONDS` for how long; `PROOF_SEED` repeats the histories of an
//! earlier run. A failure prints the seed and the smallest history that still
//! fails.

// Clippy counts the helpers of an integration test as no test code.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods
)]

mod journal_in_memory;
mod model;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, Instant};

use model::{Defect, Step, Trial, steps};
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestError, TestRng, TestRunner};

/// Long enough for a hold to be extended to its limit, short enough for a
/// model that lives through everything again at each step.
const STEPS: usize = 60;

fn number_from_env(name: &str) -> Option<u64> {
    std::env::var(name)
        .ok()
        .map(|text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

/// Histories that one seed stands for.
const HISTORIES_PER_SEED: u32 = 100;

fn runner(seed: u64) -> TestRunner {
    // Neighbouring seeds must not give neighbouring states to a shift register.
    let spread = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let bytes = [seed.to_le_bytes(), (spread ^ (spread >> 29)).to_le_bytes()].concat();
    let config = Config {
        cases: HISTORIES_PER_SEED,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::XorShift, &bytes))
}

/// How long to go on.
enum Budget {
    Operations(usize),
    Time(Duration),
}

/// A part of what the environment asks for.
fn budget(share: u32) -> Budget {
    match number_from_env("PROOF_SECONDS") {
        Some(seconds) => Budget::Time(Duration::from_secs(seconds) / share),
        None => {
            let operations = number_from_env("PROOF_OPERATIONS").unwrap_or(100_000);
            Budget::Operations(usize::try_from(operations / u64::from(share)).unwrap())
        }
    }
}

/// Histories of one seed, up to the first that fails: why, and the smallest
/// that does.
fn first_failure(
    seed: u64,
    live: impl Fn(&[Step]) -> Result<(), TestCaseError>,
) -> Option<(String, Vec<Step>)> {
    match runner(seed).run(&steps(STEPS), |history| live(&history)) {
        Ok(()) => None,
        Err(TestError::Abort(reason)) => panic!("PROOF_SEED={seed}: {reason}"),
        Err(TestError::Fail(reason, history)) => Some((reason.to_string(), history)),
    }
}

/// Runs histories until the budget is spent, from one seed to the next.
fn hold_against(budget: Budget, live: impl Fn(&[Step]) -> Result<usize, TestCaseError>) {
    let mut seed = number_from_env("PROOF_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("PROOF_SEED={seed}");
    let (tried, begun) = (Cell::new(0), Instant::now());
    let is_left = || match budget {
        Budget::Operations(operations) => tried.get() < operations,
        Budget::Time(time) => begun.elapsed() < time,
    };
    while is_left() {
        let failure = first_failure(seed, |history| {
            tried.set(tried.get() + live(history)?);
            Ok(())
        });
        if let Some((reason, history)) = failure {
            let lines: Vec<String> = history.iter().map(|step| format!("  {step:?}")).collect();
            panic!("PROOF_SEED={seed}\n{reason}\nthe smallest history:\n{}", lines.join("\n"));
        }
        seed = seed.wrapping_add(1);
    }
    println!("figures: {} operations", tried.get());
}

#[test]
fn the_ledger_does_what_the_model_of_the_contract_does() {
    hold_against(budget(1), |history| {
        let mut trial = Trial::new();
        history.iter().try_for_each(|step| trial.step(step))?;
        trial.restart()?;
        Ok(trial.operations())
    });
}

/// Nothing waits for an alarm or a caller: a ledger that is looked at all the
/// time and one that nobody looks at come out the same, entry by entry.
#[test]
fn it_does_not_matter_how_often_a_ledger_is_looked_at() {
    hold_against(budget(10), |history| {
        let mut watched = Trial::new();
        let mut alone = Trial::new();
        for step in history {
            // Back in time, the one that was watched has seen more of it.
            let step = Step { clock_ms: step.clock_ms.max(0), ..step.clone() };
            watched.watch(&step);
            watched.step(&step)?;
            alone.step(&step)?;
        }
        prop_assert_eq!(watched.entries(), alone.entries());
        Ok(watched.operations())
    });
}

/// The model itself is tried: a ledger with a bug is found out soon, and the
/// history that shows it is small enough to be read.
#[test]
fn a_ledger_with_a_bug_is_found_by_a_history_of_a_few_steps() {
    for (defect, words, most) in [
        (Defect::ForgetsKeys, "verdict", 3),
        (Defect::ChargesTooMuch, "", 3),
        (Defect::KeepsEndedHolds, "", 4),
        (Defect::RefundsTwice, "", 5),
    ] {
        let found = (0..10).find_map(|seed| {
            first_failure(seed, |history| {
                let mut trial = Trial::with(defect);
                history.iter().try_for_each(|step| trial.step(step))
            })
        });
        let Some((reason, history)) = found else { panic!("{defect:?} is not found") };
        assert!(history.len() <= most, "{defect:?}: {reason}, by {history:#?}");
        assert!(reason.contains(words), "{defect:?}: {reason}");
    }
}
