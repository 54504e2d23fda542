//! One customer's ledger object: it takes calls, keeps a [`Book`], and prints
//! the answers. Several calls are done in memory, then committed at once.

use super::ledger_audit::Audits;
use super::rate::Limiter;
use crate::api::{Code, Problem};
use crate::json;
use crate::ledger::{Book, Command, RateLimit, Refusal, Terms};
use crate::time::Timestamp;
use crate::worker::ids::Naming;
use crate::worker::journal::{Identity, SqlJournal};
use crate::worker::message::{Ask, LedgerCall, ProjectAsk, ProjectCall};
use crate::worker::objects::project::project_name;
use crate::worker::objects::shipping::Progress;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// After this long the directory is told again of a customer that it has not
/// heard of.
const LISTING_AFTER_MS: i64 = 5_000;

/// A ledger object in memory.
#[derive(Debug)]
pub struct LedgerObject<S> {
    pub(super) book: Book<SqlJournal<S>>,
    pub(super) naming: Naming,
    /// Something was written since the last commit.
    has_written: bool,
    limiter: Limiter,
    pub(super) rollup: Progress,
    pub(super) events: Progress,
    pub(super) audits: Audits,
}

impl<S: Store> LedgerObject<S> {
    /// Opens the object's journal; `object_id` is the platform's, in
    /// hexadecimal.
    ///
    /// # Errors
    /// The store's fault.
    pub fn open(store: S, object_id: &str) -> Result<Self, StoreFault> {
        let naming =
            Naming::new(object_id).ok_or_else(|| StoreFault("the object's id is not 32 bytes".to_owned()))?;
        let (ledger, journal) = SqlJournal::open(store)?;
        Ok(Self {
            book: Book::new(ledger, journal),
            naming,
            has_written: false,
            limiter: Limiter::default(),
            rollup: Progress::default(),
            events: Progress::default(),
            audits: Audits::default(),
        })
    }

    /// Why the journal cannot be folded, if it cannot: words for the log.
    pub fn damage(&self) -> Option<String> {
        let damage = self.book.journal().damage()?;
        Some(format!("a journal is damaged at entry {}: {}", damage.seq, damage.detail))
    }

    /// Answers one call. What it changes waits for [`LedgerObject::commit`]:
    /// the answer must not leave before.
    ///
    /// # Errors
    /// The store's fault; the object must then be dropped.
    pub fn call(&mut self, message: &str, now: Timestamp) -> Result<Reply, StoreFault> {
        let call = LedgerCall::from_text(message)
            .map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
        if let Some(refused) = self.refuse_stranger(&call) {
            return Ok(refused.into());
        }
        if let Some(reply) = self.damaged(&call.ask)? {
            return Ok(reply);
        }
        let now = now.max(self.book.ledger().at());
        if self.wants_terms(&call) {
            return Ok(Reply::wants_terms());
        }
        self.write_if_heavy()?;
        if let Some(terms) = call.terms {
            self.bring_terms(*terms, now)?;
        }
        self.settle_due(now)?;
        if call.key_id.as_ref().is_some_and(|key_id| self.book.ledger().refuses_key(key_id, now)) {
            return Ok(Problem::from(Refusal::KeyRevoked).into());
        }
        if let (true, Some(customer)) = (self.book.journal().identity().is_none(), call.customer) {
            let identity = Identity { project: call.project, mode: call.mode, customer };
            self.book.journal_mut().identify(&identity);
        }
        let Some(limit) = self.rate_limit(&call.ask, now) else {
            return self.ask(call.ask, call.may_buy, now);
        };
        let state = self.limiter.take(limit, now);
        let mut reply = match state.is_exceeded {
            true => {
                Problem::new(Code::RateLimited, "the tier of this customer allows no more for now").into()
            }
            false => self.ask(call.ask, call.may_buy, now)?,
        };
        reply.rate = Some(state);
        Ok(reply)
    }

