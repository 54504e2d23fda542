use super::{AddKind, Entry, Event};

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
    /// A period's credits.
    Allocation,
    /// What a period left over.
    Rollover,
    /// Credits paid for.
    Purchase,
    /// Not a transaction: its word.
    Internal(&'static str),
}

impl Kind {
    /// The kinds that are transactions.
    pub const TRANSACTIONS: [Self; 8] = [
        Self::Consumption,
        Self::Topup,
        Self::Adjustment,
        Self::Refund,
        Self::Expiry,
        Self::Allocation,
        Self::Rollover,
        Self::Purchase,
    ];

    /// Its word in the journal and on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Consumption => "consumption",
            Self::Topup => "topup",
            Self::Adjustment => "adjustment",
            Self::Refund => "refund",
            Self::Expiry => "expiry",
            Self::Allocation => "allocation",
            Self::Rollover => "rollover",
            Self::Purchase => "purchase",
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
            Event::Granted { kind: AddKind::Purchase, .. } => Kind::Purchase,
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
            Event::Allocated { grant: Some(_), .. } => Kind::Allocation,
            Event::Allocated { grant: None, .. } => Kind::Internal("period_reset"),
            Event::RolledOver { .. } => Kind::Rollover,
            Event::TierChanged { .. } => Kind::Internal("tier_changed"),
            Event::SettingsChanged { .. } => Kind::Internal("settings_changed"),
            Event::TermsChanged { .. } => Kind::Internal("terms_changed"),
            Event::PurchaseStarted { .. } => Kind::Internal("purchase_started"),
            Event::PurchaseFailed { .. } => Kind::Internal("purchase_failed"),
            Event::Reversed { .. } if !self.amount.is_zero() => Kind::Adjustment,
            Event::Reversed { .. } => Kind::Internal("purchase_reversed"),
        }
    }
}
