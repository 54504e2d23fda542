//! How a request runs without waiting: an `async` function whose only pauses
//! are effects that the shell performs.
//!
//! A future here is a plain coroutine. It is polled when the request begins
//! and each time the shell brings an effect's reply; between the two nothing
//! of Rust is on the stack, no executor runs and no promise is held. So a
//! flow reads as straight-line code, costs no microtasks, and an aborted wasm
//! instance leaves nothing dangling behind.

use std::cell::RefCell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use super::front::Answer;
use super::keys::Mode;
use super::quick_hash::QuickMap;
use crate::text::{concat, joined};
use crate::time::Timestamp;

/// Stands between texts that cross together: a control character, which is in
/// no name, no JSON text and no packed one.
pub const SEPARATOR: char = '\u{1e}';

/// Something that only the shell can do. Each is answered by one text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Call a customer's ledger object, by its name.
    LedgerByName {
        /// Project, mode and customer: see [`crate::worker::front::ledger_name`].
        name: String,
        /// A [`crate::worker::message::LedgerCall`].
        message: String,
    },
    /// As [`Effect::LedgerByName`]; and a reply that tells the front nothing
    /// besides, good or a refusal, answers the request as it stands. The flow
    /// is then not resumed but ended: it would only carry the answer through.
    AnswerOfLedger {
        /// As there.
        name: String,
        /// As there.
        message: String,
    },
    /// Call the ledger object that an id names.
    LedgerById {
        /// The platform's id in hexadecimal.
        id: String,
        /// A [`crate::worker::message::LedgerCall`].
        message: String,
    },
    /// Call a project's object.
    Project {
        /// Project and mode.
        name: String,
        /// A [`crate::worker::message::ProjectCall`].
        message: String,
    },
    /// Call several rollup objects at once; answered by a line for each, in
    /// order.
    Rollup {
        /// Their names: see [`crate::worker::objects::rollup::shard_name`].
        names: Vec<String>,
        /// A [`crate::worker::objects::rollup::RollupCall`].
        message: String,
    },
    /// Call the registry.
    Registry {
        /// A [`crate::worker::objects::registry::RegistryCall`].
        message: String,
    },
    /// Call several events objects at once; answered by a line for each, in
    /// order.
    Events {
        /// Their names: see [`crate::worker::objects::events::events_name`].
        names: Vec<String>,
        /// A [`crate::worker::objects::events::EventsCall`].
        message: String,
    },
    /// Read a key of KV.
    KvGet {
        /// The key.
        key: String,
    },
    /// Write a key of KV that ends by itself.
    KvPut {
        /// The key.
        key: String,
        /// In seconds; KV takes 60 at least.
        ttl_seconds: u32,
        /// The value.
        value: String,
    },
    /// Ask Stripe. The shell adds the API key, which this side never has.
    Stripe {
        /// With whose key.
        mode: Mode,
        /// `GET` or `POST`.
        method: &'static str,
        /// The path and query.
        path: String,
        /// Stripe's own idempotency key of a `POST`.
        key: String,
        /// The form of a `POST`.
        form: String,
    },
    /// Forward the request to the gated service.
    Origin {
        /// Where to; the service binding if empty.
        url: String,
        /// The path and query behind it.
        path: String,
        /// Headers to set.
        headers: Vec<(&'static str, String)>,
    },
    /// Call many customers' ledger objects, some at a time. Replied to by as
    /// many replies, in order, with [`SEPARATOR`] between them.
    Ledgers {
        /// The first part of the names of the objects that make the calls.
        importer: String,
        /// Names and messages as in [`Effect::LedgerByName`].
        calls: Vec<(String, String)>,
    },
    /// Read on in the request's body, which nothing else reads: `+` and whole
    /// lines, each ended, or `$` and the last ones. A line that is longer than
    /// `longest` may be cut behind that; one that is not UTF-8 comes as a NUL.
    NextLines {
        /// About how many bytes.
        size: usize,
        /// In bytes, without its end.
        longest: usize,
    },
    /// Wait until others that ask something had their turn.
    GiveWay,
    /// Begin the response; its body follows by [`Effect::Write`], and the
    /// flow's own answer ends it.
    Begin {
        /// Status, kind and headers.
        head: Answer,
    },
    /// Write to the body that was begun. Replied to once it is on its way to
    /// the caller, so that a slow one is waited for; `!gone` if there is none.
    Write {
        /// What to write.
        text: String,
    },
}

