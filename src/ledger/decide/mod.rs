//! The rules. Each function reads top to bottom like the contract: one rule,
//! one refusal, in the contract's order of precedence; nothing changes here.

mod credits;
mod customers;
mod holds;
mod purchases;

use super::{Command, Entry, Event, Journal, Ledger, Note, Outcome, Refusal, Request, Stop, Terms};
use crate::credits::Credits;
use crate::time::Timestamp;

impl Ledger {
    /// What was done before under the request's key.
    pub(super) fn replayed<J: Journal>(
        &self,
        request: &Request,
        journal: &J,
    ) -> Result<Option<Outcome>, Stop<J::Fault>> {
        let Some(key) = &request.key else { return Ok(None) };
        let Some(entry) = journal.by_key(&key.key).map_err(Stop::Failed)? else { return Ok(None) };
        match entry.key.as_ref().is_some_and(|used| used.fingerprint == key.fingerprint) {
            true => Ok(Some(Outcome { entry, replayed: true })),
            false => Err(Refusal::KeyReused.into()),
        }
    }

    /// Decides one request at `now` that was not done before; what was due
    /// must have been applied. Terms that were not brought are none.
    pub(super) fn decide<J: Journal>(
        &self,
        request: &Request,
        terms: Option<&Terms>,
        now: Timestamp,
        journal: &J,
    ) -> Result<Outcome, Stop<J::Fault>> {
        let now = now.max(self.at);
        if request.deadline.is_some_and(|deadline| deadline < now) {
            return Err(Refusal::DeadlinePassed.into());
        }
        let mut outcome = match &request.command {
            Command::Consume { amount, note } => fresh(self.consume(*amount, note, now)?),
            Command::Add(addition) => fresh(self.add(addition, now, journal)?),
            Command::Reserve(reservation) => fresh(self.reserve(reservation, now)?),
            Command::Extend { hold, expires_in_ms } => {
                fresh(self.extend(*hold, *expires_in_ms, now, journal)?)
            }
            Command::Complete(completion) => self.complete(completion, now, journal)?,
            Command::Open(opening) => fresh(self.open(opening, terms.unwrap_or(&Terms::default()), now)?),
            Command::Update { metadata } => fresh(self.update(metadata, now)?),
            Command::Close => fresh(self.close_customer(now)?),
            Command::ChangeTier(change) => {
                fresh(self.change_tier(change, terms.unwrap_or(&Terms::default()), now)?)
            }
            Command::Configure(change) => fresh(self.configure(change, now)?),
            Command::Purchase(purchase) => fresh(self.purchase(purchase, now)?),
            Command::FailPurchase { id, reason } => self.fail_purchase(id, reason, now, journal)?,
            Command::TakeBack(order) => fresh(self.take_back(order, now, journal)?),
            Command::GiveBack { purchase, .. } => fresh(self.give_back(purchase, now, journal)?),
            Command::RevokeKey { key_id, at } => {
                let event = Event::KeyRevoked { key_id: key_id.clone(), at: *at };
                fresh(self.entry(now, Credits::ZERO, event))
            }
        };
        if !outcome.replayed {
            outcome.entry.key.clone_from(&request.key);
        }
        Ok(outcome)
    }

    fn consume(&self, amount: Credits, note: &Option<Box<Note>>, now: Timestamp) -> Result<Entry, Refusal> {
        require_positive(amount)?;
        let feature = note.as_ref().and_then(|note| note.feature.as_deref());
        self.require_within_limits(amount, feature, now)?;
        self.require_spendable(amount, now)?;
        let draws = self.draw(amount, now);
        let debt = draws.iter().fold(amount, |missing, draw| missing.minus(draw.amount));
        Ok(self.entry(now, amount.negated(), Event::Consumed { draws, debt, note: note.clone() }))
    }

    /// Refuses what is beyond the credits that can be spent now and the debt
    /// that overage allows.
    ///
    /// # Errors
    /// [`Refusal::Insufficient`].
    pub fn require_spendable(&self, requested: Credits, now: Timestamp) -> Result<(), Refusal> {
        self.require_within(self.overage(), requested, now)
    }

    /// Refuses what is beyond the credits that can be spent now and an
    /// overage.
    fn require_within(&self, overage: Credits, requested: Credits, now: Timestamp) -> Result<(), Refusal> {
        let available = self.available(now);
        let missing = requested.checked_sub(available);
        // What is held may be owed one day, too.
        let owed = self.debt.checked_add(self.held).and_then(|owed| owed.checked_add(requested));
        let is_allowed = missing.is_some_and(|missing| missing <= overage) && owed.is_some();
        if requested <= available || is_allowed {
            return Ok(());
        }
        Err(self.insufficient(overage, requested, now))
    }

    fn insufficient(&self, overage: Credits, requested: Credits, now: Timestamp) -> Refusal {
        Refusal::Insufficient { balance: self.balance, available: self.available(now), requested, overage }
    }

    /// How deep debt may go; whoever is no customer has none.
    fn overage(&self) -> Credits {
        if self.opened_at.is_some() { self.overage_limit() } else { Credits::ZERO }
    }
}

fn fresh(entry: Entry) -> Outcome {
    Outcome { entry, replayed: false }
}

fn invalid(field: &'static str, detail: &'static str) -> Refusal {
    Refusal::InvalidField { field, detail }
}

fn require_positive(amount: Credits) -> Result<(), Refusal> {
    if amount.is_positive() { Ok(()) } else { Err(Refusal::InvalidAmount("must be above zero")) }
}
