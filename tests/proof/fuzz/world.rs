//! The whole engine but its shell: the front, and every object over a real
//! SQLite. Each effect of a request is performed at once.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;

use edge_credits::Timestamp;
use edge_credits::text::Name;
use edge_credits::worker::flow::{Effect, Flows, Step};
use edge_credits::worker::front::{AnswerKind, Front, Incoming};
use edge_credits::worker::ids::{Naming, Prefix, from_hex, to_hex};
use edge_credits::worker::keys::{KEY_ID_BYTES, Key, Mode, Scopes, Signer};
use edge_credits::worker::objects::ledger::LedgerObject;
use edge_credits::worker::objects::{events, project, registry, rollup};
use edge_credits::worker::reply::Reply;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::messages::message;
use crate::requests::{Request, SECRETS};
use crate::sqlite::Sqlite;

const OPERATOR: &str = "operator";
const SECRET: &str = "secret";
/// What the platform's randomness says where there is no platform.
const NO_RANDOMNESS: &str = "imported functions on non-wasm targets";
const SEPARATOR: char = '\u{1e}';

/// What came of a request.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The body of a good answer was taken, and what it needs is not here.
    pub(crate) lacks_randomness: bool,
}

impl Answered {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }
}

pub(crate) struct World {
    front: Rc<Front>,
    /// By a letter for the kind, and the object's name.
    stores: BTreeMap<String, Sqlite>,
    ledgers: BTreeMap<String, LedgerObject<Sqlite>>,
    pub(crate) now: Timestamp,
    requests: u32,
}

fn front() -> Rc<Front> {
    Rc::new(Front::new(OPERATOR, SECRET, "").with_stripe(SECRETS[0], SECRETS[1]))
}

/// As the platform derives one from a name: 32 bytes that nobody can guess.
pub(crate) fn object_id(name: &str) -> String {
    to_hex(&Sha256::digest(name))
}

pub(crate) fn ledger_id(mode: &str, customer: &str) -> String {
    object_id(&format!("shop\u{1f}{mode}\u{1f}{customer}"))
}

/// The public id of an entry of a customer.
pub(crate) fn transaction_id(customer: &str, seq: u64) -> String {
    Naming::new(&ledger_id("live", customer)).unwrap().id(Prefix::Transaction, seq)
}

/// The keys that requests come with, by their words.
pub(crate) fn key(word: &str) -> Option<String> {
    let (mode, customer) = match word {
        "operator" => return Some(OPERATOR.to_owned()),
        "live" => (Mode::Live, None),
        "test" => (Mode::Test, None),
        "anna" => (Mode::Live, Name::new("anna")),
        _ => return None,
    };
    let scopes = if customer.is_some() { Scopes::CUSTOMER } else { Scopes::ALL };
    let project = Name::new("shop").unwrap();
    let key = Key { id: [7; KEY_ID_BYTES], mode, project, customer, scopes, expires_at: None };
    Some(Signer::new(&[SECRET]).unwrap().issue(&key))
}

impl World {
    /// An engine with a project and customers, made by requests.
    pub(crate) fn new(now: Timestamp, requests: &str) -> Self {
        let mut world =
            Self { front: front(), stores: BTreeMap::new(), ledgers: BTreeMap::new(), now, requests: 0 };
        for request in Request::all(requests.as_bytes()) {
            let answered = world.send(&request);
            assert!(answered.status < 300, "{}: {answered:?}", request.target);
        }
        world.ledgers.clear();
        world
    }

    /// Does something and undoes it.
    pub(crate) fn try_out<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let kept: Vec<String> = self.stores.keys().cloned().collect();
        for name in &kept {
            self.stores[name].connection.execute_batch("SAVEPOINT trial").unwrap();
        }
        self.front = front();
        let done = catch_unwind(AssertUnwindSafe(|| run(self)));
        self.ledgers.clear();
        self.stores.retain(|name, _| kept.contains(name));
        for name in &kept {
            self.stores[name].statements.borrow_mut().clear();
            self.stores[name].connection.execute_batch("ROLLBACK TO trial; RELEASE trial").unwrap();
        }
        done.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// The record of the project, as its object keeps it.
    pub(crate) fn record(&mut self) -> String {
        let store = self.store("project", "shop\u{1f}live");
        store.connection.query_row("SELECT body FROM record", [], |row| row.get(0)).unwrap()
    }

