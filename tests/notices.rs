//! What a ledger's journal has to tell: kept with its entries, told from the
//! journal alone, and read also from a journal of before.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod messages;
mod sqlite;

use edge_credits::Timestamp;
use edge_credits::worker::objects::events::{self, Notices};
use edge_credits::worker::objects::ledger::LedgerObject;
use messages::message;
use serde_json::{Value, json};
use sqlite::Sqlite;

const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
const CREDIT: i64 = 1_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000 + second * 1000)
}

fn open(store: &Sqlite) -> LedgerObject<Sqlite> {
    LedgerObject::open(store.clone(), OBJECT).unwrap()
}

/// Does a command, commits, and gives its answer.
fn execute(ledger: &mut LedgerObject<Sqlite>, command: &Value, now: Timestamp) -> Value {
    let ask = json!({ "execute": { "command": command } });
    let message = message(
        json!({ "project": "shop", "mode": "live", "customer": "alice", "terms_version": 0, "ask": ask }),
    );
    let reply = ledger.call(&message, now).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    ledger.commit().unwrap();
    serde_json::from_str(&reply.body).unwrap()
}

fn topup(credits: i64) -> Value {
    json!({ "add": { "amount": credits * CREDIT, "kind": "topup" } })
}

fn consume(credits: i64) -> Value {
    json!({ "consume": { "amount": credits * CREDIT } })
}

fn told(notices: &Notices) -> Vec<(String, u64, Value)> {
    let data = |text: &str| serde_json::from_str(text).unwrap();
    notices.events.iter().map(|event| (event.kind.clone(), event.seq, data(&event.data))).collect()
}

#[test]
fn entries_tell_what_happened_with_the_figures_of_then() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    let added = execute(&mut ledger, &topup(100), at(0));
    execute(&mut ledger, &consume(40), at(1));
    let hold = json!({ "reserve": { "amount": 10 * CREDIT, "expires_in_ms": 58_000 } });
    let held = execute(&mut ledger, &hold, at(2));
    let last = execute(&mut ledger, &consume(50), at(3));
    execute(&mut ledger, &topup(1), at(120));

    let notices = ledger.notices_after(0, 100).unwrap().unwrap();
    let (added, held, last) = (&added["transaction_id"], &held["transaction_id"], &last["transaction_id"]);
    assert_eq!(
        told(&notices)[..3],
        [
            (
                "balance.topped_up".to_owned(),
                1,
                json!({ "customer_id": "alice", "balance": 100, "available": 100, "transaction_id": added, "seq": 1, "amount": 100 })
            ),
            (
                "balance.exhausted".to_owned(),
                4,
                json!({ "customer_id": "alice", "balance": 10, "available": 0, "transaction_id": last, "seq": 4 })
            ),
            (
                "hold.expired".to_owned(),
                5,
                json!({ "customer_id": "alice", "balance": 10, "available": 10, "transaction_id": held, "seq": 5, "amount": 10 })
            ),
        ]
    );
    assert_eq!((notices.after, notices.upto), (Some(0), 6));
    assert_eq!(notices.events[2].at, at(60), "when it fell due");
    // Made anew, after a start or for another part, they are the same.
    assert_eq!(open(&store).notices_after(0, 100).unwrap().unwrap(), notices);
    let rest = ledger.notices_after(4, 100).unwrap().unwrap();
    assert_eq!(rest.events, notices.events[2..]);
    assert_eq!(ledger.notices_after(6, 100).unwrap(), None);
}

#[test]
fn what_is_told_is_taken_by_the_events_object_and_known_from_then_on() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    execute(&mut ledger, &topup(1), at(0));
    let hub = Sqlite::new();
    let notices = ledger.notices_after(0, 100).unwrap().unwrap();
    let message = json!({ "receive": notices }).to_string();
    for _ in 0..2 {
        assert_eq!(events::call(&hub, &message, at(1)).unwrap().body, r#"{"seen":1}"#);
        assert_eq!(hub.count("events"), 1);
    }
}

