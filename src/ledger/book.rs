//! A ledger with its journal: the one path on which anything changes.

use super::{Entry, Ledger, Refusal, Request};
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
}

impl<J: Journal> Book<J> {
    /// A ledger as its journal left it.
    pub fn new(ledger: Ledger, journal: J) -> Self {
        Self { ledger, journal }
    }

    /// The ledger, to read from.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
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
        entry.into_iter().for_each(|entry| self.commit(entry));
        is_due
    }

    /// Does one request.
    ///
    /// # Errors
    /// [`Stop`]; then nothing but what was due has changed.
    pub fn execute(&mut self, request: &Request, now: Timestamp) -> Result<Outcome, Stop<J::Fault>> {
        self.settle_due(now);
        let outcome = self.ledger.decide(request, now, &self.journal)?;
        if !outcome.replayed {
            self.commit(outcome.entry.clone());
        }
        Ok(outcome)
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

    fn commit(&mut self, entry: Entry) {
        self.ledger.apply(&entry);
        self.journal.append(entry);
    }
}
