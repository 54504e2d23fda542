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
        let change = match self.change(&order.ask, now) {
            Ok(Ok(change)) => change,
            Ok(Err(before)) => return Verdict::Again(before),
            Err(why) => return Verdict::No(why),
        };
        self.clock = now;
        self.changes.push(change);
        self.keys.extend(order.key.map(|key| (key, self.last())));
        Verdict::Done(self.last())
    }

    /// Does it: what the balance changes by, or the entry that had done it.
    fn change(&mut self, ask: &Ask, now: i64) -> Result<Result<i128, u64>, Why> {
        let id = self.last() + 1;
        match ask {
            Ask::Consume(amount) if *amount <= 0 => return Err(Why::BadAmount),
            Ask::Consume(amount) => {
                let amount = i128::from(*amount);
                self.pay(amount, now)?;
                self.charges.push((id, amount));
                return Ok(Ok(-amount));
            }
            Ask::Add(adding) => return self.add(adding, id, now).map(Ok),
            Ask::Reserve(amount, _, _) if *amount < 0 => return Err(Why::BadAmount),
            Ask::Reserve(amount, lasts, price) => {
                let amount = i128::from(*amount);
                if !self.open {
                    return Err(self.short(amount, now));
                }
                self.afford(amount, now)?;
                let parts = self.choose(amount, now);
                self.pending.push(Pending { id, amount, parts, until: now + lasts, extended: 0 });
                self.stories.push(Story { id, life: self.life, amount, price: *price, settled: None });
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
            Ask::Open(_) if self.open => return Err(Why::Exists),
            Ask::Open(tag) => {
                self.create();
                self.metadata = *tag;
            }
            Ask::Update(_) | Ask::Close if !self.open => return Err(Why::Missing),
            Ask::Update(tag) => self.metadata = *tag,
            Ask::Close => {
                let change = -self.balance();
                self.lots.clear();
                self.pending.clear();
                self.debts.clear();
                self.open = false;
                self.metadata = 0;
                return Ok(Ok(change));
            }
            Ask::Revoke(key, from) => self.revoked.push((*key, *from)),
        }
        Ok(Ok(0))
    }

    fn create(&mut self) {
        if !self.open {
            self.open = true;
            self.life += 1;
        }
    }

    fn short(&self, amount: i128, now: i64) -> Why {
        Why::Short(self.balance(), self.available(now), amount)
    }

    fn afford(&self, amount: i128, now: i64) -> Result<(), Why> {
        if amount > self.available(now) { Err(self.short(amount, now)) } else { Ok(()) }
    }

    fn pay(&mut self, amount: i128, now: i64) -> Result<(), Why> {
        self.afford(amount, now)?;
        let parts = self.choose(amount, now);
        self.take(&parts);
        Ok(())
    }

    fn add(&mut self, adding: &Adding, id: u64, now: i64) -> Result<i128, Why> {
        let amount = i128::from(adding.amount);
        if amount == 0 || (amount < 0 && adding.kind != 1) {
            return Err(Why::BadAmount);
        }
        if amount < 0 {
            self.pay(-amount, now)?;
            return Ok(amount);
        }
        if let Some(of) = adding.refund_of {
            let charge = self.charges.iter().find(|(charge, _)| *charge == of).ok_or(Why::BadField)?.1;
            let before: i128 =
                self.refunds.iter().filter(|(charge, _)| *charge == of).map(|(_, part)| part).sum();
            if before + amount > charge {
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
        self.lots.push(Lot { id, left: amount, rank, from, until: adding.until });
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
        let Story { life, amount, price, settled, .. } = self.stories[story].clone();
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
        after.charges.push((id, used));
        after.stories[story].settled = Some((id, success, used));
        *self = after;
        Ok(Ok(-used))
    }
}
