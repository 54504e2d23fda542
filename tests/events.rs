//! An events object over a real SQLite: each notice is kept once and in
//! order, and delivered at least once, in order for each customer.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod sqlite;

use edge_credits::Timestamp;
use edge_credits::worker::objects::delivery::{self, Delivery, Outcome};
use edge_credits::worker::objects::events;
use serde_json::{Value, json};
use sqlite::Sqlite;

const SECOND: i64 = 1_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;
const OK: Outcome = Outcome::Answered { status: 200, retry_after_s: None };
const BROKEN: Outcome = Outcome::Answered { status: 500, retry_after_s: None };

fn at(ms: i64) -> Timestamp {
    Timestamp::from_ms(1_772_323_200_000 + ms)
}

fn id(ledger: &str, seq: u64) -> String {
    format!("evt_{ledger}_{seq}")
}

/// A ledger's notices in `after..=upto`: one for each of `seqs`.
fn notices(ledger: &str, after: u64, upto: u64, seqs: &[u64]) -> Value {
    let event = |seq: &u64| json!({ "id": id(ledger, *seq), "seq": seq, "type": "balance.low", "at": at(0), "data": "{\"balance\":0.1}" });
    let events: Vec<_> = seqs.iter().map(event).collect();
    json!({ "project": "shop", "mode": "live", "customer": ledger, "ledger": ledger, "after": after, "upto": upto, "events": events })
}

fn call(store: &Sqlite, ask: &Value, now: i64) -> Value {
    let reply = events::call(store, &ask.to_string(), at(now)).unwrap();
    assert_eq!(reply.status, 200, "{}", reply.body);
    serde_json::from_str(&reply.body).unwrap()
}

fn receive(store: &Sqlite, notices: &Value, now: i64) -> u64 {
    call(store, &json!({ "receive": notices }), now)["seen"].as_u64().unwrap()
}

/// All events as they are listed, the newest first.
fn list(store: &Sqlite) -> Vec<Value> {
    let page = call(store, &json!({ "list": { "limit": 100 } }), 0);
    page["events"].as_array().unwrap().iter().map(|listed| listed["event"].clone()).collect()
}

fn state(store: &Sqlite, ledger: &str, seq: u64) -> Value {
    call(store, &json!({ "event": { "id": id(ledger, seq) } }), 0)["delivery"].clone()
}

fn take(store: &Sqlite, now: i64) -> Vec<Delivery> {
    delivery::take(store, 6, at(now)).unwrap()
}

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.id.as_str()).collect()
}

fn finish(store: &Sqlite, delivery: &Delivery, outcome: Outcome, now: i64) {
    delivery::finish(store, delivery.row, delivery.attempt, outcome, at(now)).unwrap();
}

fn wake_at(store: &Sqlite) -> Option<i64> {
    delivery::wake_at(store).unwrap().map(|wake_at| wake_at.ms_since(at(0)))
}

#[test]
fn a_notice_is_kept_once_however_often_it_is_told() {
    let store = Sqlite::new();
    assert_eq!(receive(&store, &notices("a", 0, 3, &[1, 3]), 0), 3);
    assert_eq!(receive(&store, &notices("a", 0, 3, &[1, 3]), 0), 3);
    // The ledger had not heard, and tells on from where it was.
    assert_eq!(receive(&store, &notices("a", 0, 7, &[1, 3, 5]), 0), 7);
    assert_eq!(receive(&store, &notices("a", 7, 9, &[]), 0), 9);
    assert_eq!(receive(&store, &notices("b", 0, 1, &[1]), 0), 1);
    assert_eq!(store.count("events"), 4);
}

#[test]
fn a_gap_is_not_passed_over() {
    let store = Sqlite::new();
    assert_eq!(receive(&store, &notices("a", 0, 2, &[2]), 0), 2);
    assert_eq!(receive(&store, &notices("a", 4, 5, &[5]), 0), 2);
    assert_eq!(receive(&store, &notices("a", 2, 5, &[3, 5]), 0), 5);
    // An earlier call that arrives late.
    assert_eq!(receive(&store, &notices("a", 2, 4, &[3, 4]), 0), 5);
    assert_eq!(store.count("events"), 3);
}

#[test]
fn another_projects_notices_are_refused() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 1, &[1]), 0);
    let mut foreign = notices("b", 0, 1, &[1]);
    foreign["mode"] = json!("test");
    assert!(events::call(&store, &json!({ "receive": foreign }).to_string(), at(0)).is_err());
    assert_eq!(store.count("events"), 1);
}

