use serde::{Deserialize, Serialize};

use crate::credits::Credits;
use crate::time::Timestamp;

/// Where a grant's credits came from. It sets the default priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Promotional credits, burned first.
    Prototype,
    /// A daily allocation.
    Daily,
    /// A period's allocation.
    Period,
    /// What was carried over from an earlier period.
    Rollover,
    /// Bought credits.
    Purchased,
    /// Credits added by hand or by the caller's own payment flow.
    Topup,
    /// An adjustment upwards.
    Adjustment,
    /// A refunded charge.
    Refund,
}

impl Source {
    /// All sources, for reading one from text.
    pub const ALL: [Self; 8] = [
        Self::Prototype,
        Self::Daily,
        Self::Period,
        Self::Rollover,
        Self::Purchased,
        Self::Topup,
        Self::Adjustment,
        Self::Refund,
    ];

    /// Its word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Prototype => "prototype",
            Self::Daily => "daily",
            Self::Period => "period",
            Self::Rollover => "rollover",
            Self::Purchased => "purchased",
            Self::Topup => "topup",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
        }
    }

    /// The priority of a grant that names none; lower burns first.
    pub const fn default_priority(self) -> i32 {
        match self {
            Self::Prototype => 10,
            Self::Daily | Self::Period => 20,
            Self::Rollover => 30,
            Self::Purchased | Self::Topup | Self::Adjustment | Self::Refund => 40,
        }
    }
}

/// Credits that came together and burn together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// The number of the entry that made it.
    pub seq: u64,
    /// Where its credits came from.
    pub source: Source,
    /// The caller's own label for what was sold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    /// What was granted.
    pub amount: Credits,
    /// What is left, held credits included.
    pub remaining: Credits,
    /// What pending holds have set aside; never more than `remaining`.
    pub held: Credits,
    /// Lower burns first.
    pub priority: i32,
    /// It cannot be spent before.
    pub effective_at: Timestamp,
    /// What is left then, and not held, leaves by an expiry entry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// What is neither spent nor held.
    pub fn free(&self) -> Credits {
        self.remaining.minus(self.held)
    }

    /// Whether it can be spent at `now`.
    pub fn is_effective(&self, now: Timestamp) -> bool {
        self.effective_at <= now
    }

    /// Whether its time is over at `now`.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|expires_at| expires_at <= now)
    }

    /// The place in the burn-down order: lowest priority, then the one that
    /// expires soonest, then the oldest.
    pub fn burn_order(&self) -> (i32, Timestamp, u64) {
        (self.priority, self.expires_at.unwrap_or(Timestamp::MAX), self.seq)
    }
}
