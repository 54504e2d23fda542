//! The mailbox in front of a ledger. In the engine it lives in the shell, in
//! TypeScript (`src/worker/shell/ledger.ts`); this is that class function by
//! function, so that the real ledger and the real journal run under its rules:
//! who leads a flush, what waits for which commit, when memory is dropped.
//! What the shell does after a commit for others (`shipping.ts`) is not here.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::rc::Rc;

use edge_credits::Timestamp;
use edge_credits::worker::objects::ledger::LedgerObject;

use super::disk::Disk;
use super::messages;
use super::process::{BROKEN, Bug, Process, Sent};
use super::task::{Given, Io, Rejected, Task, Wait};

const TAKEOVER_MS: i64 = 250;
const STALE_MS: i64 = 10_000;
const TELL_AT_LATEST_MS: i64 = 600_000;

struct Waiting {
    message: String,
    ticket: u32,
    since: i64,
    reply: String,
    seen: usize,
    known: usize,
}

#[derive(Default)]
struct Mail {
    queue: Vec<Waiting>,
    run: Vec<Waiting>,
    is_flushing: bool,
    flushed_at: i64,
    lead: u32,
    deputy: bool,
    /// Writes so far; how many have their alarm, and how many are known to be
    /// durable with it.
    written: u64,
    woken: u64,
    durable: u64,
    due: Due,
    ledger: Option<(LedgerObject<Disk>, u32)>,
    /// `None`: not known yet.
    alarm_at: Option<Option<i64>>,
    sent: VecDeque<Sent>,
}

impl Mail {
    /// What is written has no alarm, as far as is known here.
    fn need_alarm(&mut self) {
        self.written += 1;
        if self.due == Due::Nothing {
            self.due = Due::Unknown;
        }
    }
}

/// An object in memory.
pub(crate) struct Instance {
    process: Rc<Process>,
    id: String,
    disk: Disk,
    mail: RefCell<Mail>,
}

/// What the last write without an alarm needs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Due {
    #[default]
    Nothing,
    Unknown,
    TellDirectory,
    WakeAt(Option<i64>),
}

impl Instance {
    pub(crate) fn new(process: Rc<Process>, id: String, disk: Disk) -> Rc<Self> {
        Rc::new(Self { process, id, disk, mail: RefCell::default() })
    }

    fn now(&self) -> i64 {
        self.process.clock.get()
    }

    fn instant(&self) -> Timestamp {
        Timestamp::from_ms(self.now())
    }

    /// Whether so much time has passed, or nobody can tell: the clock went back.
    fn has_passed(&self, ms: i64, since: i64) -> bool {
        let now = self.now();
        (now < since && self.process.bug != Bug::TrustsClock) || now - since >= ms
    }

    /// A caller's message comes in; it may begin a flush.
    pub(crate) fn call(self: &Rc<Self>, message: String, ticket: u32) -> Option<Task> {
        let since = self.now();
        let leads = {
            let mail = &mut *self.mail.borrow_mut();
            mail.queue.push(Waiting { message, ticket, since, reply: BROKEN.to_owned(), seen: 0, known: 0 });
            let leads = !mail.is_flushing || self.has_passed(TAKEOVER_MS, mail.flushed_at);
            mail.deputy |= !leads;
            leads
        };
        if leads { self.start_flush() } else { None }
    }

    fn start_flush(self: &Rc<Self>) -> Option<Task> {
        let object = Rc::clone(self);
        Task::start(|io| async move { object.flush(io).await })
    }

    /// The first follower's timer rings.
    pub(crate) fn deputize(self: &Rc<Self>) -> Option<Task> {
        let takes_over = {
            let mail = &mut *self.mail.borrow_mut();
            if !std::mem::take(&mut mail.deputy) || !mail.is_flushing {
                return None;
            }
            let takes_over = self.has_passed(TAKEOVER_MS, mail.flushed_at);
            mail.deputy = !takes_over;
            takes_over
        };
        if takes_over { self.start_flush() } else { None }
    }

    /// The alarm rings. What became of it is said by the cell.
    pub(crate) fn ring(self: &Rc<Self>, heard: Rc<Cell<Option<bool>>>) -> Option<Task> {
        let object = Rc::clone(self);
        self.mail.borrow_mut().alarm_at = Some(None);
        self.mail.borrow_mut().need_alarm();
        Task::start(|io| async move {
            let done = object.alarm(&io).await.is_ok();
            if !done {
                object.forget();
            }
            heard.set(Some(done));
        })
    }