    fn ask(&mut self, ask: Ask, may_buy: bool, now: Timestamp) -> Result<Reply, StoreFault> {
        match ask {
            Ask::Execute(request) => self.execute(&request, may_buy, now),
            Ask::Refund { object, request } if self.naming.is_of(&object) => {
                self.execute(&request, may_buy, now)
            }
            Ask::Refund { .. } => {
                let detail = "is not a charge of this customer";
                Ok(Problem::field(Code::InvalidField, "refund_of", detail).into())
            }
            Ask::Batch { items, atomic: true } => self.batch_of_all(&items, now),
            Ask::Batch { items, atomic: false } => self.batch_of_each(&items, now),
            Ask::Import { rows } => self.import(&rows, now),
            Ask::Balance { breakdown } => Ok(self.balance(breakdown, now)),
            Ask::Check { amount, feature } => Ok(self.check(amount, feature.as_deref(), now)),
            Ask::Transactions(query) => self.transactions(&query),
            Ask::Transaction { seq } => self.transaction(seq),
            Ask::Usage { seq } => self.usage(seq),
            Ask::Totals { from, to, by_day } => self.totals(from, to, by_day),
            Ask::Standing => Ok(self.standing(now)),
            Ask::Audit { run } => self.audit(run),
            Ask::Export { after, until, limit } => self.export(after, until, limit),
            Ask::Customer => Ok(self.customer(now)),
            Ask::Settings => Ok(self.settings()),
            Ask::Payer => Ok(self.payer()),
        }
    }

    /// The rate limit that a call counts against: also of the tier that a
    /// first charge would put the customer on.
    fn rate_limit(&self, ask: &Ask, now: Timestamp) -> Option<RateLimit> {
        let ledger = is_limited(ask).then(|| self.book.ledger_for_charge(now)).flatten()?;
        ledger.rate_limit()
    }

    /// Whether the caller must bring the project's terms first: it knows of
    /// newer ones, or the call cannot be answered without.
    fn wants_terms(&self, call: &LedgerCall) -> bool {
        if call.terms.is_some() {
            return false;
        }
        let is_behind = call.terms_version.is_some_and(|version| version > self.book.terms_version());
        let has_none = self.book.terms().is_none() && call.terms_version != Some(0);
        is_behind || (has_none && self.needs_terms(&call.ask))
    }

    /// Only a customer that begins, or changes its tier, needs all of them.
    fn needs_terms(&self, ask: &Ask) -> bool {
        let is_new = self.book.ledger().opened_at().is_none();
        match ask {
            Ask::Execute(request) => match &request.command {
                Command::ChangeTier(_) => true,
                Command::Consume { .. }
                | Command::Reserve(_)
                | Command::Add(_)
                | Command::Purchase(_)
                | Command::Open(_) => is_new,
                _ => false,
            },
            Ask::Refund { .. } | Ask::Batch { .. } | Ask::Import { .. } | Ask::Check { .. } => is_new,
            _ => false,
        }
    }

    /// The call that brings the project's terms, if a period is over by now:
    /// the project object's name, a line break, and the call. For an alarm,
    /// which nobody brings them.
    ///
    /// # Errors
    /// If the call cannot be written.
    pub fn terms_effect(&self, now: Timestamp) -> Result<Option<String>, StoreFault> {
        let is_due = self.book.ledger().plan().is_some_and(|plan| plan.next_reset <= now);
        let Some(identity) = self.book.journal().identity().filter(|_| is_due) else {
            return Ok(None);
        };
        project_effect(identity, ProjectAsk::Terms).map(Some)
    }

    /// Takes the terms that [`LedgerObject::terms_effect`] brought. A reply
    /// that is none changes nothing: the old terms go on.
    ///
    /// # Errors
    /// The store's fault; the object must then be dropped.
    pub fn take_terms(&mut self, reply: &str, now: Timestamp) -> Result<(), StoreFault> {
        let reply = Reply::from_text(reply).filter(|reply| reply.status == 200);
        match reply.and_then(|reply| json::read(&reply.body).ok()) {
            Some(terms) => self.bring_terms(terms, now),
            None => Ok(()),
        }
    }

    /// What was due before the terms changed is done by the old ones.
    fn bring_terms(&mut self, terms: Terms, now: Timestamp) -> Result<(), StoreFault> {
        if terms.version > self.book.terms_version() {
            self.settle_due(terms.since.min(now))?;
        }
        self.book.take_terms(terms, now);
        Ok(())
    }

