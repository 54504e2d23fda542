//! Where the tests play: see `stage.ts`.

use edge_credits::Credits;
use edge_credits::fetch::{AddOptions, CreditEngine, Options};
use gloo_net::http::Request;
use serde::Deserialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = r#"
const { setTimeout, clearTimeout } = globalThis;
const timers = new Set();
let unhandled = 0;

globalThis.setTimeout = (act, ms) => {
  const timer = setTimeout(() => { timers.delete(timer); act(); }, ms);
  // Node's own fetch sets some too.
  if (new Error().stack.includes(".wasm")) timers.add(timer);
  return timer;
};
globalThis.clearTimeout = (timer) => { timers.delete(timer); clearTimeout(timer); };
if (globalThis.addEventListener) globalThis.addEventListener("unhandledrejection", () => { unhandled += 1; });
else process.on("unhandledRejection", () => { unhandled += 1; });

export const running_timers = () => timers.size;
export const unhandled_rejections = () => unhandled;
export const stage_url = () => globalThis.process?.env?.STAGE_URL ?? "http://stage.test";
export const is_page = () => "document" in globalThis;
export const binding = () => ({ count: 0, fetch(request) { this.count += 1; return fetch(request); } });
export const count = (binding) => binding.count;
"#)]
extern "C" {
    /// Timers that wasm set and that are still to go off.
    pub(crate) fn running_timers() -> u32;
    /// Promises that failed and that nobody looked at.
    pub(crate) fn unhandled_rejections() -> u32;
    pub(crate) fn stage_url() -> String;
    pub(crate) fn is_page() -> bool;
    /// What a Worker's service binding is: an object with a `fetch`.
    pub(crate) fn binding() -> JsValue;
    /// How often a binding was called.
    pub(crate) fn count(binding: &JsValue) -> u32;
}

#[derive(Deserialize)]
pub(crate) struct Knowledge {
    pub(crate) project_key: String,
    pub(crate) customer_key: String,
}

/// A charge that arrived.
#[derive(Deserialize)]
pub(crate) struct Arrived {
    pub(crate) key: Option<String>,
}

async fn told(path: &str) -> String {
    let answer = Request::get(&(stage_url() + path)).send().await.unwrap();
    answer.text().await.unwrap()
}

pub(crate) async fn knowledge() -> Knowledge {
    serde_json::from_str(&told("/stage").await).unwrap()
}

/// The charges that arrived for a customer.
pub(crate) async fn seen(customer: &str) -> Vec<Arrived> {
    serde_json::from_str(&told(&format!("/seen/{customer}")).await).unwrap()
}

/// Is over when a charge for a customer has arrived.
pub(crate) async fn arrived(customer: &str) {
    assert_eq!(told(&format!("/arrived/{customer}")).await, "true");
}

/// Is over when a charge for a customer was given up.
pub(crate) async fn gone(customer: &str) {
    assert_eq!(told(&format!("/gone/{customer}")).await, "true");
}

/// Options with the project's key.
pub(crate) async fn options() -> Options {
    let Knowledge { project_key, .. } = knowledge().await;
    Options::new(project_key).base_url(stage_url()).dangerously_allow_project_key_in_page()
}

pub(crate) async fn engine() -> CreditEngine {
    CreditEngine::new(options().await).unwrap()
}

/// An engine that knows a customer with 10 credits.
pub(crate) async fn funded(customer: &str) -> CreditEngine {
    let engine = engine().await;
    engine.add(customer, credits("10"), &AddOptions::default()).await.unwrap();
    engine
}

pub(crate) fn credits(text: &str) -> Credits {
    text.parse().unwrap()
}