    pub(crate) fn take_sent(&self) -> VecDeque<Sent> {
        std::mem::take(&mut self.mail.borrow_mut().sent)
    }

    async fn alarm(&self, io: &Io) -> Result<(), Rejected> {
        let terms = self.terms(io).await?;
        self.transact(|ledger| {
            if let Some(terms) = &terms {
                ledger.take_terms(terms, self.instant())?;
            }
            ledger.settle_due(self.instant())?;
            Ok(())
        })?;
        self.sync(io).await?;
        self.tell_directory(io).await?;
        self.wake_in_time(io).await?;
        self.sync(io).await
    }

    async fn flush(self: Rc<Self>, io: Io) {
        let lead = {
            let mail = &mut *self.mail.borrow_mut();
            mail.lead += 1;
            mail.is_flushing = true;
            mail.lead
        };
        loop {
            self.mail.borrow_mut().flushed_at = self.now();
            let committed = self.round(&io, lead).await.is_ok();
            if !committed && self.process.bug != Bug::KeepsMemory {
                self.forget();
            }
            if self.mail.borrow().lead != lead {
                return;
            }
            if self.process.bug == Bug::TrustsWrites {
                let mail = &mut *self.mail.borrow_mut();
                (mail.durable, mail.woken) = (mail.written, mail.written);
            }
            self.answer_all(committed);
            if self.mail.borrow().queue.is_empty() {
                break;
            }
        }
        let mail = &mut *self.mail.borrow_mut();
        mail.is_flushing = false;
        mail.deputy = false;
    }

    async fn round(&self, io: &Io, lead: u32) -> Result<(), Rejected> {
        self.run_queue()?;
        if self.process.bug == Bug::AnswersEarly {
            self.answer_all(true);
        }
        // An earlier leader may have gone between its write and its commit, or
        // have failed; an alarm may ring meanwhile, and another is needed.
        while self.must_commit(lead) {
            self.commit(io).await?;
        }
        Ok(())
    }

    fn must_commit(&self, lead: u32) -> bool {
        let mail = self.mail.borrow();
        mail.durable < mail.written && mail.lead == lead
    }

    fn run_queue(&self) -> Result<(), Rejected> {
        let first = {
            let mail = &mut *self.mail.borrow_mut();
            let first = mail.run.len();
            let queue = std::mem::take(&mut mail.queue);
            mail.run.extend(queue);
            first
        };
        let (at, known) = (self.now(), self.disk.row_count());
        let mut run = std::mem::take(&mut self.mail.borrow_mut().run);
        let outcome = self.transact(|ledger| {
            for waiting in run[first..].iter_mut().filter(|waiting| at - waiting.since <= STALE_MS) {
                waiting.reply = ledger.call(&packed(&waiting.message), self.instant())?.to_text();
                if self.charges_twice(&waiting.message) {
                    let again = waiting.message.replace("\"key\":\"k", "\"key\":\"again-k");
                    ledger.call(&packed(&again), self.instant())?;
                }
            }
            Ok(())
        });
        let seen = self.disk.row_count();
        for waiting in &mut run[first..] {
            (waiting.seen, waiting.known) = (seen, known);
        }
        self.mail.borrow_mut().run = run;
        outcome
    }

    fn charges_twice(&self, message: &str) -> bool {
        if self.process.bug != Bug::AppliesTwice || !message.contains("\"consume\"") {
            return false;
        }
        self.process.charges.set(self.process.charges.get() + 1);
        self.process.charges.get().is_multiple_of(4)
    }

    /// Works on the ledger and writes what changed.
    fn transact(
        &self,
        work: impl FnOnce(&mut LedgerObject<Disk>) -> Result<(), Rejected>,
    ) -> Result<(), Rejected> {
        let outcome = self.with_ledger(|ledger| {
            work(ledger)?;
            Ok(match ledger.commit()? {
                false => Due::Nothing,
                true if ledger.must_list() => Due::TellDirectory,
                true => Due::WakeAt(ledger.wake_at(self.instant()).map(Timestamp::ms)),
            })
        })?;
        let mail = &mut *self.mail.borrow_mut();
        if outcome != Due::Nothing {
            mail.written += 1;
            if mail.due != Due::TellDirectory {
                mail.due = outcome;
            }
        }
        Ok(())
    }

