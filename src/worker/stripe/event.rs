use std::collections::HashMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::json::{self, JsonText};

/// What Stripe reports by a webhook.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Stripe's id of it; the same when it is sent again.
    pub id: String,
    /// What happened, such as `checkout.session.completed`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether real money moved.
    pub livemode: bool,
    data: Data,
}

#[derive(Debug, Deserialize)]
struct Data {
    object: JsonText,
}

impl Event {
    /// From a body whose signature was checked; `None` if it is no event.
    pub fn read(body: &[u8]) -> Option<Self> {
        json::read(std::str::from_utf8(body).ok()?).ok()
    }

    /// What it is about; `None` if it is something else.
    pub fn object<T: DeserializeOwned>(&self) -> Option<T> {
        json::read(&self.data.object.0).ok()
    }
}

/// A Charge, as far as it is looked at. Its metadata is that of its
/// PaymentIntent, which Stripe copies.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Charge {
    /// How much of it was given back so far, in the currency's smallest unit.
    pub amount_refunded: u64,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// What was put with it.
    #[serde(default)]
    pub metadata: Option<HashMap<String, String>>,
}

/// A Dispute with its Charge.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Dispute {
    /// Where it stands.
    pub status: String,
    /// What is disputed, in the currency's smallest unit.
    pub amount: u64,
    /// ISO 4217, in small letters.
    pub currency: String,
    /// The disputed payment.
    pub charge: Charge,
}

/// What a dispute means for the credits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisputeState {
    /// The money is gone, for now or for good.
    MoneyTaken,
    /// The money is there: it came back, or was never taken.
    MoneyBack,
    /// An inquiry, in which no money moves.
    Inquiry,
}

impl Dispute {
    /// What it means for the credits. A status that is not known takes money:
    /// inquiries and good ends are what Stripe names.
    pub fn state(&self) -> DisputeState {
        match self.status.as_str() {
            "won" | "warning_closed" | "prevented" => DisputeState::MoneyBack,
            "warning_needs_response" | "warning_under_review" => DisputeState::Inquiry,
            _ => DisputeState::MoneyTaken,
        }
    }

    /// What the customer has back of the payment so far, in its own currency:
    /// what is disputed, and what was refunded before. A dispute in another
    /// currency is about all of it.
    pub fn cents_back(&self) -> u64 {
        match self.currency == self.charge.currency {
            true => self.amount.saturating_add(self.charge.amount_refunded),
            false => u64::MAX,
        }
    }
}
