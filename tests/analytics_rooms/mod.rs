mod shards;
mod totals;
mod untold;
mod world;

use edge_credits::Timestamp;
use edge_credits::worker::objects::ledger::LedgerObject;
use serde_json::{Value, json};

use crate::messages::message;
use crate::sqlite::Sqlite;

const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap()
}

fn ask(customer: &str, ask: &Value) -> String {
    message(
        json!({ "project": "shop", "mode": "live", "customer": customer, "terms_version": 0, "ask": ask }),
    )
}

/// Does one command on a customer's ledger, which must take it.
fn must(ledger: &mut LedgerObject<Sqlite>, customer: &str, command: &Value, now: &str) -> Value {
    let reply = ledger.call(&ask(customer, &json!({ "execute": { "command": command } })), at(now)).unwrap();
    assert_eq!(reply.status, 200, "{command}: {}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

/// An addition of credits, in millionths.
fn add(amount: i64, kind: &str) -> Value {
    json!({ "add": { "amount": amount, "kind": kind } })
}
