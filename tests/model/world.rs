//! One customer's credits as lists of lots, parts and changes. Nothing is kept
//! that can be added up, and every amount is an `i128`.

mod bounds;
mod buying;
mod deeds;
mod plans;

use super::offer::{Offer, Rules};
pub(crate) use buying::Unbought;
use buying::{Bought, Purse};
use plans::Place;

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
    /// Balance, available, asked for, how deep debt may go.
    Short(i128, i128, i128, i128),
    /// Asked for, spent, the most.
    Capped(i128, i128, i64),
}

#[derive(Clone, Debug)]
pub(crate) struct Lot {
    pub(crate) id: u64,
    pub(crate) left: i128,
    rank: i32,
    from: i64,
    pub(crate) until: Option<i64>,
    /// As in [`super::ask::Adding`].
    pub(crate) source: u8,
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
    feature: Option<u8>,
}

/// What was charged, and what held for it then.
#[derive(Clone, Debug)]
struct Bill {
    id: u64,
    amount: i128,
    feature: Option<u8>,
    day: i64,
    period: i64,
    life: u32,
    /// Of which features there were caps, or of none in particular.
    caps: Vec<Option<u8>>,
}

/// A hold as it was made, and how it went on.
#[derive(Clone, Debug)]
struct Story {
    id: u64,
    life: u32,
    amount: i128,
    price: Option<(i64, i64)>,
    feature: Option<u8>,
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
    bills: Vec<Bill>,
    refunds: Vec<(u64, i128)>,
    keys: Vec<((u8, u8), u64)>,
    revoked: Vec<(u8, i64)>,
    /// What the project sells, and which of its rules the customer lives by.
    offer: Option<Offer>,
    known: Rules,
    own: Rules,
    pub(crate) place: Option<Place>,
    pub(crate) purse: Purse,
    bought: Vec<Bought>,
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
        parts.filter(|(of, _)| *of == lot).map(|(_, amount)| amount).sum()
    }

    pub(crate) fn available(&self, now: i64) -> i128 {
        let usable = self.lots.iter().filter(|lot| lot.from <= now.max(self.clock));
        (usable.map(|lot| lot.left).sum::<i128>() - self.held() - self.debt()).max(-MOST)
    }

    pub(crate) fn created(&self) -> bool {
        self.open
    }

    pub(crate) fn metadata(&self) -> u8 {
        self.metadata
    }

    pub(crate) fn refuses_key(&self, key: u8, now: i64) -> bool {
        self.revoked.iter().any(|(id, from)| *id == key && *from <= now.max(self.clock))
    }

    /// Every hold and every charge that there ever was, to ask about.
    pub(crate) fn all_holds(&self) -> Vec<u64> {
        self.stories.iter().map(|story| story.id).collect()
    }

    pub(crate) fn all_charges(&self) -> Vec<u64> {
        self.bills.iter().map(|bill| bill.id).collect()
    }

    /// Every purchase that came in.
    pub(crate) fn all_bought(&self) -> Vec<u8> {
        self.bought.iter().map(|bought| bought.id).collect()
    }

    fn free(&self, lot: &Lot) -> i128 {
        lot.left - self.held_of(lot.id)
    }

    fn last(&self) -> u64 {
        self.changes.len() as u64
    }

    /// The instant of the next thing that happens by itself, and what: 0 a
    /// hold ends, 1 a lot expires, 2 a period begins, 3 debt is paid.
    fn next_event(&self) -> Option<(i64, u8)> {
        let mut events: Vec<(i64, u8)> = self.pending.iter().map(|hold| (hold.until, 0)).collect();
        events.extend(self.place.as_ref().map(|place| (place.until, 2)));
        for lot in self.lots.iter().filter(|lot| self.free(lot) > 0) {
            events.extend(lot.until.map(|until| (until, 1)));
            if self.debt() > 0 {
                events.push((lot.from, 3));
            }
        }
        events.into_iter().map(|(at, what)| (at.max(self.clock), what)).min()
    }

    pub(crate) fn next_due(&self) -> Option<i64> {
        self.next_event().map(|(at, _)| at)
    }

    pub(crate) fn pass_time(&mut self, now: i64) {
        while let Some((at, what)) = self.next_event().filter(|(at, _)| *at <= now.max(self.clock)) {
            self.clock = at;
            match what {
                0 => {
                    let ends = self.pending.iter().position(|hold| hold.until <= at).unwrap();
                    self.pending.remove(ends);
                    self.changes.push(0);
                }
                1 => {
                    let over = |lot: &&Lot| lot.until.is_some_and(|until| until <= at) && self.free(lot) > 0;
                    // Those that leave at the same instant leave in burn-down order.
                    let first = self.lots.iter().filter(over).min_by_key(|lot| lot.order()).unwrap();
                    let (id, free) = (first.id, self.free(first));
                    self.take(&[(id, free)]);
                    self.keep_left_over(id, free, at);
                    self.changes.push(-free);
                }
                2 => self.begin_period(at),
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
}

fn total(parts: &[(u64, i128)]) -> i128 {
    parts.iter().map(|(_, amount)| amount).sum()
}
