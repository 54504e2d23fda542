use serde::{Deserialize, Serialize};

use super::{Grant, Ledger, Tier};
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
    /// What could be spent before a reset that is under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub available_before: Option<Credits>,
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
            available_before: None,
        }
    }

    /// The same customer on another tier from its next period on. Periods of
    /// another length are counted from the end of the running one.
    #[must_use]
    pub fn moved_to(&self, tier: Tier) -> Self {
        let anchor = if tier.period == self.tier.period { self.anchor } else { self.next_reset };
        Self { tier, anchor, ..self.clone() }
    }

    /// The period that a reset's allocation begins.
    pub(super) fn begin_period(&mut self, start: Timestamp, end: Timestamp, allocation: Option<&Grant>) {
        self.period_start = start;
        self.next_reset = end;
        self.grant = allocation.map(|grant| grant.seq);
        self.unused = Credits::ZERO;
        self.available_before = None;
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

impl Ledger {
    /// A new plan is due where its period is.
    pub(super) fn set_plan(&mut self, plan: Option<&Plan>) {
        self.plan = plan.cloned();
        self.note_due(plan.map(|plan| plan.next_reset));
    }

    /// Ends what the plan has given so far.
    pub(super) fn end_plan_grants(&mut self, at: Timestamp) {
        let Some(plan) = self.plan.take() else { return };
        let is_given = |grant: &Grant| plan.grant == Some(grant.seq) || plan.rolled.contains(&grant.seq);
        let (given, others) = std::mem::take(&mut self.grants).into_iter().partition(is_given);
        self.grants = others;
        for grant in given {
            self.insert_grant(Grant { expires_at: Some(at), ..grant });
        }
    }

    /// What the running period's allocation leaves over may roll over. What
    /// was held at its end and comes free later does not.
    pub(super) fn note_unused(&mut self, grant: u64, amount: Credits) {
        let at = self.at;
        if let Some(plan) = &mut self.plan
            && plan.grant == Some(grant)
            && plan.next_reset <= at
        {
            plan.unused = plan.unused.plus(amount);
        }
    }

    /// A reset that begins keeps in mind what could be spent before it.
    pub(super) fn note_before_reset(&mut self, at: Timestamp) {
        if self.is_resetting(at) {
            let before = self.available_before(at);
            self.plan.iter_mut().for_each(|plan| plan.available_before = Some(before));
        }
    }

    /// Whether a period has ended at `at` whose next one has not begun.
    pub(super) fn is_resetting(&self, at: Timestamp) -> bool {
        self.plan.as_ref().is_some_and(|plan| plan.next_reset <= at)
    }

    /// What could be spent before an entry at `at`: a period's reset is one.
    pub(super) fn available_before(&self, at: Timestamp) -> Credits {
        let before_reset = self.plan.as_ref().and_then(|plan| plan.available_before);
        before_reset.unwrap_or_else(|| self.available(at))
    }

    pub(super) fn note_rolled(&mut self, seq: u64) {
        let grants = &self.grants;
        if let Some(plan) = &mut self.plan {
            plan.rolled.retain(|rolled| grants.iter().any(|grant| grant.seq == *rolled));
            plan.rolled.push(seq);
            plan.unused = Credits::ZERO;
        }
    }
}
