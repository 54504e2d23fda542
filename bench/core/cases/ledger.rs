//! The rules: decide and apply, without storage.

use std::convert::Infallible;
use std::hint::black_box;

use edge_credits::ledger::{
    AddKind, Addition, Book, Charge, Command, Completion, Configuration, Entry, Event, IdempotencyKey,
    Journal, Ledger, Note, Request, Reservation, SettingChange, Settings, SpendLimit, SpendWindow, Terms,
    Tier, Unit,
};
use edge_credits::pricing::{ActionCost, Catalogue, ModelPrice, Tokens};
use edge_credits::text::Name;
use edge_credits::{Credits, Timestamp};

use super::Run;

const DAY_MS: i64 = 86_400_000;
/// So little that no grant of these cases is ever used up.
const CHARGE: Credits = millionths(1);

const fn millionths(count: i64) -> Credits {
    Credits::from_millionths(count).unwrap()
}

const fn whole(credits: i64) -> Credits {
    Credits::from_whole(credits).unwrap()
}

/// 2026-03-01.
pub(super) fn start() -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000)
}

/// Takes entries and keeps the last one only, and one that has a key: what is
/// measured is the ledger.
#[derive(Debug, Default)]
pub(super) struct Forgetful {
    last: Option<Entry>,
    keyed: Option<Entry>,
}

impl Journal for Forgetful {
    type Fault = Infallible;

    fn by_key(&self, key: &str) -> Result<Option<Entry>, Infallible> {
        let has_key = |entry: &&Entry| entry.key.as_ref().is_some_and(|known| known.key == key);
        Ok(self.keyed.as_ref().filter(has_key).cloned())
    }

    fn entry(&self, seq: u64) -> Result<Option<Entry>, Infallible> {
        Ok(self.last.as_ref().filter(|entry| entry.seq == seq).cloned())
    }

    fn about(&self, _: u64) -> Result<Vec<Entry>, Infallible> {
        Ok(Vec::new())
    }

    fn append(&mut self, entry: Entry) {
        self.last = Some(entry);
    }

    fn truncate(&mut self, _: u64) {}
}

type Measured = Book<Forgetful>;

fn request(command: Command) -> Request {
    Request { command, key: None, deadline: None }
}

fn charge(amount: Credits, note: Option<Note>) -> Request {
    request(Command::Consume { amount, note: note.map(Box::new) })
}

fn key() -> IdempotencyKey {
    IdempotencyKey {
        key: "k:8f14e45f-ceea-467f-a9d0-1f2b3c4d5e6f".to_owned(),
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
    }
}

fn topup(amount: Credits, priority: i32) -> Request {
    request(Command::Add(Box::new(Addition {
        amount,
        kind: AddKind::Topup,
        source: None,
        product: None,
        priority: Some(priority),
        effective_at: None,
        expires_at: None,
        refund_of: None,
        note: None,
    })))
}

fn execute(book: &mut Measured, request: &Request, now: Timestamp) -> Entry {
    book.execute(request, now).unwrap().entry
}

fn empty() -> Measured {
    Book::new(Ledger::default(), Forgetful::default())
}

/// A customer with so many grants of a million credits each.
pub(super) fn with_grants(count: usize) -> Measured {
    let mut book = empty();
    for _ in 0..count {
        execute(&mut book, &topup(whole(1_000_000), 40), start());
    }
    book
}

fn repeated(mut book: Measured, request: Request) -> Run {
    Box::new(move || {
        black_box(book.execute(black_box(&request), black_box(start()))).unwrap();
    })
}

pub(super) fn consume(grants: usize) -> Run {
    repeated(with_grants(grants), charge(CHARGE, None))
}

pub(super) fn consume_with_key() -> Run {
    repeated(with_grants(1), Request { key: Some(key()), ..charge(CHARGE, None) })
}

pub(super) fn consume_with_description() -> Run {
    let description = "gpt-5: summary of a support ticket".to_owned();
    let note = Note { description: Some(description), ..Note::default() };
    repeated(with_grants(1), charge(CHARGE, Some(note)))
}

pub(super) fn consume_under_limits() -> Run {
    let mut book = with_grants(1);
    let limit = |per| SpendLimit { per, amount: whole(1_000_000), feature: None };
    let limits = vec![limit(SpendWindow::Day), limit(SpendWindow::Period)];
    let settings = Settings { spend_limits: Some(limits), ..Settings::default() };
    let command = Command::Configure(Box::new(Configuration {
        changes: vec![SettingChange::SpendLimits(settings.spend_limits)],
        unblock_purchases: false,
    }));
    execute(&mut book, &request(command), start());
    repeated(book, charge(CHARGE, None))
}

