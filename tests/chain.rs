//! The chain of hashes over a real SQLite: whatever is changed in a journal is
//! found, and where.
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

use edge_credits::Timestamp;
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::objects::ledger_audit::goes_on;
use messages::message;
use serde_json::{Value, json};
use sqlite::Sqlite;

const OBJECT: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";
/// More than a snapshot's interval.
const ENTRIES: i64 = 300;

fn at(second: i64) -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000 + second * 1000)
}

fn call(ask: Value) -> String {
    message(json!({ "project": "shop", "mode": "live", "customer": "alice", "terms_version": 0, "ask": ask }))
}

fn execute(command: Value, key: Option<&str>) -> String {
    let mut request = json!({ "command": command });
    if let Some(key) = key {
        request["key"] = json!({ "key": key, "fingerprint": "f" });
    }
    call(json!({ "execute": request }))
}

fn open(store: &Sqlite) -> LedgerObject<Sqlite> {
    LedgerObject::open(store.clone(), OBJECT).unwrap()
}

fn audit(ledger: &mut LedgerObject<Sqlite>) -> Value {
    let mut run = None;
    loop {
        let reply = ledger.call(&call(json!({ "audit": { "run": run } })), at(10_000)).unwrap();
        run = goes_on(&reply);
        if run.is_none() {
            assert_eq!(reply.status, 200, "{}", reply.body);
            return serde_json::from_str(&reply.body).unwrap();
        }
    }
}

/// What is wrong, as pairs of a number and a word.
fn faults(store: &Sqlite) -> Vec<(u64, String)> {
    let audit = audit(&mut open(store));
    let faults: Vec<_> = audit["faults"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fault| (fault["seq"].as_u64().unwrap(), fault["fault"].as_str().unwrap().to_owned()))
        .collect();
    assert_eq!(audit["consistent"], faults.is_empty(), "{audit}");
    faults
}

/// A journal of charges with keys, a hold and its end, and a refund.
fn journal() -> Sqlite {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&execute(json!({ "add": { "amount": 100_000_000, "kind": "topup" } }), None), at(0)).unwrap();
    ledger
        .call(&execute(json!({ "reserve": { "amount": 5, "expires_in_ms": 60_000 } }), None), at(1))
        .unwrap();
    ledger
        .call(&execute(json!({ "complete": { "hold": 2, "success": true, "amount": 3 } }), Some("c")), at(2))
        .unwrap();
    for second in 4..=ENTRIES {
        let key = (second % 2 == 0).then(|| format!("k:{second}"));
        let reply =
            ledger.call(&execute(json!({ "consume": { "amount": 7 } }), key.as_deref()), at(second)).unwrap();
        assert_eq!(reply.status, 200, "{}", reply.body);
        ledger.commit().unwrap();
    }
    assert_eq!(store.count("entries"), ENTRIES);
    store
}

fn change(store: &Sqlite, sql: &str) {
    assert!(store.connection.execute(sql, ()).unwrap() > 0, "{sql}");
}

#[test]
fn a_journal_that_nobody_touched_is_sound() {
    let store = journal();
    let mut ledger = open(&store);
    let first = audit(&mut ledger);
    assert_eq!((&first["faults"], &first["chain"]["from"]), (&json!([]), &json!(1)));
    ledger.call(&execute(json!({ "consume": { "amount": 7 } }), None), at(500)).unwrap();
    let second = audit(&mut ledger);
    assert_eq!((&second["consistent"], &second["entries"]), (&json!(true), &json!(ENTRIES + 1)));
    assert_ne!(second["chain"]["head"], first["chain"]["head"]);
    let old = "SELECT hash FROM entries WHERE seq = ?";
    let hash: String = store.connection.query_row(old, (ENTRIES,), |row| row.get(0)).unwrap();
    assert_eq!(first["chain"]["head"], hash, "a head that was noted down is found again");
}

