//! A project's record: what every isolate must know to answer a request
//! without asking anybody. It lives in the project object, is published to
//! KV, and is cached in the isolate.

use serde::{Deserialize, Serialize};

use super::message::RecordList;
use crate::credits::Credits;
use crate::json;
use crate::ledger::{SettingChange, Terms};
use crate::pricing::{ActionCost, Catalogue, ModelPrice};
use crate::text::Name;
use crate::time::Timestamp;

/// One project's record in one mode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectRecord {
    /// Counts its changes, so that an older copy never replaces a newer.
    #[serde(default)]
    pub version: u64,
    /// Prices.
    #[serde(default)]
    pub catalogue: Catalogue,
    /// What the gate charges for which route; the first match wins.
    #[serde(default)]
    pub gate_rules: Vec<GateRule>,
    /// Tiers, packs and settings.
    #[serde(default)]
    pub terms: Terms,
    /// Project keys that are refused from an instant on.
    #[serde(default)]
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
    pub fn put(&mut self, list: RecordList, json: &str, now: Timestamp) -> Result<(), json::Unreadable> {
        match list {
            RecordList::Costs => self.catalogue.costs = json::read::<Vec<ActionCost>>(json)?,
            RecordList::Models => self.catalogue.models = json::read::<Vec<ModelPrice>>(json)?,
            RecordList::GateRules => self.gate_rules = json::read(json)?,
            RecordList::Tiers => {
                self.change_terms(Terms { tiers: json::read(json)?, ..self.terms.clone() }, now);
            }
            RecordList::Packs => {
                self.change_terms(Terms { packs: json::read(json)?, ..self.terms.clone() }, now);
            }
        }
        if matches!(list, RecordList::Costs | RecordList::Models) {
            self.catalogue.version = self.catalogue.version.saturating_add(1);
        }
        Ok(())
    }

    /// Changes some settings and leaves the others.
    pub fn configure(&mut self, changes: Vec<SettingChange>, now: Timestamp) {
        let settings = self.terms.settings.clone().changed(changes);
        self.change_terms(Terms { settings, ..self.terms.clone() }, now);
    }

    /// A new version of the terms, if it says anything new: each ledger is
    /// handed it once.
    fn change_terms(&mut self, terms: Terms, now: Timestamp) {
        if terms != self.terms {
            let version = terms.version.saturating_add(1);
            self.terms = Terms { version, since: now.max(self.terms.since), ..terms };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap()
    }

    #[test]
    fn a_record_from_before_there_were_terms_still_reads() {
        let stored =
            r#"{"version":7,"catalogue":{"version":2,"costs":[],"models":[]},"gate_rules":[],"revoked":[]}"#;
        let record: ProjectRecord = serde_json::from_str(stored).unwrap();
        assert_eq!((record.version, record.terms), (7, Terms::default()));
    }

    #[test]
    fn the_terms_count_their_changes_and_know_the_time_of_the_last() {
        let mut record = ProjectRecord::default();
        let pack = r#"[{"id":"s","name":"Small","credits":1,"price_cents":1,"currency":"eur"}]"#;
        let (first, second) = (at("2026-01-01T00:00:00Z"), at("2026-01-02T00:00:00Z"));
        record.put(RecordList::Packs, pack, first).unwrap();
        assert_eq!((record.terms.version, record.terms.since), (1, first));
        record.put(RecordList::Packs, pack, second).unwrap();
        record.put(RecordList::Costs, "[]", second).unwrap();
        assert_eq!((record.terms.version, record.terms.since), (1, first), "they say what they said");
        record.configure(vec![SettingChange::CreditName(Some("coins".to_owned()))], second);
        assert_eq!((record.terms.version, record.terms.since), (2, second));
        // The machine's clock was set back.
        record.configure(vec![SettingChange::CreditName(None)], first);
        assert_eq!((record.terms.version, record.terms.since), (3, second));
        assert_eq!(record.terms.packs.len(), 1);
    }
}
