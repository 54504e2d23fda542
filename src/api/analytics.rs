//! Answers of the analytics routes, field for field as the contract names
//! them.

use serde::Serialize;

use super::Exact;

/// `GET /v1/analytics/usage`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the contract describes each field
pub struct UsageAnswer {
    pub data: Vec<UsageRow>,
    pub from: String,
    pub to: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub customer_id: Option<String>,
}

/// One row of usage.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
#[allow(missing_docs)]
pub enum UsageRow {
    /// Grouped by day or week.
    Period {
        day: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        week: Option<String>,
        consumed: Exact,
        added: Exact,
        removed: Exact,
        net: Exact,
        overage: Exact,
        transaction_count: u64,
    },
    /// Grouped by action.
    Action(ActionAnswer),
}

/// One row of `GET /v1/analytics/actions`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ActionAnswer {
    pub action: Option<String>,
    #[serde(rename = "type")]
    pub kind: String,
    pub service: Option<String>,
    pub consumed: Exact,
    pub added: Exact,
    pub removed: Exact,
    pub net: Exact,
    pub overage: Exact,
    pub transaction_count: u64,
}

/// One row of `GET /v1/analytics/top-consumers`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct TopConsumerAnswer {
    pub customer_id: String,
    pub total_consumed: Exact,
    pub total_added: Exact,
    pub total_removed: Exact,
    pub overage: Exact,
    pub transaction_count: u64,
}

/// `GET /v1/analytics/burn-rate`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct BurnRateAnswer {
    pub daily_avg_consumed: Exact,
    pub daily_avg_added: Exact,
    pub daily_avg_removed: Exact,
    pub net_daily_burn: Exact,
    pub projection_days_remaining: Option<Exact>,
    pub total_balance: Exact,
    pub days: i64,
}

/// `GET /v1/analytics/summary`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SummaryAnswer {
    #[serde(flatten)]
    pub totals: PeriodTotals,
    pub comparison: ComparisonAnswer,
}

/// The period before, and how this one compares to it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct ComparisonAnswer {
    #[serde(flatten)]
    pub totals: PeriodTotals,
    pub change_percent: Option<Exact>,
}

/// What a period adds up to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct PeriodTotals {
    pub from: String,
    pub to: String,
    pub total_consumed: Exact,
    pub total_added: Exact,
    pub total_removed: Exact,
    pub net_change: Exact,
    pub overage: Exact,
    pub total_transactions: u64,
    pub active_customers: u64,
}
