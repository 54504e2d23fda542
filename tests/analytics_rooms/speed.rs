//! Questions to full shards.

use std::time::{Duration, Instant};

use edge_credits::worker::objects::rollup::SHARDS;
use serde_json::json;

use super::at;
use super::world::Shards;

/// What a shard may take; all eight together then answer well within 50 ms on
/// the release build. A test is built without optimizing and on a busy machine.
const GENEROUS: Duration = Duration::from_millis(1_000);

/// Each customer's state at the end of each day, and the totals of 20 actions,
/// in one shard. The first customer makes the tables, as it would.
const FILL: &str = "
    WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 1250)
      INSERT INTO ledgers SELECT NULL, 'customer ' || n, 450, 5000000, 21198, 90 * (n % 97), n, 270, 0,
        0, 0, 0, 0, 450 FROM n;
    WITH RECURSIVE day(day) AS (SELECT 1 UNION ALL SELECT day + 1 FROM day WHERE day < 90)
      INSERT INTO closings SELECT id, 21107 + day, day * (id % 97), id, 3 * day, 0, 0, 0, 0, 0, 5 * day
      FROM ledgers, day WHERE id > 1;
    WITH RECURSIVE day(day) AS (SELECT 1 UNION ALL SELECT day + 1 FROM day WHERE day < 90),
      action(action) AS (SELECT 1 UNION ALL SELECT action + 1 FROM action WHERE action < 20)
      INSERT INTO totals SELECT 21108 + day, 'consumption', 'ai', 'action ' || action, 3000, 5, 180, 0,
        0, 0, 0, 0, 300 FROM day, action;";

#[test]
fn ten_thousand_customers_over_ninety_days_are_answered_from_few_rows() {
    let shards = Shards::new();
    let today = at("2028-01-16T00:00:00Z").day();
    assert_eq!(today, 21_198 + 1, "the day after the last that is filled in");
    for (name, store) in &shards.0 {
        let tally =
            json!({ "consumed": "1:0", "added": "0:0", "removed": "0:0", "overage": "0:0", "count": 1 });
        let group =
            json!({ "day": today, "kind": "consumption", "service": null, "action": null, "tally": tally });
        let deltas = json!({ "customer": "anna", "after": 0, "upto": 1, "balance": 0, "groups": [group] });
        shards.call(name, &json!({ "receive": deltas }).to_string());
        store.connection.execute_batch(FILL).unwrap();
        assert_eq!((store.count("ledgers"), store.count("closings")), (1_251, 1_250 * 90));
    }
    let month = json!([today - 29, today]);
    let before = json!([today - 59, today - 30]);
    for question in [
        json!({ "days": [today - 89, today] }),
        json!({ "actions": [today - 89, today] }),
        json!({ "top": { "span": month, "limit": 100 } }),
        json!({ "top": { "span": before, "limit": 100 } }),
        json!({ "summary": [month, before] }),
        json!({ "burn": [today - 89, today] }),
    ] {
        #[allow(clippy::disallowed_methods)] // it is time that is measured
        let began = Instant::now();
        let answers = shards.ask(&question);
        let took = began.elapsed();
        println!("{question}: {took:?} for all {SHARDS} shards");
        assert_eq!(answers.len(), usize::from(SHARDS));
        assert!(took < GENEROUS, "{question} took {took:?}");
    }
    let active: u64 = shards
        .ask(&json!({ "summary": [month] }))
        .iter()
        .map(|summary| summary[0][1].as_u64().unwrap())
        .sum();
    assert_eq!(active, 8 * 1_251);
}
