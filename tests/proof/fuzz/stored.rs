//! What comes out of storage: a journal's rows, its snapshot, a project's
//! record. Each may have been damaged, or be of another time. It is read or
//! refused, and what was read can be worked with.

use edge_credits::ledger::Event;
use edge_credits::worker::flow::Effect;
use edge_credits::worker::front::Front;
use edge_credits::worker::message::LedgerCall;
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::objects::shipping::Lane;
use edge_credits::worker::record::ProjectRecord;
use serde_json::json;

use crate::engine::Fuzz;
use crate::messages::message;
use crate::requests::Request;
use crate::sqlite::Sqlite;
use crate::world::ledger_id;
use crate::{now, world};

const EVENTS: &[&str] = &[
    "\"granted\"",
    "\"deducted\"",
    "\"consumed\"",
    "\"held\"",
    "\"extended\"",
    "\"settled\"",
    "\"released\"",
    "\"expired\"",
    "\"opened\"",
    "\"updated\"",
    "\"closed\"",
    "\"draws\":",
    "\"debt\":",
    "\"hold\":",
    "\"grant\":",
    "\"expires_at\":",
    "\"amount\":",
    "\"plan\":",
    "\"settings\":",
    "\"terms\":",
    "\"seq\":",
    "9000000000000000",
    "-9000000000000000",
    "253402300799999",
    "1772323200000",
];
/// One of each kind of ask that holds others.
const ASKS: &[&str] = &[
    r#"{"execute":{"command":{"consume":{"amount":1,"note":{"description":"a\u001eb","metadata":"{}"}}}}}"#,
    r#"{"execute":{"command":{"add":{"amount":1,"kind":"topup","product":"p","expires_at":1}},"deadline":1}}"#,
    r#"{"execute":{"command":{"open":{"settings":{}}},"key":{"key":"k","fingerprint":"f"}}}"#,
    r#"{"batch":{"items":[{"command":{"consume":{"amount":1}}},{"command":"close"}],"atomic":true}}"#,
    r#"{"import":{"rows":[{"command":{"complete":{"hold":1,"success":true,"charge":{"amount":1}}}}]}}"#,
    r#"{"transactions":{"limit":1,"offset":0,"kind":"consume","from":0}}"#,
    r#""payer""#,
];
const PACKED: &[&str] =
    &["~", "(", ")", "A", "1;", "-1;", "9000000000000000;", "18446744073709551615;", "0:", "1:a", "1+a0:"];
/// Stands between a row and the next.
const NEXT: char = '\n';

/// A journal's rows as text: one JSON list for each.
fn rows_of(store: &Sqlite) -> String {
    let select = "SELECT json_array(seq, at, kind, amount, balance_after, idempotency_key, fingerprint, about, \
                  payload, notices, hash) FROM entries ORDER BY seq";
    let mut select = store.connection.prepare(select).unwrap();
    let rows = select.query_map((), |row| row.get::<_, String>(0)).unwrap();
    rows.map(Result::unwrap).collect::<Vec<_>>().join(&NEXT.to_string())
}

/// Puts rows where a journal's were, as far as the tables take them. If the
/// last one has no hash they are of a time before there was a chain.
fn put_rows(store: &Sqlite, rows: &str) {
    let connection = &store.connection;
    connection.execute_batch("DELETE FROM entries; DROP TRIGGER entries_continue").unwrap();
    for row in rows.split(NEXT) {
        let insert = "INSERT OR IGNORE INTO entries SELECT ?1->>0, ?1->>1, ?1->>2, ?1->>3, ?1->>4, ?1->>5, ?1->>6, \
                      ?1->>7, ?1->>8, ?1->>9, ?1->>10";
        // What SQLite refuses was never there.
        connection.execute(insert, [row]).ok();
    }
    let unchained = "UPDATE identity SET unchained = coalesce(
                       (SELECT iif(hash IS NULL, seq, 0) FROM entries ORDER BY seq DESC LIMIT 1), 0)";
    connection.execute(unchained, []).unwrap();
}

/// Does one of everything with a ledger: how far it came.
fn use_ledger(store: &Sqlite, id: &str) -> String {
    let mut ledger = match LedgerObject::open(store.clone(), id) {
        Ok(ledger) => ledger,
        Err(fault) => return place(&fault.0),
    };
    let asks = [
        json!({ "balance": { "breakdown": true } }),
        json!({ "audit": {} }),
        json!("customer"),
        json!("settings"),
        json!("standing"),
        json!({ "transactions": { "limit": 100, "offset": 0 } }),
        json!({ "transaction": { "seq": 2 } }),
        json!({ "usage": { "seq": 3 } }),
        json!({ "export": { "after": 0, "limit": 100 } }),
        json!({ "totals": { "from": 0, "to": 253_402_300_799_999_i64, "by_day": true } }),
        json!({ "execute": { "command": { "consume": { "amount": 1 } } } }),
        json!({ "execute": { "command": { "consume": { "amount": 1 } }, "key": { "key": "k:first", "fingerprint": "x" } } }),
    ];
    let mut said = String::new();
    for (later, asks) in [(0, &asks[..]), (40 * 86_400_000, &asks[..2])] {
        for ask in asks {
            let call = json!({ "project": "shop", "mode": "live", "customer": "anna", "terms_version": 0, "ask": ask });
            let now = now().after_ms(later);
            match ledger.call(&message(call), now).and_then(|reply| ledger.commit().map(|_| reply)) {
                Ok(reply) => said.push_str(&format!("{} ", reply.status)),
                // As in the shell: the object is dropped.
                Err(fault) => return format!("{said}{}", place(&fault.0)),
            }
        }
    }
    for lane in [Lane::Rollup, Lane::Events] {
        if let Ok(Some(Effect::Rollup { .. } | Effect::Events { .. })) = ledger.shipment(lane) {
            said.push_str("ships ");
        }
    }
    said
}

