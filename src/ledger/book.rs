//! A ledger with its journal: the one path on which anything changes.

use std::borrow::Cow;

use super::{Command, Entry, Event, Ledger, NoPurchase, Notices, Opening, Refusal, Request, Terms};
use crate::credits::Credits;
use crate::time::Timestamp;

/// The entries of one ledger, kept.
pub trait Journal {
    /// What goes wrong in the storage underneath.
    type Fault;

    /// The entry that was made under an idempotency key.
    ///
    /// # Errors
    /// The storage's own fault.
    fn by_key(&self, key: &str) -> Result<Option<Entry>, Self::Fault>;

    /// One entry by its number.
    ///
    /// # Errors
    /// The storage's own fault.
    fn entry(&self, seq: u64) -> Result<Option<Entry>, Self::Fault>;

    /// The entries that are about an earlier one ([`Entry::about`]), oldest
    /// first.
    ///
    /// # Errors
    /// The storage's own fault.
    fn about(&self, seq: u64) -> Result<Vec<Entry>, Self::Fault>;

    /// Takes an entry to be kept. It may wait in memory for a commit; the
    /// look-ups above must find it at once.
    fn append(&mut self, entry: Entry);

    /// Forgets the appended entries after `seq`, none of which was committed.
    fn truncate(&mut self, seq: u64);
}

/// What became of a request.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The entry that it made, now or the first time.
    pub entry: Entry,
    /// It had been done before: nothing was done now.
    pub replayed: bool,
}

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq)]
pub enum Stop<F> {
    /// By a rule.
    Refused(Refusal),
    /// The journal could not be read.
    Failed(F),
}

impl<F> From<Refusal> for Stop<F> {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// One customer's ledger and journal.
#[derive(Debug)]
pub struct Book<J> {
    ledger: Ledger,
    journal: J,
    /// The project's terms, once they were brought.
    terms: Option<Terms>,
}

impl<J: Journal> Book<J> {
    /// A ledger as its journal left it.
    pub fn new(ledger: Ledger, journal: J) -> Self {
        Self { ledger, journal, terms: None }
    }

    /// The ledger, to read from.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The ledger, or as it would be once a first charge has created the
    /// customer.
    pub fn ledger_for_charge(&self, now: Timestamp) -> Option<Cow<'_, Ledger>> {
        match self.ledger.opened_at {
            Some(_) => Some(Cow::Borrowed(&self.ledger)),
            None => opened_now(self.terms.as_ref()?, now.max(self.ledger.at)).map(Cow::Owned),
        }
    }

    /// The journal, to read from.
    pub fn journal(&self) -> &J {
        &self.journal
    }

    /// The journal, to commit what was appended.
    pub fn journal_mut(&mut self) -> &mut J {
        &mut self.journal
    }

    /// Both, to commit the one under the other's state.
    pub fn parts(&mut self) -> (&Ledger, &mut J) {
        (&self.ledger, &mut self.journal)
    }

    /// Does what the clock has made due, and says how many entries that took.
    /// Reading the ledger at `now` is right only after it.
    pub fn settle_due(&mut self, now: Timestamp) -> usize {
        let mut count: usize = 0;
        while self.settle_next_due(now) {
            count = count.saturating_add(1);
        }
        count
    }

    /// Makes the next entry that the clock has made due; whether there was
    /// one. Between two of them the journal may be written.
    pub fn settle_next_due(&mut self, now: Timestamp) -> bool {
        let entry = self.ledger.due(now);
        let is_due = entry.is_some();
        if let Some(entry) = entry {
            self.commit(entry);
        }
        is_due
    }

    /// The project's terms, if they were brought since the ledger was opened.
    pub fn terms(&self) -> Option<&Terms> {
        self.terms.as_ref()
    }

    /// The version of the project's terms that the ledger lives by.
    pub fn terms_version(&self) -> u64 {
        self.terms.as_ref().map_or(self.ledger.terms.version, |terms| terms.version)
    }

    /// Takes the project's terms in. What was due before they changed is done
    /// by the old ones. An older version than is known changes nothing.
    pub fn take_terms(&mut self, terms: Terms, now: Timestamp) {
        if terms.version < self.terms_version() {
            return;
        }
        let since = terms.since.min(now);
        if self.ledger.opened_at.is_some() {
            self.settle_due(since);
            if let Some(entry) = self.ledger.take_terms(&terms, since) {
                self.commit(entry);
            }
        }
        self.terms = Some(terms);
    }

