//! One customer's ledger object: it takes calls, keeps a [`Book`], and prints
//! the answers. Several calls are done in memory, then committed at once.

use crate::api::{
    AddAnswer, BatchAnswer, BatchItem, Code, ConsumeAnswer, CustomerAnswer, Decimal, ExtendAnswer, JsonText,
    Problem, UsageCompleteAnswer, UsageStartAnswer,
};
use crate::credits::Credits;
use crate::ledger::{Book, Command, Entry, Event, Outcome, Refusal, Request, Stop};
use crate::time::Timestamp;
use crate::worker::ids::{Naming, Prefix};
use crate::worker::journal::{Identity, SqlJournal};
use crate::worker::message::{Ask, Flag, LedgerCall, ProjectAsk, ProjectCall, Reply};
use crate::worker::objects::project::project_name;
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
        Ok(Self { book: Book::new(ledger, journal), naming, has_written: false })
    }

    /// Answers one call. What it changes waits for [`LedgerObject::commit`]:
    /// the answer must not leave before.
    ///
    /// # Errors
    /// The store's fault; the object must then be dropped.
    pub fn call(&mut self, message: &str, now: Timestamp) -> Result<Reply, StoreFault> {
        let call: LedgerCall =
            serde_json::from_str(message).map_err(|error| StoreFault(format!("unreadable call: {error}")))?;
        if let Some(refused) = self.refuse_stranger(&call) {
            return Ok(refused.into());
        }
        let now = now.max(self.book.ledger().at());
        self.write_if_heavy()?;
        self.settle_due(now)?;
        if call.key_id.as_ref().is_some_and(|key_id| self.book.ledger().refuses_key(key_id, now)) {
            return Ok(Problem::from(Refusal::KeyRevoked).into());
        }
        if let (true, Some(customer)) = (self.book.journal().identity().is_none(), call.customer) {
            let identity = Identity { project: call.project, mode: call.mode, customer };
            self.book.journal_mut().identify(&identity);
        }
        match call.ask {
            Ask::Execute(request) => self.execute(&request, now),
            Ask::Refund { object, request } if self.naming.is_of(&object) => self.execute(&request, now),
            Ask::Refund { .. } => {
                let detail = "is not a charge of this customer";
                Ok(Problem::field(Code::InvalidField, "refund_of", detail).into())
            }
            Ask::Batch { items, atomic: true } => self.batch_of_all(&items, now),
            Ask::Batch { items, atomic: false } => self.batch_of_each(&items, now),
            Ask::Balance { breakdown, credit_name } => Ok(self.balance(breakdown, credit_name, now)),
            Ask::Check { amount } => Ok(self.check(amount, now)),
            Ask::Transactions(query) => self.transactions(&query),
            Ask::Transaction { seq } => self.transaction(seq),
            Ask::Usage { seq } => self.usage(seq),
            Ask::Totals { from, to, by_day } => self.totals(from, to, by_day),
            Ask::Audit => self.audit(),
            Ask::Customer => Ok(self.customer(now)),
        }
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
    fn write_if_heavy(&mut self) -> Result<(), StoreFault> {
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
        let identity = journal.identity()?;
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
        let call = ProjectCall { project: identity.project.clone(), mode: identity.mode, ask };
        let message = serde_json::to_string(&call).map_err(|error| StoreFault(error.to_string()))?;
        Ok(Some(format!("{}\n{message}", project_name(&identity.project, identity.mode))))
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

    fn execute(&mut self, request: &Request, now: Timestamp) -> Result<Reply, StoreFault> {
        let outcome = match self.book.execute(request, now) {
            Ok(outcome) => outcome,
            Err(Stop::Failed(fault)) => return Err(fault),
            Err(Stop::Refused(refusal)) => return Ok(Problem::from(refusal).into()),
        };
        let mut reply = self.answer(&request.command, &outcome, now);
        if outcome.replayed {
            reply.flag = Flag::Replayed;
        }
        Ok(reply)
    }

    fn answer(&self, command: &Command, outcome: &Outcome, now: Timestamp) -> Reply {
        let Outcome { entry, replayed } = outcome;
        let (seq, replayed) = (entry.seq, *replayed);
        match command {
            Command::Consume { .. } => Reply::ok(&self.consume_answer(entry, replayed)),
            Command::Add(_) => Reply::ok(&AddAnswer {
                balance: Decimal(entry.balance_after),
                amount: Decimal(entry.amount),
                transaction_id: self.naming.id(Prefix::Transaction, seq),
                grant_id: matches!(entry.event, Event::Granted { .. })
                    .then(|| self.naming.id(Prefix::Grant, seq)),
                replayed,
                seq,
            }),
            Command::Reserve(_) => Reply::ok(&self.started(entry, replayed)),
            Command::Extend { .. } => Reply::ok(&self.extended(entry, replayed)),
            Command::Complete(_) => Reply::ok(&self.completed(entry, replayed)),
            Command::Open { .. } => Reply::ok(&self.opened(entry, replayed)),
            Command::Update { .. } => Reply::ok(&self.updated(entry, replayed, now)),
            Command::Close => {
                let id = self.customer_id();
                Reply::ok(&serde_json::json!({ "id": id, "deleted": true, "replayed": replayed, "seq": seq }))
            }
            Command::RevokeKey { .. } => Reply::ok(&serde_json::json!({ "seq": seq })),
        }
    }

    /// From the entry alone, so that a replay is the first answer again.
    fn opened(&self, entry: &Entry, replayed: bool) -> CustomerAnswer {
        CustomerAnswer {
            id: self.customer_id(),
            balance: Decimal(entry.balance_after),
            available: Decimal(entry.balance_after),
            held: Decimal(Credits::ZERO),
            created_at: entry.at.to_string(),
            metadata: metadata_of(entry),
            replayed: Some(replayed),
            seq: Some(entry.seq),
        }
    }

    /// A replay shows what was changed then, and the credits as they are now:
    /// the entry does not know what was held.
    fn updated(&self, entry: &Entry, replayed: bool, now: Timestamp) -> CustomerAnswer {
        CustomerAnswer {
            metadata: metadata_of(entry),
            replayed: Some(replayed),
            seq: Some(entry.seq),
            ..self.customer_answer(now)
        }
    }

    fn consume_answer(&self, entry: &Entry, replayed: bool) -> ConsumeAnswer {
        ConsumeAnswer {
            success: true,
            balance: Decimal(entry.balance_after),
            amount: Decimal(entry.amount.negated()),
            transaction_id: self.naming.id(Prefix::Transaction, entry.seq),
            replayed,
            seq: entry.seq,
        }
    }

    fn started(&self, entry: &Entry, replayed: bool) -> UsageStartAnswer {
        let (held, expires_at) = match &entry.event {
            Event::Held { hold } => (hold.amount, Some(hold.expires_at.to_string())),
            _ => (Credits::ZERO, None),
        };
        UsageStartAnswer {
            transaction_id: Some(self.naming.id(Prefix::Transaction, entry.seq)),
            proceed: true,
            balance: Decimal(entry.balance_after),
            credits_used: Decimal(held),
            message: "credits are held".to_owned(),
            expires_at,
            replayed: Some(replayed),
            seq: Some(entry.seq),
        }
    }

    fn extended(&self, entry: &Entry, replayed: bool) -> ExtendAnswer {
        let (hold, expires_at) = match &entry.event {
            Event::Extended { hold, expires_at } => (*hold, *expires_at),
            _ => (entry.seq, entry.at),
        };
        ExtendAnswer {
            transaction_id: self.naming.id(Prefix::Transaction, hold),
            expires_at: expires_at.to_string(),
            replayed,
            seq: entry.seq,
        }
    }

    fn completed(&self, entry: &Entry, replayed: bool) -> UsageCompleteAnswer {
        let (hold, held) = match &entry.event {
            Event::Settled { hold, held, .. } => (*hold, *held),
            _ => (entry.seq, Credits::ZERO),
        };
        UsageCompleteAnswer {
            transaction_id: self.naming.id(Prefix::Transaction, hold),
            credits_used: Decimal(entry.amount.negated()),
            balance: Decimal(entry.balance_after),
            balance_adjustment: Decimal(held.plus(entry.amount)),
            replayed,
            seq: entry.seq,
        }
    }

    fn batch_of_all(&mut self, items: &[Request], now: Timestamp) -> Result<Reply, StoreFault> {
        match self.book.execute_all(items, now) {
            Ok(outcomes) => {
                let results = outcomes.iter().map(|outcome| self.done(outcome)).collect();
                Ok(self.batch_reply(results, outcomes.iter().all(|outcome| outcome.replayed)))
            }
            Err((_, Stop::Failed(fault))) => Err(fault),
            Err((index, Stop::Refused(refusal))) => Ok(Problem::from(refusal).with("item", &index).into()),
        }
    }

    fn batch_of_each(&mut self, items: &[Request], now: Timestamp) -> Result<Reply, StoreFault> {
        let mut results = Vec::with_capacity(items.len());
        let mut all_replayed = !items.is_empty();
        for item in items {
            match self.book.execute(item, now) {
                Ok(outcome) => {
                    all_replayed &= outcome.replayed;
                    results.push(self.done(&outcome));
                }
                Err(Stop::Failed(fault)) => return Err(fault),
                Err(Stop::Refused(refusal)) => {
                    all_replayed = false;
                    let error = Problem::from(refusal);
                    results.push(BatchItem::Refused { status: error.code.status(), success: false, error });
                }
            }
        }
        Ok(self.batch_reply(results, all_replayed))
    }

    fn done(&self, outcome: &Outcome) -> BatchItem {
        BatchItem::Done { status: 200, answer: self.consume_answer(&outcome.entry, outcome.replayed) }
    }

    fn batch_reply(&self, results: Vec<BatchItem>, all_replayed: bool) -> Reply {
        let succeeded = results.iter().filter(|item| matches!(item, BatchItem::Done { .. })).count();
        let failed = results.len().saturating_sub(succeeded);
        let balance = Decimal(self.book.ledger().balance());
        let mut reply = Reply::ok(&BatchAnswer { results, balance, succeeded, failed });
        if all_replayed {
            reply.flag = Flag::Replayed;
        }
        reply
    }
}

fn metadata_of(entry: &Entry) -> Option<JsonText> {
    match &entry.event {
        Event::Opened { metadata } | Event::Updated { metadata } => metadata.clone().map(JsonText),
        _ => None,
    }
}