#[test]
fn a_customers_events_go_one_by_one_and_customers_beside_each_other() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 3, &[1, 2, 3]), 0);
    receive(&store, &notices("b", 0, 1, &[1]), 1);
    let first = take(&store, 1);
    assert_eq!(ids(&first), [id("a", 1), id("b", 1)]);
    assert_eq!(take(&store, 1), [], "both are under way");
    finish(&store, &first[0], BROKEN, 2);
    finish(&store, &first[1], OK, 2);
    assert_eq!(take(&store, 2), [], "the failed one goes first, in a while");
    let again = take(&store, 10 * SECOND);
    assert_eq!(ids(&again), [id("a", 1)]);
    assert_eq!(again[0].attempt, 2);
    finish(&store, &again[0], OK, 10 * SECOND);
    let second = take(&store, 10 * SECOND);
    assert_eq!(ids(&second), [id("a", 2)]);
    finish(&store, &second[0], OK, 10 * SECOND);
    // What comes meanwhile stands behind what waits.
    receive(&store, &notices("a", 3, 4, &[4]), 10 * SECOND);
    for seq in [3, 4] {
        let next = take(&store, 10 * SECOND);
        assert_eq!(ids(&next), [id("a", seq)]);
        finish(&store, &next[0], OK, 10 * SECOND);
    }
    assert!(list(&store).iter().all(|event| event["delivery"]["status"] == "delivered"));
}

#[test]
fn the_body_is_the_payload_of_standard_webhooks_with_exact_decimals() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 1, &[1]), 0);
    assert_eq!(
        take(&store, 0)[0].body,
        r#"{"id":"evt_a_1","type":"balance.low","timestamp":"2026-03-01T00:00:00.000Z","data":{"balance":0.1}}"#
    );
}

#[test]
fn an_attempt_that_never_comes_back_is_made_again() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 2, &[1, 2]), 0);
    let lost = take(&store, 0);
    assert_eq!(wake_at(&store), Some(20 * SECOND), "the alarm knows of it");
    assert_eq!(take(&store, 20 * SECOND - 1), []);
    let again = take(&store, 20 * SECOND);
    assert_eq!((again[0].id.as_str(), again[0].attempt), (lost[0].id.as_str(), 2));
    // The lost one comes back after all: it has no say any more.
    finish(&store, &lost[0], BROKEN, 21 * SECOND);
    assert_eq!(state(&store, "a", 1)["last_status"], Value::Null);
    finish(&store, &again[0], OK, 21 * SECOND);
    finish(&store, &again[0], BROKEN, 21 * SECOND);
    assert_eq!(state(&store, "a", 1)["status"], "delivered");
    assert_eq!(ids(&take(&store, 21 * SECOND)), [id("a", 2)]);
}

/// Fails an event until it is given up; when each attempt was made.
fn fail_until_given_up(store: &Sqlite, ledger: &str, outcome: Outcome) -> Vec<i64> {
    let mut attempts = Vec::new();
    let mut now = 0;
    while state(store, ledger, 1)["status"] == "pending" {
        now = wake_at(store).unwrap().max(now);
        let made = take(store, now);
        attempts.push(now);
        finish(store, &made[0], outcome, now);
    }
    attempts
}

#[test]
fn a_dead_endpoint_is_tried_for_24_hours_ever_more_slowly() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 1, &[1]), 0);
    let attempts = fail_until_given_up(&store, "a", Outcome::Unreachable);
    let pauses: Vec<_> = attempts.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let expected = [5, 30, 120, 600, 1_800, 3_600, 7_200, 7_200];
    for (pause, seconds) in pauses.iter().zip(expected) {
        let planned = seconds * SECOND;
        assert!((planned * 9 / 10..planned * 11 / 10).contains(pause), "{pause} ms is not about {seconds} s");
    }
    assert_eq!(attempts.last(), Some(&DAY));
    assert!((16..=20).contains(&attempts.len()), "{} attempts", attempts.len());
    let given_up = state(&store, "a", 1);
    assert_eq!(
        (&given_up["status"], &given_up["attempts"], &given_up["next_attempt_at"]),
        (&json!("failed"), &json!(attempts.len()), &Value::Null)
    );
    assert_eq!(given_up["last_error"], "the endpoint could not be reached");
    assert_eq!(given_up["last_attempt_at"], at(DAY).to_string());
}

#[test]
fn when_one_is_given_up_the_next_goes_and_is_tried_at_least_once() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 2, &[1, 2]), 0);
    fail_until_given_up(&store, "a", BROKEN);
    let next = take(&store, DAY);
    assert_eq!(ids(&next), [id("a", 2)]);
    finish(&store, &next[0], BROKEN, DAY + 1);
    assert_eq!(state(&store, "a", 2)["status"], "failed", "its day is over too");
}