#[test]
fn whatever_is_changed_in_a_row_is_found_there_and_only_there() {
    let store = journal();
    for seq in [1, 3, 150, ENTRIES - 1] {
        for column in [
            "at = at + 1",
            "kind = 'refund'",
            "amount = amount + 1",
            "balance_after = balance_after + 1",
            "idempotency_key = 'k:other', fingerprint = coalesce(fingerprint, 'f')",
            "idempotency_key = coalesce(idempotency_key, 'k:x'), fingerprint = 'g'",
            "about = coalesce(about, 0) + 1",
            "payload = replace(payload, '}', ' }')",
            "payload = '{}'",
            "notices = '[1,2,null]'",
            "hash = upper(hash)",
            "hash = substr(hash, 2) || substr(hash, 1, 1)",
            "hash = NULL",
        ] {
            store.connection.execute_batch("SAVEPOINT unharmed").unwrap();
            change(&store, &format!("UPDATE entries SET {column} WHERE seq = {seq}"));
            let expected = vec![(u64::try_from(seq).unwrap(), "hash".to_owned())];
            assert_eq!(faults(&store), expected, "{column} of {seq}");
            store.connection.execute_batch("ROLLBACK TO unharmed").unwrap();
        }
    }
}

#[test]
fn a_row_that_is_gone_moved_or_put_in_another_journal_is_found() {
    let store = journal();
    change(&store, "DELETE FROM entries WHERE seq = 150");
    assert_eq!(faults(&store), [(150, "missing".to_owned())]);

    let store = journal();
    change(&store, "UPDATE entries SET seq = 100000 WHERE seq = 150");
    assert_eq!(faults(&store)[0], (150, "missing".to_owned()));

    // The last one leaves no gap: what is kept in memory knows better.
    let store = journal();
    let mut live = open(&store);
    change(&store, &format!("DELETE FROM entries WHERE seq = {ENTRIES}"));
    assert_eq!(audit(&mut live)["faults"][0]["fault"], "ledger");

    let store = journal();
    change(&store, "UPDATE identity SET customer = 'bob'");
    let call = json!({ "project": "shop", "mode": "live", "customer": "bob", "ask": { "audit": {} } });
    let reply = open(&store).call(&message(call), at(0)).unwrap();
    let found: Value = serde_json::from_str(&reply.body).unwrap();
    assert_eq!((&found["faults"][0]["seq"], &found["faults"][0]["fault"]), (&json!(1), &json!("hash")));
}

#[test]
fn a_chain_that_was_computed_anew_shows_in_its_head() {
    let store = journal();
    let head = audit(&mut open(&store))["chain"]["head"].clone();
    // Another history of the same customer, sound in itself.
    let other = Sqlite::new();
    let mut ledger = open(&other);
    ledger.call(&execute(json!({ "add": { "amount": 100_000_001, "kind": "topup" } }), None), at(0)).unwrap();
    let forged = audit(&mut ledger);
    assert_eq!(forged["consistent"], true);
    assert_ne!(forged["chain"]["head"], head);
}

#[test]
fn a_snapshot_that_does_not_follow_from_the_entries_is_found() {
    for state in [
        "replace(state, '\"balance\":99', '\"balance\":98')",
        "replace(state, '\"debt\":0', '\"debt\":1')",
        "replace(state, '\"next_due\":null', '\"next_due\":1')",
        "substr(state, 2)",
        "'{}'",
    ] {
        let store = journal();
        let seq: i64 = store.connection.query_row("SELECT seq FROM snapshot", [], |row| row.get(0)).unwrap();
        change(&store, &format!("UPDATE snapshot SET state = {state}"));
        let found = faults(&store);
        match state.contains("next_due") {
            // Looking for what is due too early does no harm.
            true => assert_eq!(found, []),
            false => assert_eq!(found, [(u64::try_from(seq).unwrap(), "snapshot".to_owned())], "{state}"),
        }
    }
}

#[test]
fn a_key_that_its_index_has_lost_is_found() {
    let store = journal();
    let definition =
        "CREATE UNIQUE INDEX entries_by_key ON entries (idempotency_key) WHERE idempotency_key IS NOT NULL";
    store.connection.execute_batch("DROP INDEX entries_by_key").unwrap();
    let other = format!("{definition} AND seq <> 150");
    store.connection.execute_batch(&other).unwrap();
    store.connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
    let forge = "UPDATE sqlite_master SET sql = ? WHERE name = 'entries_by_key'";
    store.connection.execute(forge, (definition,)).unwrap();
    store.connection.execute_batch("PRAGMA writable_schema = RESET").unwrap();
    assert_eq!(faults(&store), [(150, "index".to_owned())]);
}

