//! `npm run bench:core`: how long each case takes natively, and what it
//! allocates.
#![allow(missing_docs, clippy::unwrap_used, clippy::arithmetic_side_effects, clippy::panic)]

mod cases;

use divan::{AllocProfiler, Bencher};

#[global_allocator]
static ALLOCATOR: AllocProfiler = AllocProfiler::system();

fn main() {
    divan::main();
}

#[divan::bench(args = cases::CASES.map(|(name, _)| name))]
fn core(bencher: Bencher<'_, '_>, name: &str) {
    let (_, prepare) = cases::CASES.into_iter().find(|(known, _)| *known == name).unwrap();
    bencher.bench_local(prepare());
}
