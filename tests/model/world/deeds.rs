//! What each order does to the lists, or why it may not: the contract's rules
//! in its order of precedence.

use super::{Lot, MOST, Pending, Story, Verdict, Why, World, total};
use crate::model::ask::{Adding, Ask, Order, Used};

impl World {
    pub(crate) fn ask(&mut self, order: &Order, now: i64) -> Verdict {
        self.pass_time(now);
        let now = now.max(self.clock);
        if let Some((key, fingerprint)) = order.key
            && let Some((used, entry)) = self.keys.iter().find(|((known, _), _)| *known == key)
        {
            return if used.1 == fingerprint { Verdict::Again(*entry) } else { Verdict::No(Why::KeyReused) };
        }
        if order.deadline.is_some_and(|deadline| now > deadline) {
            return Verdict::No(Why::TooLate);
        }
        if !self.begins_by(&order.ask) {
            return self.change_by(order, now);
        }
        // Both or neither: the customer, whose credits come first, and the order.
        let before = self.clone();
        let usual = self.offer.as_ref().and_then(|offer| offer.usual);
        self.begin(usual, None, now);
        self.pass_time(now);
        let verdict = self.change_by(order, now);
        if matches!(verdict, Verdict::No(_)) {
            *self = before;
        }
        verdict
    }

    fn change_by(&mut self, order: &Order, now: i64) -> Verdict {
        let change = match self.change(&order.ask, now) {
            Ok(Ok(change)) => change,
            Ok(Err(before)) => return Verdict::Again(before),
            Err(why) => return Verdict::No(why),
        };
        self.clock = now;
        self.changes.push(change);
        let entry = self.last();
        self.keys.extend(order.key.map(|key| (key, entry)));
        if matches!(order.ask, Ask::Open(..) | Ask::ChangeTier(..)) {
            self.pass_time(now);
        }
        Verdict::Done(entry)
    }

    /// Whether the customer is created by it.
    fn begins_by(&self, ask: &Ask) -> bool {
        let Some(offer) = self.offer.as_ref().filter(|_| !self.open) else { return false };
        match ask {
            Ask::Consume(..) | Ask::Reserve(..) => offer.usual.is_some(),
            Ask::Add(_) | Ask::Purchase(_) => true,
            _ => false,
        }
    }

    fn begin(&mut self, tier: Option<u8>, anchor: Option<i64>, now: i64) {
        self.create();
        self.clock = now;
        self.changes.push(0);
        self.settle_in(tier, anchor, now);
    }

    fn settle_in(&mut self, tier: Option<u8>, anchor: Option<i64>, now: i64) {
        self.known = self.offer.as_ref().map(|offer| offer.rules.clone()).unwrap_or_default();
        if let Some(tier) = tier {
            self.take_place(tier, true, anchor, now);
        }
    }

    /// Does it: what the balance changes by, or the entry that had done it.
    fn change(&mut self, ask: &Ask, now: i64) -> Result<Result<i128, u64>, Why> {
        let id = self.last() + 1;
        match ask {
            Ask::Consume(amount, _) if *amount <= 0 => return Err(Why::BadAmount),
            Ask::Consume(amount, feature) => {
                let amount = i128::from(*amount);
                self.stay_within_caps(amount, *feature, now)?;
                self.afford(amount, now)?;
                let parts = self.choose(amount, now);
                self.take(&parts);
                self.debts.push(amount - total(&parts));
                self.bill(id, amount, *feature, now);
                return Ok(Ok(-amount));
            }
            Ask::Add(adding) => return self.add(adding, id, now).map(Ok),
            Ask::Reserve(amount, ..) if *amount < 0 => return Err(Why::BadAmount),
            Ask::Reserve(amount, lasts, price, feature) => {
                let (amount, price, feature) = (i128::from(*amount), *price, *feature);
                if !self.open {
                    return Err(self.short(amount, 0, now));
                }
                self.stay_within_caps(amount, feature, now)?;
                self.afford(amount, now)?;
                let parts = self.choose(amount, now);
                self.pending.push(Pending { id, amount, parts, until: now + lasts, extended: 0, feature });
                self.stories.push(Story { id, life: self.life, amount, price, feature, settled: None });
            }
            Ask::Extend(hold, _) if !self.all_holds().contains(hold) => return Err(Why::Missing),
            Ask::Extend(hold, lasts) => match self.pending.iter_mut().find(|pending| pending.id == *hold) {
                Some(pending) if pending.extended == 10 => return Err(Why::BadField),
                Some(pending) => {
                    pending.extended += 1;
                    pending.until = now + lasts;
                }
                None => return Err(Why::Completed),
            },
            Ask::Complete(hold, success, used) => {
                return self.complete(*hold, *success, *used, id, now);
            }
            Ask::Open(..) if self.open => return Err(Why::Exists),
            Ask::Open(tag, tier, anchor, own) => {
                let (deals, usual) =
                    self.offer.as_ref().map(|offer| (offer.deals.clone(), offer.usual)).unwrap_or_default();
                let is_known = |tier: u8| deals.iter().any(|deal| deal.id == tier);
                if tier.is_some_and(|tier| !is_known(tier)) {
                    return Err(Why::BadField);
                }
                let tier = tier.or(usual);
                if tier.is_none() && anchor.is_some() {
                    return Err(Why::BadField);
                }
                self.create();
                self.metadata = *tag;
                own.iter().for_each(|change| self.own.change(change));
                self.settle_in(tier, *anchor, now);
            }
            Ask::Update(_) | Ask::Close | Ask::ChangeTier(..) | Ask::Configure(..) | Ask::FailPurchase(_)
                if !self.open =>
            {
                return Err(Why::Missing);
            }
            Ask::Update(tag) => self.metadata = *tag,
            Ask::ChangeTier(tier, reset, anchor) => {
                let before = self.clone();
                if !self.take_place(*tier, *reset, *anchor, now) {
                    *self = before;
                    return Err(Why::BadField);
                }
            }
            Ask::Configure(changes, unblock) => {
                changes.iter().for_each(|change| self.own.change(change));
                self.purse.blocked &= !unblock;
            }
            Ask::Purchase(buying) => return self.buy(buying, id, now).map(Ok),
            Ask::FailPurchase(purchase) => match self.paid(*purchase) {
                // What was paid has not failed.
                Some(entry) => return Ok(Err(entry)),
                None => self.fail(*purchase),
            },
            Ask::TakeBack(purchase, cents, dispute) => {
                return self.take_back(*purchase, *cents, *dispute).map(Ok);
            }
            Ask::GiveBack(purchase) => return self.give_back(*purchase, id, now).map(Ok),
            Ask::Close => {
                let change = -self.balance();
                self.lots.clear();
                self.pending.clear();
                self.debts.clear();
                self.open = false;
                self.metadata = 0;
                (self.known, self.own, self.place, self.purse) = Default::default();
                return Ok(Ok(change));
            }
            Ask::Revoke(key, from) => self.revoked.push((*key, *from)),
        }
        Ok(Ok(0))
    }