pub(super) fn refuse() -> Run {
    let mut book = with_grants(1);
    let request = charge(whole(2_000_000), None);
    Box::new(move || {
        black_box(book.execute(black_box(&request), black_box(start()))).unwrap_err();
    })
}

pub(super) fn replay_of_key() -> Run {
    let mut book = with_grants(1);
    let request = Request { key: Some(key()), ..charge(CHARGE, None) };
    let entry = execute(&mut book, &request, start());
    book.journal_mut().keyed = Some(entry);
    Box::new(move || assert!(black_box(book.execute(black_box(&request), start())).unwrap().replayed))
}

fn reserve(amount: Credits) -> Request {
    request(Command::Reserve(Box::new(Reservation {
        amount,
        expires_in_ms: 900_000,
        price: None,
        note: None,
    })))
}

fn settle(hold: u64, success: bool, charge: Credits) -> Request {
    request(Command::Complete(Completion { hold, success, charge: Some(Charge::Amount(charge)) }))
}

pub(super) fn reserve_and_settle() -> Run {
    let (mut book, request) = (with_grants(1), reserve(whole(1)));
    Box::new(move || {
        let hold = execute(&mut book, black_box(&request), start()).seq;
        black_box(execute(&mut book, &settle(hold, true, CHARGE), start()));
    })
}

pub(super) fn reserve_across_grants() -> Run {
    let (mut book, request) = (with_grants(50), reserve(whole(50_000_000)));
    Box::new(move || {
        let hold = execute(&mut book, black_box(&request), start()).seq;
        black_box(execute(&mut book, &settle(hold, false, Credits::ZERO), start()));
    })
}

/// The refund burns before what paid, so the next charge uses it up.
pub(super) fn consume_and_refund() -> Run {
    let mut book = empty();
    execute(&mut book, &topup(whole(1_000_000), 90), start());
    let charge = charge(CHARGE, None);
    Box::new(move || {
        let refund_of = Some(execute(&mut book, black_box(&charge), start()).seq);
        let mut refund = topup(CHARGE, 10);
        if let Command::Add(addition) = &mut refund.command {
            (addition.kind, addition.refund_of) = (AddKind::Refund, refund_of);
        }
        black_box(execute(&mut book, &refund, start()));
    })
}

/// A day passes: what is left of an allocation expires, the next one comes.
pub(super) fn refill() -> Run {
    let id = Name::new("free").unwrap();
    let tier = Tier {
        id: id.clone(),
        name: None,
        allocation: whole(100),
        period: Unit::Day,
        rollover: None,
        overage_mode: None,
        rate_limit: None,
    };
    let settings = Settings { default_tier: Some(id), ..Settings::default() };
    let mut book = empty();
    book.take_terms(
        Terms { version: 1, since: start(), settings, tiers: vec![tier], packs: vec![] },
        start(),
    );
    execute(&mut book, &request(Command::Open(Box::default())), start());
    let mut now = start();
    Box::new(move || {
        now = now.after_ms(DAY_MS);
        // The calendar ends; by then this was measured long ago.
        assert_eq!(black_box(book.settle_due(black_box(now))), if now < Timestamp::MAX { 2 } else { 0 });
    })
}

/// A charge as the journal has it.
pub(super) fn charged() -> Entry {
    execute(&mut with_grants(1), &charge(millionths(2_500_000), None), start())
}

/// What a replay does for each entry, once it is read.
pub(super) fn fold() -> Run {
    let mut ledger = with_grants(1).ledger().clone();
    let mut entry = charged();
    if let Event::Consumed { draws, .. } = &mut entry.event {
        draws.iter_mut().for_each(|draw| draw.amount = CHARGE);
    }
    Box::new(move || ledger.apply(black_box(&entry)))
}

pub(super) fn price_action() -> Run {
    let name = |text: String| Name::new(text).unwrap();
    let cost = |number: usize| ActionCost {
        service: name("images".to_owned()),
        action: name(format!("action {number}")),
        credits: millionths(2_500_000),
        description: None,
    };
    let catalogue = Catalogue { version: 1, costs: (0..100).map(cost).collect(), models: vec![] };
    let (service, action) = (name("images".to_owned()), name("action 50".to_owned()));
    Box::new(move || {
        black_box(catalogue.action(black_box(&service), black_box(&action), 3)).unwrap();
    })
}

pub(super) fn price_tokens() -> Run {
    let price = ModelPrice {
        model: Name::new("gpt-5").unwrap(),
        input_per_million: millionths(1_250_000),
        output_per_million: whole(10),
        cached_input_per_million: Some(millionths(125_000)),
        minimum: Some(millionths(100)),
    };
    let tokens = Tokens { input: 12_345, cached_input: 6_000, output: 789 };
    Box::new(move || {
        black_box(price.price(black_box(tokens))).unwrap();
    })
}
