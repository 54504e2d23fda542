//! What is measured of the core. One list, measured three ways: its time by
//! `npm run bench:core`, its allocations by `tests/allocations.rs`, its
//! instructions in wasm by `tests/guard/core.test.ts`.
//!
//! Each case can be repeated without end: what it changes it changes back, or
//! there is so much of it that it never runs out.

mod engine;
mod ledger;
mod texts;

/// One operation, ready to be repeated.
pub(crate) type Run = Box<dyn FnMut()>;

/// A name, and what prepares the operation.
type Case = (&'static str, fn() -> Run);

/// All cases.
pub(crate) const CASES: [Case; 29] = [
    ("consume", || ledger::consume(1)),
    ("consume with 3 grants", || ledger::consume(3)),
    ("consume with 50 grants", || ledger::consume(50)),
    ("consume with 1000 grants", || ledger::consume(1_000)),
    ("consume with a key", ledger::consume_with_key),
    ("consume with a description", ledger::consume_with_description),
    ("consume under two spend limits", ledger::consume_under_limits),
    ("refuse a charge", ledger::refuse),
    ("answer a key again", ledger::replay_of_key),
    ("reserve and settle", ledger::reserve_and_settle),
    ("reserve across 50 grants and release", ledger::reserve_across_grants),
    ("consume and refund", ledger::consume_and_refund),
    ("refill what is due", ledger::refill),
    ("fold an entry", ledger::fold),
    ("price an action of 100", ledger::price_action),
    ("price tokens", ledger::price_tokens),
    ("print an entry", texts::print_entry),
    ("read an entry", texts::read_entry),
    ("print a snapshot of 1000 grants", texts::print_snapshot),
    ("read a snapshot of 1000 grants", texts::read_snapshot),
    ("read a consume body", texts::read_body),
    ("read an amount", texts::read_amount),
    ("hash an entry into the chain", engine::hash),
    ("verify a key", engine::verify_key),
    ("object: consume", engine::consume),
    ("object: consume with a key", engine::consume_with_key),
    ("object: refuse a charge", engine::refuse),
    ("object: balance", engine::balance),
    ("object: batch of 100", engine::batch),
];
