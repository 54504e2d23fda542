//! The seam to JavaScript. Only strings and numbers cross, and every call is
//! over when it returns: there is nothing to free and nothing that a promise
//! could hold on to.
//!
//! What can be refused answers with one text: `!code`, field and detail, a
//! line each, or else what was asked for.

use wasm_bindgen::prelude::*;

use super::degrade;
use super::estimate::{self, Priced};
use super::failure::{self, ErrorClass};
use super::key;
use super::operation;
use super::request::{self, Invalid, Request};
use super::retry::{self, Bounds, Failed};
use crate::credits::Credits;
use crate::pricing::Tokens;
use crate::time::Timestamp;

/// With as many random bytes a key is met once.
const KEY_BYTES: usize = 16;

fn refused(invalid: &Invalid) -> String {
    ["!", invalid.code, "\n", &invalid.field, "\n", invalid.detail].concat()
}

fn instant(now_ms: f64) -> Timestamp {
    // Date.now() is a whole number well below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_ms(now_ms as i64)
}

/// Builds a request: see [`Request::build`]. Takes the call's name, then names
/// and values of its fields in turn, with a NUL between any two: one text is
/// far cheaper to hand over than a list. Gives method, path and body, a line
/// each; a call without a body has no third line.
#[wasm_bindgen]
pub fn request(asked: &str) -> String {
    let mut texts = asked.split('\0');
    let call = texts.next().unwrap_or_default();
    let Some(operation) = operation::find(call) else {
        return refused(&Invalid { code: "unknown_call", field: call.to_owned(), detail: "is no call" });
    };
    let fields: Vec<&str> = texts.collect();
    match Request::build(operation, &fields) {
        Ok(Request { method, path, body: None }) => [method, "\n", &path].concat(),
        Ok(Request { method, path, body: Some(body) }) => [method, "\n", &path, "\n", &body].concat(),
        Err(invalid) => refused(&invalid),
    }
}

/// Makes idempotency keys of 16 random bytes each, with a line's end after
/// each.
#[wasm_bindgen]
pub fn idempotency_keys(random: &[u8]) -> String {
    let mut keys = String::new();
    for bytes in random.chunks_exact(KEY_BYTES) {
        keys.push_str(&key::idempotency_key(bytes));
        keys.push('\n');
    }
    keys
}

/// Empty, or why a caller's own idempotency key cannot be used.
#[wasm_bindgen]
pub fn check_idempotency_key(given: &str) -> String {
    key::check_idempotency_key(given).map_or_else(|invalid| refused(&invalid), |()| String::new())
}

/// Empty, or why an API key cannot be used here.
#[wasm_bindgen]
pub fn check_api_key(given: &str, is_browser: bool) -> String {
    key::check_api_key(given, is_browser).map_or_else(|invalid| refused(&invalid), |()| String::new())
}

/// Milliseconds to wait before the next try, or -1 to give up: see
/// [`retry::wait_ms`]. A `status` of 0 is no answer.
#[wasm_bindgen]
pub fn retry_wait_ms(
    status: u16,
    retry_after: Option<String>,
    retries: u32,
    max_retries: u32,
    left_ms: f64,
    now_ms: f64,
    random: u32,
) -> f64 {
    let failed =
        Failed { status: (status != 0).then_some(status), retry_after: retry_after.as_deref(), retries };
    // A negative or huge rest is cut to what a u64 holds.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let bounds = Bounds { max_retries, left_ms: left_ms as u64 };
    // At most a minute.
    #[allow(clippy::cast_precision_loss)]
    retry::wait_ms(failed, bounds, instant(now_ms), random).map_or(-1.0, |wait| wait as f64)
}

/// A `Retry-After` in seconds from now, or -1 if it says nothing.
#[wasm_bindgen]
pub fn retry_after_seconds(text: &str, now_ms: f64) -> f64 {
    // Seconds, for people.
    #[allow(clippy::cast_precision_loss)]
    retry::retry_after_ms(text, instant(now_ms)).map_or(-1.0, |wait| wait as f64 / 1_000.0)
}

/// The kind of error that an answer becomes: see [`ErrorClass::word`].
#[wasm_bindgen]
pub fn error_class(status: u16, code: &str) -> String {
    ErrorClass::of(status, code).word().to_owned()
}

/// The code of an error answer that names none.
#[wasm_bindgen]
pub fn code_of_status(status: u16) -> String {
    failure::code_of_status(status).to_owned()
}

/// The price of an action: see [`estimate::quote`]. A decimal.
#[wasm_bindgen]
pub fn quote_action(prices: &str, service: &str, action: &str, quantity: f64) -> String {
    let Some(quantity) = count(quantity) else {
        return refused(&not_whole("quantity"));
    };
    quote(prices, Priced::Action { service, action, quantity })
}

/// The price of a model's tokens: see [`estimate::quote`]. A decimal.
#[wasm_bindgen]
pub fn quote_model(prices: &str, model: &str, input: f64, cached_input: f64, output: f64) -> String {
    let (Some(input), Some(cached_input), Some(output)) = (count(input), count(cached_input), count(output))
    else {
        return refused(&not_whole("tokens"));
    };
    quote(prices, Priced::Model { model, tokens: Tokens { input, cached_input, output } })
}

/// An amount above zero as an exact decimal.
#[wasm_bindgen]
pub fn positive_amount(field: &str, text: &str) -> String {
    match request::positive_amount(field, text) {
        Ok(amount) => amount.to_string(),
        Err(invalid) => refused(&invalid),
    }
}

/// Whether a charge may pass in an outage: see [`degrade::let_through`]. Takes
/// decimals that came from here.
#[wasm_bindgen]
pub fn let_through(amount: &str, limit: &str) -> bool {
    match (Credits::parse(amount), Credits::parse(limit)) {
        (Ok(amount), Ok(limit)) => degrade::let_through(amount, limit),
        _ => false,
    }
}

/// What was let through has been charged: see [`degrade::settled`].
#[wasm_bindgen]
pub fn settled(amount: &str) {
    if let Ok(amount) = Credits::parse(amount) {
        degrade::settled(amount);
    }
}

fn quote(prices: &str, priced: Priced<'_>) -> String {
    match estimate::quote(prices, priced) {
        Ok(credits) => credits.to_string(),
        Err(invalid) => refused(&invalid),
    }
}

fn not_whole(field: &str) -> Invalid {
    Invalid { code: "invalid_field", field: field.to_owned(), detail: "must be whole numbers, zero or more" }
}

fn count(number: f64) -> Option<u64> {
    const MAX_SAFE: f64 = 9_007_199_254_740_991.0;
    let is_count = (0.0..=MAX_SAFE).contains(&number) && number.fract() == 0.0;
    // Whole and within 2^53: nothing is cut off.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    is_count.then_some(number as u64)
}
