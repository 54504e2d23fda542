//! The client for Rust apps, run in a real wasm engine against a real engine
//! behind a proxy that breaks things on demand: `tests/fetch_client/run.ts`.
#![cfg(all(target_arch = "wasm32", feature = "fetch"))]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod calls;
mod decisions;
mod faults;
mod keys;
mod stage;
