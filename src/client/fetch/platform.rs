//! What the platform gives: `fetch`, timers, abort, clocks, random bytes.
//! This file and `http.rs` are all of the client that names JavaScript.

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use gloo_timers::callback::Timeout;
use js_sys::{Math, Promise, Reflect, Uint8Array};
use wasm_bindgen::prelude::*;
use web_sys::{AbortController, AbortSignal, Request};

use crate::time::Timestamp;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(catch, js_name = fetch)]
    fn global_fetch(request: &Request) -> Result<Promise, JsValue>;

    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;

    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues)]
    fn get_random_values(bytes: &Uint8Array);

    #[derive(Clone, Debug)]
    type Fetcher;

    #[wasm_bindgen(catch, method, js_name = fetch)]
    fn fetch(this: &Fetcher, request: &Request) -> Result<Promise, JsValue>;
}

/// How a request is sent.
pub trait Fetch {
    /// Sends it.
    ///
    /// # Errors
    /// What `fetch` threw instead of giving a promise.
    fn fetch(&self, request: &Request) -> Result<Promise, JsValue>;
}

/// The global `fetch`.
#[derive(Clone, Copy, Debug, Default)]
pub struct GlobalFetch;

impl Fetch for GlobalFetch {
    fn fetch(&self, request: &Request) -> Result<Promise, JsValue> {
        global_fetch(request)
    }
}

/// The `fetch` of an object, such as a Worker's service binding.
#[derive(Clone, Debug)]
pub struct Binding(Fetcher);

impl Binding {
    /// The binding that JavaScript knows as `env.CREDITS`, say.
    pub fn new(object: JsValue) -> Self {
        Self(object.unchecked_into())
    }
}

impl Fetch for Binding {
    fn fetch(&self, request: &Request) -> Result<Promise, JsValue> {
        self.0.fetch(request)
    }
}

/// The time of day.
pub(super) fn now() -> Timestamp {
    // A whole number well below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_ms(js_sys::Date::now() as i64)
}

/// Milliseconds on a clock that is never set.
pub(super) fn ticks_ms() -> f64 {
    performance_now()
}

/// Even over all of `u32`; good enough for waits, not for keys.
pub(super) fn random_u32() -> u32 {
    // Below 2^32.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let random = (Math::random() * 4_294_967_296.0) as u32;
    random
}

/// Bytes that nobody can guess.
pub(super) fn random_bytes(count: u32) -> Vec<u8> {
    // Through an array of JavaScript's own: the platform takes no view of shared memory.
    let bytes = Uint8Array::new_with_length(count);
    get_random_values(&bytes);
    bytes.to_vec()
}

/// Whether this is a page, where everybody can read what it holds.
pub(super) fn is_page() -> bool {
    Reflect::has(&js_sys::global(), &JsValue::from_str("document")).unwrap_or(false)
}

/// Rings once. Dropped, it leaves no timer.
pub(super) struct Alarm {
    bell: Rc<Bell>,
    _timer: Timeout,
}

#[derive(Default)]
struct Bell {
    rang: Cell<bool>,
    listener: RefCell<Option<Waker>>,
}

impl Alarm {
    pub(super) fn after(ms: u32) -> Self {
        let bell = Rc::new(Bell::default());
        let timer = Timeout::new(ms, {
            let bell = Rc::clone(&bell);
            move || {
                bell.rang.set(true);
                if let Some(listener) = bell.listener.take() {
                    listener.wake();
                }
            }
        });
        Self { bell, _timer: timer }
    }

    /// Is over when it rings.
    pub(super) async fn ring(&self) {
        self.unless_first(std::future::pending::<()>()).await;
    }

    /// What comes of `work`, unless it rings first: then `work` is dropped.
    pub(super) async fn unless_first<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        let mut work = pin!(work);
        poll_fn(|context| {
            if self.bell.rang.get() {
                return Poll::Ready(None);
            }
            self.bell.listener.replace(Some(context.waker().clone()));
            work.as_mut().poll(context).map(Some)
        })
        .await
    }
}

/// Stops what was begun under its signal when it is dropped. What is over by
/// then does not notice.
pub(super) struct AbortOnDrop(AbortController);

impl AbortOnDrop {
    pub(super) fn new() -> Result<Self, JsValue> {
        AbortController::new().map(Self)
    }

    pub(super) fn signal(&self) -> AbortSignal {
        self.0.signal()
    }
}

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}
