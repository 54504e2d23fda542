//! What a plan does to the lists: periods, and what they bring and take.

use super::{Lot, MOST, World};
use crate::model::calendar::{DAILY, boundary, count_at};
use crate::model::offer::{Deal, Offer};

/// A customer's place on a tier.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) deal: Deal,
    pub(crate) anchor: i64,
    pub(crate) since: i64,
    pub(crate) until: i64,
    /// The lots of the running period and of those before.
    given: Option<u64>,
    rolled: Vec<u64>,
    left_over: i128,
}

impl Place {
    fn first(deal: &Deal, anchor: i64, now: i64) -> Self {
        let since = boundary(deal.unit, anchor, count_at(deal.unit, anchor, now));
        let (deal, rolled) = (deal.clone(), Vec::new());
        Self { deal, anchor, since, until: now, given: None, rolled, left_over: 0 }
    }

    fn go_over_to(&mut self, deal: &Deal) {
        if deal.unit != self.deal.unit {
            self.anchor = self.until;
        }
        self.deal = deal.clone();
    }
}

impl World {
    /// Puts the customer on a tier; `false` if that cannot be.
    pub(super) fn take_place(&mut self, tier: u8, reset: bool, anchor: Option<i64>, now: i64) -> bool {
        let Some(deal) = self.offer.as_ref().and_then(|offer| offer.deal(tier)).cloned() else {
            return false;
        };
        if let Some(place) = self.place.as_mut().filter(|_| !reset) {
            place.go_over_to(&deal);
            return anchor.is_none();
        }
        if let Some(before) = self.place.take() {
            for lot in self.lots.iter_mut() {
                if before.given == Some(lot.id) || before.rolled.contains(&lot.id) {
                    lot.until = Some(now);
                }
            }
        }
        self.place = Some(Place::first(&deal, anchor.unwrap_or(now), now));
        true
    }

    /// The project's offer is another one since a while.
    pub(crate) fn hear(&mut self, offer: &Offer, now: i64) {
        let since = offer.since.min(now);
        if self.open {
            self.pass_time(since);
            let mine = self.place.as_ref().and_then(|place| offer.deal(place.deal.id)).cloned();
            let mine = mine.filter(|deal| self.place.as_ref().is_some_and(|place| place.deal != *deal));
            if mine.is_some() || offer.rules != self.known {
                self.clock = self.clock.max(since);
                self.changes.push(0);
            }
            if let (Some(place), Some(deal)) = (&mut self.place, mine) {
                place.go_over_to(&deal);
            }
            self.known = offer.rules.clone();
        }
        self.offer = Some(offer.clone());
    }

    /// Something of a lot is lost to time.
    pub(super) fn keep_left_over(&mut self, lot: u64, amount: i128, at: i64) {
        if let Some(place) = &mut self.place
            && place.given == Some(lot)
            && place.until == at
        {
            place.left_over += amount;
        }
    }

    /// One step of the reset that is due.
    pub(super) fn begin_period(&mut self, at: i64) {
        let id = self.last() + 1;
        let room = MOST - self.balance();
        let place = self.place.as_mut().unwrap();
        let unit = place.deal.unit;
        let nth = |count: i64| boundary(unit, place.anchor, count_at(unit, place.anchor, at) + count);
        let (most, periods) = place.deal.rolls.unwrap_or((0, 0));
        let rolled = place.left_over.min(most.into());
        let (amount, rank, until) = if rolled > 0 {
            place.rolled.push(id);
            (rolled, 30, nth(periods.into()))
        } else {
            (i128::from(place.deal.gives).min(room), 20, nth(1))
        };
        place.left_over = 0;
        if rolled <= 0 {
            (place.since, place.until) = (nth(0), nth(1));
            place.given = (amount > 0).then_some(id);
        }
        if amount > 0 {
            let source = if rolled > 0 {
                3
            } else if unit == DAILY {
                1
            } else {
                2
            };
            self.lots.push(Lot { id, left: amount, rank, from: at, until: Some(until), source });
        }
        self.changes.push(amount);
    }
}
