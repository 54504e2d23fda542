//! Settings as they hold, with what is not set filled in.

use serde::Serialize;

use super::Decimal;
use crate::credits::Credits;
use crate::ledger::{
    DEFAULT_AUTO_PURCHASES, DEFAULT_CREDIT_NAME, OverageMode, Provider, Settings, SpendLimit, SpendWindow,
};

/// `GET /v1/settings` and `GET /v1/customers/{id}/settings`: what both have.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)] // the contract describes each field
pub struct SettingsAnswer {
    pub overage_mode: OverageMode,
    pub overage_limit: Decimal,
    pub auto_purchase_limit: u32,
    pub ai_provider_priority: Option<Provider>,
    pub credit_name: String,
    pub low_balance_threshold: Option<Decimal>,
    pub spend_limits: Vec<SpendLimitAnswer>,
}

/// `GET /v1/customers/{id}/settings`.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct CustomerSettingsAnswer {
    #[serde(flatten)]
    pub settings: SettingsAnswer,
    pub overrides: Vec<&'static str>,
    pub auto_purchase_blocked: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replayed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seq: Option<u64>,
}

/// One spend limit.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct SpendLimitAnswer {
    pub per: SpendWindow,
    pub amount: Decimal,
    pub feature: Option<String>,
}

impl SettingsAnswer {
    /// Of settings with nothing below them but the defaults.
    pub fn of(settings: &Settings) -> Self {
        let limits = settings.spend_limits.as_deref().unwrap_or_default();
        Self {
            overage_mode: settings.overage_mode.unwrap_or_default(),
            overage_limit: Decimal(settings.overage_limit.unwrap_or(Credits::ZERO)),
            auto_purchase_limit: settings.auto_purchase_limit.unwrap_or(DEFAULT_AUTO_PURCHASES),
            ai_provider_priority: settings.ai_provider_priority,
            credit_name: settings.credit_name.clone().unwrap_or_else(|| DEFAULT_CREDIT_NAME.to_owned()),
            low_balance_threshold: settings.low_balance_threshold.map(Decimal),
            spend_limits: limits.iter().map(SpendLimitAnswer::of).collect(),
        }
    }
}

impl SpendLimitAnswer {
    fn of(limit: &SpendLimit) -> Self {
        let feature = limit.feature.as_ref().map(|feature| feature.as_str().to_owned());
        Self { per: limit.per, amount: Decimal(limit.amount), feature }
    }
}
