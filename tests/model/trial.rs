//! One history, lived by the ledger and by the model side by side. After each
//! step everything that can be seen of the two must be the same.

use edge_credits::ledger::{
    Entry, Event, Hold, Kind, Ledger, NoPurchase, Outcome, Refusal, Request, Source, Stop,
};
use edge_credits::tally::Total;
use edge_credits::{Credits, Timestamp};
use proptest::prelude::*;

use super::Model;
use super::ask::{Ask, Order, payer_id, purchase_id};
use super::offer::{Offer, name};
use super::step::{Deed, Step};
use super::world::{Unbought, Verdict, Why, World};
use crate::journal_in_memory::{TestBook, contents, empty_book, fold};

type Check = Result<(), TestCaseError>;

/// A bug that is planted between the ledger and the model, to try the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Defect {
    None,
    /// No request has a key.
    ForgetsKeys,
    /// A millionth more for a charge of more than a credit.
    ChargesTooMuch,
    /// What is due is found a day late.
    KeepsEndedHolds,
    /// A refund does not say of which charge it is.
    RefundsTwice,
}

impl Defect {
    fn spoil(self, order: &mut Order) {
        match (self, &mut order.ask) {
            (Self::ForgetsKeys, _) => order.key = None,
            (Self::ChargesTooMuch, Ask::Consume(amount, _)) if *amount > 1_000_000 => *amount += 1,
            (Self::RefundsTwice, Ask::Add(adding)) => adding.refund_of = None,
            _ => {}
        }
    }

    fn late_by(self) -> i64 {
        if self == Self::KeepsEndedHolds { 86_400_000 } else { 0 }
    }
}

