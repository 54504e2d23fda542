//! The shards against the journals.

use std::collections::{BTreeMap, BTreeSet};

use edge_credits::Timestamp;
use edge_credits::worker::objects::shipping::Lane;
use serde_json::{Value, json};

use super::at;
use super::world::{Customer, Dice, Shards};

const CUSTOMERS: u64 = 500;
const OPERATIONS: u64 = 50_000;
/// So that the operations take about 90 days.
const MEAN_PAUSE_MS: u64 = 90 * 86_400_000 / OPERATIONS;
const TRANSACTIONS: [&str; 5] = ["consumption", "topup", "adjustment", "refund", "expiry"];

/// Consumed, added, removed, and how many.
type Sums = (i128, i128, i128, u64);

fn take_in(sums: &mut Sums, kind: &str, amount: i64) {
    let amount = i128::from(amount);
    match kind {
        "consumption" => sums.0 -= amount,
        _ if amount >= 0 => sums.1 += amount,
        _ => sums.2 -= amount,
    }
    sums.3 += 1;
}

fn millionths(total: &Value) -> i128 {
    let (whole, rest) = total.as_str().unwrap().split_once(':').unwrap();
    whole.parse::<i128>().unwrap() * 1_000_000 + rest.parse::<i128>().unwrap()
}

fn told(tally: &Value) -> Sums {
    let [consumed, added, removed] = ["consumed", "added", "removed"].map(|name| millionths(&tally[name]));
    (consumed, added, removed, tally["count"].as_u64().unwrap())
}

fn join(sums: &mut Sums, more: Sums) {
    *sums = (sums.0 + more.0, sums.1 + more.1, sums.2 + more.2, sums.3 + more.3);
}

/// What the journals say, read row by row.
struct Books {
    by_day: BTreeMap<i64, Sums>,
    by_customer: BTreeMap<String, BTreeMap<i64, Sums>>,
    by_kind: BTreeMap<String, Sums>,
    balance: i128,
    net: i128,
}

impl Books {
    fn read(customers: &[Customer]) -> Self {
        let (mut by_day, mut by_customer, mut by_kind) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let (mut balance, mut net) = (0, 0);
        for customer in customers {
            let days: &mut BTreeMap<i64, Sums> = by_customer.entry(customer.id.clone()).or_default();
            for (day, kind, amount) in customer.rows() {
                net += i128::from(amount);
                if TRANSACTIONS.contains(&kind.as_str()) {
                    take_in(by_day.entry(day).or_default(), &kind, amount);
                    take_in(days.entry(day).or_default(), &kind, amount);
                    take_in(by_kind.entry(kind.clone()).or_default(), &kind, amount);
                }
            }
            balance += i128::from(customer.balance());
        }
        Self { by_day, by_customer, by_kind, balance, net }
    }

    fn of(&self, from: i64, to: i64) -> Sums {
        let mut sums = Sums::default();
        self.by_day.range(from..=to).for_each(|(_, more)| join(&mut sums, *more));
        sums
    }

    fn of_customer(&self, customer: &str, from: i64, to: i64) -> Sums {
        let mut sums = Sums::default();
        self.by_customer[customer].range(from..=to).for_each(|(_, more)| join(&mut sums, *more));
        sums
    }

    /// The customers by what they consumed in a span, the most first.
    fn top(&self, from: i64, to: i64) -> Vec<(String, Sums)> {
        let in_span = |id: &String| (id.clone(), self.of_customer(id, from, to));
        let mut all: Vec<_> = self.by_customer.keys().map(in_span).filter(|(_, sums)| sums.0 > 0).collect();
        all.sort_by(|(id, one), (other_id, other)| other.0.cmp(&one.0).then(id.cmp(other_id)));
        all
    }
}

