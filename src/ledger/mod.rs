//! The credit engine: one customer's credits, and every rule about them.
//!
//! In: a [`Request`] and the time. Out: an [`Entry`] to append, or a
//! [`Refusal`]. [`Ledger`] decides and folds; [`Book`] is a ledger with its
//! [`Journal`]. This room must never know of storage, HTTP, a clock,
//! randomness or JavaScript: the same code replays a journal at start-up and
//! runs live.
//!
//! Every change is one entry: decide, append, apply. What the clock makes due
//! (a grant or a hold expires) is an entry too, decided before the request
//! that finds it due.

mod agreement;
mod book;
mod command;
mod decide;
mod due;
mod effective;
mod entry;
mod event;
mod grant;
mod hold;
mod kind;
mod notice;
mod period;
mod plan;
mod purchase;
mod refusal;
mod setting;
mod sound;
mod spend;
mod state;
mod terms;

pub use book::{Book, Journal, Outcome, Stop};
pub use command::{
    AddKind, Addition, Charge, Command, Completion, Configuration, IdempotencyKey, Note, Opening, Request,
    Reservation, TierChange, purchase_key,
};
pub use entry::{Draw, Draws, Entry};
pub use event::Event;
pub use grant::{Grant, Source};
pub use hold::Hold;
pub use kind::Kind;
pub use notice::{Notice, Notices};
pub use period::Unit;
pub use plan::Plan;
pub use purchase::{NoPurchase, Payer, PendingPurchase, Purchase, TakeBack, TakeBackReason};
pub use refusal::Refusal;
pub use setting::{DEFAULT_CREDIT_NAME, SettingChange};
pub use state::{Ledger, RevokedKey};
pub use terms::{
    DEFAULT_AUTO_PURCHASES, KnownTerms, OverageMode, Pack, Provider, RateLimit, Rollover, Settings,
    SpendLimit, SpendWindow, Terms, Tier,
};

/// Grants that one customer may have open at once. A grant takes about 150
/// bytes in a snapshot, and a snapshot must stay below the 2 MB of a row.
pub const MAX_GRANTS: usize = 5_000;
/// Holds that one customer may have pending at once: see [`MAX_GRANTS`].
pub const MAX_HOLDS: usize = 10_000;
/// How often one hold can be extended.
pub const MAX_EXTENSIONS: u8 = 10;
