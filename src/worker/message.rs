//! What the Worker's front says to the objects: to ledgers in packed texts,
//! since every request does, to the others in JSON. How they answer is in
//! [`super::reply`].

use serde::{Deserialize, Serialize};

use super::keys::Mode;
use crate::credits::Credits;
use crate::ledger::{Request, SettingChange, Terms};
use crate::mismatch::Mismatch;
use crate::packed;
use crate::text::Name;
use crate::time::Timestamp;

/// A call to a ledger object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LedgerCall {
    /// The caller's project.
    pub project: Name,
    /// The caller's world.
    pub mode: Mode,
    /// The customer; `None` when the object was found by an id of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub customer: Option<Name>,
    /// The id of the customer key that calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,
    /// The version of the project's terms that the caller knows of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms_version: Option<u64>,
    /// The terms themselves, when the object asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "packed::as_json::optional")]
    pub terms: Option<Box<Terms>>,
    /// The caller makes the purchase that overage may begin.
    #[serde(default)]
    pub may_buy: bool,
    /// What is asked.
    pub ask: Ask,
}

/// What a call to a ledger begins with: the version of what stands behind it.
/// It changes with [`LedgerCall`] and whatever is in it, so that during a
/// deployment an object refuses the calls of another version's Worker, where it
/// would take one value for another.
const CALL_VERSION: &str = "a";

impl LedgerCall {
    /// As the text that crosses. It has no U+001E in it.
    pub fn to_text(&self) -> String {
        packed::write(CALL_VERSION, self)
    }

    /// From the text that crossed.
    ///
    /// # Errors
    /// If it is no call of this version.
    pub fn from_text(text: &str) -> Result<Self, Mismatch> {
        packed::read(text.strip_prefix(CALL_VERSION).ok_or(Mismatch)?)
    }
}

/// What can be asked of a ledger object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// One operation.
    Execute(Request),
    /// A refund of a charge whose id leads to this object, or so it says.
    Refund {
        /// The object's id in hexadecimal.
        object: String,
        /// The operation.
        request: Request,
    },
    /// Many charges.
    Batch {
        /// In order.
        items: Vec<Request>,
        /// All or none.
        atomic: bool,
    },
    /// Rows of an import: each is done or refused by itself. Answered by a
    /// list of [`RowOutcome`]s.
    Import {
        /// In order.
        rows: Vec<Request>,
    },
    /// The balance.
    Balance {
        /// With the grants.
        breakdown: bool,
    },
    /// Whether an amount could be consumed.
    Check {
        /// How much.
        amount: Credits,
        /// For which feature.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        feature: Option<String>,
    },
    /// A list of transactions.
    Transactions(TransactionQuery),
    /// One transaction.
    Transaction {
        /// Its number.
        seq: u64,
    },
    /// A usage transaction's state.
    Usage {
        /// The hold's number.
        seq: u64,
    },
    /// What the transactions of a span of time add up to, in
    /// [`crate::tally::Group`]s by type and priced action.
    Totals {
        /// From then on.
        from: Timestamp,
        /// Before then.
        to: Timestamp,
        /// Each day (UTC) by itself.
        by_day: bool,
    },
    /// How the customer stands: see [`crate::worker::standing::Standing`].
    Standing,
    /// A part of an audit: the books against themselves and the live balance.
    Audit {
        /// The audit to go on with; a new one if absent, or if it is gone.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        run: Option<u64>,
    },
    /// A part of the whole journal, as lines: see
    /// [`crate::worker::objects::ledger_export::ExportPage`].
    Export {
        /// Only entries after this one.
        after: u64,
        /// None after this one; the last of now if absent.
        until: Option<u64>,
        /// How many.
        limit: u64,
    },
    /// The customer itself.
    Customer,
    /// The settings that the customer lives by.
    Settings,
    /// Who pays for the customer, in Stripe's words.
    Payer,
}

/// What became of a row of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RowOutcome {
    /// It was done now.
    Imported,
    /// It had been done before.
    Replayed,
    /// It was refused: the problem's code and sentence.
    Refused(String, String),
}

/// Which transactions to list.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TransactionQuery {
    /// How many.
    pub limit: u64,
    /// How many to pass over.
    pub offset: u64,
    /// Only those before this number.
    pub before: Option<u64>,
    /// Only of this kind.
    pub kind: Option<String>,
    /// Only from then on.
    pub from: Option<Timestamp>,
    /// Only before then.
    pub to: Option<Timestamp>,
}

/// A call to a project object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProjectCall {
    /// The project.
    pub project: Name,
    /// Its world.
    pub mode: Mode,
    /// What is asked.
    pub ask: ProjectAsk,
}

/// What can be asked of a project object.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProjectAsk {
    /// The record that isolates cache.
    Record,
    /// The terms of the record.
    Terms,
    /// Where its events are sent, if anywhere.
    WebhookUrl,
    /// Put a customer into the directory, or take it out.
    List {
        /// The customer.
        customer: Name,
        /// When it was created; `None` takes it out.
        created_at: Option<Timestamp>,
    },
    /// A page of the directory.
    Customers(Page),
    /// Keep a new key's description.
    AddKey(KeyRecord),
    /// A page of the keys.
    Keys(Page),
    /// Refuse a key from an instant on; answers its record.
    RevokeKey {
        /// The key's id.
        id: String,
        /// From when.
        at: Timestamp,
    },
    /// One key's record.
    Key {
        /// The key's id.
        id: String,
    },
    /// Replace one list of the record.
    Put {
        /// Which list.
        list: RecordList,
        /// Its new text, already checked.
        json: String,
    },
    /// Change some settings and leave the others; answers the record.
    Configure {
        /// One of each setting that is to change.
        changes: Vec<SettingChange>,
    },
}

/// The lists of a project's record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordList {
    /// Costs per action.
    Costs,
    /// Prices per model.
    Models,
    /// Gate rules.
    GateRules,
    /// Tiers.
    Tiers,
    /// Packs.
    Packs,
}

/// A page of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// How many.
    pub limit: u64,
    /// How many to pass over.
    pub offset: u64,
}

/// A key as lists show it: everything but the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[allow(missing_docs)] // the contract describes each field
pub struct KeyRecord {
    pub id: String,
    pub kind: String,
    pub customer_id: Option<Name>,
    pub scopes: Vec<String>,
    pub name: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
}

/// A key in an answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct KeyAnswer {
    pub id: String,
    pub kind: String,
    pub customer_id: Option<Name>,
    pub scopes: Vec<String>,
    pub name: Option<String>,
    pub created_at: String,
    pub expires_at: Option<String>,
    pub revoked_at: Option<String>,
}

impl KeyRecord {
    /// As a list shows it.
    pub fn answer(&self) -> KeyAnswer {
        let text = |at: Option<Timestamp>| at.map(|at| at.to_string());
        KeyAnswer {
            id: self.id.clone(),
            kind: self.kind.clone(),
            customer_id: self.customer_id.clone(),
            scopes: self.scopes.clone(),
            name: self.name.clone(),
            created_at: self.created_at.to_string(),
            expires_at: text(self.expires_at),
            revoked_at: text(self.revoked_at),
        }
    }
}
