//! The rules. Each function reads top to bottom like the contract: one rule,
//! one refusal, in the contract's order of precedence; nothing changes here.

use super::{
    AddKind, Addition, Charge, Command, Completion, Draws, Entry, Event, Grant, Hold, Journal, Ledger,
    MAX_EXTENSIONS, MAX_GRANTS, MAX_HOLDS, Note, Outcome, Refusal, Request, Reservation, Source, Stop,
};
use crate::credits::Credits;
use crate::pricing::ModelPrice;
use crate::time::Timestamp;

/// A hold as completion sees it: pending, or ended by expiry.
struct HeldBefore {
    seq: u64,
    /// What was set aside when the hold was made.
    amount: Credits,
    draws: Draws,
    late: bool,
    price: Option<Box<ModelPrice>>,
    note: Option<Box<Note>>,
}

impl Ledger {
    /// Decides one request at `now`; what was due must have been applied.
    pub(super) fn decide<J: Journal>(
        &self,
        request: &Request,
        now: Timestamp,
        journal: &J,
    ) -> Result<Outcome, Stop<J::Fault>> {
        let now = now.max(self.at);
        if let Some(key) = &request.key
            && let Some(entry) = journal.by_key(&key.key).map_err(Stop::Failed)?
        {
            let same = entry.key.as_ref().is_some_and(|used| used.fingerprint == key.fingerprint);
            return if same { Ok(Outcome { entry, replayed: true }) } else { Err(Refusal::KeyReused.into()) };
        }
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
            Command::Open { metadata } => fresh(self.open(metadata, now)?),
            Command::Update { metadata } => fresh(self.update(metadata, now)?),
            Command::Close => fresh(self.close_customer(now)?),
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
        self.require_available(amount, now)?;
        let draws = self.draw(amount, now);
        Ok(self.entry(now, amount.negated(), Event::Consumed { draws, note: note.clone() }))
    }

    fn add<J: Journal>(
        &self,
        addition: &Addition,
        now: Timestamp,
        journal: &J,
    ) -> Result<Entry, Stop<J::Fault>> {
        let amount = addition.amount;
        if amount.is_zero() {
            return Err(Refusal::InvalidAmount("must not be zero").into());
        }
        if amount.is_negative() {
            return Ok(self.deduct(addition, now)?);
        }
        let refund_of = match addition.refund_of {
            Some(named) => Some(refundable(named, amount, journal)?),
            None => None,
        };
        if addition.expires_at.is_some_and(|expires_at| expires_at <= now) {
            return Err(invalid("expires_at", "must be in the future").into());
        }
        let effective_at = addition.effective_at.unwrap_or(now);
        if addition.expires_at.is_some_and(|expires_at| expires_at <= effective_at) {
            return Err(invalid("expires_at", "must be after effective_at").into());
        }
        if self.grants.len() >= MAX_GRANTS {
            return Err(invalid("amount", "this customer has 5000 open grants, the most there can be").into());
        }
        if self.balance.checked_add(amount).is_none() {
            return Err(Refusal::InvalidAmount("would take the balance beyond 9000000000 credits").into());
        }
        let source = addition.source.unwrap_or(match addition.kind {
            AddKind::Topup => Source::Topup,
            AddKind::Adjustment => Source::Adjustment,
            AddKind::Refund => Source::Refund,
        });
        let grant = Grant {
            seq: self.seq.saturating_add(1),
            source,
            product: addition.product.clone(),
            amount,
            remaining: amount,
            held: Credits::ZERO,
            priority: addition.priority.unwrap_or(source.default_priority()),
            effective_at,
            expires_at: addition.expires_at,
        };
        let event = Event::Granted { grant, kind: addition.kind, refund_of, note: addition.note.clone() };
        Ok(self.entry(now, amount, event))
    }

    fn deduct(&self, addition: &Addition, now: Timestamp) -> Result<Entry, Refusal> {
        if addition.kind != AddKind::Adjustment {
            return Err(Refusal::InvalidAmount("must be positive; only an adjustment may be negative"));
        }
        let amount = addition.amount.negated();
        self.require_available(amount, now)?;
        let event = Event::Deducted { draws: self.draw(amount, now), note: addition.note.clone() };
        Ok(self.entry(now, addition.amount, event))
    }

