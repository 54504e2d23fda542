//! The naive model that the ledger is held against.
//!
//! Written from the contract, in another manner than the ledger and without
//! its code: [`Model`] keeps only what was asked and when, and to answer a
//! question it lives through all of it again from the first day.

mod ask;
mod calendar;
mod offer;
mod step;
mod trial;
mod world;

pub(crate) use step::{Step, steps};
pub(crate) use trial::{Defect, Trial};

use ask::Order;
use offer::Offer;
use world::{Unbought, Verdict, World};

/// Something that happened at an instant.
#[derive(Clone, Debug)]
enum Fact {
    Asked(Order),
    AskedTogether(Vec<Order>),
    Heard(Offer),
    Bought(i64, u8),
    Looked,
}

#[derive(Default)]
pub(crate) struct Model {
    facts: Vec<(i64, Fact)>,
}

impl Model {
    pub(crate) fn ask(&mut self, order: Order, now: i64) -> (Verdict, World) {
        let (mut verdicts, world) = self.live(now, Fact::Asked(order));
        (verdicts.pop().unwrap(), world)
    }

    /// All or nothing: the verdicts up to and with the first refusal.
    pub(crate) fn ask_together(&mut self, orders: Vec<Order>, now: i64) -> (Vec<Verdict>, World) {
        self.live(now, Fact::AskedTogether(orders))
    }

    pub(crate) fn look(&mut self, now: i64) -> World {
        self.live(now, Fact::Looked).1
    }

    pub(crate) fn hear(&mut self, offer: Offer, now: i64) {
        self.facts.push((now, Fact::Heard(offer)));
    }

    pub(crate) fn buy(&mut self, missing: i64, id: u8, now: i64) -> (Result<u64, Unbought>, World) {
        let (_, mut world) = self.lived();
        let verdict = world.start_buying(missing, id, now);
        self.facts.push((now, Fact::Bought(missing, id)));
        (verdict, world)
    }

    fn live(&mut self, now: i64, fact: Fact) -> (Vec<Verdict>, World) {
        self.facts.push((now, fact));
        self.lived()
    }

    /// All of it from the first day, and the verdicts on the last of it.
    fn lived(&self) -> (Vec<Verdict>, World) {
        let mut world = World::default();
        let mut verdicts = Vec::new();
        for (when, fact) in &self.facts {
            verdicts.clear();
            match fact {
                Fact::Looked => world.pass_time(*when),
                Fact::Heard(offer) => world.hear(offer, *when),
                Fact::Bought(missing, id) => drop(world.start_buying(*missing, *id, *when)),
                Fact::Asked(order) => verdicts.push(world.ask(order, *when)),
                Fact::AskedTogether(orders) => {
                    world.pass_time(*when);
                    let mut attempt = world.clone();
                    for order in orders {
                        verdicts.push(attempt.ask(order, *when));
                        if matches!(verdicts.last(), Some(Verdict::No(_))) {
                            break;
                        }
                    }
                    if !matches!(verdicts.last(), Some(Verdict::No(_))) {
                        world = attempt;
                    }
                }
            }
        }
        (verdicts, world)
    }
}
