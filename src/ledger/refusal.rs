use super::SpendLimit;
use crate::credits::Credits;

/// Why a ledger does not do what it was asked: expected, part of the
/// contract, and always without effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The customer key was revoked.
    KeyRevoked,
    /// There is no such customer, transaction or hold here.
    NotFound(&'static str),
    /// Fewer credits are available than asked for.
    Insufficient {
        /// The balance, held credits included.
        balance: Credits,
        /// What could be spent now.
        available: Credits,
        /// What was asked for.
        requested: Credits,
        /// How deep debt may go.
        overage: Credits,
    },
    /// A spend limit would be passed.
    LimitReached {
        /// The balance.
        balance: Credits,
        /// What was asked for.
        requested: Credits,
        /// What was charged and held in the limit's window so far, at most
        /// [`Credits::MAX`].
        spent: Credits,
        /// The limit.
        limit: Box<SpendLimit>,
    },
    /// The key was used for another request.
    KeyReused,
    /// The caller's own deadline is over.
    DeadlinePassed,
    /// The customer exists.
    AlreadyExists,
    /// The hold has ended otherwise.
    AlreadyCompleted(&'static str),
    /// The amount cannot be, and why.
    InvalidAmount(&'static str),
    /// A field's value cannot be, and why.
    InvalidField {
        /// The field on the wire.
        field: &'static str,
        /// Why not.
        detail: &'static str,
    },
}

impl Refusal {
    /// What is missing; zero for any other refusal.
    pub fn shortfall(&self) -> Credits {
        match self {
            Self::Insufficient { available, requested, overage, .. } => {
                requested.minus(*available).minus(*overage).or_zero()
            }
            _ => Credits::ZERO,
        }
    }
}