    /// Does one request.
    ///
    /// # Errors
    /// [`Stop`]; then nothing but what was due has changed.
    pub fn execute(&mut self, request: &Request, now: Timestamp) -> Result<Outcome, Stop<J::Fault>> {
        self.settle_due(now);
        if let Some(outcome) = self.ledger.replayed(request, &self.journal)? {
            return Ok(outcome);
        }
        if self.opens(&request.command) {
            return self.execute_first(request, now);
        }
        self.execute_new(request, now)
    }

    fn execute_new(&mut self, request: &Request, now: Timestamp) -> Result<Outcome, Stop<J::Fault>> {
        let mut outcome = self.ledger.decide(request, self.terms.as_ref(), now, &self.journal)?;
        if !outcome.replayed {
            outcome.entry = self.commit(outcome.entry);
            if matches!(outcome.entry.event, Event::Opened { .. } | Event::TierChanged { .. }) {
                // The new period's credits come with it.
                self.settle_due(now);
            }
        }
        Ok(outcome)
    }

    /// Whether a command creates the customer by itself, and there are terms
    /// to begin with.
    fn opens(&self, command: &Command) -> bool {
        let Some(terms) = self.terms.as_ref().filter(|terms| terms.version > 0) else { return false };
        self.ledger.opened_at.is_none()
            && match command {
                Command::Consume { .. } | Command::Reserve(_) => terms.default_tier().is_some(),
                Command::Add(_) | Command::Purchase(_) => true,
                _ => false,
            }
    }

    /// Creates the customer, whose allocation comes first, and does the
    /// request; or neither.
    fn execute_first(&mut self, request: &Request, now: Timestamp) -> Result<Outcome, Stop<J::Fault>> {
        let before = self.ledger.clone();
        self.open_by_default(now);
        self.execute_new(request, now).inspect_err(|_| {
            self.journal.truncate(before.seq());
            self.ledger = before;
        })
    }

    fn open_by_default(&mut self, now: Timestamp) {
        let none = Terms::default();
        let terms = self.terms.as_ref().unwrap_or(&none);
        if let Ok(entry) = self.ledger.open(&Opening::default(), terms, now.max(self.ledger.at)) {
            self.commit(entry);
            self.settle_due(now);
        }
    }

    /// Begins to buy what covers a shortfall: the entry, which may also say
    /// that a purchase of which nothing was heard was given up.
    ///
    /// # Errors
    /// [`NoPurchase`].
    pub fn start_purchase(
        &mut self,
        shortfall: Credits,
        id: String,
        now: Timestamp,
    ) -> Result<Entry, NoPurchase> {
        let packs = self.terms.as_ref().map(|terms| terms.packs.as_slice()).unwrap_or_default();
        let entry = self.ledger.start_purchase(shortfall, packs, id, now)?;
        let entry = self.commit(entry);
        if matches!(entry.event, Event::PurchaseFailed { .. }) {
            return Err(NoPurchase::Declined);
        }
        Ok(entry)
    }

    /// Does all requests or none.
    ///
    /// # Errors
    /// The index of the first one that stops, and why; then nothing but what
    /// was due has changed.
    pub fn execute_all(
        &mut self,
        requests: &[Request],
        now: Timestamp,
    ) -> Result<Vec<Outcome>, (usize, Stop<J::Fault>)> {
        self.settle_due(now);
        let before = self.ledger.clone();
        let mut outcomes = Vec::with_capacity(requests.len());
        for (index, request) in requests.iter().enumerate() {
            match self.execute(request, now) {
                Ok(outcome) => outcomes.push(outcome),
                Err(stop) => {
                    self.journal.truncate(before.seq());
                    self.ledger = before;
                    return Err((index, stop));
                }
            }
        }
        Ok(outcomes)
    }

    fn commit(&mut self, mut entry: Entry) -> Entry {
        let before = self.ledger.available_before(entry.at);
        self.ledger.apply(&entry);
        entry.notices = Notices::of(&entry, before, &self.ledger);
        self.journal.append(entry.clone());
        entry
    }
}

/// A ledger as it would be with its customer created now: for questions about
/// a customer that the first charge will create.
fn opened_now(terms: &Terms, now: Timestamp) -> Option<Ledger> {
    terms.default_tier()?;
    let mut ledger = Ledger::default();
    let entry = ledger.open(&Opening::default(), terms, now).ok()?;
    ledger.apply(&entry);
    while let Some(entry) = ledger.due(now) {
        ledger.apply(&entry);
    }
    Some(ledger)
}
