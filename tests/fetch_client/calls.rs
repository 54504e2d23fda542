//! What the calls do, against a real engine.

use edge_credits::fetch::{
    AddOptions, AddType, BalanceOptions, Binding, CallOptions, Charge, ConsumeOptions, CreditEngine, Error,
    Options, Outcome, Provision, Start, StartOptions, Tokens, TopUp, TransactionOptions, TransactionType,
    UsageState, credits as read_credits,
};
use edge_credits::{Credits, Timestamp};
use serde_json::json;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{
    binding, count, credits, engine, funded, options, running_timers, stage_url, unhandled_rejections,
};

#[wasm_bindgen_test]
async fn credits_come_and_go_exactly() {
    let engine = engine().await;
    let customer = "al ice/ü";
    let added = engine.add(customer, credits("10.5"), &AddOptions::default()).await.unwrap();
    assert_eq!((added.balance, added.amount, added.replayed), (credits("10.5"), credits("10.5"), false));
    assert!(added.grant_id.is_some());
    let described = ConsumeOptions {
        description: Some("three \"tenths\"".to_owned()),
        metadata: Some(json!({ "run": 1 })),
        feature: Some("chat".to_owned()),
        ..ConsumeOptions::default()
    };
    let charged = engine.consume(customer, credits("0.3"), &described).await.unwrap();
    assert_eq!((charged.balance, charged.amount), (credits("10.2"), credits("0.3")));

    let call = CallOptions { idempotency_key: Some("once".to_owned()), ..CallOptions::default() };
    let keyed = ConsumeOptions { call, ..ConsumeOptions::default() };
    let once = engine.consume(customer, credits("0.1"), &keyed).await.unwrap();
    let again = engine.consume(customer, credits("0.1"), &keyed).await.unwrap();
    assert_eq!((once.replayed, again.replayed), (false, true));
    assert_eq!(once.transaction_id, again.transaction_id);

    let balance = engine.get_balance(customer, &BalanceOptions::default()).await.unwrap();
    assert_eq!(
        (balance.balance, balance.available, balance.held),
        (credits("10.1"), credits("10.1"), Credits::ZERO)
    );
    assert_eq!((balance.customer_id.as_str(), balance.breakdown), (customer, None));
    assert!(balance.as_of > Timestamp::parse("2026-01-01T00:00:00Z").unwrap());

    let two = TransactionOptions { limit: Some(2), ..TransactionOptions::default() };
    let page = engine.get_transactions(customer, &two).await.unwrap();
    assert_eq!((page.pagination.total, page.pagination.has_more), (3, true));
    let [tenth, tenths] = page.data.as_slice() else { panic!("{page:?}") };
    assert_eq!((tenth.amount, tenth.idempotency_key.as_deref()), (credits("-0.1"), Some("once")));
    assert_eq!((tenths.kind, tenths.balance_after), (TransactionType::Consumption, credits("10.2")));
    assert_eq!(tenths.description.as_deref(), Some("three \"tenths\""));
    assert_eq!(
        (tenths.metadata.clone(), tenths.feature.as_deref()),
        (Some(json!({ "run": 1 })), Some("chat"))
    );
    let next = TransactionOptions { cursor: page.pagination.next_cursor, ..two };
    let last = engine.get_transactions(customer, &next).await.unwrap();
    assert_eq!(last.data.iter().map(|row| row.kind).collect::<Vec<_>>(), [TransactionType::Topup]);
}

#[wasm_bindgen_test]
async fn an_amount_that_no_double_can_tell_is_told() {
    let engine = engine().await;
    let most = credits("8999999999.999999");
    let expires_at = Timestamp::parse("2199-12-31T00:00:00Z");
    let options = AddOptions { priority: Some(7), expires_at, ..AddOptions::default() };
    engine.add("whale", most, &options).await.unwrap();
    let with_grants = BalanceOptions { include_breakdown: true, ..BalanceOptions::default() };
    let balance = engine.get_balance("whale", &with_grants).await.unwrap();
    assert_eq!(balance.balance, most);
    let grants = balance.breakdown.unwrap();
    assert_eq!((grants[0].remaining, grants[0].priority, grants[0].expires_at), (most, 7, expires_at));
    let back = AddOptions { kind: AddType::Adjustment, ..AddOptions::default() };
    let rest = engine.add("whale", credits("-8999999999.999998"), &back).await.unwrap();
    assert_eq!((rest.balance, rest.grant_id), (credits("0.000001"), None));
}

