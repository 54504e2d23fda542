//! A project's record: what every isolate must know to answer a request
//! without asking anybody. It lives in the project object, is published to
//! KV, and is cached in the isolate.

use serde::{Deserialize, Serialize};

use super::message::RecordList;
use crate::credits::Credits;
use crate::pricing::{ActionCost, Catalogue, ModelPrice};
use crate::text::Name;
use crate::time::Timestamp;

/// What a project calls a credit until it says otherwise.
pub const CREDIT_NAME: &str = "credits";

/// One project's record in one mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProjectRecord {
    /// Counts its changes, so that an older copy never replaces a newer.
    pub version: u64,
    /// Prices.
    pub catalogue: Catalogue,
    /// What the gate charges for which route; the first match wins.
    pub gate_rules: Vec<GateRule>,
    /// Project keys that are refused from an instant on.
    pub revoked: Vec<Revoked>,
}

/// A project key that is refused from an instant on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Revoked {
    /// The key's id.
    pub id: String,
    /// From when.
    pub at: Timestamp,
    /// When the key would have ended by itself.
    pub expires_at: Option<Timestamp>,
}

/// What the gate does with a route.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GateRule {
    /// An HTTP method, or `*`.
    pub method: String,
    /// A path; `*` stands for one segment, a last `*` for any rest.
    pub path: String,
    /// What it costs.
    pub price: GatePrice,
    /// When it is charged.
    pub mode: GateMode,
    /// Where requests go; the service binding `ORIGIN` if absent.
    pub origin: Option<String>,
    /// Which outcomes reverse the charge.
    pub refund_on: Vec<RefundOn>,
}

/// What a gated request costs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GatePrice {
    /// An amount.
    Amount(Credits),
    /// The catalogue's cost of an action.
    Action {
        /// The service.
        service: Name,
        /// The action.
        action: Name,
    },
}

/// When a gated request is charged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateMode {
    /// Before the origin is called.
    Consume,
    /// Held before, charged by what the origin says it cost.
    Reserve,
}

impl GateMode {
    /// The modes by their words.
    pub const WORDS: [(&'static str, Self); 2] = [("consume", Self::Consume), ("reserve", Self::Reserve)];
}

/// An outcome that reverses a charge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundOn {
    /// The origin answered 500 or above.
    #[serde(rename = "5xx")]
    ServerError,
    /// The origin could not be reached, or broke off.
    #[serde(rename = "network")]
    Network,
}

impl RefundOn {
    /// The outcomes by their words.
    pub const WORDS: [(&'static str, Self); 2] = [("5xx", Self::ServerError), ("network", Self::Network)];
}

impl ProjectRecord {
    /// Whether a project key is refused at `now`.
    pub fn refuses_key(&self, id: &str, now: Timestamp) -> bool {
        self.revoked.iter().any(|revoked| revoked.id == id && revoked.at <= now)
    }

    /// Refuses a project key from an instant on, and forgets those that have
    /// ended by themselves.
    pub fn revoke(&mut self, id: &str, at: Timestamp, expires_at: Option<Timestamp>, now: Timestamp) {
        self.revoked.retain(|revoked| revoked.id != id && revoked.expires_at.is_none_or(|end| end > now));
        self.revoked.push(Revoked { id: id.to_owned(), at, expires_at });
    }

    /// Replaces one list by its checked JSON text.
    ///
    /// # Errors
    /// If the text is not that list after all.
    pub fn put(&mut self, list: RecordList, json: &str) -> Result<(), serde_json::Error> {
        match list {
            RecordList::Costs => self.catalogue.costs = serde_json::from_str::<Vec<ActionCost>>(json)?,
            RecordList::Models => self.catalogue.models = serde_json::from_str::<Vec<ModelPrice>>(json)?,
            RecordList::GateRules => self.gate_rules = serde_json::from_str(json)?,
        }
        if list != RecordList::GateRules {
            self.catalogue.version = self.catalogue.version.saturating_add(1);
        }
        Ok(())
    }
}
