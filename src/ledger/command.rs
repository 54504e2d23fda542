//! What can be asked of a ledger.

use serde::{Deserialize, Serialize};

use super::{Purchase, SettingChange, Settings, Source, TakeBack};
use crate::credits::Credits;
use crate::packed::as_json;
use crate::pricing::{ModelPrice, Tokens};
use crate::text::Name;
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
    Open(Box<Opening>),
    /// Replace what the caller keeps about the customer.
    Update {
        /// The caller's own JSON object about the customer, as text.
        metadata: Option<String>,
    },
    /// Delete the customer: holds end, credits are written off.
    Close,
    /// Put the customer on a tier.
    ChangeTier(Box<TierChange>),
    /// Change the customer's own settings.
    Configure(Box<Configuration>),
    /// Take credits in that were paid for. Once per purchase: the request's
    /// key must be [`purchase_key`].
    Purchase(#[serde(with = "as_json")] Box<Purchase>),
    /// Say that a payment failed. One that overage had begun stops further
    /// ones.
    FailPurchase {
        /// Our id of the purchase.
        id: String,
        /// The provider's word for why.
        reason: String,
    },
    /// Take paid credits back as far as they are unspent.
    TakeBack(Box<TakeBack>),
    /// Give back what a dispute took.
    GiveBack {
        /// Our id of the purchase.
        purchase: String,
        /// The provider's id of the event that told of it.
        event: String,
    },
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
    /// Paid for.
    Purchase,
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

/// A customer to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// The caller's own JSON object about the customer, as text.
    pub metadata: Option<String>,
    /// The tier that it begins on; the project's default if absent.
    pub tier: Option<Name>,
    /// From where its periods are counted; now if absent.
    pub anchor: Option<Timestamp>,
    /// Its own settings.
    #[serde(default, with = "as_json")]
    pub settings: Settings,
}

/// A tier to be on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TierChange {
    /// Which.
    pub tier: Name,
    /// What the tier before gave ends now and a period begins now; otherwise
    /// the running period goes on to its end.
    pub reset_balance: bool,
    /// From where periods are counted that begin now; now if absent.
    pub anchor: Option<Timestamp>,
}

/// A change of a customer's own settings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configuration {
    /// What to change.
    #[serde(with = "as_json")]
    pub changes: Vec<SettingChange>,
    /// Let overage buy again after a purchase that failed.
    pub unblock_purchases: bool,
}

/// The key that makes one purchase come in once.
pub fn purchase_key(id: &str) -> IdempotencyKey {
    IdempotencyKey { key: format!("purchase:{id}"), fingerprint: "purchase".to_owned() }
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
