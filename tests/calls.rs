//! Calls to ledgers as they cross: each kind has its text, comes back as it
//! was, and no text that is not one is taken for one.
#![cfg(all(not(target_arch = "wasm32"), feature = "worker"))]
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, clippy::string_slice)]

mod messages;

use edge_credits::ledger::{Command, IdempotencyKey, Note, Request};
use edge_credits::text::Name;
use edge_credits::worker::keys::Mode;
use edge_credits::worker::message::{Ask, LedgerCall};
use edge_credits::{Credits, Timestamp};
use messages::message;
use serde_json::{Value, json};

fn call(ask: Value) -> Value {
    json!({ "project": "shop", "mode": "test", "customer": "zoë", "terms_version": 3, "ask": ask })
}

/// Every kind of ask but [`commands`], and its text. Who has to change one here
/// changes the version too, or an object of another deployment misreads it.
fn asks() -> Vec<(Value, &'static str)> {
    let charge = json!({ "command": { "consume": { "amount": 5 } }, "deadline": 9 });
    let query = json!({ "limit": 20, "offset": 0, "before": null, "kind": "consume", "from": 0, "to": null });
    vec![
        (json!({ "execute": charge }), "A(A(5;~)~9;)"),
        (json!({ "refund": { "object": "ab", "request": charge } }), "B(2:ab(A(5;~)~9;))"),
        (json!({ "batch": { "items": [charge, charge], "atomic": true } }), "C(2;(A(5;~)~9;)(A(5;~)~9;)t)"),
        (json!({ "import": { "rows": [charge] } }), "D(1;(A(5;~)~9;))"),
        (json!({ "balance": { "breakdown": false } }), "E(f)"),
        (json!({ "check": { "amount": 1, "feature": "chat" } }), "F(1;4:chat)"),
        (json!({ "transactions": query }), "G(20;0;~7:consume0;~)"),
        (json!({ "transaction": { "seq": 7 } }), "H(7;)"),
        (json!({ "usage": { "seq": 8 } }), "I(8;)"),
        (json!({ "totals": { "from": 1, "to": 2, "by_day": true } }), "J(1;2;t)"),
        (json!("standing"), "K"),
        (json!({ "audit": {} }), "L(~)"),
        (json!({ "export": { "after": 1, "until": 4, "limit": 2 } }), "M(1;4;2;)"),
        (json!("customer"), "N"),
        (json!("settings"), "O"),
        (json!("payer"), "P"),
    ]
}

/// Every command, and its text.
fn commands() -> Vec<(Value, &'static str)> {
    let note = json!({ "description": "a", "service": "b", "action": "c", "model": "d", "feature": "e",
                       "metadata": "{\"f\":1}", "price_version": 7 });
    let price = json!({ "model": "m", "input_per_million": 1, "output_per_million": 2,
                        "cached_input_per_million": null, "minimum": 3 });
    let addition = json!({ "amount": -5, "kind": "refund", "source": "daily", "product": "p", "priority": -1,
                           "effective_at": 1, "expires_at": 2, "refund_of": 3 });
    let purchase = json!({ "id": "cs", "credits": 5, "price_cents": 6, "currency": "eur" });
    vec![
        (json!({ "consume": { "amount": 9, "note": note } }), "A(9;(1:a1:b1:c1:d1:e7:{\"f\":1}7;))"),
        (json!({ "add": addition }), "B(-5;CB1:p-1;1;2;3;~)"),
        (json!({ "reserve": { "amount": 1, "expires_in_ms": 2, "price": price } }), "C(1;2;(1:m1;2;~3;)~)"),
        (json!({ "extend": { "hold": 1, "expires_in_ms": -2 } }), "D(1;-2;)"),
        (json!({ "complete": { "hold": 1, "success": true, "charge": { "amount": 3 } } }), "E(1;tA3;)"),
        (
            json!({ "complete": { "hold": 1, "success": false,
                    "charge": { "tokens": { "input": 1, "cached_input": 2, "output": 3 } } } }),
            "E(1;fB(1;2;3;))",
        ),
        (
            json!({ "open": { "metadata": "{}", "tier": "pro", "settings": { "credit_name": "coins" } } }),
            "F(2:{}3:pro~23:{\"credit_name\":\"coins\"})",
        ),
        (json!({ "update": { "metadata": null } }), "G(~)"),
        (json!("close"), "H"),
        (json!({ "change_tier": { "tier": "pro", "reset_balance": false, "anchor": 4 } }), "I(3:prof4;)"),
        (
            json!({ "configure": { "changes": [{ "credit_name": null }], "unblock_purchases": true } }),
            "J(22:[{\"credit_name\":null}]t)",
        ),
        (
            json!({ "purchase": purchase }),
            "K56:{\"id\":\"cs\",\"credits\":5,\"price_cents\":6,\"currency\":\"eur\"}",
        ),
        (json!({ "fail_purchase": { "id": "cs", "reason": "declined" } }), "L(2:cs8:declined)"),
        (
            json!({ "take_back": { "purchase": "cs", "refunded_cents": 5, "reason": "dispute", "event": "e" } }),
            "M(2:cs5;B1:e)",
        ),
        (json!({ "give_back": { "purchase": "cs", "event": "e" } }), "N(2:cs1:e)"),
        (json!({ "revoke_key": { "key_id": "k", "at": 5 } }), "O(1:k5;)"),
    ]
}

