//! The seam of the events object.

use serde::{Deserialize, Serialize};
use wasm_bindgen::prelude::*;

use super::{PlatformStore, fault, instant, with_engine};
use crate::json;
use crate::worker::message::{ProjectAsk, ProjectCall};
use crate::worker::objects::delivery::{self, Delivery, Outcome};
use crate::worker::objects::events;
use crate::worker::objects::project::project_name;
use crate::worker::reply::Reply;
use crate::worker::store::StoreFault;

/// Attempts as the shell makes them.
#[derive(Serialize)]
struct Attempts {
    /// Where to; `None`: nowhere, and nothing is to be made.
    url: Option<String>,
    attempts: Vec<Attempt>,
}

#[derive(Serialize)]
struct Attempt {
    #[serde(flatten)]
    delivery: Delivery,
    timestamp: String,
    signature: String,
}

/// What the shell saw of an endpoint.
#[derive(Deserialize)]
struct Seen {
    row: u64,
    attempt: u64,
    /// The HTTP status; `None` if there was no answer.
    status: Option<u16>,
    timed_out: bool,
    retry_after: Option<String>,
}

/// Answers one call to an events object.
///
/// # Errors
/// If storage failed: the transaction must be undone.
#[wasm_bindgen]
pub fn events_call(message: &str, now_ms: f64) -> Result<String, JsError> {
    events::call(&PlatformStore, message, instant(now_ms)).map(|reply| reply.to_text()).map_err(fault)
}

/// Removes what is too old.
///
/// # Errors
/// As [`events_call`].
#[wasm_bindgen]
pub fn events_prune(now_ms: f64) -> Result<(), JsError> {
    let store = &PlatformStore;
    events::prepare(store).and_then(|()| events::prune(store, instant(now_ms))).map_err(fault)
}

/// If an event is due: the project object's name, a line break, and the call
/// by which it names the endpoint.
///
/// # Errors
/// As [`events_call`].
#[wasm_bindgen]
pub fn events_endpoint_call(now_ms: f64) -> Result<Option<String>, JsError> {
    let Some((project, mode)) = delivery::due_owner(&PlatformStore, instant(now_ms)).map_err(fault)? else {
        return Ok(None);
    };
    let name = project_name(&project, mode);
    let call = ProjectCall { project, mode, ask: ProjectAsk::WebhookUrl };
    let message = json::write(&call);
    Ok(Some(format!("{name}\n{message}")))
}

/// Takes events that are due, `limit` at most, with the reply to
/// [`events_endpoint_call`]; gives what is to be sent as JSON.
///
/// # Errors
/// As [`events_call`]; and without a `KEY_SECRET`, for nothing goes out
/// unsigned.
#[wasm_bindgen]
pub fn events_take(endpoint: &str, limit: u32, now_ms: f64, unix_ms: f64) -> Result<String, JsError> {
    let store = &PlatformStore;
    let url: Option<String> = Reply::from_text(endpoint)
        .filter(|reply| reply.status == 200)
        .and_then(|reply| json::read(&reply.body).ok())
        .ok_or_else(|| fault(StoreFault("the project's answer was unreadable".to_owned())))?;
    if url.is_none() {
        delivery::drop_due(store).map_err(fault)?;
        return Ok(json::write(&Attempts { url, attempts: Vec::new() }));
    }
    let (now, unix_seconds) = (instant(now_ms), instant(unix_ms).ms().div_euclid(1000));
    let Some((project, mode)) = delivery::due_owner(store, now).map_err(fault)? else {
        return Ok(json::write(&Attempts { url, attempts: Vec::new() }));
    };
    let front = with_engine(|engine| engine.front.clone());
    let sign = |delivery: &Delivery| {
        let signer = front.as_ref()?.signer().ok()?;
        Some(signer.webhook_signature(&project, mode, &delivery.id, unix_seconds, &delivery.body))
    };
    let deliveries = delivery::take(store, u64::from(limit), now).map_err(fault)?;
    let signed: Option<Vec<_>> = deliveries
        .into_iter()
        .map(|delivery| {
            let signature = sign(&delivery)?;
            Some(Attempt { delivery, timestamp: unix_seconds.to_string(), signature })
        })
        .collect();
    let attempts = signed.ok_or_else(|| JsError::new("events cannot be signed without KEY_SECRET"))?;
    Ok(json::write(&Attempts { url, attempts }))
}

/// Writes down what came of an attempt, as JSON.
///
/// # Errors
/// As [`events_call`].
#[wasm_bindgen]
pub fn events_finish(seen: &str, now_ms: f64) -> Result<(), JsError> {
    let seen: Seen = json::read(seen).map_err(|error| fault(StoreFault(error.to_string())))?;
    let retry_after_s = seen.retry_after.and_then(|seconds| seconds.parse().ok());
    let outcome = match seen.status {
        Some(status) => Outcome::Answered { status, retry_after_s },
        None if seen.timed_out => Outcome::TimedOut,
        None => Outcome::Unreachable,
    };
    delivery::finish(&PlatformStore, seen.row, seen.attempt, outcome, instant(now_ms)).map_err(fault)
}

/// When the object must be woken, in milliseconds since 1970.
///
/// # Errors
/// As [`events_call`].
#[wasm_bindgen]
pub fn events_wake_at() -> Result<Option<f64>, JsError> {
    // Instants are whole numbers well below 2^53.
    #[allow(clippy::cast_precision_loss)]
    delivery::wake_at(&PlatformStore).map(|at| at.map(|at| at.ms() as f64)).map_err(fault)
}
