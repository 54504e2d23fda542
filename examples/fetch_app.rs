//! An app in wasm that charges its users: what JavaScript calls when somebody
//! clicks. A page of Leptos or Yew would call the same from `spawn_local`.

use edge_credits::fetch::{Binding, CallOptions, ConsumeOptions, CreditEngine, Error, Fetch, Options};
use wasm_bindgen::prelude::*;

/// Charges by URL, with the global `fetch`. Gives the sentence for the user.
///
/// # Errors
/// The sentence for the log.
#[wasm_bindgen]
pub async fn charge(api_key: String, url: String, customer: String, key: String) -> Result<String, String> {
    let engine = CreditEngine::new(Options::new(api_key).base_url(url)).map_err(|error| error.to_string())?;
    charge_with(&engine, &customer, key).await
}

/// Charges through a Worker's service binding: no public hop.
///
/// # Errors
/// The sentence for the log.
#[wasm_bindgen]
pub async fn charge_through(
    binding: JsValue,
    api_key: String,
    customer: String,
    key: String,
) -> Result<String, String> {
    let engine = CreditEngine::with_fetch(Options::new(api_key), Binding::new(binding));
    charge_with(&engine.map_err(|error| error.to_string())?, &customer, key).await
}

async fn charge_with<F: Fetch>(
    engine: &CreditEngine<F>,
    customer: &str,
    key: String,
) -> Result<String, String> {
    let price = "0.3".parse::<edge_credits::Credits>().map_err(|error| error.to_string())?;
    let call = CallOptions { idempotency_key: Some(key), ..CallOptions::default() };
    let options =
        ConsumeOptions { description: Some("a click".to_owned()), call, ..ConsumeOptions::default() };
    match engine.consume(customer, price, &options).await {
        Ok(charged) => Ok(format!("{} credits are left", charged.balance)),
        Err(Error::InsufficientCredits { balance, requested, .. }) => {
            Ok(format!("this costs {requested} credits, and there are {balance}"))
        }
        Err(error) => Err(error.to_string()),
    }
}