    fn reserve(&self, reservation: &Reservation, now: Timestamp) -> Result<Entry, Refusal> {
        let amount = reservation.amount;
        if amount.is_negative() {
            return Err(Refusal::InvalidAmount("must not be negative"));
        }
        // Even a hold of nothing needs a customer: completing it can charge.
        if self.opened_at.is_none() {
            return Err(self.insufficient(amount, now));
        }
        self.require_available(amount, now)?;
        if self.holds.len() >= MAX_HOLDS {
            return Err(invalid("amount", "this customer has 10000 pending holds, the most there can be"));
        }
        let hold = Hold {
            seq: self.seq.saturating_add(1),
            amount,
            draws: self.draw(amount, now),
            expires_at: now.after_ms(reservation.expires_in_ms),
            extensions: 0,
            price: reservation.price.clone(),
            note: reservation.note.clone(),
        };
        Ok(self.entry(now, Credits::ZERO, Event::Held { hold: Box::new(hold) }))
    }

    fn extend<J: Journal>(
        &self,
        seq: u64,
        expires_in_ms: i64,
        now: Timestamp,
        journal: &J,
    ) -> Result<Entry, Stop<J::Fault>> {
        let Some(hold) = self.hold(seq) else {
            ended_hold(seq, journal)?;
            return Err(Refusal::AlreadyCompleted("the usage transaction has ended").into());
        };
        if hold.extensions >= MAX_EXTENSIONS {
            return Err(invalid("expires_in", "a usage transaction can be extended 10 times").into());
        }
        let expires_at = now.after_ms(expires_in_ms);
        Ok(self.entry(now, Credits::ZERO, Event::Extended { hold: seq, expires_at }))
    }

    fn complete<J: Journal>(
        &self,
        completion: &Completion,
        now: Timestamp,
        journal: &J,
    ) -> Result<Outcome, Stop<J::Fault>> {
        let before = match self.hold(completion.hold) {
            Some(hold) => pending(hold),
            None => {
                let hold = ended_hold(completion.hold, journal)?;
                for entry in journal.about(completion.hold).map_err(Stop::Failed)? {
                    if matches!(entry.event, Event::Settled { .. }) {
                        let used = used_credits(completion, hold.amount, hold.price.as_deref())?;
                        return Ok(replay_settled(entry, completion.success, used)?);
                    }
                }
                if self.opened_at.is_none() {
                    return Err(Refusal::NotFound("customer").into());
                }
                // It ended with the customer's former life, written off.
                if hold.seq < self.opened_seq {
                    return Err(Refusal::NotFound("usage transaction").into());
                }
                expired(hold)
            }
        };
        let used = used_credits(completion, before.amount, before.price.as_deref())?;
        Ok(fresh(self.settle(completion, before, used, now)?))
    }

    /// Charges what was used: the hold's own credits first, then free ones;
    /// work that was done is never dropped, so the rest is debt.
    fn settle(
        &self,
        completion: &Completion,
        before: HeldBefore,
        used: Credits,
        now: Timestamp,
    ) -> Result<Entry, Refusal> {
        let mut draws = Draws::new();
        let mut missing = used;
        if !before.late {
            for draw in &before.draws {
                let part = draw.amount.min(missing);
                if part.is_positive() {
                    draws.push(super::Draw { grant: draw.grant, amount: part });
                    missing = missing.minus(part);
                }
            }
        }
        for draw in self.draw(missing, now) {
            missing = missing.minus(draw.amount);
            match draws.iter_mut().find(|known| known.grant == draw.grant) {
                Some(known) => known.amount = known.amount.plus(draw.amount),
                None => draws.push(draw),
            }
        }
        if self.balance.checked_sub(used).is_none() || self.debt.checked_add(missing).is_none() {
            return Err(Refusal::InvalidAmount("would take the balance beyond 9000000000 credits of debt"));
        }
        let event = Event::Settled {
            hold: before.seq,
            success: completion.success,
            held: if before.late { Credits::ZERO } else { before.amount },
            draws,
            debt: missing,
            late: before.late,
            note: before.note,
        };
        Ok(self.entry(now, used.negated(), event))
    }

    fn open(&self, metadata: &Option<String>, now: Timestamp) -> Result<Entry, Refusal> {
        if self.opened_at.is_some() {
            return Err(Refusal::AlreadyExists);
        }
        Ok(self.entry(now, Credits::ZERO, Event::Opened { metadata: metadata.clone() }))
    }

