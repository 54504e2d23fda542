//! edge-credits: prepaid credits, decided at the edge.
//!
//! One crate, one pure core and the faces around it. The map:
//!
//! - [`credits`], [`time`], [`text`]: the exact amount, the instant, and the
//!   names that callers give things. Everything else is built from these.
//! - [`ledger`]: decides about credits. No I/O, no clock, no randomness.
//! - [`pricing`]: turns an action or a count of tokens into an amount.
//! - [`tally`]: sums of many amounts, for analytics.
//! - [`api`]: what travels over HTTP: request bodies, answers, problems.
//! - `worker` (feature `worker`): what only runs on Cloudflare or workerd:
//!   keys, routes, the journal, the objects.
//! - `client` (feature `client`): what the npm package decides with: requests,
//!   errors, retries, idempotency keys, estimates.
//!
//! The core never names a JavaScript type or a clock: time comes in as an
//! argument, and a change goes out as an [`ledger::Entry`].

pub mod api;
#[cfg(feature = "client")]
pub mod client;
pub mod credits;
pub mod ledger;
pub mod pricing;
pub mod tally;
pub mod text;
pub mod time;
#[cfg(feature = "worker")]
pub mod worker;

#[cfg(all(feature = "worker", feature = "client"))]
compile_error!("the features `worker` and `client` are two builds, never one");

pub use credits::Credits;
pub use time::Timestamp;
