//! What is bought, by hand and by overage, and what is taken back of it.

use super::{Lot, MOST, Why, World};
use crate::model::ask::Buying;
use crate::model::calendar::DAY;
use crate::model::offer::BUY;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;

/// A purchase that came in.
#[derive(Clone, Debug)]
pub(super) struct Bought {
    pub(super) id: u8,
    amount: i128,
    cents: u64,
    /// Its own lot, and those that restored it.
    lots: Vec<u64>,
    /// By a dispute or not, and how much.
    taken: Vec<(bool, i128)>,
    given_back: i128,
}

/// A purchase that overage has begun.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Underway {
    pub(crate) id: u8,
    pub(crate) pack: (i64, u64),
    pub(crate) since: i64,
    pub(crate) asked: i64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Purse {
    pub(crate) payer: Option<u8>,
    pub(crate) blocked: bool,
    pub(crate) underway: Option<Underway>,
    /// The days on which overage began to buy.
    pub(crate) begun: Vec<i64>,
}

/// Why nothing is bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unbought {
    NotAsked,
    NoPayer,
    Declined,
    Underway,
    Daily,
    NoPack,
}

impl World {
    fn paid_lot(&mut self, id: u64, amount: i128, now: i64) {
        self.lots.push(Lot { id, left: amount, rank: 40, from: now, until: None, source: 4 });
    }

    pub(super) fn buy(&mut self, buying: &Buying, id: u64, now: i64) -> Result<i128, Why> {
        let amount = i128::from(buying.amount);
        if amount <= 0 || self.balance() + amount > MOST {
            return Err(Why::BadAmount);
        }
        self.create();
        self.paid_lot(id, amount, now);
        let (cents, lots) = (buying.cents, vec![id]);
        self.bought.push(Bought { id: buying.id, amount, cents, lots, taken: Vec::new(), given_back: 0 });
        self.purse.payer = buying.payer.or(self.purse.payer);
        self.purse.blocked = false;
        self.purse.underway.take_if(|underway| underway.id == buying.id);
        Ok(amount)
    }

    /// The purchase's entry, if it had been paid.
    pub(super) fn paid(&self, id: u8) -> Option<u64> {
        self.bought.iter().find(|bought| bought.id == id).map(|bought| bought.lots[0])
    }

    pub(super) fn fail(&mut self, id: u8) {
        if self.purse.underway.take_if(|underway| underway.id == id).is_some() {
            self.purse.blocked = true;
        }
    }

    pub(super) fn take_back(&mut self, id: u8, cents: u64, dispute: bool) -> Result<i128, Why> {
        let place = self.bought.iter().position(|bought| bought.id == id).ok_or(Why::Missing)?;
        let Bought { amount, cents: price, lots, taken, given_back, .. } = self.bought[place].clone();
        // The part of the price, up to the next millionth.
        let share = match cents >= price {
            true => amount,
            false => -(-amount * i128::from(cents)).div_euclid(i128::from(price)),
        };
        // What stands of it for each of the two reasons.
        let of = |reason| taken.iter().filter(|(of, _)| *of == reason).map(|(_, part)| part).sum::<i128>();
        let (refunded, disputed) = (of(false), of(true) - given_back);
        let mut missing = share - if dispute { disputed } else { refunded };
        missing = missing.min(amount - refunded - disputed);
        let mut taken = 0;
        for lot in lots {
            let free = self.lots.iter().find(|known| known.id == lot).map_or(0, |lot| self.free(lot));
            let part = free.min(missing).max(0);
            if part > 0 {
                self.take(&[(lot, part)]);
            }
            missing -= part;
            taken += part;
        }
        self.bought[place].taken.push((dispute, taken));
        Ok(-taken)
    }

    pub(super) fn give_back(&mut self, id: u8, entry: u64, now: i64) -> Result<i128, Why> {
        let place = self.bought.iter().position(|bought| bought.id == id).ok_or(Why::Missing)?;
        let bought = &self.bought[place];
        let disputed: i128 = bought.taken.iter().filter(|(dispute, _)| *dispute).map(|(_, part)| part).sum();
        let amount = disputed - bought.given_back;
        if !self.open || self.balance() + amount > MOST {
            return Err(Why::BadField);
        }
        if amount > 0 {
            self.paid_lot(entry, amount, now);
            self.bought[place].lots.push(entry);
            self.bought[place].given_back += amount;
        }
        Ok(amount)
    }

    /// Overage buys: the number of the entry, or why not.
    pub(crate) fn start_buying(&mut self, missing: i64, id: u8, now: i64) -> Result<u64, Unbought> {
        self.pass_time(now);
        let now = now.max(self.clock);
        if !self.open || self.mode() != BUY {
            return Err(Unbought::NotAsked);
        }
        if let Some(underway) = &mut self.purse.underway {
            if now >= underway.since + 23 * HOUR {
                self.purse.underway = None;
                self.purse.blocked = true;
                self.clock = now;
                self.changes.push(0);
                return Err(Unbought::Declined);
            }
            if now < underway.asked + 10 * SECOND {
                return Err(Unbought::Underway);
            }
            underway.asked = now;
        } else {
            let purse = &self.purse;
            let today = now.div_euclid(DAY);
            let begun = purse.begun.iter().filter(|day| **day == today).count();
            let most = self.own.buys.or(self.known.buys).unwrap_or(3);
            if purse.blocked {
                return Err(Unbought::Declined);
            }
            if purse.payer.is_none() {
                return Err(Unbought::NoPayer);
            }
            if begun >= usize::try_from(most).unwrap() {
                return Err(Unbought::Daily);
            }
            let mut packs = self.offer.as_ref().map(|offer| offer.packs.clone()).unwrap_or_default();
            packs.retain(|(amount, _)| *amount >= missing);
            packs.sort_unstable();
            let pack = *packs.first().ok_or(Unbought::NoPack)?;
            self.purse.begun.push(today);
            self.purse.underway = Some(Underway { id, pack, since: now, asked: now });
        }
        self.clock = now;
        self.changes.push(0);
        Ok(self.last())
    }
}
