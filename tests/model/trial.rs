//! One history, lived by the ledger and by the model side by side. After each
//! step everything that can be seen of the two must be the same.

use edge_credits::Timestamp;
use edge_credits::ledger::{Entry, Event, Kind, Ledger, Outcome, Refusal, Request, Stop};
use edge_credits::tally::Total;
use proptest::prelude::*;

use super::Model;
use super::ask::Order;
use super::step::{Deed, Step};
use super::world::{Verdict, Why, World};
use crate::journal_in_memory::{TestBook, contents, empty_book, fold};

type Check = Result<(), TestCaseError>;

/// The two, and a ledger that only ever folds what the journal holds.
pub(crate) struct Trial {
    book: TestBook,
    model: Model,
    folded: Ledger,
    world: World,
    now: i64,
    operations: usize,
}

impl Trial {
    pub(crate) fn new() -> Self {
        Self {
            book: empty_book(),
            model: Model::default(),
            folded: Ledger::default(),
            world: World::default(),
            now: 1_772_323_200_000,
            operations: 0,
        }
    }

    pub(crate) fn operations(&self) -> usize {
        self.operations
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        self.book.journal().entries()
    }

    /// Looks every now and then, up to just before `ms` from now.
    pub(crate) fn watch(&mut self, ms: i64) {
        for part in 1..8 {
            self.book.settle_due(Timestamp::from_ms(self.now + ms * part / 8));
        }
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_ms(self.now)
    }

    pub(crate) fn step(&mut self, step: &Step) -> Check {
        self.now += step.clock_ms;
        match &step.deed {
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

    fn one(&mut self, order: Order) -> Check {
        let found = verdict(self.book.execute(&order.request(), self.now()));
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
        prop_assert!(available >= 0 || ledger.debt().is_positive(), "below zero without debt");
        prop_assert_eq!(ledger.opened_at().is_some(), world.created());
        prop_assert_eq!(ledger.metadata().is_some(), world.metadata() > 0);
        for key in 0..3 {
            let refused = ledger.refuses_key(&format!("k{key}"), self.now());
            prop_assert_eq!(refused, world.refuses_key(key, self.now), "key {}", key);
        }
        self.compare_grants_and_holds()?;
        self.compare_journal()
    }

    fn compare_grants_and_holds(&self) -> Check {
        let (ledger, world) = (self.book.ledger(), &self.world);
        let mut found: Vec<(u64, i128, i128)> = Vec::new();
        for grant in ledger.grants() {
            prop_assert!(grant.held <= grant.remaining, "more held than there is: {:?}", grant);
            prop_assert!(!grant.held.is_negative() && grant.remaining.is_positive(), "{:?}", grant);
            found.push((grant.seq, grant.remaining.millionths().into(), grant.held.millionths().into()));
        }
        found.sort_unstable();
        let lots = world.lots.iter().map(|lot| (lot.id, lot.left, world.held_of(lot.id)));
        prop_assert_eq!(found, lots.collect::<Vec<_>>(), "grants: number, remaining, held");
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
            Refusal::Insufficient { balance, available, requested, .. } => Why::Short(
                balance.millionths().into(),
                available.millionths().into(),
                requested.millionths().into(),
            ),
            Refusal::LimitReached { .. } => panic!("nobody set a limit"),
            Refusal::KeyRevoked => panic!("the ledger does not check keys by itself"),
        }),
    }
}