#[test]
fn what_the_endpoint_says_is_heeded() {
    for (outcome, status, error) in [
        (Outcome::Answered { status: 204, retry_after_s: None }, "delivered", Value::Null),
        (
            Outcome::Answered { status: 410, retry_after_s: None },
            "failed",
            json!("the endpoint wants no more of this"),
        ),
        (
            Outcome::Answered { status: 301, retry_after_s: None },
            "pending",
            json!("the endpoint redirects, which is not followed"),
        ),
        (
            Outcome::Answered { status: 404, retry_after_s: None },
            "pending",
            json!("the endpoint did not answer with a 2xx status"),
        ),
        (Outcome::TimedOut, "pending", json!("the endpoint did not answer in time")),
    ] {
        let store = Sqlite::new();
        receive(&store, &notices("a", 0, 1, &[1]), 0);
        finish(&store, &take(&store, 0)[0], outcome, 0);
        let delivery = state(&store, "a", 1);
        assert_eq!((&delivery["status"], &delivery["last_error"]), (&json!(status), &error));
    }
    // It asks for time: granted up to an hour, and never a shorter pause.
    for (asked, pause) in [(Some(60), 60..61), (Some(100_000), 3_600..3_601), (Some(0), 4..6), (None, 4..6)] {
        let store = Sqlite::new();
        receive(&store, &notices("a", 0, 1, &[1]), 0);
        let busy = Outcome::Answered { status: 503, retry_after_s: asked };
        finish(&store, &take(&store, 0)[0], busy, 0);
        assert!(pause.contains(&(wake_at(&store).unwrap() / SECOND)), "{asked:?}");
    }
}

#[test]
fn without_an_endpoint_events_are_kept_and_not_sent_later() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 2, &[1, 2]), 0);
    assert_eq!(
        delivery::due_owner(&store, at(0)).unwrap().map(|(project, _)| project.into_string()),
        Some("shop".to_owned())
    );
    delivery::drop_due(&store).unwrap();
    assert_eq!(delivery::due_owner(&store, at(DAY)).unwrap(), None);
    assert_eq!(take(&store, DAY), []);
    for seq in [1, 2] {
        assert_eq!(state(&store, "a", seq)["status"], "no_endpoint");
    }
    // One that comes when there is one again goes at once.
    receive(&store, &notices("a", 2, 3, &[3]), 1);
    assert_eq!(ids(&take(&store, 1)), [id("a", 3)]);
}

#[test]
fn events_are_removed_after_30_days_by_an_alarm_of_their_own() {
    let store = Sqlite::new();
    receive(&store, &notices("a", 0, 1, &[1]), 0);
    finish(&store, &take(&store, 0)[0], OK, 0);
    receive(&store, &notices("b", 0, 1, &[1]), DAY);
    finish(&store, &take(&store, DAY)[0], OK, DAY);
    assert_eq!(wake_at(&store), Some(30 * DAY + HOUR));
    events::prune(&store, at(30 * DAY - 1)).unwrap();
    assert_eq!(store.count("events"), 2);
    events::prune(&store, at(30 * DAY + HOUR)).unwrap();
    assert_eq!(list(&store).len(), 1);
    assert_eq!(wake_at(&store), Some(31 * DAY + HOUR));
    events::prune(&store, at(31 * DAY)).unwrap();
    assert_eq!(wake_at(&store), None);
    // What it was told stays known: nothing is told twice.
    assert_eq!(receive(&store, &notices("a", 0, 1, &[1]), 31 * DAY), 1);
    assert_eq!(store.count("events"), 0);
}

#[test]
fn a_list_is_newest_first_filtered_and_continued_without_gap_or_repeat() {
    let store = Sqlite::new();
    for (ledger, seqs) in [("a", &[1, 2, 3][..]), ("b", &[1, 2])] {
        let mut told = notices(ledger, 0, 3, seqs);
        for (index, event) in told["events"].as_array_mut().unwrap().iter_mut().enumerate() {
            event["at"] = json!(at(i64::try_from(index / 2).unwrap()));
            if index == 0 {
                event["type"] = json!("hold.expired");
            }
        }
        receive(&store, &told, 0);
    }
    let all: Vec<_> = list(&store).iter().map(|event| event["id"].clone()).collect();
    assert_eq!(all, [id("a", 3), id("b", 2), id("b", 1), id("a", 2), id("a", 1)]);
    let page = |query: Value| {
        let page = call(&store, &json!({ "list": query }), 0);
        let ids: Vec<_> = page["events"].as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        (page["total"].as_u64().unwrap(), ids)
    };
    let (total, ids) = page(json!({ "limit": 2, "before": [at(0), id("b", 2)] }));
    assert_eq!((total, ids), (5, vec![json!(id("b", 1)), json!(id("a", 2))]));
    assert_eq!(page(json!({ "limit": 9, "type": "hold.expired" })).0, 2);
    assert_eq!(page(json!({ "limit": 9, "type": "hold.expired", "customer": "b" })).1, [id("b", 1)]);
}
