//! The terms on which a project sells credits: tiers, packs and settings. The
//! project decides them, a ledger keeps those that its customer lives by.

use serde::{Deserialize, Serialize};

use super::Unit;
use crate::credits::Credits;
use crate::text::Name;
use crate::time::Timestamp;

/// Purchases that overage may make in one day (UTC) if nothing else is said.
pub const DEFAULT_AUTO_PURCHASES: u32 = 3;

/// All terms of one project, as its objects and isolates hand them to a ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Counts their changes; 0: none were ever set.
    #[serde(default)]
    pub version: u64,
    /// When this version was made.
    #[serde(default)]
    pub since: Timestamp,
    /// The project's settings.
    #[serde(default)]
    pub settings: Settings,
    /// What a customer can be on.
    #[serde(default)]
    pub tiers: Vec<Tier>,
    /// What a customer can buy.
    #[serde(default)]
    pub packs: Vec<Pack>,
}

/// A plan: credits that come by themselves, period by period.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Its id.
    pub id: Name,
    /// Words for people.
    pub name: Option<String>,
    /// Credits per period; zero or more.
    pub allocation: Credits,
    /// How long a period is.
    pub period: Unit,
    /// What becomes of credits that a period leaves over; they expire if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollover: Option<Rollover>,
    /// Overrides the project's mode; a customer's own overrides both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overage_mode: Option<OverageMode>,
    /// How often a customer may ask.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_limit: Option<RateLimit>,
}

/// What is carried over from one period to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollover {
    /// The most that one reset carries over.
    pub max: Credits,
    /// How many periods it then lives; 1 at least.
    pub periods: u32,
}

/// Requests per window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RateLimit {
    /// How many; 1 at least.
    pub requests: u32,
    /// In how many seconds; 1 at least.
    pub window_seconds: u32,
}

/// What happens when a charge is beyond the credits that there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OverageMode {
    /// It is refused.
    #[default]
    Block,
    /// It becomes debt, down to the overage limit.
    Allow,
    /// The smallest pack that covers it is bought first.
    AutoPurchase,
}

impl OverageMode {
    /// The modes by their words.
    pub const WORDS: [(&'static str, Self); 3] =
        [("block", Self::Block), ("allow", Self::Allow), ("auto_purchase", Self::AutoPurchase)];
}

/// Which provider an app asks first. The engine keeps it and does not use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Provider {
    /// OpenAI.
    Openai,
    /// Anthropic.
    Anthropic,
}

impl Provider {
    /// The providers by their words.
    pub const WORDS: [(&'static str, Self); 2] = [("openai", Self::Openai), ("anthropic", Self::Anthropic)];
}

/// Credits that can be bought at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// Its id.
    pub id: Name,
    /// Words for people.
    pub name: String,
    /// How many; above zero.
    pub credits: Credits,
    /// Its price in the currency's smallest unit.
    pub price_cents: u64,
    /// ISO 4217, in small letters as Stripe has it.
    pub currency: String,
    /// The price's id in Stripe; the amount above is charged if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stripe_price_id: Option<String>,
}

/// The most that may be charged in a window of time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpendLimit {
    /// The window.
    pub per: SpendWindow,
    /// The most in it.
    pub amount: Credits,
    /// Only what is charged for this feature; everything if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feature: Option<Name>,
}

/// A window of a spend limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SpendWindow {
    /// A day in UTC.
    Day,
    /// The customer's period; a month of the calendar without a tier.
    Period,
}

impl SpendWindow {
    /// The windows by their words.
    pub const WORDS: [(&'static str, Self); 2] = [("day", Self::Day), ("period", Self::Period)];
}

/// Settings of a project, or of a customer over those of its project. What is
/// absent is inherited: a customer's from its tier, then from the project,
/// then from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The tier that new customers are put on; of a project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_tier: Option<Name>,
    /// What happens beyond the credits that there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overage_mode: Option<OverageMode>,
    /// How deep debt may go with [`OverageMode::Allow`]; zero if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overage_limit: Option<Credits>,
    /// Purchases a day with [`OverageMode::AutoPurchase`];
    /// [`DEFAULT_AUTO_PURCHASES`] if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub auto_purchase_limit: Option<u32>,
    /// Kept for the app.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ai_provider_priority: Option<Provider>,
    /// What the app calls a credit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub credit_name: Option<String>,
    /// `balance.low` is told when what can be spent falls below.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub low_balance_threshold: Option<Credits>,
    /// The most that may be charged.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spend_limits: Option<Vec<SpendLimit>>,
    /// Where events are sent; of a project only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook_url: Option<String>,
}

/// What a ledger keeps of its project's terms. Of the tiers it keeps its
/// customer's own; packs are asked for when overage buys one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownTerms {
    /// The version that this is of.
    #[serde(default)]
    pub version: u64,
    /// The project's settings, as far as they concern a customer.
    #[serde(default)]
    pub settings: Settings,
}

impl KnownTerms {
    /// What a customer's ledger keeps of them.
    pub fn of(terms: &Terms) -> Self {
        Self {
            version: terms.version,
            settings: Settings { default_tier: None, webhook_url: None, ..terms.settings.clone() },
        }
    }
}

impl Terms {
    /// A tier by its id.
    pub fn tier(&self, id: &Name) -> Option<&Tier> {
        self.tiers.iter().find(|tier| tier.id == *id)
    }

    /// The tier of a customer that is created without one.
    pub fn default_tier(&self) -> Option<&Tier> {
        self.settings.default_tier.as_ref().and_then(|id| self.tier(id))
    }

    /// Whether the default tier, if one is set, is a tier.
    pub fn default_tier_exists(&self) -> bool {
        self.settings.default_tier.is_none() || self.default_tier().is_some()
    }
}
