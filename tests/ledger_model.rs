//! The ledger against a naive model of the contract, over random histories.
//!
//! `EDGE_CREDITS_MODEL_OPS` sets how many operations are tried (100,000 if
//! absent), `EDGE_CREDITS_SEED` repeats the histories of an earlier run. A
//! failure prints the seed and the smallest history that still fails.

// Clippy counts the helpers of an integration test as no test code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod journal_in_memory;
mod model;

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};

use model::{Step, Trial, steps};
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

/// Runs histories until `operations` were tried, from one seed to the next.
fn hold_against(operations: usize, live: impl Fn(&[Step]) -> Result<usize, TestCaseError>) {
    let mut seed =
        number_from_env("EDGE_CREDITS_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    println!("EDGE_CREDITS_SEED={seed}");
    let tried = Cell::new(0);
    while tried.get() < operations {
        let run = runner(seed).run(&steps(STEPS), |history| {
            tried.set(tried.get() + live(&history)?);
            Ok(())
        });
        match run {
            Ok(()) => seed = seed.wrapping_add(1),
            Err(TestError::Abort(reason)) => panic!("EDGE_CREDITS_SEED={seed}: {reason}"),
            Err(TestError::Fail(reason, history)) => {
                let lines: Vec<String> = history.iter().map(|step| format!("  {step:?}")).collect();
                panic!("EDGE_CREDITS_SEED={seed}\n{reason}\nthe smallest history:\n{}", lines.join("\n"));
            }
        }
    }
    println!("{} operations", tried.get());
}

fn operations() -> usize {
    number_from_env("EDGE_CREDITS_MODEL_OPS").map_or(100_000, |count| usize::try_from(count).unwrap())
}

#[test]
fn the_ledger_does_what_the_model_of_the_contract_does() {
    hold_against(operations(), |history| {
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
    hold_against(operations() / 10, |history| {
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
