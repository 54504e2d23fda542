//! The journal over a real SQLite: what is committed comes back, what is not
//! is wholly absent, and a torn or foreign entry is refused by the schema.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::arithmetic_side_effects
)]

mod messages;
mod sqlite;

use edge_credits::worker::journal::SqlJournal;
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::objects::ledger_audit::goes_on;
use edge_credits::{Credits, Timestamp};
use messages::message;
use serde_json::json;
use sqlite::Sqlite;

const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000 + second * 1000)
}

fn call(ask: serde_json::Value) -> String {
    message(json!({ "project": "shop", "mode": "live", "customer": "alice", "terms_version": 0, "ask": ask }))
}

fn execute(command: serde_json::Value, key: Option<&str>) -> String {
    let mut request = json!({ "command": command });
    if let Some(key) = key {
        request["key"] = json!({ "key": key, "fingerprint": "f" });
    }
    call(json!({ "execute": request }))
}

fn topup(credits: i64) -> String {
    let amount = credits * 1_000_000;
    execute(json!({ "add": { "amount": amount, "kind": "topup" } }), None)
}

fn consume(millionths: i64, key: Option<&str>) -> String {
    execute(json!({ "consume": { "amount": millionths } }), key)
}

fn open(store: &Sqlite) -> LedgerObject<Sqlite> {
    LedgerObject::open(store.clone(), OBJECT).unwrap()
}

fn body(ledger: &mut LedgerObject<Sqlite>, message: &str, now: Timestamp) -> serde_json::Value {
    let reply = ledger.call(message, now).unwrap();
    serde_json::from_str(&reply.body).unwrap()
}

/// An audit in as many calls as it takes.
fn whole_audit(ledger: &mut LedgerObject<Sqlite>, now: Timestamp) -> serde_json::Value {
    let mut run = None;
    loop {
        let reply = ledger.call(&call(json!({ "audit": { "run": run } })), now).unwrap();
        run = goes_on(&reply);
        if run.is_none() {
            return serde_json::from_str(&reply.body).unwrap();
        }
    }
}

#[test]
fn what_was_committed_comes_back_and_what_was_not_is_absent() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(100), at(0)).unwrap();
    ledger.call(&consume(300_000, None), at(1)).unwrap();
    assert!(ledger.commit().unwrap());
    ledger.call(&consume(5_000_000, None), at(2)).unwrap();
    // The power is cut before the next commit.
    let balance = body(&mut open(&store), &call(json!({ "balance": { "breakdown": false } })), at(3));
    assert_eq!(balance["balance"].to_string(), "99.7");
}

#[test]
fn a_charge_writes_one_row_and_a_refusal_or_replay_none() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    ledger.commit().unwrap();
    store.statements.borrow_mut().clear();
    ledger.call(&consume(100_000, None), at(1)).unwrap();
    assert!(ledger.commit().unwrap());
    assert_eq!(store.count("entries"), 2);
    assert_eq!(store.statements.borrow().len(), 1, "{:?}", store.statements.borrow());

    ledger.call(&consume(100_000, Some("k")), at(1)).unwrap();
    assert!(ledger.commit().unwrap());
    let replayed = body(&mut ledger, &consume(100_000, Some("k")), at(2));
    assert_eq!(replayed["replayed"], true);
    let refused = ledger.call(&consume(9_000_000, None), at(2)).unwrap();
    assert_eq!(refused.status, 402);
    assert!(!ledger.commit().unwrap());
    assert_eq!(store.count("entries"), 3);
}

#[test]
fn a_key_is_known_before_its_entry_is_committed() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    let first = body(&mut ledger, &consume(1, Some("k")), at(0));
    let second = body(&mut ledger, &consume(1, Some("k")), at(0));
    assert_eq!((&second["seq"], &second["replayed"]), (&first["seq"], &json!(true)));
    ledger.commit().unwrap();
    assert_eq!(store.count("entries"), 2);
}

#[test]
fn a_reader_who_only_looks_writes_nothing_at_all() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    assert_eq!(ledger.call(&call(json!({ "check": { "amount": 1 } })), at(0)).unwrap().status, 404);
    assert_eq!(ledger.call(&consume(1, None), at(0)).unwrap().status, 402);
    assert!(!ledger.commit().unwrap());
    assert_eq!(store.count("sqlite_master"), 0);
}

