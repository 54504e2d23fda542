//! Changes of settings, one setting each: two changes at once both hold, since
//! neither says anything about what the other changes.

use serde::{Deserialize, Serialize};

use super::{OverageMode, Provider, Settings, SpendLimit};
use crate::credits::Credits;
use crate::text::Name;

/// What an app calls a credit until it says otherwise.
pub const DEFAULT_CREDIT_NAME: &str = "credits";

/// One setting's new value; `None` puts it back to what is inherited.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)] // each is a field of [`Settings`]
pub enum SettingChange {
    DefaultTier(Option<Name>),
    OverageMode(Option<OverageMode>),
    OverageLimit(Option<Credits>),
    AutoPurchaseLimit(Option<u32>),
    AiProviderPriority(Option<Provider>),
    CreditName(Option<String>),
    LowBalanceThreshold(Option<Credits>),
    SpendLimits(Option<Vec<SpendLimit>>),
    WebhookUrl(Option<String>),
}

impl Settings {
    /// These settings with changes made, in order.
    #[must_use]
    pub fn changed(mut self, changes: Vec<SettingChange>) -> Self {
        for change in changes {
            match change {
                SettingChange::DefaultTier(value) => self.default_tier = value,
                SettingChange::OverageMode(value) => self.overage_mode = value,
                SettingChange::OverageLimit(value) => self.overage_limit = value,
                SettingChange::AutoPurchaseLimit(value) => self.auto_purchase_limit = value,
                SettingChange::AiProviderPriority(value) => self.ai_provider_priority = value,
                SettingChange::CreditName(value) => self.credit_name = value,
                SettingChange::LowBalanceThreshold(value) => self.low_balance_threshold = value,
                SettingChange::SpendLimits(value) => self.spend_limits = value,
                SettingChange::WebhookUrl(value) => self.webhook_url = value,
            }
        }
        self
    }

    /// The words of those that are set.
    pub fn words(&self) -> Vec<&'static str> {
        let words = [
            ("default_tier", self.default_tier.is_some()),
            ("overage_mode", self.overage_mode.is_some()),
            ("overage_limit", self.overage_limit.is_some()),
            ("auto_purchase_limit", self.auto_purchase_limit.is_some()),
            ("ai_provider_priority", self.ai_provider_priority.is_some()),
            ("credit_name", self.credit_name.is_some()),
            ("low_balance_threshold", self.low_balance_threshold.is_some()),
            ("spend_limits", self.spend_limits.is_some()),
            ("webhook_url", self.webhook_url.is_some()),
        ];
        words.into_iter().filter_map(|(word, is_set)| is_set.then_some(word)).collect()
    }

    /// These settings over others: what is absent here is taken from below.
    #[must_use]
    pub fn over(&self, below: &Self) -> Self {
        Self {
            default_tier: self.default_tier.clone().or_else(|| below.default_tier.clone()),
            overage_mode: self.overage_mode.or(below.overage_mode),
            overage_limit: self.overage_limit.or(below.overage_limit),
            auto_purchase_limit: self.auto_purchase_limit.or(below.auto_purchase_limit),
            ai_provider_priority: self.ai_provider_priority.or(below.ai_provider_priority),
            credit_name: self.credit_name.clone().or_else(|| below.credit_name.clone()),
            low_balance_threshold: self.low_balance_threshold.or(below.low_balance_threshold),
            spend_limits: self.spend_limits.clone().or_else(|| below.spend_limits.clone()),
            webhook_url: self.webhook_url.clone().or_else(|| below.webhook_url.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_says_nothing_about_the_other_settings() {
        let before = Settings {
            overage_mode: Some(OverageMode::Allow),
            auto_purchase_limit: Some(5),
            ..Settings::default()
        };
        let changes = vec![
            SettingChange::OverageMode(None),
            SettingChange::CreditName(Some("tokens".to_owned())),
            SettingChange::SpendLimits(Some(vec![])),
        ];
        let crossed: Vec<SettingChange> =
            serde_json::from_str(&serde_json::to_string(&changes).unwrap()).unwrap();
        let expected = Settings {
            auto_purchase_limit: Some(5),
            credit_name: Some("tokens".to_owned()),
            spend_limits: Some(vec![]),
            ..Settings::default()
        };
        assert_eq!(before.changed(crossed), expected);
    }

    #[test]
    fn what_a_customer_does_not_say_comes_from_its_project() {
        let project = Settings {
            overage_mode: Some(OverageMode::Allow),
            overage_limit: Some(Credits::ZERO),
            ..Settings::default()
        };
        let own = Settings { overage_mode: Some(OverageMode::Block), ..Settings::default() };
        let both = Settings { overage_mode: Some(OverageMode::Block), ..project.clone() };
        assert_eq!(own.over(&project), both);
        assert_eq!(Settings::default().over(&project), project);
    }
}
