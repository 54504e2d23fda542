//! The async client for Rust apps that are compiled to wasm: Leptos, Yew,
//! Workers. It decides by the same core as the npm package, and sends with
//! `fetch`, through `gloo-net`.
//!
//! ```no_run
//! use edge_credits::Credits;
//! use edge_credits::fetch::{BalanceOptions, ConsumeOptions, CreditEngine, Error, Options};
//!
//! /// What a click costs: call it from `spawn_local`, or from a Leptos `LocalResource`.
//! async fn on_generate(customer_key: String) -> Result<String, Error> {
//!     let options = Options::new(customer_key).base_url("https://credits.example.com");
//!     let engine = CreditEngine::new(options)?;
//!     let price: Credits = "0.3".parse().expect("a decimal");
//!     match engine.consume("alice", price, &ConsumeOptions::default()).await {
//!         Ok(charged) => Ok(format!("{} credits are left", charged.balance)),
//!         Err(Error::InsufficientCredits { balance, requested, .. }) => {
//!             Ok(format!("this costs {requested} credits and you have {balance}"))
//!         }
//!         Err(other) => Err(other),
//!     }
//! }
//! ```
//!
//! A future that is dropped stops its request: nothing goes on in the
//! background, and no timer is left. What was sent may have been done all the
//! same. Who wants to know asks again under the same
//! [idempotency key](CallOptions::idempotency_key).
//!
//! In a Worker, a service binding needs no public hop, see [`Binding`].

mod answer;
mod engine;
mod error;
mod exact;
mod fields;
mod http;
mod options;
mod platform;
mod prices;

pub use answer::{
    Added, Balance, Charged, Completed, Grant, Hold, Page, Pagination, Start, TopUpSession, Transaction,
    TransactionType, Usage, UsageState,
};
pub use engine::CreditEngine;
pub use error::{Error, Problem};
pub use exact::{credits, optional_credits};
pub use options::{
    AddOptions, AddType, BalanceOptions, CallOptions, Charge, ConsumeOptions, Options, Outcome, Provision,
    StartOptions, TopUp, TransactionOptions,
};
pub use platform::{Binding, Fetch, GlobalFetch};

pub use super::request::Invalid;
pub use crate::pricing::Tokens;

// Compiles what the document shows.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust-client.md")]
struct Document;