/// A fault's own words.
fn place(fault: &str) -> String {
    let own = |word: &&str| word.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b':');
    fault.split(' ').filter(own).take(8).collect::<Vec<_>>().join(" ")
}

#[test]
fn journals() {
    let mut world = world();
    let stores = ["anna", "ben", "carl"].map(|customer| world.ledger_store(&ledger_id("live", customer)));
    let rows: Vec<_> = stores.iter().map(rows_of).collect();
    let without_hashes = |rows: &String| {
        let rows = rows.split(NEXT).map(|row| format!("{},null]", row.rsplit_once(',').unwrap().0));
        rows.collect::<Vec<_>>().join(&NEXT.to_string())
    };
    let older: Vec<_> = rows.iter().map(without_hashes).collect();
    let seeds = rows.into_iter().chain(older).map(String::into_bytes);
    let (id, store) = (ledger_id("live", "anna"), &stores[0]);
    Fuzz::new("journals", EVENTS, |input| {
        let rows = String::from_utf8_lossy(input);
        read_events(&rows);
        world.try_out(|_| {
            put_rows(store, &rows);
            use_ledger(store, &id)
        })
    })
    .with(seeds)
    .go();
}

/// What is read as an event prints as the same event.
fn read_events(rows: &str) {
    for row in rows.split(NEXT) {
        let payload =
            serde_json::from_str::<Vec<serde_json::Value>>(row).ok().and_then(|row| row.get(8).cloned());
        let event = payload.and_then(|payload| serde_json::from_str::<Event>(payload.as_str()?).ok());
        if let Some(event) = event {
            let printed = serde_json::to_string(&event).expect("an event prints");
            assert_eq!(serde_json::from_str::<Event>(&printed).ok(), Some(event), "{printed}");
        }
    }
}

#[test]
fn snapshots() {
    let mut world = world();
    let stores = ["anna", "ben", "carl"].map(|customer| world.ledger_store(&ledger_id("live", customer)));
    let state = |store: &Sqlite| {
        let (ledger, _) = edge_credits::worker::journal::SqlJournal::open(store.clone()).unwrap();
        serde_json::to_vec(&ledger).unwrap()
    };
    let seeds: Vec<_> = stores.iter().map(state).collect();
    let (id, store) = (ledger_id("live", "anna"), &stores[0]);
    Fuzz::new("snapshots", EVENTS, |input| {
        world.try_out(|_| {
            let insert = "INSERT INTO snapshot SELECT 0, max(seq), ? FROM entries";
            store.connection.execute(insert, [String::from_utf8_lossy(input)]).unwrap();
            use_ledger(store, &id)
        })
    })
    .with(seeds)
    .go();
}

/// Calls to ledgers: the engine's own, or another version's.
#[test]
fn calls() {
    let seeds = ASKS.iter().map(|ask| {
        let ask: serde_json::Value = serde_json::from_str(ask).unwrap();
        let call =
            json!({ "project": "shop", "mode": "live", "customer": "anna", "terms_version": 0, "ask": ask });
        message(call).into_bytes()
    });
    Fuzz::new("calls", PACKED, |input| {
        let text = String::from_utf8_lossy(input);
        let Ok(call) = LedgerCall::from_text(&text) else {
            return "refused".to_owned();
        };
        let written = call.to_text();
        assert_eq!(LedgerCall::from_text(&written).as_ref(), Ok(&call), "written as {written}");
        format!("{:?}", std::mem::discriminant(&call.ask))
    })
    .with(seeds)
    .go();
}

/// A record out of KV, which anybody with the account may have written.
#[test]
fn records() {
    let mut world = world();
    let record = world.record();
    Fuzz::new("records", EVENTS, |input| {
        let text = String::from_utf8_lossy(input);
        let front = Front::new("", "secret", "");
        let Some(record) = front.refreshed("project:shop:live", &format!("={text}"), now()) else {
            return "none".to_owned();
        };
        let printed = serde_json::to_string(&*record).expect("a record prints");
        assert_eq!(serde_json::from_str::<ProjectRecord>(&printed).ok().as_ref(), Some(&*record));
        let request = "POST /v1/customers/ben/consume\nkey: live\n\n{\"service\":\"ai\",\"action\":\"draw\"}";
        world.try_out(|world| {
            world.know(&format!("={text}"));
            let answered = world.send(&Request::all(request.as_bytes())[0]);
            world.audit();
            format!("{} {}", record.revoked.len().min(2), answered.status)
        })
    })
    .with([record.into_bytes()])
    .go();
}