    fn update(&self, metadata: &Option<String>, now: Timestamp) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        Ok(self.entry(now, Credits::ZERO, Event::Updated { metadata: metadata.clone() }))
    }

    fn close_customer(&self, now: Timestamp) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        Ok(self.entry(now, self.balance.negated(), Event::Closed))
    }

    /// Refuses what is beyond the credits that can be spent now.
    ///
    /// # Errors
    /// [`Refusal::Insufficient`].
    pub fn require_available(&self, requested: Credits, now: Timestamp) -> Result<(), Refusal> {
        if requested > self.available(now) {
            return Err(self.insufficient(requested, now));
        }
        Ok(())
    }

    fn insufficient(&self, requested: Credits, now: Timestamp) -> Refusal {
        Refusal::Insufficient { balance: self.balance, available: self.available(now), requested }
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

fn pending(hold: &Hold) -> HeldBefore {
    HeldBefore {
        seq: hold.seq,
        amount: hold.amount,
        draws: hold.draws.clone(),
        late: false,
        price: hold.price.clone(),
        note: hold.note.clone(),
    }
}

fn expired(hold: Hold) -> HeldBefore {
    HeldBefore { late: true, ..pending(&hold) }
}

/// A hold that is no longer pending, from the entry that made it.
fn ended_hold<J: Journal>(seq: u64, journal: &J) -> Result<Hold, Stop<J::Fault>> {
    match journal.entry(seq).map_err(Stop::Failed)?.map(|entry| entry.event) {
        Some(Event::Held { hold }) => Ok(*hold),
        _ => Err(Refusal::NotFound("usage transaction").into()),
    }
}

fn used_credits(
    completion: &Completion,
    held: Credits,
    price: Option<&ModelPrice>,
) -> Result<Credits, Refusal> {
    match completion.charge {
        None if completion.success => Ok(held),
        None => Ok(Credits::ZERO),
        Some(Charge::Amount(amount)) if amount.is_negative() => {
            Err(Refusal::InvalidAmount("must not be negative"))
        }
        Some(Charge::Amount(amount)) => Ok(amount),
        Some(Charge::Tokens(tokens)) => {
            let no_price = "the usage transaction was started without a model; complete it with amount";
            let price = price.ok_or(invalid("finalized_tokens", no_price))?;
            price
                .price(tokens)
                .map_err(|_| invalid("finalized_tokens", "these counts of tokens have no price"))
        }
    }
}

fn replay_settled(entry: Entry, success: bool, used: Credits) -> Result<Outcome, Refusal> {
    let same_success = matches!(&entry.event, Event::Settled { success: was, .. } if *was == success);
    if same_success && entry.amount.negated() == used {
        return Ok(Outcome { entry, replayed: true });
    }
    Err(Refusal::AlreadyCompleted("the usage transaction was completed with other numbers"))
}

/// The charge that a refund is of, if it has that much left. A hold stands for
/// the charge that ended it, since that is the id its caller knows.
fn refundable<J: Journal>(named: u64, amount: Credits, journal: &J) -> Result<u64, Stop<J::Fault>> {
    let not_a_charge = invalid("refund_of", "is not a charge of this customer");
    let charge = match journal.entry(named).map_err(Stop::Failed)? {
        Some(hold) if matches!(hold.event, Event::Held { .. }) => {
            let endings = journal.about(named).map_err(Stop::Failed)?;
            let is_settled = |entry: &Entry| matches!(entry.event, Event::Settled { .. });
            endings.into_iter().find(is_settled)
        }
        entry => entry.filter(|entry| matches!(entry.event, Event::Consumed { .. } | Event::Settled { .. })),
    };
    let Some(charge) = charge else {
        return Err(not_a_charge.into());
    };
    let charged = charge.amount.negated();
    let refunds = journal.about(charge.seq).map_err(Stop::Failed)?;
    let refunded = refunds.iter().filter(|entry| matches!(entry.event, Event::Granted { .. }));
    let refunded = refunded.fold(Credits::ZERO, |sum, entry| sum.plus(entry.amount));
    if amount > charged.minus(refunded) {
        return Err(Refusal::InvalidAmount("is more than the charge has left to refund").into());
    }
    Ok(charge.seq)
}
