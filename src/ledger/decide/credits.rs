//! Credits in, and adjustments out.

use super::invalid;
use crate::credits::Credits;
use crate::ledger::{
    AddKind, Addition, Entry, Event, Grant, Journal, Ledger, MAX_GRANTS, Refusal, Source, Stop,
};
use crate::time::Timestamp;

impl Ledger {
    pub(super) fn add<J: Journal>(
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
        let charge = match addition.refund_of {
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
            AddKind::Purchase => Source::Purchased,
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
        let event = Event::Granted {
            grant,
            kind: addition.kind,
            refund_of: charge.as_ref().map(|charge| charge.seq),
            refunded_feature: charge.and_then(|charge| charge.note().and_then(|note| note.feature.clone())),
            restores: None,
            purchase: None,
            note: addition.note.clone(),
        };
        Ok(self.entry(now, amount, event))
    }

    fn deduct(&self, addition: &Addition, now: Timestamp) -> Result<Entry, Refusal> {
        if addition.kind != AddKind::Adjustment {
            return Err(Refusal::InvalidAmount("must be positive; only an adjustment may be negative"));
        }
        let amount = addition.amount.negated();
        // Overage is for charges.
        self.require_within(Credits::ZERO, amount, now)?;
        let event = Event::Deducted { draws: self.draw(amount, now), note: addition.note.clone() };
        Ok(self.entry(now, addition.amount, event))
    }
}

/// The charge that a refund is of, if it has that much left. A hold stands for
/// the charge that ended it, since that is the id its caller knows.
fn refundable<J: Journal>(named: u64, amount: Credits, journal: &J) -> Result<Entry, Stop<J::Fault>> {
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
    Ok(charge)
}
