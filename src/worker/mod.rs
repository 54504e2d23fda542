//! What only runs on Cloudflare or workerd: keys, routes, the journal, the
//! objects.
//!
//! The platform is reached by a thin TypeScript shell (`src/worker/shell`)
//! that does I/O and nothing else; this side decides and never waits. Strings
//! cross the seam, in [`face`] only. It carries commands to the ledger and
//! entries to storage, and decides nothing about credits itself.

pub mod base62;
pub mod face;
pub mod flow;
pub mod front;
pub mod ids;
pub mod journal;
pub mod keys;
pub mod message;
pub mod objects;
pub mod quick_hash;
pub mod record;
pub mod reply;
pub mod sort;
pub mod standing;
pub mod store;
pub mod stripe;
pub mod webhook;
