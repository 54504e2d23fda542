//! What is printed and read.

use std::hint::black_box;

use edge_credits::Credits;
use edge_credits::api::Body;
use edge_credits::ledger::{Event, Ledger};

use super::Run;
use super::ledger::{charged, with_grants};

const BODY: &[u8] =
    br#"{"amount":2.5,"description":"summary of a support ticket","metadata":{"ticket":"T-1001"}}"#;
const FIELDS: [&str; 4] = ["amount", "description", "metadata", "idempotency_key"];

pub(super) fn print_entry() -> Run {
    let event = charged().event;
    Box::new(move || {
        black_box(serde_json::to_string(black_box(&event))).unwrap();
    })
}

pub(super) fn read_entry() -> Run {
    let text = serde_json::to_string(&charged().event).unwrap();
    Box::new(move || {
        black_box(serde_json::from_str::<Event>(black_box(&text))).unwrap();
    })
}

pub(super) fn print_snapshot() -> Run {
    let ledger = with_grants(1_000).ledger().clone();
    Box::new(move || {
        black_box(serde_json::to_string(black_box(&ledger))).unwrap();
    })
}

pub(super) fn read_snapshot() -> Run {
    let text = serde_json::to_string(with_grants(1_000).ledger()).unwrap();
    Box::new(move || {
        black_box(serde_json::from_str::<Ledger>(black_box(&text))).unwrap();
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
