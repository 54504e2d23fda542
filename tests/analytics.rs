//! What a journal adds up to, and what the shards make of it, over a real
//! SQLite.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

mod analytics_rooms;
mod messages;
mod sqlite;
