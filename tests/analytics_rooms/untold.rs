//! What a ledger tells from memory, against what its journal says.

use edge_credits::Timestamp;
use edge_credits::worker::flow::Effect;
use edge_credits::worker::objects::shipping::Lane;
use serde_json::{Value, json};

use super::at;
use super::shards::anything;
use super::world::{Customer, Dice, Shards};

/// So that most messages tell of one day, and some of two.
const MEAN_PAUSE_MS: u64 = 1_800_000;

/// What a ledger tells that was just loaded and knows how far it was heard:
/// it reads the journal.
fn read_back(customer: &Customer, seen: &Value) -> Option<(String, String)> {
    let mut twin = customer.twin();
    let next = |effect: Option<Effect>| match effect {
        Some(Effect::Rollup { names, message }) => Some((names.concat(), message)),
        None => None,
        other => panic!("not a shipment: {other:?}"),
    };
    assert!(next(twin.shipment(Lane::Rollup).unwrap()).is_some(), "it asks");
    twin.shipped(Lane::Rollup, &format!("200-{{\"seen\":{seen}}}")).unwrap();
    next(twin.shipment(Lane::Rollup).unwrap())
}

fn deltas(message: &str) -> Value {
    serde_json::from_str::<Value>(message).unwrap()["receive"].take()
}

fn statements(customer: &Customer) -> usize {
    customer.store.statements.borrow().len()
}

/// A customer whose ledger knows how far the shard has heard.
fn known(now: Timestamp, shards: &Shards) -> Customer {
    let mut customer = Customer::new(1);
    customer.order(&json!({ "add": { "amount": 50_000_000, "kind": "topup" } }), now);
    customer.ship_all(shards);
    customer
}

#[test]
fn what_a_ledger_tells_from_memory_is_what_its_journal_says() {
    let mut dice = Dice(11);
    let shards = Shards::new();
    let mut now = at("2027-12-29T12:00:00Z");
    let mut anna = known(now, &shards);
    let (mut told, mut days, mut debts) = (0, 0, 0);
    for _ in 0..6_000 {
        now = now.after_ms(i64::try_from(dice.below(2 * MEAN_PAUSE_MS)).unwrap());
        anything(&mut dice, &mut anna, now);
        if !dice.one_in(9) {
            continue;
        }
        let before = statements(&anna);
        let has_news = anna.ledger.has_news(Lane::Rollup);
        assert!(anna.ledger.tells_from_memory(Lane::Rollup));
        let shipment = anna.shipment();
        assert_eq!(has_news, shipment.is_some());
        assert_eq!(statements(&anna), before, "nothing was read");
        let Some((name, message)) = shipment else { continue };
        let tells = deltas(&message);
        assert_eq!(read_back(&anna, &tells["after"]), Some((name.clone(), message.clone())));
        let groups = tells["groups"].as_array().unwrap();
        told += groups.len();
        days += usize::from(groups.first().unwrap()["day"] != groups.last().unwrap()["day"]);
        debts += groups.iter().filter(|group| group["tally"]["overage"] != "0:0").count();
        anna.ledger.shipped(Lane::Rollup, &shards.call(&name, &message)).unwrap();
    }
    assert!(told > 2_000 && days > 50 && debts > 2, "{told} groups, {days} midnights, {debts} debts");
}

#[test]
fn what_was_told_and_not_heard_is_read_again() {
    let shards = Shards::new();
    let now = at("2028-02-29T12:00:00Z");
    let mut anna = known(now, &shards);
    let charge = json!({ "consume": { "amount": 3 } });
    anna.order(&charge, now);
    let lost = anna.shipment().unwrap();
    anna.order(&charge, now);
    assert!(!anna.ledger.tells_from_memory(Lane::Rollup));
    let (name, both) = anna.shipment().unwrap();
    assert_ne!(lost.1, both);
    assert_eq!(deltas(&both)["groups"][0]["tally"]["consumed"], "0:6");
    anna.order(&charge, now);
    anna.ledger.shipped(Lane::Rollup, &shards.call(&name, &both)).unwrap();
    // From here on memory goes on.
    assert!(anna.ledger.tells_from_memory(Lane::Rollup) && !anna.twin().tells_from_memory(Lane::Rollup));
    let before = statements(&anna);
    let (_, third) = anna.shipment().unwrap();
    assert_eq!(statements(&anna), before);
    assert_eq!(deltas(&third)["groups"][0]["tally"]["consumed"], "0:3");
}

#[test]
fn a_ledger_with_more_prices_than_it_keeps_reads_them() {
    let shards = Shards::new();
    let now = at("2028-02-29T12:00:00Z");
    let mut anna = known(now, &shards);
    for action in 0..70 {
        let note = json!({ "service": "ai", "action": format!("a{action}"), "price_version": 1 });
        anna.order(&json!({ "consume": { "amount": 1, "note": note } }), now);
    }
    let (name, message) = anna.shipment().unwrap();
    let tells = deltas(&message);
    assert_eq!(tells["groups"].as_array().unwrap().len(), 70);
    assert_eq!(read_back(&anna, &tells["after"]), Some((name.clone(), message.clone())));
    anna.ledger.shipped(Lane::Rollup, &shards.call(&name, &message)).unwrap();
    assert_eq!(anna.shipment(), None);
}

#[test]
fn a_ledger_without_anything_to_tell_the_app_reads_nothing_for_it() {
    let shards = Shards::new();
    let now = at("2028-02-29T12:00:00Z");
    let mut anna = known(now, &shards);
    // One that was just loaded does not know: it looks once, and asks nobody.
    anna.order(&json!({ "consume": { "amount": 1 } }), now);
    anna.fall_asleep();
    assert!(anna.ledger.has_news(Lane::Events), "the top-up may not have been told");
    let told = anna.ledger.shipment(Lane::Events).unwrap();
    assert!(matches!(told, Some(Effect::Events { .. })), "{told:?}");
    anna.ledger.shipped(Lane::Events, r#"200-{"seen":1}"#).unwrap();
    assert_eq!(anna.ledger.shipment(Lane::Events).unwrap(), None);
    for _ in 0..3 {
        anna.order(&json!({ "consume": { "amount": 1 } }), now);
        let before = statements(&anna);
        assert!(!anna.ledger.has_news(Lane::Events));
        assert_eq!(anna.ledger.shipment(Lane::Events).unwrap(), None);
        assert_eq!(statements(&anna), before);
    }
    anna.order(&json!({ "add": { "amount": 5, "kind": "topup" } }), now);
    assert!(anna.ledger.has_news(Lane::Events));
    let Some(Effect::Events { message, .. }) = anna.ledger.shipment(Lane::Events).unwrap() else {
        panic!("the top-up is told");
    };
    let told: Value = serde_json::from_str(&message).unwrap();
    assert_eq!(told["receive"]["events"][0]["type"], "balance.topped_up");
}
