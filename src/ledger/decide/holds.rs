//! Reserve, extend, complete.

use super::{fresh, invalid};
use crate::credits::Credits;
use crate::ledger::{
    Charge, Completion, Draw, Draws, Entry, Event, Hold, Journal, Ledger, MAX_EXTENSIONS, MAX_HOLDS, Note,
    Outcome, Refusal, Reservation, Stop,
};
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
    pub(super) fn reserve(&self, reservation: &Reservation, now: Timestamp) -> Result<Entry, Refusal> {
        let amount = reservation.amount;
        if amount.is_negative() {
            return Err(Refusal::InvalidAmount("must not be negative"));
        }
        // Even a hold of nothing needs a customer: completing it can charge.
        if self.opened_at.is_none() {
            return Err(self.insufficient(Credits::ZERO, amount, now));
        }
        let feature = reservation.note.as_ref().and_then(|note| note.feature.as_deref());
        self.require_within_limits(amount, feature, now)?;
        self.require_spendable(amount, now)?;
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

    pub(super) fn extend<J: Journal>(
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

    pub(super) fn complete<J: Journal>(
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
                    draws.push(Draw { grant: draw.grant, amount: part });
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
