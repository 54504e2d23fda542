//! What can be asked of a ledger.

use serde::{Deserialize, Serialize};

use super::Source;
use crate::credits::Credits;
use crate::pricing::{ModelPrice, Tokens};
use crate::time::Timestamp;

/// One operation as a caller asks for it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// What to do.
    pub command: Command,
    /// Protects from doing it twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<IdempotencyKey>,
    /// Refused past this instant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deadline: Option<Timestamp>,
}

/// A caller's key for one logical operation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IdempotencyKey {
    /// The key; its scope is one customer.
    pub key: String,
    /// A digest of what was asked: the same key with another one is refused.
    pub fingerprint: String,
}

/// An operation on one customer's credits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Command {
    /// Take credits now.
    Consume {
        /// How much; above zero.
        amount: Credits,
        /// What for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<Note>>,
    },
    /// Add credits, or take some by a negative adjustment.
    Add(Box<Addition>),
    /// Set credits aside.
    Reserve(Box<Reservation>),
    /// Give a hold more time.
    Extend {
        /// The hold's entry number.
        hold: u64,
        /// From now, in milliseconds.
        expires_in_ms: i64,
    },
    /// End a hold: charge what was used, give back the rest.
    Complete(Completion),
    /// Create the customer.
    Open {
        /// The caller's own JSON object about the customer, as text.
        metadata: Option<String>,
    },
    /// Replace what the caller keeps about the customer.
    Update {
        /// As in [`Command::Open`].
        metadata: Option<String>,
    },
    /// Delete the customer: holds end, credits are written off.
    Close,
    /// Refuse a customer key from an instant on.
    RevokeKey {
        /// The key's id.
        key_id: String,
        /// From when.
        at: Timestamp,
    },
}

/// What a charge was for: kept with the entry, never looked at by a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Note {
    /// Words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The service whose action was priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// The action that was priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// The model that was priced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The caller's feature.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub feature: Option<String>,
    /// The caller's own JSON object, as text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub metadata: Option<String>,
    /// The version of the catalogue that gave the price.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price_version: Option<u64>,
}

/// Why credits are added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddKind {
    /// Bought or given.
    Topup,
    /// A correction, upwards or downwards.
    Adjustment,
    /// A charge given back.
    Refund,
}

/// Credits to add and on what terms.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addition {
    /// How much; negative only for an adjustment, never zero.
    pub amount: Credits,
    /// Why.
    pub kind: AddKind,
    /// Where from; the kind's own source if absent.
    pub source: Option<Source>,
    /// The caller's label.
    pub product: Option<String>,
    /// The source's default if absent.
    pub priority: Option<i32>,
    /// Now if absent.
    pub effective_at: Option<Timestamp>,
    /// Never if absent.
    pub expires_at: Option<Timestamp>,
    /// The entry number of the charge that this refunds.
    pub refund_of: Option<u64>,
    /// What for.
    pub note: Option<Box<Note>>,
}

/// Credits to set aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// How much; zero or more.
    pub amount: Credits,
    /// From now, in milliseconds.
    pub expires_in_ms: i64,
    /// The model's price, to be frozen.
    pub price: Option<Box<ModelPrice>>,
    /// What for.
    pub note: Option<Box<Note>>,
}

/// How a hold ends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completion {
    /// The hold's entry number.
    pub hold: u64,
    /// Whether the work succeeded.
    pub success: bool,
    /// What was used. Absent: the whole hold on success, nothing on failure.
    pub charge: Option<Charge>,
}

/// What was used, as the caller counts it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Charge {
    /// Credits.
    Amount(Credits),
    /// Tokens, at the price that the hold froze.
    Tokens(Tokens),
}
