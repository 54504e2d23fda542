//! What a customer lives by: its own settings, else its tier's, else the
//! project's, else the default.

use super::{
    DEFAULT_AUTO_PURCHASES, KnownTerms, Ledger, OverageMode, Payer, Plan, Provider, RateLimit, Settings,
};
use crate::credits::Credits;

impl Ledger {
    /// The customer's own settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All that would hold with these settings of the customer's own.
    pub fn settings_with(&self, own: &Settings) -> Settings {
        let overage_mode = self.plan.as_ref().and_then(|plan| plan.tier.overage_mode);
        own.over(&Settings { overage_mode, ..Settings::default() }.over(&self.terms.settings))
    }

    /// What the ledger knows of its project's terms.
    pub fn terms(&self) -> &KnownTerms {
        &self.terms
    }

    /// The customer's plan, if it is on a tier.
    pub fn plan(&self) -> Option<&Plan> {
        self.plan.as_ref()
    }

    /// Who pays for purchases.
    pub fn payer(&self) -> &Payer {
        &self.payer
    }

    fn inherited<T>(&self, of: impl Fn(&Settings) -> Option<T>) -> Option<T> {
        of(&self.settings).or_else(|| of(&self.terms.settings))
    }

    /// What happens beyond the credits that there are.
    pub fn overage_mode(&self) -> OverageMode {
        let of_tier = || self.plan.as_ref().and_then(|plan| plan.tier.overage_mode);
        let own = self.settings.overage_mode.or_else(of_tier);
        own.or(self.terms.settings.overage_mode).unwrap_or_default()
    }

    /// How deep debt may go by charges; zero unless the mode allows it.
    pub fn overage_limit(&self) -> Credits {
        match self.overage_mode() {
            OverageMode::Allow => self.inherited(|settings| settings.overage_limit).unwrap_or_default(),
            OverageMode::Block | OverageMode::AutoPurchase => Credits::ZERO,
        }
    }

    /// Purchases that overage may begin in a day.
    pub fn auto_purchase_limit(&self) -> u32 {
        self.inherited(|settings| settings.auto_purchase_limit).unwrap_or(DEFAULT_AUTO_PURCHASES)
    }

    /// Below it, what can be spent is low.
    pub fn low_balance_threshold(&self) -> Option<Credits> {
        self.inherited(|settings| settings.low_balance_threshold)
    }

    /// What the app calls a credit.
    pub fn credit_name(&self) -> Option<&str> {
        self.settings.credit_name.as_deref().or(self.terms.settings.credit_name.as_deref())
    }

    /// Which provider the app asks first, if that was set.
    pub fn ai_provider_priority(&self) -> Option<Provider> {
        self.inherited(|settings| settings.ai_provider_priority)
    }

    /// How often the customer may ask.
    pub fn rate_limit(&self) -> Option<RateLimit> {
        self.plan.as_ref().and_then(|plan| plan.tier.rate_limit)
    }
}