impl Effect {
    /// As the text that crosses to the shell: a letter, fields by line, and
    /// the payload last, since only it may contain line breaks.
    pub fn to_text(&self) -> String {
        match self {
            Self::LedgerByName { name, message } => concat(&["L", name, "\n", message]),
            Self::AnswerOfLedger { name, message } => concat(&["l", name, "\n", message]),
            Self::LedgerById { id, message } => concat(&["I", id, "\n", message]),
            Self::Project { name, message } => concat(&["P", name, "\n", message]),
            Self::Rollup { names, message } => format!("U{}\n{message}", joined(names, "\u{1e}")),
            Self::Registry { message } => format!("R\n{message}"),
            Self::Events { names, message } => format!("E{}\n{message}", joined(names, "\u{1e}")),
            Self::KvGet { key } => format!("G{key}"),
            Self::KvPut { key, ttl_seconds, value } => format!("W{ttl_seconds}\n{key}\n{value}"),
            Self::Stripe { mode, method, path, key, form } => {
                format!("${} {method} {path}\n{key}\n{form}", mode.word())
            }
            Self::Origin { url, path, headers } => {
                let mut text = format!("F{url}\n{path}");
                for (name, value) in headers {
                    text.push('\n');
                    text.push_str(name);
                    text.push(':');
                    text.push_str(value);
                }
                text
            }
            Self::Ledgers { importer, calls } => {
                let mut text = format!("M{importer}\n");
                for (index, (name, message)) in calls.iter().enumerate() {
                    if index > 0 {
                        text.push(SEPARATOR);
                    }
                    text.push_str(name);
                    text.push(SEPARATOR);
                    text.push_str(message);
                }
                text
            }
            Self::NextLines { size, longest } => format!("N{size}\n{longest}"),
            Self::GiveWay => "Y".to_owned(),
            Self::Begin { head } => head.to_text_with("S"),
            Self::Write { text } => format!("T\n{text}"),
        }
    }
}

/// What a flow and its driver share.
#[derive(Default)]
struct Slot {
    effect: Option<Effect>,
    reply: Option<String>,
}

/// A flow's way to the outside.
#[derive(Clone, Default)]
pub struct Io(Rc<RefCell<Slot>>);

impl Io {
    /// Has the shell perform an effect and waits for its reply.
    #[inline(never)]
    pub fn perform(&self, effect: Effect) -> Performing<'_> {
        self.0.borrow_mut().effect = Some(effect);
        Performing(&self.0)
    }
}

/// An effect under way. By hand and not an `async` function, which would be made anew in each flow
/// that waits, with room for the effect.
pub struct Performing<'a>(&'a RefCell<Slot>);

impl Future for Performing<'_> {
    type Output = String;

    #[inline(never)]
    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<String> {
        match self.0.borrow_mut().reply.take() {
            Some(reply) => Poll::Ready(reply),
            None => Poll::Pending,
        }
    }
}

/// What a flow needs next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// It is done.
    Answer(Answer),
    /// It waits for this.
    Effect(Effect),
}

type Flow = Pin<Box<dyn Future<Output = Answer>>>;

/// Flows that one isolate keeps before it looks for abandoned ones.
const MANY_FLOWS: usize = 4_096;
/// A flow that has waited this long was abandoned: the platform ended its
/// request without a word.
const ABANDONED_AFTER_MS: i64 = 900_000;

struct Running {
    io: Io,
    flow: Flow,
    since: Timestamp,
}

/// The flows under way, by the shell's own numbers.
#[derive(Default)]
pub struct Flows {
    running: QuickMap<u32, Running>,
}

impl Flows {
    /// Starts a flow and runs it to its first pause.
    pub fn begin<F: Future<Output = Answer> + 'static>(
        &mut self,
        task: u32,
        now: Timestamp,
        flow: impl FnOnce(Io) -> F,
    ) -> Step {
        if self.running.len() >= MANY_FLOWS {
            self.running.retain(|_, running| now.ms_since(running.since) < ABANDONED_AFTER_MS);
        }
        let io = Io::default();
        let flow = Box::pin(flow(io.clone()));
        self.run(task, Running { io, flow, since: now })
    }

    /// Brings a flow its reply and runs it to its next pause. `None` for a
    /// flow that there is not.
    pub fn resume(&mut self, task: u32, reply: String) -> Option<Step> {
        let running = self.running.remove(&task)?;
        running.io.0.borrow_mut().reply = Some(reply);
        Some(self.run(task, running))
    }

    /// Ends a flow that its last effect's reply has answered.
    pub fn end(&mut self, task: u32) {
        self.running.remove(&task);
    }

    fn run(&mut self, task: u32, mut running: Running) -> Step {
        let mut context = Context::from_waker(Waker::noop());
        match running.flow.as_mut().poll(&mut context) {
            Poll::Ready(answer) => Step::Answer(answer),
            Poll::Pending => {
                let effect = running.io.0.borrow_mut().effect.take();
                match effect {
                    Some(effect) => {
                        self.running.insert(task, running);
                        Step::Effect(effect)
                    }
                    // A flow pauses for effects only; anything else is a fault.
                    None => Step::Answer(Answer::internal()),
                }
            }
        }
    }
}
