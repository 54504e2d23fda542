//! What networks and proxies do, to a client against a real engine.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use edge_credits::Credits;
use edge_credits::fetch::{BalanceOptions, CallOptions, ConsumeOptions, CreditEngine, Error};
use js_sys::Date;
use wasm_bindgen_test::wasm_bindgen_test;

use crate::stage::{
    arrived, credits, funded, gone, is_page, options, running_timers, seen, unhandled_rejections,
};

async fn balance(engine: &CreditEngine, customer: &str) -> Credits {
    engine.get_balance(customer, &BalanceOptions::default()).await.unwrap().balance
}

fn within(timeout_ms: u32, max_retries: u32) -> ConsumeOptions {
    let (timeout_ms, max_retries) = (Some(timeout_ms), Some(max_retries));
    let call = CallOptions { timeout_ms, max_retries, ..CallOptions::default() };
    ConsumeOptions { call, ..ConsumeOptions::default() }
}

#[wasm_bindgen_test]
async fn a_charge_whose_answer_is_lost_is_charged_once() {
    for customer in ["lost-1", "cut-1", "empty-1"] {
        let engine = funded(customer).await;
        let charged = engine.consume(customer, credits("0.3"), &ConsumeOptions::default()).await.unwrap();
        assert!(charged.replayed, "{customer}");
        assert_eq!(balance(&engine, customer).await, credits("9.7"), "{customer}");
        let [first, second] = &seen(customer).await[..] else { panic!("{customer} was not tried twice") };
        assert!(first.key.is_some(), "{customer}");
        assert_eq!(first.key, second.key, "{customer}");
    }
}

#[wasm_bindgen_test]
async fn a_busy_engine_is_asked_again_when_it_says() {
    let engine = funded("busy-1").await;
    let started_ms = Date::now();
    let charged = engine.consume("busy-1", credits("0.3"), &ConsumeOptions::default()).await.unwrap();
    // Retry-After says a second.
    assert!(Date::now() - started_ms >= 1_000.0);
    assert!(!charged.replayed);
    assert_eq!(seen("busy-1").await.len(), 2);
}

#[wasm_bindgen_test]
async fn a_limit_is_an_error_that_says_how_long() {
    let engine = funded("always-limited-1").await;
    // A wait of 7 s would pass the deadline, so none is begun.
    let refused = engine.consume("always-limited-1", credits("1"), &within(5_000, 2)).await.unwrap_err();
    assert!(matches!(&refused, Error::RateLimited { retry_after_ms: Some(7_000), .. }), "{refused:?}");
    assert_eq!(seen("always-limited-1").await.len(), 1);
}

#[wasm_bindgen_test]
async fn a_key_is_not_carried_to_where_an_engine_points() {
    let engine = funded("moved-1").await;
    let moved = engine.consume("moved-1", credits("1"), &within(5_000, 0)).await.unwrap_err();
    // A page is not told the status of a redirect.
    assert_eq!(moved.code(), if is_page() { "connection" } else { "unexpected_status" });
}

#[wasm_bindgen_test]
async fn tries_end_and_the_error_has_the_key_that_tells_what_was_done() {
    let engine = funded("always-lost-1").await;
    let broken = engine.consume("always-lost-1", credits("1"), &within(9_000, 1)).await.unwrap_err();
    assert!(matches!(&broken, Error::Connection { .. }), "{broken:?}");
    let arrived = seen("always-lost-1").await;
    assert_eq!(arrived.len(), 2);
    assert_eq!(broken.idempotency_key(), arrived[0].key.as_deref());
    assert_eq!(balance(&engine, "always-lost-1").await, credits("9"));
}

#[wasm_bindgen_test]
async fn a_deadline_ends_a_call_and_stops_its_request() {
    let engine = funded("silent-1").await;
    let late = engine.consume("silent-1", credits("1"), &within(200, 2)).await.unwrap_err();
    assert!(matches!(&late, Error::Timeout { timeout_ms: 200, idempotency_key: Some(_) }), "{late:?}");
    gone("silent-1").await;
    assert_eq!((running_timers(), unhandled_rejections()), (0, 0));
    // Nothing of it is in the way of the next call.
    engine.consume("silent-1", credits("1"), &ConsumeOptions::default()).await.unwrap();
}

#[wasm_bindgen_test]
async fn a_call_that_is_dropped_stops_its_request() {
    let engine = funded("silent-2").await;
    {
        let options = ConsumeOptions::default();
        let mut call = pin!(engine.consume("silent-2", credits("1"), &options));
        poll_fn(|context| {
            assert!(call.as_mut().poll(context).is_pending());
            Poll::Ready(())
        })
        .await;
        arrived("silent-2").await;
        assert_eq!(running_timers(), 1);
    }
    gone("silent-2").await;
    assert_eq!((running_timers(), unhandled_rejections()), (0, 0));
    assert_eq!(balance(&engine, "silent-2").await, credits("10"));
}

#[wasm_bindgen_test]
async fn an_engine_that_is_not_there_is_a_connection_error() {
    // Nobody listens there.
    let options = options().await.base_url("http://127.0.0.1:9").max_retries(0);
    let engine = CreditEngine::new(options).unwrap();
    let lost = engine.consume("any", credits("1"), &ConsumeOptions::default()).await.unwrap_err();
    assert_eq!(lost.code(), "connection");
    assert!(lost.idempotency_key().is_some());
}
