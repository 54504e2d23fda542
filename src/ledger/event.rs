//! What can happen to a ledger.

use serde::{Deserialize, Serialize};

use super::{
    AddKind, Draws, Grant, Hold, KnownTerms, Note, PendingPurchase, Plan, Purchase, Settings, TakeBackReason,
    Tier,
};
use crate::credits::Credits;
use crate::time::Timestamp;

/// For serde, which asks by reference.
fn is_zero(amount: &Credits) -> bool {
    amount.is_zero()
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
        /// The tier that it begins on; its allocation is due at once.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        plan: Option<Box<Plan>>,
        /// Its own settings.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        settings: Option<Box<Settings>>,
        /// The project's terms that it begins with.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        terms: Option<Box<KnownTerms>>,
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
        /// The feature of that charge.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        refunded_feature: Option<String>,
        /// The purchase of which it gives back what was taken.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        restores: Option<u64>,
        /// What was paid for it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        purchase: Option<Box<Purchase>>,
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
        /// The part that no grant could pay: overage.
        #[serde(default, skip_serializing_if = "is_zero")]
        debt: Credits,
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
    /// A period began: its allocation came in.
    Allocated {
        /// The allocation; none if the tier has none.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        grant: Option<Grant>,
        /// When the period began by the calendar.
        period_start: Timestamp,
        /// When it ends.
        next_reset: Timestamp,
    },
    /// What a period left over came back for some more.
    RolledOver {
        /// The new grant.
        grant: Grant,
    },
    /// The customer is on another tier.
    TierChanged {
        /// The plan from now on.
        plan: Box<Plan>,
        /// What the plan before had given ends now.
        ends_grants: bool,
    },
    /// The customer's own settings changed.
    SettingsChanged {
        /// All of them.
        settings: Box<Settings>,
        /// Overage may buy again.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        unblocked: bool,
    },
    /// The project's terms changed, as far as they concern this customer.
    TermsChanged {
        /// What the ledger knows of them.
        terms: Box<KnownTerms>,
        /// The customer's tier, if that changed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tier: Option<Box<Tier>>,
    },
    /// Overage began to buy a pack.
    PurchaseStarted {
        /// What is bought, and who pays.
        purchase: Box<PendingPurchase>,
    },
    /// A payment failed.
    PurchaseFailed {
        /// Our id of the purchase.
        id: String,
        /// The provider's word for why.
        reason: String,
    },
    /// Paid credits were taken back.
    Reversed {
        /// The entry of the purchase.
        purchase: u64,
        /// Why.
        reason: TakeBackReason,
        /// From which grants, as far as they were unspent.
        draws: Draws,
    },
}
