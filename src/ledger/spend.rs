//! What was charged in the running day and period, against the limits.

use serde::{Deserialize, Serialize};

use super::{Ledger, Refusal, SpendLimit, SpendWindow};
use crate::credits::Credits;
use crate::text::Name;
use crate::time::Timestamp;

/// Charges of the running day and the running period. A feature is counted
/// from when a limit names it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Spent {
    day: i64,
    period_start: Timestamp,
    all: Sums,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    features: Vec<(String, Sums)>,
}

/// Charges in each window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    day: Credits,
    period: Credits,
}

impl Sums {
    fn of(self, window: SpendWindow) -> Credits {
        match window {
            SpendWindow::Day => self.day,
            SpendWindow::Period => self.period,
        }
    }
}

impl Spent {
    /// Counts a charge, or what a refund gives back of one (negative) in the
    /// windows that it was charged in.
    fn count(&mut self, amount: Credits, windows: (bool, bool), feature: Option<&str>, is_limited: bool) {
        let add = |sums: &mut Sums| {
            if windows.0 {
                sums.day = sums.day.plus(amount).or_zero();
            }
            if windows.1 {
                sums.period = sums.period.plus(amount).or_zero();
            }
        };
        add(&mut self.all);
        let Some(feature) = feature else { return };
        match self.features.iter_mut().find(|(name, _)| name == feature) {
            Some((_, sums)) => add(sums),
            None if is_limited => {
                let mut sums = Sums::default();
                add(&mut sums);
                self.features.push((feature.to_owned(), sums));
            }
            None => {}
        }
    }

    /// Begins the windows anew that have passed.
    fn roll(&mut self, day: i64, period_start: Timestamp) {
        if self.day != day {
            self.day = day;
            self.all.day = Credits::ZERO;
            self.features.iter_mut().for_each(|(_, sums)| sums.day = Credits::ZERO);
        }
        if self.period_start != period_start {
            self.period_start = period_start;
            self.all.period = Credits::ZERO;
            self.features.iter_mut().for_each(|(_, sums)| sums.period = Credits::ZERO);
            self.features.retain(|(_, sums)| !sums.day.is_zero());
        }
    }
}

impl Ledger {
    /// When the running period began: of the plan, or the calendar's month.
    pub fn period_start(&self, now: Timestamp) -> Timestamp {
        self.plan.as_ref().map_or_else(|| now.month_start(), |plan| plan.period_start)
    }

    /// Folds a charge in; nothing is kept while no limit is set.
    pub(super) fn count_charge(&mut self, amount: Credits, feature: Option<&str>) {
        self.count_spent(amount, self.at, feature);
    }

    /// Folds in that a charge made at `charged_at` is given back.
    pub(super) fn count_refund(&mut self, amount: Credits, charged_at: Timestamp, feature: Option<&str>) {
        self.count_spent(amount.negated(), charged_at, feature);
    }

    fn count_spent(&mut self, amount: Credits, charged_at: Timestamp, feature: Option<&str>) {
        let is_limited = match self.spend_limits() {
            [] => return,
            limits => limits.iter().any(|limit| limit.feature.as_ref().map(Name::as_str) == feature),
        };
        let (day, period_start) = (self.at.day(), self.period_start(self.at));
        self.spent.roll(day, period_start);
        let windows = (charged_at.day() == day, charged_at >= period_start);
        self.spent.count(amount, windows, feature, is_limited);
    }

    /// The limits that this customer lives by.
    pub(super) fn spend_limits(&self) -> &[SpendLimit] {
        let own = self.settings.spend_limits.as_deref();
        own.or(self.terms.settings.spend_limits.as_deref()).unwrap_or_default()
    }

    /// What was charged in a window that is still open at `now`.
    fn spent_in(&self, limit: &SpendLimit, now: Timestamp) -> Credits {
        let is_open = match limit.per {
            SpendWindow::Day => self.spent.day == now.day(),
            SpendWindow::Period => self.spent.period_start == self.period_start(now),
        };
        if !is_open {
            return Credits::ZERO;
        }
        match &limit.feature {
            None => self.spent.all.of(limit.per),
            Some(feature) => {
                let of_feature = self.spent.features.iter().find(|(name, _)| name == feature.as_str());
                of_feature.map_or(Credits::ZERO, |(_, sums)| sums.of(limit.per))
            }
        }
    }

    /// What pending holds may still charge.
    fn held_for(&self, limit: &SpendLimit) -> Credits {
        let Some(feature) = &limit.feature else { return self.held };
        let of_feature = |hold: &&super::Hold| {
            hold.note.as_ref().is_some_and(|note| note.feature.as_deref() == Some(feature.as_str()))
        };
        self.holds.iter().filter(of_feature).fold(Credits::ZERO, |sum, hold| sum.plus(hold.amount))
    }

    /// Refuses what would pass a spend limit; held credits count as charged.
    ///
    /// # Errors
    /// [`Refusal::LimitReached`].
    pub fn require_within_limits(
        &self,
        requested: Credits,
        feature: Option<&str>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let concerns = |limit: &&SpendLimit| {
            limit.feature.as_ref().is_none_or(|limited| Some(limited.as_str()) == feature)
        };
        for limit in self.spend_limits().iter().filter(concerns) {
            let spent = self.spent_in(limit, now).plus(self.held_for(limit));
            if requested > limit.amount.minus(spent) {
                return Err(Refusal::LimitReached {
                    balance: self.balance,
                    requested,
                    spent,
                    limit: Box::new(limit.clone()),
                });
            }
        }
        Ok(())
    }
}
