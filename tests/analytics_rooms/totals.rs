//! A customer's own totals, from its journal.

use super::*;

fn totals(ledger: &mut LedgerObject<Sqlite>, from: &str, to: &str, by_day: bool) -> Value {
    let query = json!({ "totals": { "from": at(from), "to": at(to), "by_day": by_day } });
    let reply = ledger.call(&ask("anna", &query), at("2030-01-01T00:00:00Z")).unwrap();
    serde_json::from_str(&reply.body).unwrap()
}

fn group(day: Option<i64>, kind: &str, priced: [Option<&str>; 2], sums: [&str; 4], count: u64) -> Value {
    let [service, action] = priced;
    let [consumed, added, removed, overage] = sums;
    let tally = json!({
        "consumed": consumed, "added": added, "removed": removed, "overage": overage, "count": count
    });
    json!({ "day": day, "kind": kind, "service": service, "action": action, "tally": tally })
}

const NONE: [Option<&str>; 2] = [None, None];
/// 2027-12-31, counted from 1970.
const LAST_OF_2027: i64 = 21_183;

#[test]
fn transactions_are_grouped_by_day_type_and_priced_action_and_nothing_else_counts() {
    let mut ledger = LedgerObject::open(Sqlite::new(), OBJECT).unwrap();
    let last_day = "2027-12-31T23:59:59.999Z";
    let first_day = "2028-01-01T00:00:00Z";
    let expiring = json!({ "add": {
        "amount": 4_000_000, "kind": "topup", "priority": 90, "expires_at": at("2028-01-01T12:00:00Z")
    } });
    must(&mut ledger, "anna", &add(10_300_000, "topup"), last_day);
    must(&mut ledger, "anna", &expiring, last_day);
    let priced = json!({ "service": "ai", "action": "draw", "price_version": 1 });
    must(&mut ledger, "anna", &json!({ "consume": { "amount": 100_000, "note": priced } }), last_day);
    must(&mut ledger, "anna", &json!({ "consume": { "amount": 200_000, "note": priced } }), last_day);
    must(&mut ledger, "anna", &json!({ "consume": { "amount": 200_000, "note": priced } }), first_day);
    let model = json!({ "model": "large", "price_version": 2 });
    must(&mut ledger, "anna", &json!({ "consume": { "amount": 500_000, "note": model } }), first_day);
    // A hold may name a model without a price: its name is the caller's own.
    let named = json!({ "model": "caller-made", "feature": "chat" });
    let hold = json!({ "reserve": { "amount": 1_000_000, "expires_in_ms": 60_000, "note": named } });
    must(&mut ledger, "anna", &hold, first_day);
    let settle = json!({ "complete": { "hold": 7, "success": true, "charge": { "amount": 20_000_000 } } });
    must(&mut ledger, "anna", &settle, first_day);
    must(&mut ledger, "anna", &add(20_000_000, "adjustment"), first_day);
    let failed = json!({ "reserve": { "amount": 0, "expires_in_ms": 60_000 } });
    must(&mut ledger, "anna", &failed, first_day);
    must(&mut ledger, "anna", &json!({ "complete": { "hold": 11, "success": false } }), first_day);
    must(&mut ledger, "anna", &add(-1_000_000, "adjustment"), "2028-01-01T13:00:00Z");

    let day = |count: i64| Some(LAST_OF_2027 + count);
    // What was there is 14.3 less 1: 13.3, so that 6.7 of the 20 are debt, and
    // nothing of the second top-up is left to expire.
    let draw = [Some("ai"), Some("draw")];
    assert_eq!(
        totals(&mut ledger, "1970-01-01T00:00:00Z", "2029-01-01T00:00:00Z", true),
        json!([
            group(day(0), "consumption", draw, ["0:300000", "0:0", "0:0", "0:0"], 2),
            group(day(0), "topup", NONE, ["0:0", "14:300000", "0:0", "0:0"], 2),
            group(day(1), "adjustment", NONE, ["0:0", "20:0", "1:0", "0:0"], 2),
            group(day(1), "consumption", NONE, ["20:0", "0:0", "0:0", "6:700000"], 1),
            group(day(1), "consumption", [None, Some("large")], ["0:500000", "0:0", "0:0", "0:0"], 1),
            group(day(1), "consumption", draw, ["0:200000", "0:0", "0:0", "0:0"], 1),
        ])
    );
    // A span is exact to the millisecond, its end excluded.
    assert_eq!(
        totals(&mut ledger, "2027-12-31T23:59:59.999Z", first_day, false),
        json!([
            group(None, "consumption", draw, ["0:300000", "0:0", "0:0", "0:0"], 2),
            group(None, "topup", NONE, ["0:0", "14:300000", "0:0", "0:0"], 2),
        ])
    );
    for (from, to) in [("2028-01-02T00:00:00Z", "2029-01-01T00:00:00Z"), (first_day, last_day)] {
        assert_eq!(totals(&mut ledger, from, to, true), json!([]));
    }
}

#[test]
fn credits_that_run_out_or_are_written_off_count_as_removed() {
    let mut ledger = LedgerObject::open(Sqlite::new(), OBJECT).unwrap();
    let morning = "2028-02-29T08:00:00Z";
    let expiring =
        json!({ "add": { "amount": 3, "kind": "topup", "expires_at": at("2028-02-29T09:00:00Z") } });
    must(&mut ledger, "anna", &expiring, morning);
    must(&mut ledger, "anna", &add(5, "topup"), morning);
    must(&mut ledger, "anna", &json!("close"), "2028-03-01T00:00:00Z");
    must(&mut ledger, "anna", &json!({ "open": { "settings": {} } }), "2028-03-01T00:00:00Z");
    let leap_day = LAST_OF_2027 + 60;
    assert_eq!(
        totals(&mut ledger, morning, "2029-01-01T00:00:00Z", true),
        json!([
            group(Some(leap_day), "expiry", NONE, ["0:0", "0:0", "0:3", "0:0"], 1),
            group(Some(leap_day), "topup", NONE, ["0:0", "0:8", "0:0", "0:0"], 2),
            group(Some(leap_day + 1), "adjustment", NONE, ["0:0", "0:0", "0:5", "0:0"], 1),
        ])
    );
}