#[test]
fn an_entry_with_nothing_to_tell_takes_no_room_in_the_outbox() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    execute(&mut ledger, &topup(100), at(0));
    for second in 1..10 {
        execute(&mut ledger, &consume(1), at(second));
    }
    assert_eq!(store.count("entries WHERE notices IS NOT NULL"), 1);
    // The index is what is read: `INDEXED BY` fails without it.
    assert_eq!(ledger.notices_after(0, 100).unwrap().unwrap().events.len(), 1);
}

#[test]
fn a_journal_of_before_is_read_and_tells_from_now_on() {
    let store = Sqlite::new();
    execute(&mut open(&store), &topup(3), at(0));
    store
        .connection
        .execute_batch(
            "DROP INDEX entries_noticed; ALTER TABLE entries DROP COLUMN notices;
             ALTER TABLE entries DROP COLUMN hash; ALTER TABLE identity DROP COLUMN unchained",
        )
        .unwrap();
    let mut ledger = open(&store);
    assert_eq!(ledger.notices_after(0, 100).unwrap(), None);
    execute(&mut ledger, &consume(1), at(1));
    execute(&mut ledger, &consume(2), at(2));
    let kinds = |ledger: &LedgerObject<Sqlite>| told(&ledger.notices_after(0, 100).unwrap().unwrap());
    assert_eq!(kinds(&ledger)[0].0, "balance.exhausted");
    assert_eq!(kinds(&open(&store)), kinds(&ledger));
    let audit = json!({ "project": "shop", "mode": "live", "customer": "alice", "terms_version": 0, "ask": { "audit": {} } });
    let audit = open(&store).call(&message(audit), at(3)).unwrap().body;
    assert!(audit.contains(r#""entries":3,"consistent":true"#), "{audit}");
}

#[test]
fn the_end_of_a_period_is_not_told_as_running_low() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    let tier = json!({ "id": "pro", "name": null, "allocation": 10 * CREDIT, "period": "month" });
    let settings = json!({ "default_tier": "pro", "low_balance_threshold": 5 * CREDIT });
    let terms = json!({ "version": 1, "since": at(0), "settings": settings, "tiers": [tier], "packs": [] });
    let mut charge = |credits: i64, second: i64| {
        let ask = json!({ "execute": { "command": consume(credits) } });
        let call = json!({ "project": "shop", "mode": "live", "customer": "alice", "terms_version": 1,
                           "terms": terms, "ask": ask });
        assert_eq!(ledger.call(&message(call), at(second)).unwrap().status, 200);
        ledger.commit().unwrap();
    };
    charge(1, 0);
    charge(1, 32 * 86_400);
    charge(5, 32 * 86_400);
    let told = told(&ledger.notices_after(0, 100).unwrap().unwrap());
    let kinds: Vec<_> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["period.reset", "period.reset", "balance.low"]);
    assert_eq!(
        told[1].2,
        json!({ "customer_id": "alice", "balance": 10, "available": 10, "seq": told[1].1, "amount": 10,
                "transaction_id": told[1].2["transaction_id"],
                "period_start": "2026-04-01T00:00:00.000Z", "next_reset": "2026-05-01T00:00:00.000Z" })
    );
    assert_eq!((&told[2].2["available"], &told[2].2["threshold"]), (&json!(4), &json!(5)));
}

#[test]
fn a_purchase_tells_what_was_paid_and_what_came_of_it() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    let purchase = json!({ "id": "cs_1", "pack": "small", "credits": 50 * CREDIT, "price_cents": 500,
                           "currency": "usd" });
    execute(&mut ledger, &json!({ "purchase": purchase }), at(0));
    let told = told(&ledger.notices_after(0, 100).unwrap().unwrap());
    let kinds: Vec<_> = told.iter().map(|(kind, ..)| kind.as_str()).collect();
    assert_eq!(kinds, ["purchase.succeeded", "balance.topped_up"]);
    let figures = json!({ "customer_id": "alice", "balance": 50, "available": 50, "seq": told[0].1,
                          "transaction_id": told[0].2["transaction_id"], "amount": 50,
                          "purchase_id": "cs_1", "pack_id": "small", "price_cents": 500, "currency": "usd" });
    assert_eq!(told[0].2, figures);
    assert_eq!(told[1].2["amount"], 50);
}