#[wasm_bindgen_test]
async fn too_few_credits_are_an_error_that_says_how_many() {
    let engine = funded("poor").await;
    let refused = engine.consume("poor", credits("10.000001"), &ConsumeOptions::default()).await;
    let Err(Error::InsufficientCredits { balance, requested, problem }) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((balance, requested, problem.status), (credits("10"), credits("10.000001"), 402));
    assert!(problem.request_id.is_some_and(|id| id.starts_with("req_")));
    assert!(problem.idempotency_key.is_some_and(|key| key.starts_with("auto_")));
}

#[wasm_bindgen_test]
async fn a_hold_is_completed_once() {
    let engine = funded("holding").await;
    let call = CallOptions::default();
    let options =
        StartOptions { feature: Some("chat".to_owned()), expires_in: Some(60), ..StartOptions::default() };
    let start = async || match engine.start_usage("holding", credits("4"), &options).await.unwrap() {
        Start::Held(hold) => hold,
        too_few => panic!("{too_few:?}"),
    };
    let hold = start().await;
    assert_eq!((hold.amount, hold.balance), (credits("4"), credits("10")));
    let usage = engine.get_usage(&hold.transaction_id, &call).await.unwrap();
    assert_eq!(
        (usage.state, usage.held, usage.expires_at),
        (UsageState::Pending, credits("4"), hold.expires_at)
    );
    let complete = async |outcome| engine.complete_usage(&hold.transaction_id, outcome, &call).await;
    let done = complete(Outcome::Amount(credits("0.75"))).await.unwrap();
    assert_eq!(
        (done.amount, done.balance, done.adjustment),
        (credits("0.75"), credits("9.25"), credits("3.25"))
    );
    assert!(complete(Outcome::Amount(credits("0.75"))).await.unwrap().replayed);
    assert_eq!(complete(Outcome::Amount(credits("1"))).await.unwrap_err().code(), "already_completed");

    let as_held = start().await;
    let done = engine.complete_usage(&as_held.transaction_id, Outcome::AsHeld, &call).await.unwrap();
    assert_eq!((done.amount, done.balance), (credits("4"), credits("5.25")));
    let failed = start().await;
    let done = engine.complete_usage(&failed.transaction_id, Outcome::Failed, &call).await.unwrap();
    assert_eq!((done.amount, done.balance), (Credits::ZERO, credits("5.25")));
    assert_eq!(engine.get_usage(&failed.transaction_id, &call).await.unwrap().state, UsageState::Failed);
    let too_few = engine.start_usage("holding", credits("6"), &options).await.unwrap();
    assert!(matches!(too_few, Start::TooFew { balance, .. } if balance == credits("5.25")), "{too_few:?}");
}

#[wasm_bindgen_test]
async fn an_estimate_is_what_is_charged() {
    let engine = funded("priced").await;
    let call = CallOptions::default();
    let tokens = Tokens { input: 10_000, cached_input: 1_000, output: 5_000 };
    for (charge, price) in [
        (Charge::Action { service: "images", action: "generate", quantity: 3 }, "0.9"),
        // 10,000 × 2.5 + 5,000 × 10 = 75,000 millionths
        (Charge::Model { model: "gpt", tokens }, "0.075"),
        (Charge::Amount(credits("0.1")), "0.1"),
    ] {
        assert_eq!(engine.estimate(charge, &call).await.unwrap(), credits(price));
        let charged = engine.consume("priced", charge, &ConsumeOptions::default()).await.unwrap();
        assert_eq!(charged.amount, credits(price));
    }
    let unknown = Charge::Action { service: "images", action: "delete", quantity: 1 };
    assert_eq!(engine.estimate(unknown, &call).await.unwrap_err().code(), "unknown_price");

    let provision = Provision::Model { model: "gpt", tokens: Some(tokens) };
    let Start::Held(hold) = engine.start_usage("priced", provision, &StartOptions::default()).await.unwrap()
    else {
        panic!("nothing was held");
    };
    assert_eq!(hold.amount, credits("0.075"));
    let used = Outcome::FailedAfter(Tokens { input: 8_000, cached_input: 0, output: 0 });
    let done = engine.complete_usage(&hold.transaction_id, used, &call).await.unwrap();
    assert_eq!(done.amount, credits("0.02"));
}

