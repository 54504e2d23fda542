//! The seam: what the TypeScript shell calls, and what it offers. Only here
//! is JavaScript named, and only strings, bytes and numbers cross.
//!
//! No function here is `async` and none keeps a JavaScript value: if the wasm
//! instance aborts, the shell makes a new one and nothing dangles.

pub mod events;
pub mod shipping;

use std::cell::RefCell;
use std::rc::Rc;

use wasm_bindgen::prelude::*;

use super::flow::{Effect, Flows, Step};
use super::front::compat::in_their_words;
use super::front::{Answer, Front, Incoming};
use super::objects::ledger::LedgerObject;
use super::objects::{project, registry, rollup};
use super::quick_hash::QuickMap;
use super::store::{Store, StoreFault};
use crate::api::{Code, Problem};
use crate::time::Timestamp;

#[wasm_bindgen(module = "/src/worker/shell/platform.js")]
extern "C" {
    /// Runs SQL on the storage of the object that is being called.
    #[wasm_bindgen(catch, js_name = query)]
    fn platform_query(sql: &str, parameters: &str) -> Result<String, JsValue>;

    /// Runs a statement that takes one text and gives nothing.
    #[wasm_bindgen(catch, js_name = execute)]
    fn platform_execute(sql: &str, text: &str) -> Result<(), JsValue>;

    /// Runs a statement that takes four numbers and three texts and gives
    /// nothing.
    #[wasm_bindgen(catch, js_name = insert)]
    fn platform_insert(
        sql: &str,
        first: f64,
        second: f64,
        third: f64,
        fourth: f64,
        one: &str,
        two: &str,
        three: &str,
    ) -> Result<(), JsValue>;

    /// Fills bytes from the platform's random source.
    #[wasm_bindgen(js_name = random)]
    fn platform_random(bytes: &mut [u8]);

    /// Writes a line to the Worker's log.
    #[wasm_bindgen(js_name = log)]
    fn platform_log(line: &str);
}

/// Random bytes from the platform.
pub fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    platform_random(&mut bytes);
    bytes
}

/// The storage of the object that is being called.
#[derive(Debug)]
struct PlatformStore;

impl Store for PlatformStore {
    fn query(&self, sql: &str, parameters: &str) -> Result<String, StoreFault> {
        platform_query(sql, parameters).map_err(|error| StoreFault(format!("{error:?}")))
    }

    fn execute(&self, sql: &str, text: &str) -> Result<(), StoreFault> {
        platform_execute(sql, text).map_err(|error| StoreFault(format!("{error:?}")))
    }

    fn insert(&self, sql: &str, numbers: [i64; 4], texts: [&str; 3]) -> Result<(), StoreFault> {
        // They are below 2^53.
        #[allow(clippy::cast_precision_loss)]
        let [first, second, third, fourth] = numbers.map(|number| number as f64);
        let [one, two, three] = texts;
        platform_insert(sql, first, second, third, fourth, one, two, three)
            .map_err(|error| StoreFault(format!("{error:?}")))
    }
}

#[derive(Default)]
struct Engine {
    front: Option<Rc<Front>>,
    flows: Flows,
    ledgers: QuickMap<u32, LedgerObject<PlatformStore>>,
    last_ledger: u32,
}

thread_local! {
    static ENGINE: RefCell<Engine> = RefCell::default();
}

fn with_engine<T>(run: impl FnOnce(&mut Engine) -> T) -> T {
    ENGINE.with_borrow_mut(run)
}

fn instant(now_ms: f64) -> Timestamp {
    // Date.now() is a whole number well below 2^53.
    #[allow(clippy::cast_possible_truncation)]
    Timestamp::from_ms(now_ms as i64)
}

/// A step as the text that crosses; a `+` before it says that there are
/// effects that no request waits for.
fn text(engine: &Engine, step: &Step) -> String {
    let mut text = match step {
        Step::Answer(answer) => answer.to_text(),
        Step::Effect(effect) => effect.to_text(),
    };
    if engine.front.as_ref().is_some_and(|front| front.has_background()) {
        text.insert(0, '+');
    }
    text
}

