//! What the journal holds: one entry for each change, never altered.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{AddKind, Grant, Hold, IdempotencyKey, Note};
use crate::credits::Credits;
use crate::time::Timestamp;

/// Credits of one grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "(u64, Credits)", into = "(u64, Credits)")]
pub struct Draw {
    /// The grant's entry number.
    pub grant: u64,
    /// How much of it.
    pub amount: Credits,
}

impl From<(u64, Credits)> for Draw {
    fn from((grant, amount): (u64, Credits)) -> Self {
        Self { grant, amount }
    }
}

impl From<Draw> for (u64, Credits) {
    fn from(draw: Draw) -> Self {
        (draw.grant, draw.amount)
    }
}

/// Draws in burn-down order. Most charges touch one grant: two fit without
/// an allocation.
pub type Draws = SmallVec<[Draw; 2]>;

/// One change of one customer's ledger.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its number in the journal, from 1, without gaps.
    pub seq: u64,
    /// When it was decided; never before the entry in front of it.
    pub at: Timestamp,
    /// What the balance changed by.
    pub amount: Credits,
    /// The balance after it.
    pub balance_after: Credits,
    /// The key that protects it from being done twice.
    pub key: Option<IdempotencyKey>,
    /// What happened.
    pub event: Event,
}

/// What happened, with all that is needed to fold it in: nothing is computed
/// again from rules that may have changed since.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The customer was created without credits.
    Opened {
        /// The caller's own JSON object, as text.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// The caller's own object was replaced.
    Updated {
        /// As in [`Event::Opened`].
        #[serde(default, skip_serializing_if = "Option::is_none")]
        metadata: Option<String>,
    },
    /// The customer was deleted and its credits written off.
    Closed,
    /// Credits came in. It creates the customer if need be.
    Granted {
        /// The new grant.
        grant: Grant,
        /// Why.
        kind: AddKind,
        /// The charge that it refunds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refund_of: Option<u64>,
        /// What for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<Note>>,
    },
    /// A negative adjustment took credits out.
    Deducted {
        /// From which grants.
        draws: Draws,
        /// What for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<Note>>,
    },
    /// A charge.
    Consumed {
        /// From which grants.
        draws: Draws,
        /// What for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<Note>>,
    },
    /// Credits were set aside.
    Held {
        /// The new hold.
        hold: Box<Hold>,
    },
    /// A hold got more time.
    Extended {
        /// The hold.
        hold: u64,
        /// Its new end.
        expires_at: Timestamp,
    },
    /// A hold was completed or failed.
    Settled {
        /// The hold.
        hold: u64,
        /// Whether the work succeeded.
        success: bool,
        /// What had been held when it was settled; zero if it had expired.
        held: Credits,
        /// From which grants the charge was taken.
        draws: Draws,
        /// The part of the charge that no grant could pay.
        debt: Credits,
        /// The hold had expired before.
        late: bool,
        /// What for: the hold's own note.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<Box<Note>>,
    },
    /// A hold ran out and its credits are free again.
    Released {
        /// The hold.
        hold: u64,
    },
    /// A grant's time was over.
    Expired {
        /// The grant.
        grant: u64,
        /// What was left and not held.
        amount: Credits,
    },
    /// Free credits paid off debt; the balance stays.
    DebtPaid {
        /// From which grants.
        draws: Draws,
    },
    /// A customer key is refused from an instant on.
    KeyRevoked {
        /// The key's id.
        key_id: String,
        /// From when.
        at: Timestamp,
    },
}

/// The word by which the journal files an entry. The first group are the
/// transactions that a caller can list; the rest changes no balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A charge.
    Consumption,
    /// Credits bought or given.
    Topup,
    /// A correction.
    Adjustment,
    /// A charge given back.
    Refund,
    /// A grant's time was over.
    Expiry,
    /// Not a transaction: its word.
    Internal(&'static str),
}

impl Kind {
    /// The kinds that are transactions.
    pub const TRANSACTIONS: [Self; 5] =
        [Self::Consumption, Self::Topup, Self::Adjustment, Self::Refund, Self::Expiry];

    /// Its word in the journal and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Consumption => "consumption",
            Self::Topup => "topup",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Internal(word) => word,
        }
    }

    /// Whether a caller can list it.
    pub const fn is_transaction(self) -> bool {
        !matches!(self, Self::Internal(_))
    }
}

impl Entry {
    /// How the journal files it.
    pub fn kind(&self) -> Kind {
        match &self.event {
            Event::Consumed { .. } => Kind::Consumption,
            Event::Settled { success, .. } if *success || !self.amount.is_zero() => Kind::Consumption,
            Event::Settled { .. } => Kind::Internal("hold_failed"),
            Event::Granted { kind: AddKind::Topup, .. } => Kind::Topup,
            Event::Granted { kind: AddKind::Refund, .. } => Kind::Refund,
            Event::Granted { kind: AddKind::Adjustment, .. } | Event::Deducted { .. } => Kind::Adjustment,
            Event::Closed if !self.amount.is_zero() => Kind::Adjustment,
            Event::Closed => Kind::Internal("customer_closed"),
            Event::Expired { .. } => Kind::Expiry,
            Event::Held { .. } => Kind::Internal("hold"),
            Event::Extended { .. } => Kind::Internal("hold_extended"),
            Event::Released { .. } => Kind::Internal("hold_expired"),
            Event::DebtPaid { .. } => Kind::Internal("debt_paid"),
            Event::Opened { .. } => Kind::Internal("customer_opened"),
            Event::Updated { .. } => Kind::Internal("customer_updated"),
            Event::KeyRevoked { .. } => Kind::Internal("key_revoked"),
        }
    }

    /// The earlier entry that it is about: a settled hold, a refunded charge.
    pub fn about(&self) -> Option<u64> {
        match &self.event {
            Event::Settled { hold, .. } | Event::Released { hold } | Event::Extended { hold, .. } => {
                Some(*hold)
            }
            Event::Granted { refund_of, .. } => *refund_of,
            _ => None,
        }
    }

    /// What it was for.
    pub fn note(&self) -> Option<&Note> {
        match &self.event {
            Event::Granted { note, .. }
            | Event::Deducted { note, .. }
            | Event::Consumed { note, .. }
            | Event::Settled { note, .. } => note.as_deref(),
            Event::Held { hold } => hold.note.as_deref(),
            _ => None,
        }
    }
}