    /// Has this isolate know a record that KV gave.
    pub(crate) fn know(&self, reply: &str) {
        self.front.refreshed("project:shop:live", reply, self.now);
    }

    /// How much was written so far. That a ledger has heard of new terms is no
    /// one request's doing.
    fn changes(&self) -> u64 {
        let written = |(name, store): (&String, &Sqlite)| match name.starts_with("ledger") {
            true => {
                let count = "SELECT count(*) FROM entries WHERE kind <> 'terms_changed'";
                store.connection.query_row(count, [], |row| row.get(0)).map_or(0, i64::unsigned_abs)
            }
            false => store.connection.total_changes(),
        };
        self.stores.iter().map(written).sum()
    }

    /// Brings a request to its end. Fails if the answer is none that a caller
    /// may get, or if a refusal has changed something.
    pub(crate) fn send(&mut self, request: &Request) -> Answered {
        let earlier = self.changes();
        let sent = catch_unwind(AssertUnwindSafe(|| self.run(request)));
        let answered = match sent {
            Ok(answered) => answered,
            Err(panic) => {
                match panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref().copied()) {
                    Some(text) if text.contains(NO_RANDOMNESS) => {
                        return Answered { status: 200, body: "{}".to_owned(), lacks_randomness: true };
                    }
                    _ => resume_unwind(panic),
                }
            }
        };
        // A purchase that failed is kept, to be told.
        let may_change = answered.status < 400 || answered.status == 402 || request.stripe.is_some();
        let changes = self.changes() - earlier;
        assert!(may_change || changes == 0, "a refusal wrote {changes} rows: {answered:?}");
        answered
    }

    fn run(&mut self, request: &Request) -> Answered {
        self.requests += 1;
        let mut flows = Flows::default();
        let incoming = self.incoming(request);
        let front = Rc::clone(&self.front);
        let mut lines = String::new();
        let mut began = None;
        let mut body = Some(request.body.as_slice());
        let mut step = flows.begin(1, self.now, |io| front.handle(io, incoming));
        loop {
            while let Some(effect) = self.front.next_background() {
                if let Effect::KvGet { key } = effect {
                    self.front.refreshed(&key, "-", self.now);
                }
            }
            let reply = match step {
                Step::Effect(Effect::Begin { head }) => {
                    began = Some(head);
                    String::new()
                }
                Step::Effect(Effect::Write { text }) => {
                    lines.push_str(&text);
                    String::new()
                }
                Step::Effect(Effect::NextLines { .. }) => body.take().map_or("$".to_owned(), whole_lines),
                Step::Effect(effect) => self.perform(effect, request),
                Step::Answer(answer) if answer.kind == AnswerKind::End => {
                    let head = began.expect("a body begins before it ends");
                    for line in lines.lines() {
                        serde_json::from_str::<Value>(line).expect("a line is JSON");
                    }
                    return Answered { status: head.status, body: lines, lacks_randomness: false };
                }
                Step::Answer(answer) => {
                    let answered =
                        Answered { status: answer.status, body: answer.body, lacks_randomness: false };
                    check_answer(answer.kind, &answered, request);
                    return answered;
                }
            };
            step = flows.resume(1, reply).expect("the flow goes on");
        }
    }

    fn incoming(&self, request: &Request) -> Incoming {
        let mut incoming =
            Incoming::from_head(request.head(self.now, self.requests), None, self.now).expect("a head");
        let most = if request.target.starts_with("/webhooks/stripe") { 262_144 } else { 65_536 };
        incoming.body = (request.body.len() <= most).then(|| request.body.clone());
        incoming
    }

    fn perform(&mut self, effect: Effect, request: &Request) -> String {
        match effect {
            // What answers as it stands is the same when the flow carries it through.
            Effect::LedgerByName { name, message } | Effect::AnswerOfLedger { name, message } => {
                self.ledger(&object_id(&name), &message)
            }
            Effect::LedgerById { id, message } => match from_hex(&id) {
                Some(bytes) if bytes.len() == 32 => self.ledger(&id, &message),
                _ => "!unknown".to_owned(),
            },
            Effect::Ledgers { calls, .. } => {
                let replies = calls.iter().map(|(name, message)| self.ledger(&object_id(name), message));
                replies.collect::<Vec<_>>().join(&SEPARATOR.to_string())
            }
            Effect::Project { name, message } => {
                project::call(&self.store("project", &name), &message, self.now).unwrap().reply.to_text()
            }
            Effect::Registry { message } => {
                registry::call(&self.store("registry", ""), &message, self.now).unwrap().to_text()
            }
            Effect::Rollup { names, message } => {
                let call = |name: &String| {
                    let store = self.store("rollup", name);
                    let is_made = rollup::is_made(&store).unwrap();
                    rollup::call(&store, &message, is_made).unwrap().to_text()
                };
                names.iter().map(call).collect::<Vec<_>>().join("\n")
            }
            Effect::Events { names, message } => {
                let call = |name: &String| {
                    events::call(&self.store("events", name), &message, self.now).unwrap().to_text()
                };
                names.iter().map(call).collect::<Vec<_>>().join("\n")
            }
            Effect::KvGet { .. } => "-".to_owned(),
            Effect::Stripe { .. } => request.stripe.clone().unwrap_or_else(|| "!network".to_owned()),
            Effect::GiveWay => String::new(),
            Effect::Origin { .. } => "200\n".to_owned(),
            other => panic!("not an effect with a reply: {other:?}"),
        }
    }

    fn store(&mut self, kind: &str, name: &str) -> Sqlite {
        self.stores.entry(format!("{kind} {name}")).or_insert_with(Sqlite::new).clone()
    }

    /// A ledger's store.
    pub(crate) fn ledger_store(&mut self, id: &str) -> Sqlite {
        self.store("ledger", id)
    }

    /// A fault of storage here is one that a request has caused.
    fn ledger(&mut self, id: &str, message: &str) -> String {
        let store = self.ledger_store(id);
        let open = || LedgerObject::open(store, id).unwrap();
        let ledger = self.ledgers.entry(id.to_owned()).or_insert_with(open);
        let reply = ledger.call(message, self.now).unwrap();
        ledger.commit().unwrap();
        reply.to_text()
    }

    /// That the books of all ledgers are sound which this trial has used.
    pub(crate) fn audit(&mut self) {
        for (id, ledger) in &mut self.ledgers {
            let Some(owner) = ledger_owner(&self.stores[&format!("ledger {id}")]) else {
                continue;
            };
            let (project, mode, customer) = owner;
            let call = serde_json::json!({ "project": project, "mode": mode, "customer": customer, "ask": { "audit": {} } });
            let reply: Reply = ledger.call(&message(call), self.now).unwrap();
            assert!(reply.status == 404 || reply.body.contains("\"consistent\":true"), "{}", reply.body);
        }
    }
}

