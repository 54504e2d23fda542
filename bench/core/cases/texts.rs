//! What is printed and read.

use std::hint::black_box;

use edge_credits::Credits;
use edge_credits::api::Body;
use edge_credits::json;
use edge_credits::ledger::{Event, Ledger};

use super::Run;
use super::ledger::{charged, with_grants};

const BODY: &[u8] =
    br#"{"amount":2.5,"description":"summary of a support ticket","metadata":{"ticket":"T-1001"}}"#;
const FIELDS: [&str; 4] = ["amount", "description", "metadata", "idempotency_key"];

pub(super) fn print_entry() -> Run {
    let event = charged().event;
    Box::new(move || {
        black_box(json::write(black_box(&event)));
    })
}

pub(super) fn read_entry() -> Run {
    let text = json::write(&charged().event);
    Box::new(move || {
        black_box(json::read::<Event>(black_box(&text))).unwrap();
    })
}

pub(super) fn print_snapshot() -> Run {
    let ledger = with_grants(1_000).ledger().clone();
    Box::new(move || {
        black_box(json::write(black_box(&ledger)));
    })
}

pub(super) fn read_snapshot() -> Run {
    let text = json::write(with_grants(1_000).ledger());
    Box::new(move || {
        black_box(json::read::<Ledger>(black_box(&text))).unwrap();
    })
}

pub(super) fn read_body() -> Run {
    Box::new(|| {
        let body = Body::parse(black_box(BODY), &FIELDS).unwrap();
        black_box((
            body.require_amount("amount").unwrap(),
            body.description("description").unwrap(),
            body.metadata().unwrap(),
            body.name("idempotency_key").unwrap(),
        ));
    })
}

pub(super) fn read_amount() -> Run {
    Box::new(|| {
        black_box(Credits::parse(black_box("1234.56789"))).unwrap();
    })
}