/// Gives the front its secrets; empty ones are absent.
#[wasm_bindgen]
pub fn configure(
    admin_token: &str,
    key_secret: &str,
    previous_key_secret: &str,
    stripe_webhook_secret: &str,
    stripe_test_webhook_secret: &str,
) {
    let front = Front::new(admin_token, key_secret, previous_key_secret)
        .with_stripe(stripe_webhook_secret, stripe_test_webhook_secret);
    with_engine(|engine| engine.front = Some(Rc::new(front)));
}

/// Begins a request: see [`Incoming::from_head`] for `head`; no body means
/// that it was too large. Gives the first step.
#[wasm_bindgen]
pub fn begin(task: u32, head: String, body: Option<Vec<u8>>, now_ms: f64) -> String {
    with_engine(|engine| {
        let now = instant(now_ms);
        let incoming = Incoming::from_head(head, body, now);
        match (&engine.front, incoming) {
            (Some(front), Some(incoming)) => {
                let front = Rc::clone(front);
                let step = engine.flows.begin(task, now, |io| front.handle(io, incoming));
                text(engine, &step)
            }
            _ => Answer::internal().to_text(),
        }
    })
}

/// Brings a request the reply to its effect. Gives the next step.
#[wasm_bindgen]
pub fn resume(task: u32, reply: String) -> String {
    with_engine(|engine| match engine.flows.resume(task, reply) {
        Some(step) => text(engine, &step),
        None => Answer::internal().to_text(),
    })
}

/// Ends a request that the reply to [`Effect::AnswerOfLedger`] has answered.
#[wasm_bindgen]
pub fn answered(task: u32) {
    with_engine(|engine| engine.flows.end(task));
}

/// Takes an effect that no request waits for.
#[wasm_bindgen]
pub fn next_background() -> Option<String> {
    with_engine(|engine| engine.front.as_ref()?.next_background().map(|effect: Effect| effect.to_text()))
}

/// Brings the reply to a background read of a project's record.
#[wasm_bindgen]
pub fn record_refreshed(key: &str, reply: &str, now_ms: f64) {
    with_engine(|engine| {
        if let Some(front) = &engine.front {
            front.refreshed(key, reply, instant(now_ms));
        }
    });
}

/// Opens a ledger object over the storage at hand; gives its handle, or
/// throws.
///
/// # Errors
/// If the journal cannot be read.
#[wasm_bindgen]
pub fn ledger_open(object_id: &str) -> Result<u32, JsError> {
    let ledger = LedgerObject::open(PlatformStore, object_id).map_err(fault)?;
    if let Some(damage) = ledger.damage() {
        platform_log(&format!("storage: {damage}"));
    }
    Ok(with_engine(|engine| {
        engine.last_ledger = engine.last_ledger.wrapping_add(1);
        engine.ledgers.insert(engine.last_ledger, ledger);
        engine.last_ledger
    }))
}

/// Answers one call to a ledger object; the answer must wait for
/// [`ledger_commit`].
///
/// # Errors
/// If storage failed: the object must be closed.
#[wasm_bindgen]
pub fn ledger_call(handle: u32, message: &str, now_ms: f64) -> Result<String, JsError> {
    with_ledger(handle, |ledger| ledger.call(message, instant(now_ms)).map(|reply| reply.to_text()))
}

/// Writes what the calls changed and says what is to be done: -1 nothing, for
/// nothing was written; 0 wait for the commit; 1 moreover tell the directory
/// ([`ledger_listing`]); else the instant at which the object must be woken.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_commit(handle: u32, now_ms: f64) -> Result<f64, JsError> {
    // Instants are whole numbers well below 2^53.
    #[allow(clippy::cast_precision_loss)]
    with_ledger(handle, |ledger| {
        Ok(match ledger.commit()? {
            false => -1.0,
            true if ledger.must_list() => 1.0,
            true => ledger.wake_at(instant(now_ms)).map_or(0.0, |at| at.ms() as f64),
        })
    })
}

/// The call by which the project's terms are had before a period ends, and the
/// project object's name before it, if one is over.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_terms(handle: u32, now_ms: f64) -> Result<Option<String>, JsError> {
    with_ledger(handle, |ledger| ledger.terms_effect(instant(now_ms)))
}