fn assert_told(shards: &Shards, books: &Books, from: i64, to: i64) {
    let span = json!([from, to]);
    let mut days: BTreeMap<i64, Sums> = BTreeMap::new();
    for row in shards.ask(&json!({ "days": span })).iter().flat_map(|rows| rows.as_array().unwrap()) {
        join(days.entry(row[0].as_i64().unwrap()).or_default(), told(&row[1]));
    }
    assert_eq!(days, books.by_day.range(from..=to).map(|(day, sums)| (*day, *sums)).collect(), "{span}");

    let (mut summed, mut active) = (Sums::default(), 0);
    for summary in shards.ask(&json!({ "summary": [span] })) {
        join(&mut summed, told(&summary[0][0]));
        active += summary[0][1].as_u64().unwrap();
    }
    let is_active = |id: &&String| books.of_customer(id, from, to).3 > 0;
    let known = books.by_customer.keys().filter(is_active).count();
    assert_eq!((summed, active), (books.of(from, to), u64::try_from(known).unwrap()), "{span}");

    let top = shards.ask(&json!({ "top": { "span": span, "limit": 7 } }));
    let mut top: Vec<_> = top
        .iter()
        .flat_map(|rows| rows.as_array().unwrap())
        .map(|row| (row[0].as_str().unwrap().to_owned(), told(&row[1])))
        .collect();
    top.sort_by(|(id, one), (other_id, other)| other.0.cmp(&one.0).then(id.cmp(other_id)));
    top.truncate(7);
    assert_eq!(top, books.top(from, to).into_iter().take(7).collect::<Vec<_>>(), "{span}");
}

/// One operation of a customer, most of them charges.
pub(super) fn anything(dice: &mut Dice, customer: &mut Customer, now: Timestamp) {
    let amount = i64::try_from(1 + dice.below(9_000_000)).unwrap();
    let note = match dice.below(3) {
        0 => json!({ "service": "ai", "action": format!("a{}", dice.below(5)), "price_version": 1 }),
        1 => json!({ "model": format!("m{}", dice.below(3)), "price_version": 1 }),
        _ => json!({ "model": "unpriced", "feature": "chat" }),
    };
    let command = match dice.below(20) {
        0..3 => json!({ "add": { "amount": amount * 5, "kind": "topup" } }),
        3 => {
            let expires_at = now.after_ms(i64::try_from(dice.below(9 * 86_400_000)).unwrap() + 1);
            json!({ "add": { "amount": amount * 4, "kind": "topup", "expires_at": expires_at } })
        }
        4 => json!({ "add": { "amount": amount, "kind": "adjustment" } }),
        5 => json!({ "add": { "amount": -amount, "kind": "adjustment" } }),
        6 => json!({ "reserve": { "amount": amount, "expires_in_ms": 3_600_000, "note": note } }),
        7 => {
            let charge = json!({ "amount": amount * 2 });
            let hold = customer.last_hold();
            json!({ "complete": { "hold": hold, "success": true, "charge": charge } })
        }
        8 if dice.one_in(10) => json!("close"),
        _ => json!({ "consume": { "amount": amount, "note": note } }),
    };
    customer.order(&command, now);
}

/// Ships some of what there is, over a network that fails in every way.
fn ship_badly(dice: &mut Dice, customer: &mut Customer, shards: &Shards, old: &mut Vec<(String, String)>) {
    for _ in 0..dice.below(4) {
        let Some((name, message)) = customer.shipment() else { break };
        if dice.one_in(5) {
            break; // lost on its way
        }
        let reply = shards.call(&name, &message);
        if dice.one_in(3) {
            old.push((name.clone(), message.clone()));
        }
        match dice.below(6) {
            0 => break,                              // the reply is lost
            1 => drop(shards.call(&name, &message)), // there twice; the second reply is lost
            _ => {}
        }
        customer.ledger.shipped(Lane::Rollup, &reply).unwrap();
    }
    if !old.is_empty() && dice.one_in(4) {
        let late = old.swap_remove(usize::try_from(dice.below(old.len() as u64)).unwrap());
        shards.call(&late.0, &late.1);
    }
    if dice.one_in(6) {
        customer.fall_asleep();
    }
}

