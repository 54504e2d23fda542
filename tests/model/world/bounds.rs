//! How far a customer may go: overage and spend limits.

use super::{Bill, Why, World};
use crate::model::calendar::{DAY, month_start};
use crate::model::offer::{ALLOW, BLOCK, Cap};

impl World {
    pub(super) fn mode(&self) -> u8 {
        let of_tier = self.place.as_ref().and_then(|place| place.deal.mode);
        [self.own.mode, of_tier, self.known.mode].into_iter().flatten().next().unwrap_or(BLOCK)
    }

    /// How deep debt may go.
    fn depth(&self) -> i128 {
        let depth = self.own.depth.or(self.known.depth).unwrap_or(0);
        if self.open && self.mode() == ALLOW { depth.into() } else { 0 }
    }

    pub(super) fn caps(&self) -> &[Cap] {
        self.own.caps.as_deref().or(self.known.caps.as_deref()).unwrap_or_default()
    }

    pub(super) fn period_at(&self, now: i64) -> i64 {
        self.place.as_ref().map_or_else(|| month_start(now), |place| place.since)
    }

    /// A bill for what is charged now.
    pub(super) fn bill(&mut self, id: u64, amount: i128, feature: Option<u8>, now: i64) {
        let caps: Vec<Option<u8>> = self.caps().iter().map(|cap| cap.feature).collect();
        let (day, period, life) = (now.div_euclid(DAY), self.period_at(now), self.life);
        self.bills.push(Bill { id, amount, feature, day, period, life, caps });
    }

    /// The bills that a cap counts, newest first: those since it was there,
    /// in the window that runs now, less what was given back of them.
    fn spent(&self, cap: &Cap, now: i64) -> i128 {
        let is_counted = |bill: &&Bill| {
            let in_window = match cap.daily {
                true => bill.day == now.div_euclid(DAY),
                false => bill.period == self.period_at(now),
            };
            let in_force =
                !bill.caps.is_empty() && (cap.feature.is_none() || bill.caps.contains(&cap.feature));
            in_window && in_force && bill.life == self.life
        };
        let counted = self.bills.iter().rev().filter(|bill| bill.amount > 0).take_while(is_counted);
        let of_it = counted.filter(|bill| cap.feature.is_none() || bill.feature == cap.feature);
        of_it.map(|bill| bill.amount - self.given_back(bill.id)).sum()
    }

    pub(super) fn given_back(&self, bill: u64) -> i128 {
        self.refunds.iter().filter(|(of, _)| *of == bill).map(|(_, part)| part).sum()
    }

    pub(super) fn stay_within_caps(&self, amount: i128, feature: Option<u8>, now: i64) -> Result<(), Why> {
        for cap in self.caps().iter().filter(|cap| cap.feature.is_none() || cap.feature == feature) {
            let mut spent = self.spent(cap, now);
            for hold in &self.pending {
                if cap.feature.is_none() || cap.feature == hold.feature {
                    spent += hold.amount;
                }
            }
            if spent + amount > cap.most.into() {
                return Err(Why::Capped(amount, spent.min(super::MOST), cap.most));
            }
        }
        Ok(())
    }

    pub(super) fn short(&self, amount: i128, depth: i128, now: i64) -> Why {
        Why::Short(self.balance(), self.available(now), amount, depth)
    }

    /// What can be paid by credits, or may be owed.
    pub(super) fn afford(&self, amount: i128, now: i64) -> Result<(), Why> {
        let (available, depth) = (self.available(now), self.depth());
        let may_owe = available - amount >= -depth && self.debt() + self.held() + amount <= super::MOST;
        if amount <= available || may_owe { Ok(()) } else { Err(self.short(amount, depth, now)) }
    }
}