    pub(super) fn create(&mut self) {
        if !self.open {
            self.open = true;
            self.life += 1;
        }
    }

    fn add(&mut self, adding: &Adding, id: u64, now: i64) -> Result<i128, Why> {
        let amount = i128::from(adding.amount);
        if amount == 0 || (amount < 0 && adding.kind != 1) {
            return Err(Why::BadAmount);
        }
        if amount < 0 {
            // Overage is for charges.
            if -amount > self.available(now) {
                return Err(self.short(-amount, 0, now));
            }
            let parts = self.choose(-amount, now);
            self.take(&parts);
            return Ok(amount);
        }
        if let Some(of) = adding.refund_of {
            let charge = self.bills.iter().find(|bill| bill.id == of).ok_or(Why::BadField)?.amount;
            if self.given_back(of) + amount > charge {
                return Err(Why::BadAmount);
            }
        }
        let from = adding.from.unwrap_or(now);
        if adding.until.is_some_and(|until| until <= now || until <= from) {
            return Err(Why::BadField);
        }
        if self.balance() + amount > MOST {
            return Err(Why::BadAmount);
        }
        self.create();
        self.refunds.extend(adding.refund_of.map(|of| (of, amount)));
        // Prototype 10; daily and period 20; rollover 30; the others 40.
        let usual = adding.source.map_or(40, |source| [10, 20, 20, 30, 40, 40, 40, 40][usize::from(source)]);
        let rank = adding.priority.unwrap_or(usual);
        let source = adding.source.unwrap_or([5, 6, 7][usize::from(adding.kind)]);
        self.lots.push(Lot { id, left: amount, rank, from, until: adding.until, source });
        Ok(amount)
    }

    fn complete(
        &mut self,
        hold: u64,
        success: bool,
        used: Used,
        id: u64,
        now: i64,
    ) -> Result<Result<i128, u64>, Why> {
        let story = self.stories.iter().position(|story| story.id == hold).ok_or(Why::Missing)?;
        let Story { life, amount, price, feature, settled, .. } = self.stories[story].clone();
        if settled.is_none() && (!self.open || life != self.life) {
            return Err(Why::Missing);
        }
        let used: i128 = match used {
            Used::Unsaid if success => amount,
            Used::Unsaid => 0,
            Used::Amount(amount) if amount < 0 => return Err(Why::BadAmount),
            Used::Amount(amount) => amount.into(),
            Used::Tokens(input, output) => {
                let (per_input, per_output) = price.ok_or(Why::BadField)?;
                let product =
                    i128::from(input) * i128::from(per_input) + i128::from(output) * i128::from(per_output);
                // Up to the next millionth.
                -(-product).div_euclid(1_000_000)
            }
        };
        if let Some((entry, succeeded, charged)) = settled {
            return if (succeeded, charged) == (success, used) {
                Ok(Err(entry))
            } else {
                Err(Why::Completed)
            };
        }
        if self.balance() - used < -MOST {
            return Err(Why::BadAmount);
        }
        let mut after = self.clone();
        let mut missing = used;
        if let Some(place) = self.pending.iter().position(|pending| pending.id == hold) {
            // Its own credits first, in the order in which they were set aside.
            for (lot, part) in after.pending.remove(place).parts {
                let part = part.min(missing);
                after.take(&[(lot, part)]);
                missing -= part;
            }
        }
        let parts = after.choose(missing, now);
        after.take(&parts);
        after.debts.push(missing - total(&parts));
        if after.debt() > MOST {
            return Err(Why::BadAmount);
        }
        after.bill(id, used, feature, now);
        after.stories[story].settled = Some((id, success, used));
        *self = after;
        Ok(Ok(-used))
    }
}
