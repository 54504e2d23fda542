//! A customer's story in whole credits and a clock that the test moves.

mod amounts;
mod calendar;
mod customers;
mod grants;
mod holds;
mod idempotency;
mod journal;
mod limits;
mod notices;
mod overage;
mod plans;
mod purchases;
mod refunds;
mod rollovers;
mod selling;
mod spend_limits;
mod take_backs;
mod tiers;
mod views;

use edge_credits::ledger::{
    AddKind, Addition, Charge, Command, Completion, Entry, Event, IdempotencyKey, Outcome, Refusal, Request,
    Reservation, Stop,
};
use edge_credits::{Credits, Timestamp};

use crate::journal_in_memory::{TestBook, empty_book};

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

struct Story {
    book: TestBook,
    now: Timestamp,
}

/// What a customer can see of its credits, in whole credits.
#[derive(Debug, PartialEq)]
struct Seen {
    balance: i64,
    available: i64,
    held: i64,
    debt: i64,
}

fn seen(balance: i64, available: i64, held: i64, debt: i64) -> Seen {
    Seen { balance, available, held, debt }
}

fn whole(credits: i64) -> Credits {
    Credits::from_whole(credits).unwrap()
}

fn in_whole(credits: Credits) -> i64 {
    assert_eq!(credits.millionths() % 1_000_000, 0, "{credits} is not whole");
    credits.millionths() / 1_000_000
}

fn key(key: &str, fingerprint: &str) -> IdempotencyKey {
    IdempotencyKey { key: key.to_owned(), fingerprint: fingerprint.to_owned() }
}

fn consume(credits: i64) -> Command {
    Command::Consume { amount: whole(credits), note: None }
}

fn plain(command: Command) -> Request {
    Request { command, key: None, deadline: None }
}

fn keyed(command: Command, name: &str, fingerprint: &str) -> Request {
    Request { key: Some(key(name, fingerprint)), ..plain(command) }
}

/// A top-up without terms, to be given some by struct update.
fn topup(credits: i64) -> Addition {
    Addition {
        amount: whole(credits),
        kind: AddKind::Topup,
        source: None,
        product: None,
        priority: None,
        effective_at: None,
        expires_at: None,
        refund_of: None,
        note: None,
    }
}

fn add(addition: Addition) -> Command {
    Command::Add(Box::new(addition))
}

fn adjustment(credits: i64) -> Command {
    add(Addition { kind: AddKind::Adjustment, ..topup(credits) })
}

fn hold(credits: i64, lasts_ms: i64) -> Command {
    let amount = whole(credits);
    Command::Reserve(Box::new(Reservation { amount, expires_in_ms: lasts_ms, price: None, note: None }))
}

fn complete(hold: u64, credits: i64) -> Command {
    Command::Complete(Completion { hold, success: true, charge: Some(Charge::Amount(whole(credits))) })
}

fn short(balance: i64, available: i64, requested: i64) -> Refusal {
    Refusal::Insufficient {
        balance: whole(balance),
        available: whole(available),
        requested: whole(requested),
        overage: Credits::ZERO,
    }
}

impl Story {
    /// 2026-03-01, nobody known.
    fn new() -> Self {
        Self { book: empty_book(), now: Timestamp::from_ms(1_772_323_200_000) }
    }

    fn with(credits: i64) -> Self {
        let mut story = Self::new();
        story.did(add(topup(credits)));
        story
    }

    fn clock(&mut self, ms: i64) -> &mut Self {
        self.now = self.now.after_ms(ms);
        self
    }

    fn request(&mut self, request: &Request) -> Result<Outcome, Refusal> {
        self.book.execute(request, self.now).map_err(refusal)
    }

    fn ask(&mut self, command: Command) -> Result<Outcome, Refusal> {
        self.request(&plain(command))
    }

    /// What must be done, and the number of its entry.
    fn did(&mut self, command: Command) -> u64 {
        let outcome = self.ask(command).unwrap();
        assert!(!outcome.replayed);
        outcome.entry.seq
    }

    fn refused(&mut self, command: Command) -> Refusal {
        let before = self.book.journal().entries().len();
        let refusal = self.ask(command).unwrap_err();
        // What was due may have happened; nothing that bears the refusal's name.
        let made = &self.book.journal().entries()[before..];
        let is_due = |entry: &Entry| {
            matches!(
                entry.event,
                Event::Released { .. }
                    | Event::Expired { .. }
                    | Event::DebtPaid { .. }
                    | Event::RolledOver { .. }
                    | Event::Allocated { .. }
            )
        };
        assert!(made.iter().all(is_due));
        refusal
    }

    fn see(&mut self) -> Seen {
        self.book.settle_due(self.now);
        let ledger = self.book.ledger();
        seen(
            in_whole(ledger.balance()),
            in_whole(ledger.available(self.now)),
            in_whole(ledger.held()),
            in_whole(ledger.debt()),
        )
    }

    /// What is left of a grant; `None` once it is gone.
    fn left(&self, grant: u64) -> Option<i64> {
        let mut grants = self.book.ledger().grants().iter();
        grants.find(|known| known.seq == grant).map(|grant| in_whole(grant.remaining))
    }

    fn last_entry(&self) -> &Entry {
        self.book.journal().entries().last().unwrap()
    }

    fn entries_are(&self, words: &[&str]) {
        let found: Vec<&str> =
            self.book.journal().entries().iter().map(|entry| entry.kind().word()).collect();
        assert_eq!(found, words);
    }
}

fn refusal(stop: Stop<std::convert::Infallible>) -> Refusal {
    match stop {
        Stop::Refused(refusal) => refusal,
        Stop::Failed(never) => match never {},
    }
}