#[test]
fn a_thousand_entries_replay_from_their_snapshot_to_the_same_ledger() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    for second in 1..1_000 {
        ledger.call(&consume(7, None), at(second)).unwrap();
        ledger.commit().unwrap();
    }
    assert_eq!(store.count("snapshot"), 1);
    let (replayed, _) = SqlJournal::open(store.clone()).unwrap();
    assert_eq!(replayed.seq(), 1_000);
    assert_eq!(replayed.balance(), Credits::from_millionths(1_000_000 - 999 * 7).unwrap());
    let audit = whole_audit(&mut open(&store), at(2_000));
    assert_eq!(audit["consistent"], true);
    let loaded: i64 = store
        .connection
        .query_row("SELECT count(*) FROM entries WHERE seq > (SELECT seq FROM snapshot)", [], |row| {
            row.get(0)
        })
        .unwrap();
    assert!(loaded < 256, "{loaded} entries would be replayed");
}

#[test]
fn a_commit_that_fails_writes_nothing_of_its_flush() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    ledger.commit().unwrap();
    ledger.call(&consume(1, None), at(1)).unwrap();
    ledger.call(&consume(1, None), at(1)).unwrap();
    store.fails.set(true);
    assert!(ledger.commit().is_err());
    store.fails.set(false);
    let audit = whole_audit(&mut open(&store), at(2));
    assert_eq!((audit["entries"].as_u64(), audit["live_balance"].as_u64()), (Some(1), Some(1)));
}

#[test]
fn the_schema_refuses_an_entry_that_does_not_continue_the_journal() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    ledger.commit().unwrap();
    for (seq, amount, balance_after) in [(3, 0, 1_000_000), (2, -1, 1_000_000), (2, 1, 1_000_000)] {
        let forged = "INSERT INTO entries (seq, at, kind, amount, balance_after, payload) VALUES (?, 0, 'x', ?, ?, '')";
        let error = store.connection.execute(forged, (seq, amount, balance_after)).unwrap_err();
        assert!(error.to_string().contains("does not continue"), "{error}");
    }
    // An older ledger in memory, such as an object that was replaced: its
    // next entry is already there.
    let mut stale = open(&store);
    ledger.call(&consume(1, None), at(1)).unwrap();
    ledger.commit().unwrap();
    stale.call(&consume(2, None), at(1)).unwrap();
    assert!(stale.commit().is_err());
    assert_eq!(store.count("entries"), 2);
}

#[test]
fn an_altered_journal_fails_its_audit() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    ledger.call(&consume(1, None), at(1)).unwrap();
    ledger.commit().unwrap();
    store.connection.execute("UPDATE entries SET amount = amount + 1 WHERE seq = 2", ()).unwrap();
    assert_eq!(whole_audit(&mut ledger, at(2))["consistent"], false);
}

#[test]
fn a_ledger_does_not_exist_for_strangers() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    ledger.commit().unwrap();
    for (project, mode, customer) in
        [("other", "live", "alice"), ("shop", "test", "alice"), ("shop", "live", "bob")]
    {
        let call = json!({ "project": project, "mode": mode, "customer": customer, "ask": { "audit": {} } });
        assert_eq!(ledger.call(&message(call), at(1)).unwrap().status, 404, "{project} {mode} {customer}");
    }
    let by_id = message(json!({ "project": "shop", "mode": "live", "ask": { "transaction": { "seq": 1 } } }));
    assert_eq!(ledger.call(&by_id, at(1)).unwrap().status, 200);
}

#[test]
fn a_reader_in_the_same_flush_does_not_hide_that_something_was_written() {
    for reader in [json!({ "audit": {} }), json!({ "transactions": { "limit": 20, "offset": 0 } })] {
        let store = Sqlite::new();
        let mut ledger = open(&store);
        ledger.call(&topup(1), at(0)).unwrap();
        ledger.call(&call(reader), at(0)).unwrap();
        assert!(ledger.commit().unwrap(), "the directory and the alarm hang on it");
        assert!(ledger.must_list());
        assert!(!ledger.commit().unwrap());
    }
}

#[test]
fn hundreds_of_calls_with_large_metadata_share_a_flush() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    // Each quote is escaped twice on its way into the journal.
    let metadata = json!({ "quotes": "\"".repeat(2_000) }).to_string();
    let charge = json!({ "consume": { "amount": 1, "note": { "metadata": metadata } } });
    for _ in 0..600 {
        assert_eq!(ledger.call(&execute(charge.clone(), None), at(1)).unwrap().status, 200);
    }
    assert!(ledger.commit().unwrap());
    let audit = whole_audit(&mut open(&store), at(2));
    assert_eq!((audit["entries"].as_u64(), audit["consistent"].as_bool()), (Some(601), Some(true)));
}

