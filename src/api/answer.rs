//! Answers, field for field as the contract names them.

use serde::Serialize;

use super::{Decimal, Problem};
use crate::json::JsonText;

/// `GET /v1/customers/{id}/balance`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the contract describes each field
pub struct BalanceAnswer<'a> {
    pub customer_id: &'a str,
    pub balance: Decimal,
    pub available: Decimal,
    pub held: Decimal,
    pub credit_name: &'a str,
    pub as_of: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breakdown: Option<Vec<GrantAnswer>>,
}

/// One grant of a balance's breakdown.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct GrantAnswer {
    pub grant_id: String,
    pub source: &'static str,
    pub product: Option<String>,
    pub amount: Decimal,
    pub remaining: Decimal,
    pub priority: i32,
    pub effective_at: String,
    pub expires_at: Option<String>,
}

/// `POST /v1/customers/{id}/check`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct CheckAnswer {
    pub allowed: bool,
    pub balance: Decimal,
    pub available: Decimal,
    pub required: Decimal,
    pub shortfall: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
}

/// `POST /v1/customers/{id}/consume`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ConsumeAnswer {
    pub success: bool,
    pub balance: Decimal,
    pub amount: Decimal,
    pub transaction_id: String,
    pub replayed: bool,
    pub seq: u64,
}

/// `POST /v1/customers/{id}/consume-batch`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct BatchAnswer {
    pub results: Vec<BatchItem>,
    pub balance: Decimal,
    pub succeeded: usize,
    pub failed: usize,
}

/// One item's outcome in a batch.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum BatchItem {
    Done {
        status: u16,
        #[serde(flatten)]
        answer: ConsumeAnswer,
    },
    Refused {
        status: u16,
        success: bool,
        error: Problem,
    },
}

/// `POST /v1/customers/{id}/credits`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct AddAnswer {
    pub balance: Decimal,
    pub amount: Decimal,
    pub transaction_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grant_id: Option<String>,
    pub replayed: bool,
    pub seq: u64,
}

/// One transaction.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct TransactionAnswer {
    pub id: String,
    pub customer_id: String,
    #[serde(rename = "type")]
    pub kind: &'static str,
    pub amount: Decimal,
    pub balance_after: Decimal,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overage: Option<Decimal>,
    pub description: Option<String>,
    pub service: Option<String>,
    pub action: Option<String>,
    pub model: Option<String>,
    pub feature: Option<String>,
    pub metadata: Option<JsonText>,
    pub idempotency_key: Option<String>,
    pub hold_id: Option<String>,
    pub refund_of: Option<String>,
    pub seq: u64,
    pub created_at: String,
}

/// One line of `GET /v1/customers/{id}/export`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ExportLine {
    #[serde(flatten)]
    pub transaction: TransactionAnswer,
    pub internal: bool,
    pub stored_key: Option<String>,
    pub fingerprint: Option<String>,
    pub about: Option<u64>,
    pub notices: Option<JsonText>,
    pub hash: Option<String>,
    pub event: JsonText,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct List<T> {
    pub data: Vec<T>,
    pub pagination: Pagination,
}

/// Where a page stands in its list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct Pagination {
    pub limit: u64,
    pub offset: u64,
    pub total: u64,
    pub has_more: bool,
    pub next_cursor: Option<String>,
}

impl Pagination {
    /// For a list that is read by offset; its cursor is the next offset.
    pub fn by_offset(limit: u64, offset: u64, total: u64) -> Self {
        let next = offset.saturating_add(limit);
        let has_more = next < total;
        Self { limit, offset, total, has_more, next_cursor: has_more.then(|| next.to_string()) }
    }
}

/// `GET /v1/customers/{id}/audit`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct AuditAnswer {
    pub journal_balance: Decimal,
    pub live_balance: Decimal,
    pub entries: u64,
    pub consistent: bool,
    pub chain: ChainAnswer,
    pub faults: Vec<AuditFault>,
}

/// How far an audit could follow the hashes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ChainAnswer {
    pub from: u64,
    pub head: Option<String>,
}

/// Something that an audit found.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct AuditFault {
    pub seq: u64,
    pub fault: &'static str,
    pub detail: String,
}

/// A customer.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct CustomerAnswer {
    pub id: String,
    pub balance: Decimal,
    pub available: Decimal,
    pub held: Decimal,
    pub tier_id: Option<String>,
    pub period_start: Option<String>,
    pub period_end: Option<String>,
    pub created_at: String,
    pub metadata: Option<JsonText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `POST /v1/usage-transactions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct UsageStartAnswer {
    pub transaction_id: Option<String>,
    #[serde(rename = "continue")]
    pub proceed: bool,
    pub balance: Decimal,
    pub credits_used: Decimal,
    pub message: String,
    pub expires_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// `POST /v1/usage-transactions/{id}/extend`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ExtendAnswer {
    pub transaction_id: String,
    pub expires_at: String,
    pub replayed: bool,
    pub seq: u64,
}

/// `POST /v1/usage-transactions/{id}/complete`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct UsageCompleteAnswer {
    pub transaction_id: String,
    pub credits_used: Decimal,
    pub balance: Decimal,
    pub balance_adjustment: Decimal,
    pub replayed: bool,
    pub seq: u64,
}

/// `GET /v1/usage-transactions/{id}`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct UsageStateAnswer {
    pub transaction_id: String,
    pub state: &'static str,
    pub customer_id: String,
    pub held: Decimal,
    pub credits_used: Decimal,
    pub feature_identifier: Option<String>,
    pub model: Option<String>,
    pub created_at: String,
    pub expires_at: String,
    pub late: bool,
}