/// The two, and a ledger that only ever folds what the journal holds.
pub(crate) struct Trial {
    book: TestBook,
    model: Model,
    folded: Ledger,
    world: World,
    now: i64,
    /// Versions of the project's offer so far.
    versions: u64,
    operations: usize,
    defect: Defect,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self::with(Defect::None)
    }

    pub(crate) fn with(defect: Defect) -> Self {
        Self {
            defect,
            book: empty_book(),
            model: Model::default(),
            folded: Ledger::default(),
            world: World::default(),
            now: 1_772_323_200_000,
            versions: 0,
            operations: 0,
        }
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        self.book.journal().entries()
    }

    /// Looks every now and then, up to just before a step; and hears of the
    /// project's offer at once.
    pub(crate) fn watch(&mut self, step: &Step) {
        for part in 1..8 {
            let at = self.now + step.clock_ms * part / 8;
            if let Deed::Sell(offer, eighths) = &step.deed {
                let offer = self.dated(offer, step.clock_ms, *eighths);
                if offer.since <= at {
                    self.book.take_terms(offer.terms(), Timestamp::from_ms(at));
                }
            }
            self.book.settle_due(Timestamp::from_ms(at));
        }
    }

    /// The next version of an offer: since a part of the way that a step takes.
    fn dated(&self, offer: &Offer, ms: i64, eighths: u8) -> Offer {
        let since = self.now + ms.max(0) * i64::from(eighths) / 8;
        Offer { version: self.versions + 1, since, ..offer.clone() }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now)
    }

    pub(crate) fn step(&mut self, step: &Step) -> Check {
        if let Deed::Sell(offer, eighths) = &step.deed {
            let offer = self.dated(offer, step.clock_ms, *eighths);
            self.now += step.clock_ms;
            self.sell(offer);
            return self.compare();
        }
        self.now += step.clock_ms;
        match &step.deed {
            Deed::Sell(..) => {}
            Deed::Buy(missing, id) => self.buy(*missing, *id)?,
            Deed::Look => {
                self.book.settle_due(self.now());
                self.world = self.model.look(self.now);
                self.operations += 1;
            }
            Deed::One(wish) => {
                let order = wish.order(&self.world, self.now);
                self.one(order)?;
            }
            Deed::Repeated(wish, times) => {
                for _ in 0..*times {
                    let order = wish.order(&self.world, self.now);
                    self.one(order)?;
                    self.compare()?;
                }
            }
            Deed::Together(wishes) => {
                let orders: Vec<Order> =
                    wishes.iter().map(|wish| wish.order(&self.world, self.now)).collect();
                self.together(orders)?;
            }
        }
        self.compare()
    }

    fn sell(&mut self, offer: Offer) {
        self.versions = offer.version;
        self.book.take_terms(offer.terms(), self.now());
        self.book.settle_due(self.now());
        self.model.hear(offer, self.now);
        self.world = self.model.look(self.now);
        self.operations += 1;
    }

    fn buy(&mut self, missing: i64, id: u8) -> Check {
        self.book.settle_due(self.now());
        let shortfall = Credits::from_millionths(missing).unwrap();
        let found = self.book.start_purchase(shortfall, purchase_id(id), self.now());
        let (expected, world) = self.model.buy(missing, id, self.now);
        self.world = world;
        self.operations += 1;
        prop_assert_eq!(found.map(|entry| entry.seq).map_err(unbought), expected, "buying {}", missing);
        Ok(())
    }

    fn one(&mut self, order: Order) -> Check {
        let mut heard = order.clone();
        self.defect.spoil(&mut heard);
        let late = self.now().after_ms(-self.defect.late_by());
        let found = verdict(self.book.execute(&heard.request(), late));
        let (expected, world) = self.model.ask(order.clone(), self.now);
        self.world = world;
        self.operations += 1;
        prop_assert_eq!(found, expected, "verdict on {:?}", order);
        Ok(())
    }

    fn together(&mut self, orders: Vec<Order>) -> Check {
        let requests: Vec<Request> = orders.iter().map(Order::request).collect();
        self.book.settle_due(self.now());
        let before = (contents(self.book.ledger()), self.book.journal().entries().to_vec());
        let found = self.book.execute_all(&requests, self.now());
        let (expected, world) = self.model.ask_together(orders, self.now);
        self.world = world;
        self.operations += requests.len();
        match found {
            Ok(outcomes) => {
                let found: Vec<Verdict> = outcomes.into_iter().map(|outcome| verdict(Ok(outcome))).collect();
                prop_assert_eq!(found, expected);
            }
            Err((index, stop)) => {
                prop_assert_eq!(index + 1, expected.len(), "the first refusal of a batch");
                prop_assert_eq!(Some(&verdict(Err(stop))), expected.last());
                let after = (contents(self.book.ledger()), self.book.journal().entries().to_vec());
                prop_assert_eq!(after, before, "a refused batch leaves no trace");
            }
        }
        Ok(())
    }

    fn compare(&mut self) -> Check {
        let (ledger, world) = (self.book.ledger(), &self.world);
        prop_assert_eq!(ledger.seq(), world.changes.len() as u64, "number of entries");
        prop_assert_eq!(i128::from(ledger.balance().millionths()), world.balance(), "balance");
        prop_assert_eq!(i128::from(ledger.held().millionths()), world.held(), "held");
        prop_assert_eq!(i128::from(ledger.debt().millionths()), world.debt(), "debt");
        let available = i128::from(ledger.available(self.now()).millionths());
        prop_assert_eq!(available, world.available(self.now), "available");
        let is_deep = |hold: &Hold| {
            hold.amount > hold.draws.iter().fold(Credits::ZERO, |sum, draw| sum.plus(draw.amount))
        };
        let may_be_below = ledger.debt().is_positive() || ledger.holds().iter().any(is_deep);
        prop_assert!(available >= 0 || may_be_below, "below zero without debt");
        prop_assert_eq!(ledger.opened_at().is_some(), world.created());
        prop_assert_eq!(ledger.metadata().is_some(), world.metadata() > 0);
        for key in 0..3 {
            let refused = ledger.refuses_key(&format!("k{key}"), self.now());
            prop_assert_eq!(refused, world.refuses_key(key, self.now), "key {}", key);
        }
        self.compare_plan_and_purse()?;
        self.compare_grants_and_holds()?;
        self.compare_journal()
    }

    fn compare_plan_and_purse(&self) -> Check {
        let (ledger, world) = (self.book.ledger(), &self.world);
        let found = ledger.plan().map(|plan| {
            (plan.tier.id.clone(), plan.anchor.ms(), plan.period_start.ms(), plan.next_reset.ms())
        });
        let expected = world.place.as_ref();
        let expected =
            expected.map(|place| (name('t', place.deal.id), place.anchor, place.since, place.until));
        prop_assert_eq!(found, expected, "tier, anchor, period");
        let (payer, purse) = (ledger.payer(), &world.purse);
        prop_assert_eq!(payer.stripe_customer.clone(), purse.payer.map(payer_id));
        prop_assert_eq!(payer.is_blocked, purse.blocked, "the breaker");
        let found = payer.pending.as_ref().map(|pending| {
            let pack = (pending.pack.credits.millionths(), pending.pack.price_cents);
            (pending.id.clone(), pack, pending.since.ms(), pending.asked_at.ms())
        });
        let expected = purse.underway.as_ref();
        let expected = expected.map(|it| (purchase_id(it.id), it.pack, it.since, it.asked));
        prop_assert_eq!(found, expected, "the purchase that is under way");
        Ok(())
    }

    fn compare_grants_and_holds(&self) -> Check {
        let (ledger, world) = (self.book.ledger(), &self.world);
        let mut found: Vec<(u64, Source, i128, i128, Option<i64>)> = Vec::new();
        for grant in ledger.grants() {
            prop_assert!(grant.held <= grant.remaining, "more held than there is: {:?}", grant);
            prop_assert!(!grant.held.is_negative() && grant.remaining.is_positive(), "{:?}", grant);
            let (remaining, held) = (grant.remaining.millionths().into(), grant.held.millionths().into());
            found.push((grant.seq, grant.source, remaining, held, grant.expires_at.map(Timestamp::ms)));
        }
        found.sort_unstable_by_key(|grant| grant.0);
        let lots = world.lots.iter().map(|lot| {
            let source = Source::ALL[usize::from(lot.source)];
            (lot.id, source, lot.left, world.held_of(lot.id), lot.until)
        });
        prop_assert_eq!(found, lots.collect::<Vec<_>>(), "grants: number, source, remaining, held, end");
        let holds: Vec<u64> = ledger.holds().iter().map(|hold| hold.seq).collect();
        prop_assert_eq!(holds, world.pending.iter().map(|hold| hold.id).collect::<Vec<_>>());
        Ok(())
    }

    fn compare_journal(&mut self) -> Check {
        let ledger = self.book.ledger();
        let mut sum = 0;
        for (index, entry) in self.book.journal().entries().iter().enumerate() {
            prop_assert_eq!(entry.seq, index as u64 + 1, "a gap in the journal");
            prop_assert_eq!(
                i128::from(entry.amount.millionths()),
                self.world.changes[index],
                "entry {}",
                entry.seq
            );
            sum += i128::from(entry.amount.millionths());
            prop_assert_eq!(i128::from(entry.balance_after.millionths()), sum, "balance after {}", entry.seq);
            if entry.seq > self.folded.seq() {
                prop_assert!(entry.at >= self.folded.at(), "time went back at {}", entry.seq);
                self.folded.apply(entry);
            }
        }
        prop_assert_eq!(i128::from(ledger.balance().millionths()), sum, "sum of the entries");
        let life = self.book.journal().entries().iter().rev();
        let life = life.take_while(|entry| !matches!(entry.event, Event::Closed));
        let used = life
            .filter(|entry| entry.kind() == Kind::Consumption)
            .fold(Total::ZERO, |sum, entry| sum.plus(Total::of(entry.amount.negated())));
        prop_assert_eq!(ledger.used(), used, "sum of the charges");
        prop_assert_eq!(ledger.unsound(), None);
        prop_assert!(
            self.folded.seq() == ledger.seq() && contents(&self.folded) == contents(ledger),
            "fold of the journal"
        );
        // An alarm set by it may be early, never late.
        for next_due in [ledger.next_due(), self.folded.next_due()] {
            let early = |due: i64| next_due.is_some_and(|next| next.ms() <= due);
            prop_assert!(self.world.next_due().is_none_or(early), "next due {:?}", next_due);
        }
        Ok(())
    }

    /// Once at the end of a history: starting anew from the whole journal, and
    /// from a snapshot in the middle of it.
    pub(crate) fn restart(&self) -> Check {
        let entries = self.book.journal().entries();
        let live = contents(self.book.ledger());
        prop_assert_eq!(&contents(&fold(entries)), &live, "fold from the first entry");
        let (old, new) = entries.split_at(entries.len() / 2);
        let snapshot = serde_json::to_string(&fold(old)).unwrap();
        let mut restarted: Ledger = serde_json::from_str(&snapshot).unwrap();
        new.iter().for_each(|entry| restarted.apply(entry));
        prop_assert_eq!(&contents(&restarted), &live, "snapshot and the rest");
        Ok(())
    }
}

