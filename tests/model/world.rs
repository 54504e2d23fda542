//! One customer's credits as lists of lots, parts and changes. Nothing is kept
//! that can be added up, and every amount is an `i128`.

mod deeds;

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
        parts.filter(|(of, _)| *of == lot).map(|(_, amount)| amount).sum()
    }

    pub(crate) fn available(&self, now: i64) -> i128 {
        let usable = self.lots.iter().filter(|lot| lot.from <= now.max(self.clock));
        usable.map(|lot| self.free(lot)).sum::<i128>() - self.debt()
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
}

fn total(parts: &[(u64, i128)]) -> i128 {
    parts.iter().map(|(_, amount)| amount).sum()
}