/// Takes the reply to [`ledger_terms`].
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_take_terms(handle: u32, reply: &str, now_ms: f64) -> Result<(), JsError> {
    with_ledger(handle, |ledger| ledger.take_terms(reply, instant(now_ms)))
}

/// Does what the clock has made due.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_settle_due(handle: u32, now_ms: f64) -> Result<(), JsError> {
    with_ledger(handle, |ledger| ledger.settle_due(instant(now_ms)))
}

/// When the object must be woken, in milliseconds since 1970, as seen at an
/// instant at which nothing is overdue but the word to the directory.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_wake_at(handle: u32, now_ms: f64) -> Result<Option<f64>, JsError> {
    // Instants are whole numbers well below 2^53.
    #[allow(clippy::cast_precision_loss)]
    with_ledger(handle, |ledger| Ok(ledger.wake_at(instant(now_ms)).map(|at| at.ms() as f64)))
}

/// The call by which the project's directory hears of the customer, and the
/// project object's name before it, if the directory must hear.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_listing(handle: u32) -> Result<Option<String>, JsError> {
    with_ledger(handle, |ledger| ledger.listing_effect())
}

/// Keeps what the directory has heard.
///
/// # Errors
/// As [`ledger_call`].
#[wasm_bindgen]
pub fn ledger_listed(handle: u32) -> Result<(), JsError> {
    with_ledger(handle, LedgerObject::keep_listed)
}

/// Forgets a ledger object that is gone from memory.
#[wasm_bindgen]
pub fn ledger_close(handle: u32) {
    with_engine(|engine| engine.ledgers.remove(&handle));
}

/// Answers one call to a project object: the reply, and, after a line break,
/// the KV key and text to publish. The reply has no line break.
///
/// # Errors
/// If storage failed: the transaction must be undone.
#[wasm_bindgen]
pub fn project_call(message: &str, now_ms: f64) -> Result<String, JsError> {
    let answered = project::call(&PlatformStore, message, instant(now_ms)).map_err(fault)?;
    let reply = answered.reply.to_text();
    Ok(match answered.publish {
        Some((key, value)) => format!("{reply}\n{key}\n{value}"),
        None => reply,
    })
}

/// Answers one call to the registry.
///
/// # Errors
/// As [`project_call`].
#[wasm_bindgen]
pub fn registry_call(message: &str, now_ms: f64) -> Result<String, JsError> {
    registry::call(&PlatformStore, message, instant(now_ms)).map(|reply| reply.to_text()).map_err(fault)
}

/// Whether the rollup object at hand holds anything.
///
/// # Errors
/// As [`project_call`].
#[wasm_bindgen]
pub fn rollup_is_made() -> Result<bool, JsError> {
    rollup::is_made(&PlatformStore).map_err(fault)
}

/// Answers one call to a rollup object, of which [`rollup_is_made`] says
/// whether it holds anything.
///
/// # Errors
/// As [`project_call`].
#[wasm_bindgen]
pub fn rollup_call(message: &str, is_made: bool) -> Result<String, JsError> {
    rollup::call(&PlatformStore, message, is_made).map(|reply| reply.to_text()).map_err(fault)
}

fn with_ledger<T>(
    handle: u32,
    run: impl FnOnce(&mut LedgerObject<PlatformStore>) -> Result<T, StoreFault>,
) -> Result<T, JsError> {
    with_engine(|engine| match engine.ledgers.get_mut(&handle) {
        Some(ledger) => run(ledger).map_err(fault),
        None => Err(JsError::new("the ledger is not open")),
    })
}

/// A fault of storage: its words go to the log, never to a caller.
fn fault(StoreFault(detail): StoreFault) -> JsError {
    platform_log(&format!("storage: {detail}"));
    JsError::new("storage failed")
}

/// The answer to a request that the shell could not bring to its end, by the
/// cause: `restarted` if the engine was started anew under it, which a retry
/// does not meet again; `broken` if its body ended before its end, which is its
/// sender's; any other word for a fault.
#[wasm_bindgen]
pub fn failed_answer(cause: &str, path: &str) -> String {
    let answer = match cause {
        "restarted" => Answer::overloaded(),
        "broken" => Problem::new(Code::InvalidJson, "the body was broken off before its end").into(),
        _ => Answer::internal(),
    };
    in_their_words(path, answer).to_text()
}
