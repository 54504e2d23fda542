//! The core in wasm: what natively is decided in 64 bits is decided alike here.

use edge_credits::client::estimate::{Priced, quote};
use edge_credits::client::key::{check_api_key, idempotency_key};
use edge_credits::client::operation::find;
use edge_credits::client::retry::{Bounds, Failed, wait_ms};
use edge_credits::client::{ErrorClass, Request};
use edge_credits::fetch::Tokens;
use edge_credits::{Credits, Timestamp};
use wasm_bindgen_test::wasm_bindgen_test;

#[wasm_bindgen_test]
fn amounts_are_exact_up_to_the_largest() {
    for text in ["0.000001", "-0.3", "8999999999.999999", "9000000000"] {
        assert_eq!(text.parse::<Credits>().unwrap().to_string(), text);
    }
    assert!("9000000000.000001".parse::<Credits>().is_err());
    assert!("1e-7".parse::<Credits>().is_err());
}

#[wasm_bindgen_test]
fn a_charge_is_written_exactly_as_it_was_meant() {
    let fields = ["customer_id", "a b/ü", "amount", "1e-1", "description", "say \"hi\""];
    let request = Request::build(find("consume").unwrap(), &fields).unwrap();
    assert_eq!(request.path, "/v1/customers/a%20b%2F%C3%BC/consume");
    assert_eq!(request.body.unwrap(), r#"{"amount":0.1,"description":"say \"hi\""}"#);
    let refused = Request::build(find("consume").unwrap(), &["customer_id", "..", "amount", "1"]);
    assert_eq!(refused.unwrap_err().code, "invalid_field");
}

#[wasm_bindgen_test]
fn waits_double_and_never_pass_the_deadline() {
    let now = Timestamp::parse("2026-03-01T00:00:00Z").unwrap();
    let wait = |status, retry_after, retries, left_ms| {
        wait_ms(Failed { status, retry_after, retries }, Bounds { max_retries: 9, left_ms }, now, u32::MAX)
    };
    assert_eq!(wait(None, None, 0, 10_000), Some(499));
    assert_eq!(wait(Some(503), None, 4, 10_000), Some(7_999));
    assert_eq!(wait(Some(429), Some("Sun, 01 Mar 2026 00:00:07 GMT"), 0, 10_000), Some(7_000));
    assert_eq!(wait(Some(429), Some("99999999999999999999"), 0, 60_000), None);
    assert_eq!(wait(Some(402), None, 0, 10_000), None);
}

#[wasm_bindgen_test]
fn prices_errors_and_keys_are_decided_as_anywhere() {
    let prices = "gpt\u{1f}2.5\u{1f}10\u{1f}0.25\u{1f}0.01";
    let tokens = Tokens { input: 10_000, cached_input: 1_000, output: 5_000 };
    let price = quote(prices, Priced::Model { model: "gpt", tokens }).unwrap();
    assert_eq!(price.to_string(), "0.07275");
    assert_eq!(ErrorClass::of(402, "insufficient_credits"), ErrorClass::InsufficientCredits);
    assert_eq!(idempotency_key(&[0, 1, 0xab, 0xff]), "auto_0001abff");
    assert_eq!(check_api_key("ce_live_a", true).unwrap_err().code, "secret_key_in_browser");
}