#[test]
fn every_total_is_the_journals_sum_whatever_was_lost_repeated_or_forgotten() {
    let mut dice = Dice(7);
    let shards = Shards::new();
    let mut customers: Vec<_> = (0..CUSTOMERS).map(Customer::new).collect();
    let mut now = at("2027-11-20T12:00:00Z");
    let (first, mut old) = (now.day(), Vec::new());
    for _ in 0..OPERATIONS {
        now = now.after_ms(i64::try_from(dice.below(2 * MEAN_PAUSE_MS)).unwrap());
        // The square of a die: some customers are busier than others.
        let busy = dice.below(CUSTOMERS) * dice.below(CUSTOMERS) / CUSTOMERS;
        let customer = &mut customers[usize::try_from(busy).unwrap()];
        anything(&mut dice, customer, now);
        if dice.one_in(4) {
            ship_badly(&mut dice, customer, &shards, &mut old);
        }
        if dice.one_in(50) {
            shards.forget_or_keep(&mut dice);
        }
    }
    shards.keep_all();
    // Everybody is touched once more.
    for customer in &mut customers {
        customer.fall_asleep();
        customer.ship_all(&shards);
    }
    let books = Books::read(&customers);
    let last = now.day();
    assert!(last - first > 80 && books.by_day.len() > 80, "the days cross months and a year");
    assert!(books.of(first, last).3 > OPERATIONS / 2, "most operations were done");
    assert_eq!(books.by_kind.len(), 4, "{:?}", books.by_kind.keys());
    let new_year = at("2028-01-01T00:00:00Z").day();
    for (from, to) in [
        (first, last),
        (last - 29, last),
        (last - 6, last),
        (last, last),
        (new_year - 1, new_year - 1),
        (new_year - 1, new_year),
        (at("2027-12-01T00:00:00Z").day(), new_year - 1),
        (first - 90, first - 1),
        (last + 1, last + 9),
    ] {
        assert_told(&shards, &books, from, to);
    }

    let mut by_kind: BTreeMap<String, Sums> = BTreeMap::new();
    let mut actions = BTreeSet::new();
    for group in
        shards.ask(&json!({ "actions": [first, last] })).iter().flat_map(|all| all.as_array().unwrap())
    {
        join(by_kind.entry(group["kind"].as_str().unwrap().to_owned()).or_default(), told(&group["tally"]));
        actions.extend(group["action"].as_str().map(str::to_owned));
    }
    assert_eq!(by_kind, books.by_kind);
    let priced = ["a0", "a1", "a2", "a3", "a4", "m0", "m1", "m2"];
    assert_eq!(actions.into_iter().collect::<Vec<_>>(), priced, "and no name that a caller made up");

    let (mut sums, mut balance) = (Sums::default(), 0);
    for burn in shards.ask(&json!({ "burn": [first, last] })) {
        join(&mut sums, told(&burn[0]));
        balance += millionths(&burn[1]);
    }
    let net = sums.1 - sums.0 - sums.2;
    assert_eq!((net, balance), (books.net, books.balance), "the net is what the balances add up to");
    assert_eq!(net, balance);
}

