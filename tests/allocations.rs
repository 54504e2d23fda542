//! How often each case of `bench/core/cases` allocates, against the ceilings
//! in `tests/guard/ceilings.toml`. A count of allocations is the same on any
//! machine.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, clippy::indexing_slicing)]

#[path = "../bench/core/cases/mod.rs"]
mod cases;

use std::collections::BTreeMap;

use cases::CASES;

const CEILINGS: &str = include_str!("guard/ceilings.toml");
const TABLE: &str = "[core.allocations]";
/// Until buffers have the size that they keep.
const WARM_UP: usize = 300;
const MEASURED: usize = 101;

/// The lines `"name" = number` of the table.
fn ceilings() -> BTreeMap<&'static str, u64> {
    let lines = CEILINGS.lines().skip_while(|line| *line != TABLE).skip(1);
    let table = lines.take_while(|line| !line.starts_with('['));
    let split = table.filter_map(|line| line.split_once(" = "));
    split.map(|(name, count)| (name.trim_matches('"'), count.parse().unwrap())).collect()
}

/// The median of many runs: now and then one writes a snapshot too.
fn allocations(mut run: cases::Run) -> u64 {
    (0..WARM_UP).for_each(|_| run());
    let mut counts: Vec<_> =
        (0..MEASURED).map(|_| allocation_counter::measure(&mut run).count_total).collect();
    counts.sort_unstable();
    counts[MEASURED / 2]
}

#[test]
fn no_operation_of_the_core_allocates_more_often_than_its_ceiling() {
    let mut ceilings = ceilings();
    let mut faults = Vec::new();
    for (name, prepare) in CASES {
        let count = allocations(prepare());
        println!("{name}: {count} allocations");
        match ceilings.remove(name) {
            Some(ceiling) if count <= ceiling => {}
            ceiling => faults.push(format!(
                "{name}: {count} allocations, above its ceiling ({ceiling:?}). Allocate less; or, if it is \
                 worth that, write \"{name}\" = {count}"
            )),
        }
    }
    faults.extend(ceilings.keys().map(|name| format!("{name} has a ceiling and is no case: remove it")));
    assert!(faults.is_empty(), "tests/guard/ceilings.toml, {TABLE}:\n  {}", faults.join("\n  "));
}

#[test]
fn a_plain_charge_does_not_allocate() {
    // Not a matter of ceilings: decide and apply promise it.
    let (_, consume) = CASES[0];
    assert_eq!(allocations(consume()), 0);
    // The measurement sees an allocation where there is one.
    assert_eq!(allocations(Box::new(|| drop(std::hint::black_box(Box::new(1))))), 1);
}
