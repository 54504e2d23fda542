//! What the engine answers, as types. Amounts are read from their own text:
//! none passes through a floating point number. Fields that are not named
//! here are passed over, so that a newer engine can be read.

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::exact::{credits, instant, optional_credits, optional_instant};
use crate::credits::Credits;
use crate::time::Timestamp;

/// A customer's credits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Balance {
    /// Whose they are.
    pub customer_id: String,
    /// All credits.
    #[serde(deserialize_with = "credits")]
    pub balance: Credits,
    /// Those that nothing holds.
    #[serde(deserialize_with = "credits")]
    pub available: Credits,
    /// Those that are held.
    #[serde(deserialize_with = "credits")]
    pub held: Credits,
    /// What the project calls them.
    pub credit_name: String,
    /// When this was so.
    #[serde(deserialize_with = "instant")]
    pub as_of: Timestamp,
    /// The grants in the order in which they burn down, if they were asked for.
    pub breakdown: Option<Vec<Grant>>,
}

/// One grant of a balance.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Grant {
    /// Its id.
    pub grant_id: String,
    /// Where it came from.
    pub source: String,
    /// The product that it belongs to.
    pub product: Option<String>,
    /// What was granted.
    #[serde(deserialize_with = "credits")]
    pub amount: Credits,
    /// What is left.
    #[serde(deserialize_with = "credits")]
    pub remaining: Credits,
    /// The lowest burns first.
    pub priority: i32,
    /// From when it counts.
    #[serde(deserialize_with = "instant")]
    pub effective_at: Timestamp,
    /// When the rest of it is lost.
    #[serde(deserialize_with = "optional_instant")]
    pub expires_at: Option<Timestamp>,
}

/// A charge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Charged {
    /// The balance after it.
    #[serde(deserialize_with = "credits")]
    pub balance: Credits,
    /// What was charged.
    #[serde(deserialize_with = "credits")]
    pub amount: Credits,
    /// Its id.
    pub transaction_id: String,
    /// Whether this is the answer of an earlier call with the same
    /// idempotency key.
    pub replayed: bool,
    /// Its number in the customer's journal.
    pub seq: u64,
}

/// Credits that were added.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Added {
    /// The balance after it.
    #[serde(deserialize_with = "credits")]
    pub balance: Credits,
    /// What the balance changed by.
    #[serde(deserialize_with = "credits")]
    pub amount: Credits,
    /// The transaction's id.
    pub transaction_id: String,
    /// The grant that was made, unless credits were taken.
    pub grant_id: Option<String>,
    /// Whether this is the answer of an earlier call with the same
    /// idempotency key.
    pub replayed: bool,
    /// Its number in the customer's journal.
    pub seq: u64,
}

/// What came of asking for a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Start {
    /// The credits are held: do the work.
    Held(Hold),
    /// Too few credits: nothing is held.
    TooFew {
        /// The balance as it is.
        balance: Credits,
        /// The engine's sentence.
        message: String,
    },
}

/// Credits that are held for work under way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hold {
    /// By it the hold is completed.
    pub transaction_id: String,
    /// What is held.
    pub amount: Credits,
    /// The balance; a hold leaves it as it is.
    pub balance: Credits,
    /// When it is released if nobody completes it.
    pub expires_at: Timestamp,
}

impl<'de> Deserialize<'de> for Start {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Wire {
            transaction_id: Option<String>,
            #[serde(rename = "continue")]
            proceed: bool,
            #[serde(deserialize_with = "credits")]
            balance: Credits,
            #[serde(rename = "credits_used", deserialize_with = "credits")]
            amount: Credits,
            message: String,
            #[serde(default, deserialize_with = "optional_instant")]
            expires_at: Option<Timestamp>,
        }
        let Wire { transaction_id, proceed, balance, amount, message, expires_at } =
            Wire::deserialize(deserializer)?;
        match (proceed, transaction_id, expires_at) {
            (true, Some(transaction_id), Some(expires_at)) => {
                Ok(Self::Held(Hold { transaction_id, amount, balance, expires_at }))
            }
            (true, ..) => Err(D::Error::custom("a hold without its id or its end")),
            (false, ..) => Ok(Self::TooFew { balance, message }),
        }
    }
}