fn verdict(result: Result<Outcome, Stop<std::convert::Infallible>>) -> Verdict {
    match result {
        Ok(Outcome { entry, replayed: false }) => Verdict::Done(entry.seq),
        Ok(Outcome { entry, replayed: true }) => Verdict::Again(entry.seq),
        Err(Stop::Failed(never)) => match never {},
        Err(Stop::Refused(refusal)) => Verdict::No(match refusal {
            Refusal::KeyReused => Why::KeyReused,
            Refusal::DeadlinePassed => Why::TooLate,
            Refusal::NotFound(_) => Why::Missing,
            Refusal::AlreadyExists => Why::Exists,
            Refusal::AlreadyCompleted(_) => Why::Completed,
            Refusal::InvalidAmount(_) => Why::BadAmount,
            Refusal::InvalidField { .. } => Why::BadField,
            Refusal::Insufficient { balance, available, requested, overage } => Why::Short(
                balance.millionths().into(),
                available.millionths().into(),
                requested.millionths().into(),
                overage.millionths().into(),
            ),
            Refusal::LimitReached { requested, spent, limit, .. } => Why::Capped(
                requested.millionths().into(),
                spent.millionths().into(),
                limit.amount.millionths(),
            ),
            Refusal::KeyRevoked => panic!("the ledger does not check keys by itself"),
        }),
    }
}

fn unbought(why: NoPurchase) -> Unbought {
    match why {
        NoPurchase::NotAsked => Unbought::NotAsked,
        NoPurchase::NoPaymentMethod => Unbought::NoPayer,
        NoPurchase::Declined => Unbought::Declined,
        NoPurchase::Pending => Unbought::Underway,
        NoPurchase::DailyLimit => Unbought::Daily,
        NoPurchase::NoPack => Unbought::NoPack,
    }
}
