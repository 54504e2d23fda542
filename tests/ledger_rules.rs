//! The ledger's part of the contract, sentence by sentence.

// Clippy counts the helpers of an integration test as no test code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod journal_in_memory;
mod ledger;