#[test]
fn a_shard_takes_each_entry_once_and_says_where_it_is() {
    let shards = Shards::new();
    let mut anna = Customer::new(1);
    let midnight = at("2027-12-31T23:59:59.999Z");
    anna.order(&json!({ "add": { "amount": 10_000_000, "kind": "topup" } }), midnight);
    let (name, question) = anna.shipment().unwrap();
    let reply = shards.call(&name, &question);
    assert_eq!(reply, r#"200-{"seen":0}"#, "asked only: nothing is known, and nothing was made");
    anna.ledger.shipped(Lane::Rollup, &reply).unwrap();
    let (_, first) = anna.shipment().unwrap();
    anna.order(&json!({ "consume": { "amount": 1 } }), midnight.after_ms(1));
    assert_eq!(shards.call(&name, &first), r#"200-{"seen":1}"#);
    assert_eq!(shards.call(&name, &first), r#"200-{"seen":1}"#, "again");
    let (_, both) = anna.shipment().unwrap();
    assert_eq!(shards.call(&name, &both), r#"200-{"seen":1}"#, "it is not what follows");
    anna.ledger.shipped(Lane::Rollup, r#"200-{"seen":1}"#).unwrap();
    let (_, second) = anna.shipment().unwrap();
    assert_eq!(shards.call(&name, &second), r#"200-{"seen":2}"#);
    anna.ledger.shipped(Lane::Rollup, r#"200-{"seen":2}"#).unwrap();
    assert_eq!(anna.shipment(), None);
    for old in [&question, &first, &second] {
        assert_eq!(shards.call(&name, old), r#"200-{"seen":2}"#);
    }
    let new_year = midnight.day() + 1;
    let rows: Vec<_> = shards.ask(&json!({ "days": [new_year - 1, new_year] })).concat_rows();
    assert_eq!(rows.len(), 2);
    assert_eq!(told(&rows[0][1]), (0, 10_000_000, 0, 1));
    assert_eq!(told(&rows[1][1]), (1, 0, 0, 1));
}

#[test]
fn what_changes_no_balance_is_not_told() {
    let shards = Shards::new();
    let mut anna = Customer::new(1);
    let now = at("2028-02-29T12:00:00Z");
    anna.order(&json!({ "add": { "amount": 10_000_000, "kind": "topup" } }), now);
    anna.ship_all(&shards);
    for _ in 0..1_100 {
        anna.order(&json!({ "reserve": { "amount": 1, "expires_in_ms": 60_000 } }), now);
    }
    assert_eq!(anna.shipment(), None);
    anna.order(&json!({ "consume": { "amount": 1 } }), now);
    anna.ship_all(&shards);
    let rows = shards.ask(&json!({ "days": [now.day(), now.day()] })).concat_rows();
    assert_eq!(told(&rows[0][1]), (1, 10_000_000, 0, 2));
}

#[test]
fn a_good_answer_that_brings_nothing_on_is_a_fault_and_no_endless_loop() {
    let mut anna = Customer::new(1);
    anna.order(&json!({ "add": { "amount": 1, "kind": "topup" } }), at("2028-02-29T12:00:00Z"));
    anna.shipment().unwrap();
    anna.ledger.shipped(Lane::Rollup, r#"200-{"seen":0}"#).unwrap();
    anna.shipment().unwrap();
    assert!(anna.ledger.shipped(Lane::Rollup, r#"200-{"seen":0}"#).is_err());
    assert!(anna.ledger.shipped(Lane::Rollup, "!broken").is_err());
    assert!(anna.ledger.shipped(Lane::Rollup, "503-{}").is_err());
    anna.ship_all(&Shards::new());
}

trait Rows {
    fn concat_rows(&self) -> Vec<Value>;
}

impl Rows for Vec<Value> {
    fn concat_rows(&self) -> Vec<Value> {
        self.iter().flat_map(|rows| rows.as_array().unwrap().clone()).collect()
    }
}

#[test]
fn a_ledger_in_use_tells_what_there_is_and_leaves_what_comes_meanwhile_to_the_next_message() {
    let shards = Shards::new();
    let mut anna = Customer::new(1);
    let now = at("2028-02-29T12:00:00Z");
    let charge = json!({ "consume": { "amount": 1 } });
    anna.order(&json!({ "add": { "amount": 10_000_000, "kind": "topup" } }), now);
    (0..1_200).for_each(|_| drop(anna.order(&charge, now)));
    // Of all this nothing is in memory.
    anna.fall_asleep();
    // One that asks, one of 1,000 entries, one of the rest; each time somebody is charged.
    let goes_on = [(); 3].map(|()| {
        let (name, message) = anna.shipment().unwrap();
        anna.order(&charge, now);
        anna.ledger.shipped(Lane::Rollup, &shards.call(&name, &message)).unwrap()
    });
    assert_eq!(goes_on, [true, true, false]);
    anna.ship_all(&shards);
    let rows = shards.ask(&json!({ "days": [now.day(), now.day()] })).concat_rows();
    assert_eq!(told(&rows[0][1]), (1_203, 10_000_000, 0, 1_204));
}
