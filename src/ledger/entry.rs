//! What the journal holds: one entry for each change, never altered.

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use super::{Event, IdempotencyKey, Note, Notices};
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
    /// What the outside is told of it.
    pub notices: Notices,
}

impl Entry {
    /// The earlier entry that it is about: a settled hold, a refunded charge,
    /// a purchase of which something was taken or given back.
    pub fn about(&self) -> Option<u64> {
        match &self.event {
            Event::Settled { hold, .. } | Event::Released { hold } | Event::Extended { hold, .. } => {
                Some(*hold)
            }
            Event::Granted { refund_of, restores, .. } => refund_of.or(*restores),
            Event::Reversed { purchase, .. } => Some(*purchase),
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

    /// The part of a charge that no grant could pay.
    pub fn debt(&self) -> Credits {
        match &self.event {
            Event::Consumed { debt, .. } | Event::Settled { debt, .. } => *debt,
            _ => Credits::ZERO,
        }
    }
}
