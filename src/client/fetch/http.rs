//! The one place that sends. A call is one request, tried again where the core
//! says so, always under one idempotency key, within one deadline. However it
//! ends, dropped included, its request is stopped and no timer is left.

use gloo_net::http::{Method, RequestBuilder, Response};
use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web_sys::RequestRedirect;

use super::super::key::{check_idempotency_key, idempotency_key};
use super::super::operation::Operation;
use super::super::request::Request;
use super::super::retry::{Bounds, Failed, wait_ms};
use super::error::Error;
use super::options::CallOptions;
use super::platform::{AbortOnDrop, Alarm, Fetch, now, random_bytes, random_u32, ticks_ms};

const KEY_BYTES: u32 = 16;
/// What a timer takes: beyond it, it would go off at once.
const LONGEST_TIMER_MS: u32 = 0x7fff_ffff;

/// How a client sends.
#[derive(Debug)]
pub(super) struct Http {
    pub(super) base_url: String,
    pub(super) authorization: Secret,
    pub(super) timeout_ms: u32,
    pub(super) max_retries: u32,
}

/// What must not be told.
pub(super) struct Secret(pub(super) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("…")
    }
}

/// A whole answer, whatever it says.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) text: String,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<String>,
}

/// A built request with all that its tries share.
struct Job {
    request: Request,
    idempotency_key: Option<String>,
    timeout_ms: u32,
    max_retries: u32,
}

impl Http {
    /// Makes a call; an error unless the engine took it. Gives the answer's
    /// JSON, and the key that the call was made under.
    pub(super) async fn send(
        &self,
        fetch: &dyn Fetch,
        operation: &Operation,
        fields: &[&str],
        options: &CallOptions,
    ) -> Result<(Answer, Option<String>), Error> {
        let job = self.job(operation, fields, options)?;
        let alarm = Alarm::after(job.timeout_ms);
        let answer = match alarm.unless_first(self.tries(fetch, &job)).await {
            Some(answer) => answer?,
            None => {
                let Job { timeout_ms, idempotency_key, .. } = job;
                return Err(Error::Timeout { timeout_ms, idempotency_key });
            }
        };
        match answer.status {
            200..=299 => Ok((answer, job.idempotency_key)),
            _ => Err(Error::of(answer, now(), job.idempotency_key)),
        }
    }

    fn job(&self, operation: &Operation, fields: &[&str], options: &CallOptions) -> Result<Job, Error> {
        let request = Request::build(operation, fields)?;
        let idempotency_key = match (request.method, &options.idempotency_key) {
            ("POST", Some(key)) => {
                check_idempotency_key(key)?;
                Some(key.clone())
            }
            // With retries off it still tells a repeat.
            ("POST", None) => Some(idempotency_key(&random_bytes(KEY_BYTES))),
            _ => None,
        };
        let timeout_ms = options.timeout_ms.unwrap_or(self.timeout_ms);
        if timeout_ms == 0 {
            return Err(Error::Configuration("timeout_ms must be above zero".to_owned()));
        }
        Ok(Job {
            request,
            idempotency_key,
            timeout_ms: timeout_ms.min(LONGEST_TIMER_MS),
            max_retries: options.max_retries.unwrap_or(self.max_retries),
        })
    }

    async fn tries(&self, fetch: &dyn Fetch, job: &Job) -> Result<Answer, Error> {
        let started_ms = ticks_ms();
        let mut retries = 0;
        loop {
            let outcome = self.one_try(fetch, job).await?;
            let (status, retry_after) = match &outcome {
                Ok(answer) => (Some(answer.status), answer.retry_after.as_deref()),
                Err(_) => (None, None),
            };
            let elapsed_ms = ticks_ms() - started_ms;
            // A negative rest is cut to zero.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
            let left_ms = (f64::from(job.timeout_ms) - elapsed_ms) as u64;
            let failed = Failed { status, retry_after, retries };
            let bounds = Bounds { max_retries: job.max_retries, left_ms };
            let Some(ms) = wait_ms(failed, bounds, now(), random_u32()) else {
                let idempotency_key = job.idempotency_key.clone();
                return outcome.map_err(|detail| Error::Connection { detail, idempotency_key });
            };
            Alarm::after(u32::try_from(ms).unwrap_or(LONGEST_TIMER_MS)).ring().await;
            retries = retries.saturating_add(1);
        }
    }

    /// One try: the answer, or what broke on the way. An error is what no
    /// other try would change.
    async fn one_try(&self, fetch: &dyn Fetch, job: &Job) -> Result<Result<Answer, String>, Error> {
        let unsendable =
            |reason: String| Error::Configuration(format!("the request cannot be made: {reason}"));
        let stop = AbortOnDrop::new().map_err(|error| unsendable(words(&error)))?;
        let url = [&self.base_url, &job.request.path].map(String::as_str).concat();
        let mut builder = RequestBuilder::new(&url)
            .method(method(job.request.method))
            .header("Accept", "application/json")
            .header("Authorization", &self.authorization.0)
            .redirect(RequestRedirect::Manual)
            .abort_signal(Some(&stop.signal()));
        if let Some(key) = &job.idempotency_key {
            builder = builder.header("Idempotency-Key", key);
        }
        let request = match &job.request.body {
            Some(body) => builder.header("Content-Type", "application/json").body(body),
            None => builder.build(),
        };
        let request = web_sys::Request::from(request.map_err(|error| unsendable(error.to_string()))?);
        Ok(match fetch.fetch(&request) {
            Ok(promise) => read(promise).await,
            Err(thrown) => Err(words(&thrown)),
        })
    }
}

async fn read(promise: Promise) -> Result<Answer, String> {
    let response = JsFuture::from(promise).await.map_err(|error| words(&error))?;
    let response = response.dyn_into::<web_sys::Response>().map_err(|_| "not an HTTP answer".to_owned())?;
    let response = Response::from(response);
    let status = response.status();
    if status == 0 {
        return Err("the engine's address leads elsewhere".to_owned());
    }
    let headers = response.headers();
    let (request_id, retry_after) = (headers.get("X-Request-Id"), headers.get("Retry-After"));
    let text = match status {
        204 => "null".to_owned(),
        _ => response.text().await.map_err(|error| error.to_string())?,
    };
    let is_whole =
        !(200..=299).contains(&status) || serde_json::from_str::<serde::de::IgnoredAny>(&text).is_ok();
    match is_whole {
        true => Ok(Answer { status, text, request_id, retry_after }),
        false => Err("the answer was cut off".to_owned()),
    }
}

fn method(name: &str) -> Method {
    match name {
        "POST" => Method::POST,
        "PUT" => Method::PUT,
        "PATCH" => Method::PATCH,
        "DELETE" => Method::DELETE,
        _ => Method::GET,
    }
}

/// What a thrown value says.
fn words(thrown: &JsValue) -> String {
    match thrown.dyn_ref::<js_sys::Error>() {
        Some(error) => error.message().into(),
        None => thrown.as_string().unwrap_or_default(),
    }
}