#[test]
fn thousands_of_entries_fall_due_at_once_and_are_written() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(10), at(0)).unwrap();
    let reserve = json!({ "reserve": { "amount": 1_000, "expires_in_ms": 60_000 } });
    for _ in 0..10_000 {
        assert_eq!(ledger.call(&execute(reserve.clone(), None), at(1)).unwrap().status, 200);
    }
    assert!(ledger.commit().unwrap());
    ledger.settle_due(at(61)).unwrap();
    assert!(store.count("entries WHERE kind = 'hold_expired'") >= 9_000, "they grew into one statement");
    assert!(ledger.commit().unwrap(), "the alarm and the caller wait for what was written early");
    assert_eq!(store.count("entries WHERE kind = 'hold_expired'"), 10_000);
    let audit = whole_audit(&mut open(&store), at(62));
    assert_eq!((audit["entries"].as_u64(), audit["consistent"].as_bool()), (Some(20_001), Some(true)));
}

/// No alarm ever rings here, and the object is loaded anew: whoever looks
/// first after their end finds all credits free.
#[test]
fn ten_thousand_abandoned_holds_return_at_the_first_touch() {
    for (seconds, held) in [(59, 10), (60, 0), (40 * 86_400, 0)] {
        let store = Sqlite::new();
        let mut ledger = open(&store);
        ledger.call(&topup(10), at(0)).unwrap();
        let reserve = json!({ "reserve": { "amount": 1_000, "expires_in_ms": 60_000 } });
        for _ in 0..10_000 {
            assert_eq!(ledger.call(&execute(reserve.clone(), None), at(0)).unwrap().status, 200);
        }
        ledger.commit().unwrap();
        let balance = call(json!({ "balance": { "breakdown": false } }));
        let found = body(&mut open(&store), &balance, at(seconds));
        let shown = |field: &str| found[field].as_i64().unwrap();
        assert_eq!((shown("balance"), shown("held"), shown("available")), (10, held, 10 - held));
        let mut touched = open(&store);
        let spent = touched.call(&consume(10_000_000, None), at(seconds)).unwrap();
        assert_eq!(spent.status, if held == 0 { 200 } else { 402 }, "after {seconds} s");
        touched.commit().unwrap();
        let released = store.count("entries WHERE kind = 'hold_expired'");
        assert_eq!(released, if held == 0 { 10_000 } else { 0 });
    }
}

/// Making the tables is many statements, each of which may be the last: what
/// is missing is made by the next one who writes, and whose journal it is
/// stays known.
#[test]
fn tables_that_were_begun_and_not_finished_are_finished() {
    for begun in 0..9 {
        let store = Sqlite::new();
        store.fails_after.set(Some(begun));
        let mut ledger = open(&store);
        ledger.call(&topup(1), at(0)).unwrap();
        assert!(ledger.commit().is_err(), "after {begun} statements");
        store.fails_after.set(None);
        let mut again = open(&store);
        assert_eq!(again.call(&topup(2), at(1)).unwrap().status, 200);
        assert!(again.commit().unwrap());
        let balance = body(&mut open(&store), &call(json!({ "balance": { "breakdown": false } })), at(2));
        assert_eq!(balance["balance"], 2, "after {begun} statements");
        let stranger = json!({ "project": "other", "mode": "live", "customer": "eve", "ask": "customer" });
        assert_eq!(open(&store).call(&message(stranger), at(2)).unwrap().status, 404);
        assert_eq!(store.count("sqlite_master WHERE name LIKE 'entries%'"), 5);
    }
}

#[test]
fn a_batch_of_all_is_never_written_in_part() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&topup(1), at(0)).unwrap();
    let charge = |amount: u64| json!({ "command": { "consume": { "amount": amount } } });
    for _ in 0..999 {
        ledger.call(&consume(1, None), at(0)).unwrap();
    }
    // It begins just below what is written early, and its last item is too dear.
    let items: Vec<_> = (0..50).map(|item| charge(if item == 49 { 1_000_000 } else { 1 })).collect();
    let batch = call(json!({ "batch": { "items": items, "atomic": true } }));
    assert_eq!(ledger.call(&batch, at(0)).unwrap().status, 402);
    assert!(ledger.commit().unwrap());
    assert_eq!(store.count("entries"), 1_000);
    let audit = whole_audit(&mut open(&store), at(1));
    assert_eq!(audit["consistent"].as_bool(), Some(true));
}
