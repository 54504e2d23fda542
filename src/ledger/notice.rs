//! What an entry has to tell the outside: kept with it, so that the journal is
//! the outbox.

use serde::{Deserialize, Serialize};

use super::{AddKind, Entry, Event, Ledger};
use crate::credits::Credits;

/// A set of [`Notice`]s, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Notices(u8);

/// Something that the app behind a project wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// What can be spent fell below the threshold.
    BalanceLow,
    /// Nothing can be spent any more.
    BalanceExhausted,
    /// Credits were added or bought.
    BalanceToppedUp,
    /// A hold ran out.
    HoldExpired,
    /// A payment came in.
    PurchaseSucceeded,
    /// A payment failed.
    PurchaseFailed,
    /// A new period began.
    PeriodReset,
}

impl Notice {
    /// All notices, in the order in which those of one entry are told.
    pub const ALL: [Self; 7] = [
        Self::PurchaseSucceeded,
        Self::PurchaseFailed,
        Self::PeriodReset,
        Self::BalanceToppedUp,
        Self::HoldExpired,
        Self::BalanceLow,
        Self::BalanceExhausted,
    ];

    /// Its word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::BalanceLow => "balance.low",
            Self::BalanceExhausted => "balance.exhausted",
            Self::BalanceToppedUp => "balance.topped_up",
            Self::HoldExpired => "hold.expired",
            Self::PurchaseSucceeded => "purchase.succeeded",
            Self::PurchaseFailed => "purchase.failed",
            Self::PeriodReset => "period.reset",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::BalanceLow => 1,
            Self::BalanceExhausted => 2,
            Self::BalanceToppedUp => 4,
            Self::HoldExpired => 8,
            Self::PurchaseSucceeded => 16,
            Self::PurchaseFailed => 32,
            Self::PeriodReset => 64,
        }
    }
}

impl Notices {
    /// From the bits that [`Notices::bits`] gave.
    pub const fn from_bits(bits: u8) -> Self {
        Self(bits)
    }

    /// As the journal keeps them.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether there is nothing to tell.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those in the set, in the order in which they are told.
    pub fn iter(self) -> impl Iterator<Item = Notice> {
        Notice::ALL.into_iter().filter(move |notice| self.0 & notice.bit() != 0)
    }

    fn with(self, notice: Notice, is_there: bool) -> Self {
        if is_there { Self(self.0 | notice.bit()) } else { self }
    }

    /// What an entry has to tell, which took what can be spent from `before`
    /// to what the ledger has now.
    pub(super) fn of(entry: &Entry, before: Credits, ledger: &Ledger) -> Self {
        let after = ledger.available(entry.at);
        let falls_below = |level: Credits| before >= level && after < level;
        let is_open = !matches!(entry.event, Event::Closed);
        let topped_up =
            matches!(entry.event, Event::Granted { kind: AddKind::Topup | AddKind::Purchase, .. });
        let bought = matches!(entry.event, Event::Granted { kind: AddKind::Purchase, .. });
        Self::default()
            .with(Notice::BalanceLow, is_open && ledger.low_balance_threshold().is_some_and(falls_below))
            .with(Notice::BalanceExhausted, is_open && before.is_positive() && !after.is_positive())
            .with(Notice::BalanceToppedUp, topped_up)
            .with(Notice::HoldExpired, matches!(entry.event, Event::Released { .. }))
            .with(Notice::PurchaseSucceeded, bought)
            .with(Notice::PurchaseFailed, matches!(entry.event, Event::PurchaseFailed { .. }))
            .with(Notice::PeriodReset, matches!(entry.event, Event::Allocated { .. }))
    }
}
