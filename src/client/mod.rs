//! The client: what the npm package decides with, and Rust apps likewise.
//!
//! Sans-IO and synchronous. In: what a caller wants, what an engine answered,
//! the time, random bytes. Out: a request to send, how long to wait before the
//! next try, what kind of error to throw, what something would cost. It knows
//! nothing of sockets, timers or promises, and never sees an API key but to
//! say whether it may be used.
//!
//! - [`operation`]: the table of calls that the engine takes. A new call is a
//!   row here.
//! - [`request`]: from a row and its fields to method, path and body.
//! - [`failure`]: what an error answer means.
//! - [`retry`]: whether and when to try again.
//! - [`key`]: idempotency keys that the client makes; which API keys may be
//!   used where.
//! - [`estimate`]: a price, by the code that charges it.
//! - [`degrade`]: the budget of what is let through in an outage.
//! - `face` (feature `client`): the npm package's seam to JavaScript: strings
//!   and numbers only, nothing that would have to be freed.
//! - `fetch` (feature `fetch`): the one room with sockets and timers: the async
//!   client for Rust apps that are compiled to wasm.

pub mod degrade;
pub mod estimate;
#[cfg(feature = "client")]
pub mod face;
pub mod failure;
#[cfg(feature = "fetch")]
pub mod fetch;
mod json;
pub mod key;
pub mod operation;
pub mod request;
pub mod retry;

pub use failure::ErrorClass;
pub use operation::{OPERATIONS, Operation};
pub use request::{Invalid, Request};
