use serde::{Deserialize, Serialize};

use super::Tier;
use crate::credits::Credits;
use crate::time::Timestamp;

/// A customer on a tier: which period runs, and when the next one begins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The tier as the customer lives by it.
    pub tier: Tier,
    /// From where periods are counted.
    pub anchor: Timestamp,
    /// When the running period began.
    pub period_start: Timestamp,
    /// When it ends and the next allocation comes. Of a plan that has just
    /// begun: at once.
    pub next_reset: Timestamp,
    /// The running period's allocation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<u64>,
    /// What earlier periods carried over and may still be there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rolled: Vec<u64>,
    /// What of the allocation expired with its period, until the reset has
    /// seen it.
    #[serde(default)]
    pub unused: Credits,
}

impl Plan {
    /// A plan whose first allocation is due at once. With an anchor in the
    /// past its first period is the one that runs now.
    pub fn begin(tier: Tier, anchor: Option<Timestamp>, now: Timestamp) -> Self {
        let anchor = anchor.unwrap_or(now);
        Self {
            period_start: tier.period.start_of(anchor, now),
            tier,
            anchor,
            next_reset: now,
            grant: None,
            rolled: Vec::new(),
            unused: Credits::ZERO,
        }
    }

    /// The same customer on another tier from its next period on. Periods of
    /// another length are counted from the end of the running one.
    #[must_use]
    pub fn moved_to(&self, tier: Tier) -> Self {
        let anchor = if tier.period == self.tier.period { self.anchor } else { self.next_reset };
        Self { tier, anchor, ..self.clone() }
    }

    /// When the period that begins with a reset at `at` ends.
    pub fn end_of_period(&self, at: Timestamp) -> Timestamp {
        self.tier.period.next_after(self.anchor, at)
    }

    /// What a reset carries over.
    pub fn carried_over(&self) -> Credits {
        self.tier.rollover.map_or(Credits::ZERO, |rollover| self.unused.min(rollover.max))
    }

    /// Until when credits live that are carried over at `at`.
    pub fn rollover_end(&self, at: Timestamp) -> Timestamp {
        let unit = self.tier.period;
        let periods = self.tier.rollover.map_or(0, |rollover| i64::from(rollover.periods));
        unit.boundary(self.anchor, unit.count_at(self.anchor, at).saturating_add(periods))
    }
}
