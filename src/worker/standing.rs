//! How a customer stands: what a ledger object tells the front for answers in
//! another vendor's shape.

use serde::{Deserialize, Serialize};

use crate::credits::Credits;
use crate::ledger::{Ledger, OverageMode, Provider, Source};
use crate::tally::Total;
use crate::time::Timestamp;

/// How a customer stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// As in a balance.
    pub balance: Credits,
    /// What can be spent now.
    pub available: Credits,
    /// The part of it that came by the plan: allocations, and what was rolled
    /// over.
    pub of_plan: Credits,
    /// All charges ever, whatever was refunded.
    pub used: Total,
    /// What the plan gives each period; zero without a plan.
    pub allocation: Credits,
    /// When the running period began: of the plan, or the calendar's month.
    pub period_start: Timestamp,
    /// When it ends.
    pub period_end: Timestamp,
    /// What happens beyond the credits that there are.
    pub overage_mode: OverageMode,
    /// Kept for the app, if it was set.
    pub provider: Option<Provider>,
}

impl Standing {
    /// Of a ledger at an instant at which nothing is due.
    pub fn of(ledger: &Ledger, now: Timestamp) -> Self {
        let plan = ledger.plan();
        Self {
            balance: ledger.balance(),
            available: ledger.available(now),
            of_plan: free_of_plan(ledger, now),
            used: ledger.used(),
            allocation: plan.map_or(Credits::ZERO, |plan| plan.tier.allocation),
            period_start: ledger.period_start(now),
            period_end: plan.map_or_else(|| now.month_start().after_months(1), |plan| plan.next_reset),
            overage_mode: ledger.overage_mode(),
            provider: ledger.ai_provider_priority(),
        }
    }
}

fn free_of_plan(ledger: &Ledger, now: Timestamp) -> Credits {
    let is_of_plan = |source| matches!(source, Source::Daily | Source::Period | Source::Rollover);
    let grants = ledger.grants().iter().filter(|grant| is_of_plan(grant.source) && grant.is_effective(now));
    grants.fold(Credits::ZERO, |sum, grant| sum.plus(grant.free()))
}