/// All calls and their texts.
fn calls() -> Vec<(Value, String)> {
    let executes = commands().into_iter().map(|(command, text)| {
        (
            json!({ "execute": { "command": command, "key": { "key": "k:1", "fingerprint": "f" } } }),
            format!("A({text}(3:k:11:f)~)"),
        )
    });
    let asks = asks().into_iter().map(|(ask, text)| (ask, text.to_owned()));
    let mut calls: Vec<_> =
        asks.chain(executes).map(|(ask, text)| (call(ask), format!("a(4:shopB4:zoë~3;~f{text})"))).collect();
    let terms = r#"{"version":4,"since":5,"settings":{},"tiers":[],"packs":[]}"#;
    let value: Value = serde_json::from_str(terms).unwrap();
    let all = json!({ "project": "shop", "mode": "live", "key_id": "key", "terms": value, "may_buy": true,
                      "ask": "payer" });
    calls.push((all, format!("a(4:shopA~3:key~59:{terms}tP)")));
    calls
}

#[test]
fn every_kind_of_call_has_its_text_and_comes_back() {
    for (call, text) in calls() {
        let typed: LedgerCall = serde_json::from_value(call.clone()).unwrap();
        assert_eq!(message(call), text);
        assert_eq!(LedgerCall::from_text(&text), Ok(typed));
    }
}

#[test]
fn another_version_and_every_part_of_a_call_are_refused() {
    for (call, text) in calls() {
        for other in [format!("b{}", &text[1..]), text[1..].to_owned(), call.to_string(), format!("{text} ")]
        {
            assert!(LedgerCall::from_text(&other).is_err(), "{other}");
        }
        for end in 0..text.len() {
            let is_read = text.get(..end).is_some_and(|part| LedgerCall::from_text(part).is_ok());
            assert!(!is_read, "{text} up to {end}");
        }
    }
}

#[test]
fn a_call_with_any_one_byte_changed_is_refused_or_is_another_call() {
    for (_, text) in calls() {
        for place in 0..text.len() {
            for byte in 0..128 {
                let mut bytes = text.clone().into_bytes();
                bytes[place] = byte;
                let Ok(changed) = String::from_utf8(bytes) else { continue };
                if let Ok(call) = LedgerCall::from_text(&changed) {
                    assert_eq!(LedgerCall::from_text(&call.to_text()), Ok(call), "{changed}");
                }
            }
        }
    }
}

proptest::proptest! {
    #[test]
    fn what_a_caller_sends_crosses_as_it_is(
        name in "[^\\p{Cc}]{1,40}",
        texts in proptest::collection::vec("(\\PC|[\u{1e}\n]){0,40}", 4),
        millionths in -9_000_000_000_000_000_i64..9_000_000_000_000_000,
        count in 0..4_usize,
        deadline in proptest::option::of(0..253_402_300_799_999_i64),
    ) {
        let name = Name::new(name).unwrap();
        let note = Note {
            description: Some(texts[0].clone()),
            metadata: Some(texts[1].clone()),
            feature: (count > 1).then(|| texts[2].clone()),
            price_version: Some(u64::MAX),
            ..Note::default()
        };
        let amount = Credits::from_millionths(millionths).unwrap();
        let request = Request {
            command: Command::Consume { amount, note: Some(Box::new(note)) },
            key: Some(IdempotencyKey { key: texts[3].clone(), fingerprint: texts[2].clone() }),
            deadline: deadline.map(Timestamp::from_ms),
        };
        let call = LedgerCall {
            project: name.clone(),
            mode: Mode::Live,
            customer: Some(name),
            key_id: None,
            terms_version: None,
            terms: None,
            may_buy: true,
            ask: Ask::Batch { items: vec![request; count], atomic: false },
        };
        let text = call.to_text();
        // By this several calls are told apart that cross together.
        proptest::prop_assert_eq!(text.find('\u{1e}'), None);
        proptest::prop_assert_eq!(LedgerCall::from_text(&text), Ok(call));
    }
}