    /// Commits what the calls since the last commit changed. Whether there was
    /// anything.
    ///
    /// # Errors
    /// The store's fault; the object must then be dropped.
    pub fn commit(&mut self) -> Result<bool, StoreFault> {
        self.write()?;
        Ok(std::mem::take(&mut self.has_written))
    }

    /// Writes what was changed so far, for a call that reads it back.
    pub(super) fn write(&mut self) -> Result<(), StoreFault> {
        let (ledger, journal) = self.book.parts();
        self.has_written |= journal.commit(ledger)?;
        Ok(())
    }

    /// Writes early when much is pending: between two requests or two due
    /// entries, so that what belongs together is written together.
    pub(super) fn write_if_heavy(&mut self) -> Result<(), StoreFault> {
        if self.book.journal().is_heavy() { self.write() } else { Ok(()) }
    }

    /// Does what the clock has made due.
    ///
    /// # Errors
    /// The store's fault; the object must then be dropped.
    pub fn settle_due(&mut self, now: Timestamp) -> Result<(), StoreFault> {
        while self.book.settle_next_due(now) {
            self.write_if_heavy()?;
        }
        Ok(())
    }

    /// When the object must be woken, as seen now; `None`: never. The word to
    /// the directory is never overdue, or a directory that does not answer
    /// would be called without pause.
    pub fn wake_at(&self, now: Timestamp) -> Option<Timestamp> {
        let due = self.book.ledger().next_due();
        let listing = self.listing().map(|_| now.after_ms(LISTING_AFTER_MS));
        due.into_iter().chain(listing).min()
    }

    /// Whether the project's directory must hear that the customer came or
    /// went.
    pub fn must_list(&self) -> bool {
        self.listing().is_some()
    }

    /// What the directory has not heard: whose customer, and since when it
    /// exists (`None`: no more).
    fn listing(&self) -> Option<(&Identity, Option<Timestamp>)> {
        let opened_at = self.book.ledger().opened_at();
        let journal = self.book.journal();
        let identity = journal.identity().filter(|_| journal.damage().is_none())?;
        (opened_at.is_some() != journal.is_listed()).then_some((identity, opened_at))
    }

    /// What the directory has not heard, as the shell performs it: the
    /// project object's name, a line break, and the call.
    ///
    /// # Errors
    /// If the call cannot be written.
    pub fn listing_effect(&self) -> Result<Option<String>, StoreFault> {
        let Some((identity, created_at)) = self.listing() else {
            return Ok(None);
        };
        let ask = ProjectAsk::List { customer: identity.customer.clone(), created_at };
        project_effect(identity, ask).map(Some)
    }

    /// Keeps that the directory has heard what it was told.
    ///
    /// # Errors
    /// The store's fault.
    pub fn keep_listed(&mut self) -> Result<(), StoreFault> {
        let listed = self.book.ledger().opened_at().is_some();
        self.book.journal_mut().set_listed(listed)
    }

    /// A ledger is seen by its own project, mode and customer only; to others
    /// it does not exist.
    fn refuse_stranger(&self, call: &LedgerCall) -> Option<Problem> {
        let own = match self.book.journal().identity() {
            Some(identity) => {
                identity.project == call.project
                    && identity.mode == call.mode
                    && call.customer.as_ref().is_none_or(|customer| *customer == identity.customer)
            }
            None => call.customer.is_some(),
        };
        (!own).then(|| Problem::new(Code::NotFound, "there is no such id"))
    }
}

/// What counts against a tier's rate limit: asking for credits.
fn is_limited(ask: &Ask) -> bool {
    match ask {
        Ask::Batch { .. } => true,
        Ask::Execute(request) => matches!(request.command, Command::Consume { .. } | Command::Reserve(_)),
        _ => false,
    }
}

/// A call to the customer's project, as the shell performs it.
fn project_effect(identity: &Identity, ask: ProjectAsk) -> Result<String, StoreFault> {
    let call = ProjectCall { project: identity.project.clone(), mode: identity.mode, ask };
    let message = json::write(&call);
    Ok(format!("{}\n{message}", project_name(&identity.project, identity.mode)))
}