#[test]
fn a_journal_that_cannot_be_folded_says_where_and_takes_nothing_more() {
    let store = journal();
    change(&store, &format!("UPDATE entries SET payload = '{{' WHERE seq = {}", ENTRIES - 2));
    let mut ledger = open(&store);
    assert!(ledger.damage().unwrap().contains(&format!("entry {}", ENTRIES - 2)));
    let refused = ledger.call(&execute(json!({ "consume": { "amount": 7 } }), None), at(400)).unwrap();
    assert_eq!(refused.status, 500);
    assert!(refused.body.contains(&format!("damaged at entry {}", ENTRIES - 2)), "{}", refused.body);
    assert!(!ledger.must_list() && ledger.wake_at(at(400)).is_none());
    assert!(!ledger.commit().unwrap());
    assert_eq!(store.count("entries"), ENTRIES);
    assert_eq!(faults(&store), [(u64::try_from(ENTRIES - 2).unwrap(), "hash".to_owned())]);
}

#[test]
fn entries_that_cannot_add_up_are_damage_and_settle_nothing_for_ever() {
    let store = Sqlite::new();
    let mut ledger = open(&store);
    ledger.call(&execute(json!({ "add": { "amount": 1_000, "kind": "topup" } }), None), at(0)).unwrap();
    for second in 1..=3 {
        let hold = execute(json!({ "reserve": { "amount": 5, "expires_in_ms": 60_000 } }), None);
        ledger.call(&hold, at(second)).unwrap();
    }
    ledger.commit().unwrap();
    // A hold by another number would end again and again, and never be gone.
    change(&store, "UPDATE entries SET payload = replace(payload, '\"seq\":2', '\"seq\":9') WHERE seq = 2");
    let mut damaged = open(&store);
    let refused = damaged.call(&execute(json!({ "consume": { "amount": 7 } }), None), at(500)).unwrap();
    assert_eq!(refused.status, 500);
    assert!(refused.body.contains("damaged at entry 3"), "{}", refused.body);
    damaged.settle_due(at(500)).unwrap();
    assert!(!damaged.commit().unwrap());
    assert_eq!(store.count("entries"), 4);
    assert!(faults(&store).contains(&(2, "hash".to_owned())), "{:?}", faults(&store));
}

#[test]
fn a_journal_from_before_the_chain_is_covered_by_the_first_hash() {
    let store = journal();
    let before = audit(&mut open(&store));
    // As the layout was before there were notices.
    let undo = "DROP INDEX entries_noticed; ALTER TABLE entries DROP COLUMN notices;
                ALTER TABLE entries DROP COLUMN hash; ALTER TABLE identity DROP COLUMN unchained;
                UPDATE snapshot SET state = replace(state, '\"used\":', '\"unused\":')";
    store.connection.execute_batch(undo).unwrap();
    let mut ledger = open(&store);
    let old = audit(&mut ledger);
    assert_eq!((&old["faults"], &old["chain"]["from"]), (&json!([]), &json!(ENTRIES + 1)));
    assert_eq!(old["live_balance"], before["live_balance"]);
    assert_eq!(store.count("entries WHERE hash IS NOT NULL"), 0, "reading writes no row");

    let mut ledger = open(&store);
    ledger.call(&execute(json!({ "consume": { "amount": 7 } }), None), at(500)).unwrap();
    ledger.commit().unwrap();
    assert_eq!(store.count("entries WHERE hash IS NOT NULL"), 1);
    assert_eq!(faults(&store), []);
    let copy = |sql: &str| {
        change(&store, sql);
        faults(&store)
    };
    let first = u64::try_from(ENTRIES).unwrap() + 1;
    let at_the_first = [(first, "hash".to_owned())];
    assert_eq!(copy("UPDATE entries SET at = at + 1 WHERE seq = 200"), at_the_first, "an old row counts too");
    assert_eq!(copy("UPDATE entries SET at = at - 1 WHERE seq = 200"), []);
    change(&store, &format!("UPDATE entries SET hash = NULL WHERE seq = {first}"));
    assert_eq!(faults(&store), [(first, "hash".to_owned())], "it is younger than the chain");
}
