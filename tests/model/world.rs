//! One customer's credits as lists of lots, parts and changes. Nothing is kept
//! that can be added up, and every amount is an `i128`.

use super::ask::{Adding, Ask, Order, Used};

const MOST: i128 = 9_000_000_000_000_000;

/// What came of an order: the number of the entry that it made or found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done(u64),
    Again(u64),
    No(Why),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    KeyReused,
    TooLate,
    Missing,
    Exists,
    Completed,
    BadAmount,
    BadField,
    /// Balance, available, asked for.
    Short(i128, i128, i128),
}

#[derive(Clone, Debug)]
pub(crate) struct Lot {
    pub(crate) id: u64,
    pub(crate) left: i128,
    rank: i32,
    from: i64,
    until: Option<i64>,
}

impl Lot {
    fn order(&self) -> (i32, i64, u64) {
        (self.rank, self.until.unwrap_or(i64::MAX), self.id)
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Pending {
    pub(crate) id: u64,
    amount: i128,
    parts: Vec<(u64, i128)>,
    until: i64,
    extended: u32,
}

/// A hold as it was made, and how it went on.
#[derive(Clone, Debug)]
struct Story {
    id: u64,
    life: u32,
    amount: i128,
    price: Option<(i64, i64)>,
    /// Entry, success, charge.
    settled: Option<(u64, bool, i128)>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct World {
    /// Of the last entry.
    clock: i64,
    /// Every change of the balance, one per entry: their count is the number
    /// of the last entry.
    pub(crate) changes: Vec<i128>,
    pub(crate) lots: Vec<Lot>,
    pub(crate) pending: Vec<Pending>,
    /// Debts made above zero, debts paid below.
    debts: Vec<i128>,
    open: bool,
    /// How often the customer was created.
    life: u32,
    metadata: u8,
    stories: Vec<Story>,
    charges: Vec<(u64, i128)>,
    refunds: Vec<(u64, i128)>,
    keys: Vec<((u8, u8), u64)>,
    revoked: Vec<(u8, i64)>,
}

impl World {
    pub(crate) fn balance(&self) -> i128 {
        self.lots.iter().map(|lot| lot.left).sum::<i128>() - self.debt()
    }

    pub(crate) fn debt(&self) -> i128 {
        self.debts.iter().sum()
    }

    pub(crate) fn held(&self) -> i128 {
        self.pending.iter().map(|hold| hold.amount).sum()
    }

    pub(crate) fn held_of(&self, lot: u64) -> i128 {
        let parts = self.pending.iter().flat_map(|hold| &hold.parts);
        parts
            .filter(|(of, _)| *of == lot)
            .map(|(_, amount)| amount)
            .sum()
    }

    pub(crate) fn available(&self, now: i64) -> i128 {
        let usable = self
            .lots
            .iter()
            .filter(|lot| lot.from <= now.max(self.clock));
        usable.map(|lot| self.free(lot)).sum::<i128>() - self.debt()
    }

    pub(crate) fn created(&self) -> bool {
        self.open
    }

    pub(crate) fn metadata(&self) -> u8 {
        self.metadata
    }

    pub(crate) fn refuses_key(&self, key: u8, now: i64) -> bool {
        self.revoked
            .iter()
            .any(|(id, from)| *id == key && *from <= now.max(self.clock))
    }

    /// Every hold and every charge that there ever was, to ask about.
    pub(crate) fn all_holds(&self) -> Vec<u64> {
        self.stories.iter().map(|story| story.id).collect()
    }

    pub(crate) fn all_charges(&self) -> Vec<u64> {
        self.charges.iter().map(|(id, _)| *id).collect()
    }

    fn free(&self, lot: &Lot) -> i128 {
        lot.left - self.held_of(lot.id)
    }

    fn last(&self) -> u64 {
        self.changes.len() as u64
    }

    /// The instant of the next thing that happens by itself, and what: 0 a
    /// hold ends, 1 a lot expires, 2 debt is paid.
    fn next_event(&self) -> Option<(i64, u8)> {
        let mut events: Vec<(i64, u8)> = self.pending.iter().map(|hold| (hold.until, 0)).collect();
        for lot in self.lots.iter().filter(|lot| self.free(lot) > 0) {
            events.extend(lot.until.map(|until| (until, 1)));
            if self.debt() > 0 {
                events.push((lot.from, 2));
            }
        }
        events
            .into_iter()
            .map(|(at, what)| (at.max(self.clock), what))
            .min()
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.next_event().map(|(at, _)| at)
    }

    pub(crate) fn pass_time(&mut self, now: i64) {
        while let Some((at, what)) = self
            .next_event()
            .filter(|(at, _)| *at <= now.max(self.clock))
        {
            self.clock = at;
            match what {
                0 => {
                    let ends = self
                        .pending
                        .iter()
                        .position(|hold| hold.until <= at)
                        .unwrap();
                    self.pending.remove(ends);
                    self.changes.push(0);
                }
                1 => {
                    let over = |lot: &&Lot| {
                        lot.until.is_some_and(|until| until <= at) && self.free(lot) > 0
                    };
                    // Those that leave at the same instant leave in burn-down order.
                    let first = self
                        .lots
                        .iter()
                        .filter(over)
                        .min_by_key(|lot| lot.order())
                        .unwrap();
                    let (id, free) = (first.id, self.free(first));
                    self.take(&[(id, free)]);
                    self.changes.push(-free);
                }
                _ => {
                    let parts = self.choose(self.debt(), at);
                    self.take(&parts);
                    self.debts.push(-total(&parts));
                    self.changes.push(0);
                }
            }
        }
    }

    /// Free credits for an amount: of all usable lots the first to burn, again
    /// and again.
    fn choose(&self, amount: i128, now: i64) -> Vec<(u64, i128)> {
        let mut order: Vec<&Lot> = self.lots.iter().filter(|lot| lot.from <= now).collect();
        order.sort_by_key(|lot| lot.order());
        let mut parts = Vec::new();
        for lot in order {
            let part = self.free(lot).min(amount - total(&parts));
            if part > 0 {
                parts.push((lot.id, part));
            }
        }
        parts
    }

    fn take(&mut self, parts: &[(u64, i128)]) {
        for (id, amount) in parts {
            self.lots.iter_mut().find(|lot| lot.id == *id).unwrap().left -= amount;
        }
        self.lots.retain(|lot| lot.left > 0);
    }

    pub(crate) fn ask(&mut self, order: &Order, now: i64) -> Verdict {
        self.pass_time(now);
        let now = now.max(self.clock);
        if let Some((key, fingerprint)) = order.key
            && let Some((used, entry)) = self.keys.iter().find(|((known, _), _)| *known == key)
        {
            return if used.1 == fingerprint {
                Verdict::Again(*entry)
            } else {
                Verdict::No(Why::KeyReused)
            };
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
                self.pending.push(Pending {
                    id,
                    amount,
                    parts,
                    until: now + lasts,
                    extended: 0,
                });
                self.stories.push(Story {
                    id,
                    life: self.life,
                    amount,
                    price: *price,
                    settled: None,
                });
            }
            Ask::Extend(hold, _) if !self.all_holds().contains(hold) => return Err(Why::Missing),
            Ask::Extend(hold, lasts) => {
                match self.pending.iter_mut().find(|pending| pending.id == *hold) {
                    Some(pending) if pending.extended == 10 => return Err(Why::BadField),
                    Some(pending) => {
                        pending.extended += 1;
                        pending.until = now + lasts;
                    }
                    None => return Err(Why::Completed),
                }
            }
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
        if amount > self.available(now) {
            Err(self.short(amount, now))
        } else {
            Ok(())
        }
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
            let charge = self
                .charges
                .iter()
                .find(|(charge, _)| *charge == of)
                .ok_or(Why::BadField)?
                .1;
            let before: i128 = self
                .refunds
                .iter()
                .filter(|(charge, _)| *charge == of)
                .map(|(_, part)| part)
                .sum();
            if before + amount > charge {
                return Err(Why::BadAmount);
            }
        }
        let from = adding.from.unwrap_or(now);
        if adding
            .until
            .is_some_and(|until| until <= now || until <= from)
        {
            return Err(Why::BadField);
        }
        if self.balance() + amount > MOST {
            return Err(Why::BadAmount);
        }
        self.create();
        self.refunds.extend(adding.refund_of.map(|of| (of, amount)));
        // Prototype 10; daily and period 20; rollover 30; the others 40.
        let usual = adding.source.map_or(40, |source| {
            [10, 20, 20, 30, 40, 40, 40, 40][usize::from(source)]
        });
        let rank = adding.priority.unwrap_or(usual);
        self.lots.push(Lot {
            id,
            left: amount,
            rank,
            from,
            until: adding.until,
        });
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
        let story = self
            .stories
            .iter()
            .position(|story| story.id == hold)
            .ok_or(Why::Missing)?;
        let Story {
            life,
            amount,
            price,
            settled,
            ..
        } = self.stories[story].clone();
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
                let product = i128::from(input) * i128::from(per_input)
                    + i128::from(output) * i128::from(per_output);
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

fn total(parts: &[(u64, i128)]) -> i128 {
    parts.iter().map(|(_, amount)| amount).sum()
}
