//! What was charged in the running day and period, against the limits.

use serde::{Deserialize, Serialize};

use super::{KnownTerms, Ledger, Refusal, Settings, SpendLimit, SpendWindow};
use crate::credits::Credits;
use crate::tally::Total;
use crate::text::Name;
use crate::time::Timestamp;

/// Charges of the running day and the running period. A feature is counted
/// from when a limit names it, and no longer than that.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spent {
    #[serde(default)]
    day: i64,
    #[serde(default)]
    period_start: Timestamp,
    #[serde(default)]
    all: Sums,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[serde(default)]
    features: Vec<(String, Sums)>,
}

/// Charges in each window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sums {
    day: Sum,
    period: Sum,
}

/// Charges of one window, less what was given back of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    /// The entry of the first charge in it: no earlier one was counted.
    since: u64,
    /// In millionths: a day's charges and refunds can pass
    /// [`Credits::MAX`] many times.
    amount: i64,
}

impl Sum {
    fn charge(&mut self, entry: u64, amount: Credits) {
        if self.since == 0 {
            self.since = entry;
        }
        self.amount = self.amount.saturating_add(amount.millionths());
    }

    fn give_back(&mut self, charge: u64, amount: Credits) {
        if charge >= self.since {
            self.amount = self.amount.saturating_sub(amount.millionths());
        }
    }
}

impl Sums {
    fn of(self, window: SpendWindow) -> i64 {
        match window {
            SpendWindow::Day => self.day.amount,
            SpendWindow::Period => self.period.amount,
        }
    }

    fn charge(&mut self, entry: u64, amount: Credits) {
        self.day.charge(entry, amount);
        self.period.charge(entry, amount);
    }

    fn give_back(&mut self, charge: u64, amount: Credits) {
        self.day.give_back(charge, amount);
        self.period.give_back(charge, amount);
    }
}

impl Spent {
    fn of_feature(&mut self, feature: &str) -> Option<&mut Sums> {
        self.features.iter_mut().find(|(name, _)| name == feature).map(|(_, sums)| sums)
    }

    /// Begins the windows anew that have passed.
    fn roll(&mut self, day: i64, period_start: Timestamp) {
        let (is_new_day, is_new_period) = (self.day != day, self.period_start != period_start);
        for sums in std::iter::once(&mut self.all).chain(self.features.iter_mut().map(|(_, sums)| sums)) {
            if is_new_day {
                sums.day = Sum::default();
            }
            if is_new_period {
                sums.period = Sum::default();
            }
        }
        self.day = day;
        self.period_start = period_start;
    }
}

impl Ledger {
    /// When the running period began: of the plan, or the calendar's month.
    pub fn period_start(&self, now: Timestamp) -> Timestamp {
        self.plan.as_ref().map_or_else(|| now.month_start(), |plan| plan.period_start)
    }

    /// All charges since the customer was created, whatever was refunded.
    pub fn used(&self) -> Total {
        self.used
    }

    /// Folds a charge in. Of windows nothing is kept while no limit is set; so
    /// with the first charge under a limit the count begins.
    pub(super) fn count_charge(&mut self, amount: Credits, feature: Option<&str>) {
        if amount.is_zero() {
            return;
        }
        self.used = self.used.plus(Total::of(amount));
        // Without limits, which is most of the time, no calendar is looked at.
        if self.spend_limits().is_empty() {
            self.spent = Spent::default();
            return;
        }
        let (day, period_start) = (self.at.day(), self.period_start(self.at));
        let limits = limits_of(&self.settings, &self.terms);
        let is_limited =
            |name: &str| limits.iter().any(|limit| limit.feature.as_ref().map(Name::as_str) == Some(name));
        self.spent.features.retain(|(name, _)| is_limited(name));
        self.spent.roll(day, period_start);
        self.spent.all.charge(self.seq, amount);
        let Some(feature) = feature.filter(|name| is_limited(name)) else { return };
        match self.spent.of_feature(feature) {
            Some(sums) => sums.charge(self.seq, amount),
            None => {
                let mut sums = Sums::default();
                sums.charge(self.seq, amount);
                self.spent.features.push((feature.to_owned(), sums));
            }
        }
    }

    /// Folds in that something of a charge was given back: it makes room in
    /// the windows in which it was counted.
    pub(super) fn count_refund(&mut self, amount: Credits, charge: u64, feature: Option<&str>) {
        self.spent.all.give_back(charge, amount);
        if let Some(sums) = feature.and_then(|feature| self.spent.of_feature(feature)) {
            sums.give_back(charge, amount);
        }
    }

    /// The limits that this customer lives by.
    pub(super) fn spend_limits(&self) -> &[SpendLimit] {
        limits_of(&self.settings, &self.terms)
    }

    /// What was charged in a window that is still open at `now`.
    fn spent_in(&self, limit: &SpendLimit, now: Timestamp) -> i64 {
        let is_open = match limit.per {
            SpendWindow::Day => self.spent.day == now.day(),
            SpendWindow::Period => self.spent.period_start == self.period_start(now),
        };
        if !is_open {
            return 0;
        }
        match &limit.feature {
            None => self.spent.all.of(limit.per),
            Some(feature) => {
                let of_feature = self.spent.features.iter().find(|(name, _)| name == feature.as_str());
                of_feature.map_or(0, |(_, sums)| sums.of(limit.per))
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
            let spent = self.spent_in(limit, now).saturating_add(self.held_for(limit).millionths());
            if requested.millionths() > limit.amount.millionths().saturating_sub(spent) {
                return Err(Refusal::LimitReached {
                    balance: self.balance,
                    requested,
                    spent: Credits::from_millionths(spent).unwrap_or(Credits::MAX),
                    limit: Box::new(limit.clone()),
                });
            }
        }
        Ok(())
    }
}

/// The customer's own limits, else its project's.
fn limits_of<'a>(own: &'a Settings, terms: &'a KnownTerms) -> &'a [SpendLimit] {
    let own = own.spend_limits.as_deref();
    own.or(terms.settings.spend_limits.as_deref()).unwrap_or_default()
}