    async fn commit(&self, io: &Io) -> Result<(), Rejected> {
        let (written, woken, due) = {
            let mail = self.mail.borrow();
            (mail.written, mail.woken, mail.due)
        };
        if woken < written {
            match due {
                Due::TellDirectory | Due::Unknown => self.wake_in_time(io).await?,
                Due::WakeAt(Some(at)) => self.wake_at(io, at).await?,
                _ => {}
            }
            if due != Due::Unknown {
                self.wake_at(io, self.now() + TELL_AT_LATEST_MS).await?;
            }
            let mail = &mut *self.mail.borrow_mut();
            mail.woken = mail.woken.max(written);
            if mail.written == written {
                mail.due = Due::Nothing;
            }
        }
        self.sync(io).await?;
        if due == Due::TellDirectory { self.tell_directory(io).await } else { Ok(()) }
    }

    async fn sync(&self, io: &Io) -> Result<(), Rejected> {
        let woken = self.mail.borrow().woken;
        io.wait(Wait::Sync(self.disk.sync_begins())).await?;
        let mail = &mut *self.mail.borrow_mut();
        mail.durable = mail.durable.max(woken);
        Ok(())
    }

    fn answer_all(&self, committed: bool) {
        let mail = &mut *self.mail.borrow_mut();
        for waiting in mail.run.drain(..) {
            let reply = if committed { waiting.reply } else { BROKEN.to_owned() };
            mail.sent.push_back(Sent {
                ticket: waiting.ticket,
                reply,
                seen: waiting.seen,
                known: waiting.known,
            });
        }
    }

    /// The ledger, opened if need be. A fault leaves it open: `forget` drops it.
    fn with_ledger<T>(
        &self,
        work: impl FnOnce(&mut LedgerObject<Disk>) -> Result<T, Rejected>,
    ) -> Result<T, Rejected> {
        let generation = self.process.generation.get();
        let mut mail = self.mail.borrow_mut();
        if mail.ledger.as_ref().is_none_or(|(_, of)| *of != generation) {
            mail.ledger = None;
            mail.ledger = Some((LedgerObject::open(self.disk.clone(), &self.id)?, generation));
            // What the journal holds may be of a flush that failed: not durable yet,
            // and without an alarm.
            if self.process.bug != Bug::TrustsWrites {
                mail.need_alarm();
            }
        }
        work(&mut mail.ledger.as_mut().unwrap().0)
    }

    fn forget(&self) {
        let mail = &mut *self.mail.borrow_mut();
        mail.ledger = None;
        mail.alarm_at = None;
    }

    async fn wake_in_time(&self, io: &Io) -> Result<(), Rejected> {
        let wake_at = self.with_ledger(|ledger| Ok(ledger.wake_at(self.instant())))?;
        let written = self.mail.borrow().written;
        if let Some(at) = wake_at {
            self.wake_at(io, at.ms()).await?;
        }
        let mail = &mut *self.mail.borrow_mut();
        mail.woken = mail.woken.max(written);
        Ok(())
    }

    async fn wake_at(&self, io: &Io, at: i64) -> Result<(), Rejected> {
        if self.mail.borrow().alarm_at.is_none() {
            let Given::Alarm(alarm) = io.wait(Wait::GetAlarm).await? else { panic!("no alarm was given") };
            self.mail.borrow_mut().alarm_at = Some(alarm);
        }
        if self.mail.borrow().alarm_at.flatten().is_some_and(|alarm| alarm <= at) {
            return Ok(());
        }
        self.mail.borrow_mut().alarm_at = Some(Some(at));
        self.disk.set_alarm(at)?;
        io.wait(Wait::SetAlarm).await.map(drop)
    }

    async fn terms(&self, io: &Io) -> Result<Option<String>, Rejected> {
        let effect = self.with_ledger(|ledger| Ok(ledger.terms_effect(self.instant())?))?;
        let Some(effect) = effect else { return Ok(None) };
        match io.wait(Wait::Project(effect)).await {
            Ok(Given::Reply(reply)) => Ok(Some(reply)),
            // The period ends by the terms that the ledger knows.
            _ => Ok(None),
        }
    }

    async fn tell_directory(&self, io: &Io) -> Result<(), Rejected> {
        let effect = self.with_ledger(|ledger| Ok(ledger.listing_effect()?))?;
        let Some(effect) = effect else { return Ok(()) };
        // What fails here is told by the alarm.
        if io.wait(Wait::Project(effect)).await.is_ok() {
            let kept = self.with_ledger(|ledger| Ok(ledger.keep_listed()?));
            if kept.is_ok() {
                let _ = self.sync(io).await;
            }
        }
        Ok(())
    }
}

/// A caller's message, which is JSON here, as it crosses.
fn packed(message: &str) -> String {
    messages::message(serde_json::from_str(message).unwrap())
}
