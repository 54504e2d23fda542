//! edge-credits: prepaid credits, decided at the edge.
//!
//! One crate, one pure core and the faces around it. The map:
//!
//! - [`credits`], [`time`], [`text`]: the exact amount, the instant, and the
//!   names that callers give things. Everything else is built from these.
//! - [`ledger`]: decides about credits. No I/O, no clock, no randomness.
//! - [`pricing`]: turns an action or a count of tokens into an amount.
//! - [`tally`]: sums of many amounts, for analytics.
//! - [`json`]: texts from values and values from texts.
//! - [`packed`]: the same, between parts that know each other's types.
//! - [`api`]: what travels over HTTP: request bodies, answers, problems.
//! - `worker` (feature `worker`): what only runs on Cloudflare or workerd:
//!   keys, routes, the journal, the objects.
//! - `client` (features `client`, `fetch`): what a client decides with: requests,
//!   errors, retries, idempotency keys, estimates. Feature `client` adds the npm
//!   package's face to it, feature `fetch` the async client for Rust apps in wasm.
//!
//! The core never names a JavaScript type or a clock: time comes in as an
//! argument, and a change goes out as an [`ledger::Entry`].

pub mod api;
#[cfg(any(feature = "client", feature = "fetch"))]
pub mod client;
pub mod credits;
pub mod json;
pub mod ledger;
pub mod mismatch;
pub mod packed;
pub mod pricing;
pub mod tally;
pub mod text;
pub mod time;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(all(feature = "worker", any(feature = "client", feature = "fetch")))]
compile_error!("the Worker (feature `worker`) and a client (`client`, `fetch`) are two builds, never one");

#[cfg(feature = "fetch")]
pub use client::fetch;
pub use credits::Credits;
pub use time::Timestamp;