fn ledger_owner(store: &Sqlite) -> Option<(String, String, String)> {
    let select = "SELECT project, mode, customer FROM identity";
    store.connection.query_row(select, [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).ok()
}

/// As the shell hands over a body that is short.
fn whole_lines(bytes: &[u8]) -> String {
    let line = |line: &[u8]| String::from_utf8(line.to_vec()).unwrap_or_else(|_| "\0".to_owned());
    let mut lines: Vec<String> = bytes.split(|byte| *byte == b'\n').map(line).collect();
    if lines.last().is_some_and(|last| !last.is_empty()) {
        lines.push(String::new());
    }
    format!("${}", lines.join("\n"))
}

/// Nothing but JSON goes out, and of an error all that the contract promises.
fn check_answer(kind: AnswerKind, answered: &Answered, request: &Request) {
    // What Stripe answers is Stripe's; all else must be a caller's mistake.
    assert!(answered.status != 500 || request.stripe.is_some(), "{answered:?}");
    match kind {
        AnswerKind::Problem => {
            let problem = answered.json();
            assert_eq!(problem["status"], answered.status, "{problem}");
            let kind = format!("urn:edge-credits:problem:{}", problem["code"].as_str().expect("a code"));
            assert_eq!(problem["type"], kind.as_str(), "{problem}");
            assert!(problem["title"].is_string() && problem["detail"].is_string(), "{problem}");
        }
        AnswerKind::Json => {
            let body: Value = serde_json::from_str(&answered.body).expect("JSON");
            assert!(!body.is_null(), "{} is answered null", request.target);
        }
        _ => {}
    }
}
