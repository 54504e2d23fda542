//! Credits that are bought: what a payment was for, and what overage buys by
//! itself.

use serde::{Deserialize, Serialize};

use super::Pack;
use crate::credits::Credits;
use crate::text::Name;
use crate::time::Timestamp;

/// A payment under way is asked about again after this long, under the same
/// id: the payment provider makes one payment of it.
pub(super) const RESUME_AFTER_MS: i64 = 10_000;
/// A payment of which nothing was heard for this long is given up. The
/// provider forgets ids after 24 hours, and must not be asked to pay again.
pub(super) const GIVE_UP_AFTER_MS: i64 = 82_800_000;

/// Credits that were paid for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purchase {
    /// Our id of it, which the payment provider carries.
    pub id: String,
    /// The pack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pack: Option<Name>,
    /// How many.
    pub credits: Credits,
    /// What was paid, in the currency's smallest unit.
    pub price_cents: u64,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// The provider's id of the checkout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<String>,
    /// The provider's id of the payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment_intent: Option<String>,
    /// The provider's id of the event that told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event: Option<String>,
    /// The provider's id of who paid: kept, to charge again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_customer: Option<String>,
}

/// Why paid credits are taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TakeBackReason {
    /// The payment was given back.
    Refund,
    /// The payer disputes it.
    Dispute,
}

/// Paid credits to be taken back, as far as they are unspent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakeBack {
    /// Which purchase.
    pub purchase: String,
    /// How much of its price was given back for this reason so far, in all.
    pub refunded_cents: u64,
    /// Why.
    pub reason: TakeBackReason,
    /// The provider's id of the event that told of it.
    pub event: String,
}

/// A purchase that overage has begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PendingPurchase {
    /// Our id of it.
    pub id: String,
    /// What is bought.
    pub pack: Pack,
    /// Who pays.
    pub stripe_customer: String,
    /// When it began.
    pub since: Timestamp,
    /// When the provider was last asked.
    pub asked_at: Timestamp,
}

/// Who pays, and what keeps purchases by overage in bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payer {
    /// The provider's id of who paid last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stripe_customer: Option<String>,
    /// A purchase failed: none is begun until somebody says so, or pays.
    #[serde(default)]
    pub is_blocked: bool,
    /// The one purchase that is under way.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<PendingPurchase>,
    /// The day (UTC) of the last one, counted from 1970.
    #[serde(default)]
    pub day: i64,
    /// How many were begun on that day.
    #[serde(default)]
    pub begun: u32,
}

/// Why overage buys nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoPurchase {
    /// The mode is another.
    NotAsked,
    /// Nobody has paid yet whose payment method could be charged.
    NoPaymentMethod,
    /// The last one failed.
    Declined,
    /// One is under way.
    Pending,
    /// As many as a day may have.
    DailyLimit,
    /// No pack covers it.
    NoPack,
}

impl NoPurchase {
    /// Its word on the wire; `None` if purchases are no matter at all.
    pub const fn word(self) -> Option<&'static str> {
        match self {
            Self::NotAsked => None,
            Self::NoPaymentMethod => Some("no_payment_method"),
            Self::Declined => Some("declined"),
            Self::Pending => Some("pending"),
            Self::DailyLimit => Some("daily_limit"),
            Self::NoPack => Some("no_pack"),
        }
    }
}

impl Payer {
    /// Overage buys, or asks again for what it is buying.
    pub(super) fn begins(&mut self, purchase: &PendingPurchase, day: i64) {
        if !self.is_pending(&purchase.id) {
            self.begun = self.begun_on(day).saturating_add(1);
            self.day = day;
        }
        self.pending = Some(purchase.clone());
    }

    /// A payment came in: who paid can be charged again.
    pub(super) fn pays(&mut self, purchase: &Purchase) {
        if let Some(customer) = &purchase.stripe_customer {
            self.stripe_customer = Some(customer.clone());
        }
        self.is_blocked = false;
        if self.is_pending(&purchase.id) {
            self.pending = None;
        }
    }

    /// A payment failed; one that overage had begun stops further ones.
    pub(super) fn fails(&mut self, id: &str) {
        if self.is_pending(id) {
            self.pending = None;
            self.is_blocked = true;
        }
    }

    fn is_pending(&self, id: &str) -> bool {
        self.pending.as_ref().is_some_and(|pending| pending.id == id)
    }

    /// How many purchases were begun on a day.
    pub(super) fn begun_on(&self, day: i64) -> u32 {
        if self.day == day { self.begun } else { 0 }
    }
}
