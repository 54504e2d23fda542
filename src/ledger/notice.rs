//! What an entry has to tell the outside: kept with it, so that the journal is
//! the outbox.

use serde::{Deserialize, Serialize};

use super::{AddKind, Entry, Event, Ledger};
use crate::credits::Credits;

/// A set of [`Notice`]s, and what cannot be read from the entry itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Parts", into = "Parts")]
pub struct Notices {
    bits: u8,
    available: Credits,
    threshold: Option<Credits>,
}

/// As the journal keeps them.
type Parts = (u8, Credits, Option<Credits>);

impl From<Parts> for Notices {
    fn from((bits, available, threshold): Parts) -> Self {
        Self { bits, available, threshold }
    }
}

impl From<Notices> for Parts {
    fn from(notices: Notices) -> Self {
        (notices.bits, notices.available, notices.threshold)
    }
}

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

    /// One letter for it in ids; those of one entry sort as they are told.
    pub const fn letter(self) -> char {
        match self {
            Self::PurchaseSucceeded => 'a',
            Self::PurchaseFailed => 'b',
            Self::PeriodReset => 'c',
            Self::BalanceToppedUp => 'd',
            Self::HoldExpired => 'e',
            Self::BalanceLow => 'f',
            Self::BalanceExhausted => 'g',
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
    /// What could be spent after the entry.
    pub const fn available(self) -> Credits {
        self.available
    }

    /// The level that it fell below, with [`Notice::BalanceLow`].
    pub const fn threshold(self) -> Option<Credits> {
        self.threshold
    }

    /// Whether there is nothing to tell.
    pub const fn is_empty(self) -> bool {
        self.bits == 0
    }

    /// Those in the set, in the order in which they are told.
    pub fn iter(self) -> impl Iterator<Item = Notice> {
        Notice::ALL.into_iter().filter(move |notice| self.bits & notice.bit() != 0)
    }

    fn with(self, notice: Notice, is_there: bool) -> Self {
        let bit = if is_there { notice.bit() } else { 0 };
        Self { bits: self.bits | bit, ..self }
    }

    /// What an entry has to tell, which took what can be spent from `before`
    /// to what the ledger has now.
    pub(super) fn of(entry: &Entry, before: Credits, ledger: &Ledger) -> Self {
        let available = ledger.available(entry.at);
        // What ends with a period makes room for the next allocation, which comes
        // at the same instant: the steps of a reset come to what that leaves.
        let is_told = !ledger.is_resetting(entry.at) && !matches!(entry.event, Event::Closed);
        let threshold =
            ledger.low_balance_threshold().filter(|level| is_told && before >= *level && available < *level);
        let is_exhausted = is_told && before.is_positive() && !available.is_positive();
        let topped_up =
            matches!(entry.event, Event::Granted { kind: AddKind::Topup | AddKind::Purchase, .. });
        let bought = matches!(entry.event, Event::Granted { kind: AddKind::Purchase, .. });
        let notices = Self::default()
            .with(Notice::BalanceLow, threshold.is_some())
            .with(Notice::BalanceExhausted, is_exhausted)
            .with(Notice::BalanceToppedUp, topped_up)
            .with(Notice::HoldExpired, matches!(entry.event, Event::Released { .. }))
            .with(Notice::PurchaseSucceeded, bought)
            .with(Notice::PurchaseFailed, matches!(entry.event, Event::PurchaseFailed { .. }))
            .with(Notice::PeriodReset, matches!(entry.event, Event::Allocated { .. }));
        if notices.is_empty() { notices } else { Self { available, threshold, ..notices } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notice_has_a_bit_a_word_and_a_letter_of_its_own_in_the_order_of_telling() {
        let all = Notice::ALL.into_iter().fold(Notices::default(), |set, notice| set.with(notice, true));
        assert!(all.iter().eq(Notice::ALL) && all.bits == 127);
        let letters: Vec<_> = Notice::ALL.into_iter().map(Notice::letter).collect();
        assert!(letters.is_sorted() && letters.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