#[wasm_bindgen_test]
async fn a_refusal_is_an_error_of_its_kind() {
    let engine = engine().await;
    let unknown = engine.get_balance("nobody", &BalanceOptions::default()).await.unwrap_err();
    assert!(matches!(&unknown, Error::Api(problem) if problem.status == 404), "{unknown:?}");
    assert_eq!((unknown.code(), unknown.idempotency_key()), ("not_found", None));
    let stranger = CreditEngine::new(Options::new("ck_live_wrong").base_url(stage_url())).unwrap();
    let refused = stranger.get_balance("nobody", &BalanceOptions::default()).await.unwrap_err();
    assert!(matches!(&refused, Error::Authentication(_)), "{refused:?}");
    assert!(!format!("{refused:?} {refused} {stranger:?}").contains("ck_live_wrong"));
    let nothing = engine.consume("nobody", Credits::ZERO, &ConsumeOptions::default()).await.unwrap_err();
    assert_eq!(nothing.to_string(), "amount must be above zero (invalid_amount)");
    let page =
        TopUp { customer_id: "nobody", success_url: "https://a.b", cancel_url: "https://a.b", pack_id: None };
    let unsold = engine.create_top_up_session(page, &CallOptions::default()).await.unwrap_err();
    assert!(matches!(&unsold, Error::Api(_)), "{unsold:?}");
}

#[wasm_bindgen_test]
async fn any_other_call_is_read_as_its_caller_likes() {
    #[derive(serde::Deserialize)]
    struct BurnRate {
        #[serde(deserialize_with = "read_credits")]
        daily_avg_consumed: Credits,
        days: u32,
    }
    let engine = engine().await;
    let call = CallOptions::default();
    let burn: BurnRate = engine.call("burn-rate", &["days", "7"], &call).await.unwrap();
    assert_eq!(burn.days, 7);
    assert!(!burn.daily_avg_consumed.is_negative());
    let wrong = engine.call::<String>("burn-rate", &[], &call).await.unwrap_err();
    assert_eq!(wrong.code(), "invalid_answer");
    assert_eq!(engine.call::<String>("burn", &[], &call).await.unwrap_err().code(), "unknown_call");
}

#[wasm_bindgen_test]
async fn a_service_binding_is_sent_through() {
    funded("bound").await;
    let object = binding();
    let engine = CreditEngine::with_fetch(options().await, Binding::new(object.clone())).unwrap();
    let charged = engine.consume("bound", credits("1"), &ConsumeOptions::default()).await.unwrap();
    assert_eq!((charged.balance, count(&object)), (credits("9"), 1));
}

#[wasm_bindgen_test]
async fn prices_are_read_once() {
    let object = binding();
    let engine = CreditEngine::with_fetch(options().await, Binding::new(object.clone())).unwrap();
    let call = CallOptions::default();
    for quantity in [1, 2, 3] {
        let charge = Charge::Action { service: "images", action: "generate", quantity };
        engine.clone().estimate(charge, &call).await.unwrap();
    }
    assert_eq!(count(&object), 1);
}

#[wasm_bindgen_test]
async fn nothing_is_left_after_calls() {
    let engine = funded("tidy").await;
    for _ in 0..5 {
        engine.consume("tidy", credits("1"), &ConsumeOptions::default()).await.unwrap();
    }
    assert_eq!((running_timers(), unhandled_rejections()), (0, 0));
}