/// A hold that is completed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Completed {
    /// The hold's id.
    pub transaction_id: String,
    /// What was charged.
    #[serde(rename = "credits_used", deserialize_with = "credits")]
    pub amount: Credits,
    /// The balance after it.
    #[serde(deserialize_with = "credits")]
    pub balance: Credits,
    /// What was held beyond the charge; negative if it was too little.
    #[serde(rename = "balance_adjustment", deserialize_with = "credits")]
    pub adjustment: Credits,
    /// Whether it had been completed so before.
    pub replayed: bool,
}

/// A hold as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// The hold's id.
    pub transaction_id: String,
    /// How far it is.
    pub state: UsageState,
    /// Whose credits are held.
    pub customer_id: String,
    /// What is held.
    #[serde(deserialize_with = "credits")]
    pub held: Credits,
    /// What was charged.
    #[serde(deserialize_with = "credits")]
    pub credits_used: Credits,
    /// What the work is for.
    pub feature_identifier: Option<String>,
    /// The model that it is priced by.
    pub model: Option<String>,
    /// When it was made.
    #[serde(deserialize_with = "instant")]
    pub created_at: Timestamp,
    /// When it is released if nobody completes it.
    #[serde(deserialize_with = "instant")]
    pub expires_at: Timestamp,
    /// Whether it was completed after it had expired.
    pub late: bool,
}

/// How far a hold is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum UsageState {
    /// The credits are held.
    Pending,
    /// The work succeeded.
    Completed,
    /// The work failed.
    Failed,
    /// Nobody completed it in time.
    Expired,
    /// What this version does not know.
    #[serde(other)]
    Other,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Page<T> {
    /// Its rows.
    pub data: Vec<T>,
    /// Where it stands in the list.
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Pagination {
    /// The most rows that a page has.
    pub limit: u64,
    /// Rows before this page.
    pub offset: u64,
    /// Rows in all.
    pub total: u64,
    /// Whether there is a page after this one.
    pub has_more: bool,
    /// Asks for the page after this one.
    pub next_cursor: Option<String>,
}

/// One change of a balance.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Transaction {
    /// Its id.
    pub id: String,
    /// Whose balance changed.
    pub customer_id: String,
    /// Why.
    #[serde(rename = "type")]
    pub kind: TransactionType,
    /// What the balance changed by, with its sign.
    #[serde(deserialize_with = "credits")]
    pub amount: Credits,
    /// The balance after it.
    #[serde(deserialize_with = "credits")]
    pub balance_after: Credits,
    /// The part of a charge that no credits could pay.
    #[serde(default, deserialize_with = "optional_credits")]
    pub overage: Option<Credits>,
    /// The caller's words.
    pub description: Option<String>,
    /// The service that it was priced by.
    pub service: Option<String>,
    /// The action that it was priced by.
    pub action: Option<String>,
    /// The model that it was priced by.
    pub model: Option<String>,
    /// What it was for.
    pub feature: Option<String>,
    /// The caller's own JSON.
    pub metadata: Option<Value>,
    /// The key that it was asked for with.
    pub idempotency_key: Option<String>,
    /// The hold that it completes.
    pub hold_id: Option<String>,
    /// The charge that it refunds.
    pub refund_of: Option<String>,
    /// Its number in the customer's journal.
    pub seq: u64,
    /// When it was made.
    #[serde(deserialize_with = "instant")]
    pub created_at: Timestamp,
}

/// Why a balance changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TransactionType {
    /// A charge.
    Consumption,
    /// Credits that were added.
    Topup,
    /// A correction, either way.
    Adjustment,
    /// A charge given back.
    Refund,
    /// What a tier allocates.
    Allocation,
    /// What of an allocation is kept for the next period.
    Rollover,
    /// Credits that ran out of time.
    Expiry,
    /// Credits that were bought.
    Purchase,
    /// What this version does not know.
    #[serde(other)]
    Other,
}

/// A page where the customer buys credits.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct TopUpSession {
    /// Where the customer pays.
    pub checkout_url: String,
    /// Its id.
    pub session_id: String,
}
