//! Purchases: begun by overage, paid, failed, taken back.

use super::invalid;
use crate::credits::Credits;
use crate::ledger::purchase::{GIVE_UP_AFTER_MS, RESUME_AFTER_MS};
use crate::ledger::{
    AddKind, Draw, Draws, Entry, Event, Grant, Journal, Ledger, NoPurchase, Note, Outcome, OverageMode, Pack,
    PendingPurchase, Purchase, Refusal, Source, Stop, TakeBack, TakeBackReason, purchase_key,
};
use crate::time::Timestamp;

impl Ledger {
    /// Begins to buy the smallest pack that covers a shortfall, or asks again
    /// for the purchase that is under way.
    pub(in crate::ledger) fn start_purchase(
        &self,
        shortfall: Credits,
        packs: &[Pack],
        id: String,
        now: Timestamp,
    ) -> Result<Entry, NoPurchase> {
        let now = now.max(self.at);
        if self.overage_mode() != OverageMode::AutoPurchase || self.opened_at.is_none() {
            return Err(NoPurchase::NotAsked);
        }
        if let Some(pending) = &self.payer.pending {
            if now.ms_since(pending.since) >= GIVE_UP_AFTER_MS {
                let reason = "no_answer".to_owned();
                let event = Event::PurchaseFailed { id: pending.id.clone(), reason };
                return Ok(self.entry(now, Credits::ZERO, event));
            }
            if now.ms_since(pending.asked_at) < RESUME_AFTER_MS {
                return Err(NoPurchase::Pending);
            }
            let purchase = Box::new(PendingPurchase { asked_at: now, ..pending.clone() });
            return Ok(self.entry(now, Credits::ZERO, Event::PurchaseStarted { purchase }));
        }
        if self.payer.is_blocked {
            return Err(NoPurchase::Declined);
        }
        let stripe_customer = self.payer.stripe_customer.clone().ok_or(NoPurchase::NoPaymentMethod)?;
        if self.payer.begun_on(now.day()) >= self.auto_purchase_limit() {
            return Err(NoPurchase::DailyLimit);
        }
        let covering = packs.iter().filter(|pack| pack.credits >= shortfall);
        let pack = covering.min_by_key(|pack| (pack.credits, pack.price_cents)).ok_or(NoPurchase::NoPack)?;
        let purchase =
            Box::new(PendingPurchase { id, pack: pack.clone(), stripe_customer, since: now, asked_at: now });
        Ok(self.entry(now, Credits::ZERO, Event::PurchaseStarted { purchase }))
    }

    /// Paid credits are never refused for want of room for one more grant.
    pub(super) fn purchase(&self, purchase: &Purchase, now: Timestamp) -> Result<Entry, Refusal> {
        let amount = purchase.credits;
        super::require_positive(amount)?;
        if self.balance.checked_add(amount).is_none() {
            return Err(Refusal::InvalidAmount("would take the balance beyond 9000000000 credits"));
        }
        let grant = self.bought_grant(purchase, amount, now);
        let event = Event::Granted {
            grant,
            kind: AddKind::Purchase,
            refund_of: None,
            refunded_feature: None,
            restores: None,
            purchase: Some(Box::new(purchase.clone())),
            note: None,
        };
        Ok(self.entry(now, amount, event))
    }

    fn bought_grant(&self, purchase: &Purchase, amount: Credits, now: Timestamp) -> Grant {
        Grant {
            seq: self.seq.saturating_add(1),
            source: Source::Purchased,
            product: purchase.pack.as_ref().map(|pack| pack.as_str().to_owned()),
            amount,
            remaining: amount,
            held: Credits::ZERO,
            priority: Source::Purchased.default_priority(),
            effective_at: now,
            expires_at: None,
        }
    }

    /// A purchase that was paid has not failed, whatever is heard of it later:
    /// an earlier try of the same payment may have.
    pub(super) fn fail_purchase<J: Journal>(
        &self,
        id: &str,
        reason: &str,
        now: Timestamp,
        journal: &J,
    ) -> Result<Outcome, Stop<J::Fault>> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        if let Some(entry) = journal.by_key(&purchase_key(id).key).map_err(Stop::Failed)? {
            return Ok(Outcome { entry, replayed: true });
        }
        let event = Event::PurchaseFailed { id: id.to_owned(), reason: reason.to_owned() };
        Ok(super::fresh(self.entry(now, Credits::ZERO, event)))
    }

    /// Takes back what the price given back for a reason stands for, less what
    /// was taken for it before, as far as it is neither spent nor held.
    pub(super) fn take_back<J: Journal>(
        &self,
        order: &TakeBack,
        now: Timestamp,
        journal: &J,
    ) -> Result<Entry, Stop<J::Fault>> {
        let (bought, purchase) = bought(&order.purchase, journal)?;
        let taken = Taken::read(bought.seq, journal)?;
        let whole = purchase.credits;
        let share = part_of(whole, order.refunded_cents, purchase.price_cents);
        let asked = taken.still_to_take(order.reason, share, whole);
        let mut amount = Credits::ZERO;
        let mut draws = Draws::new();
        let is_of_it = |grant: &&Grant| grant.seq == bought.seq || taken.restoring.contains(&grant.seq);
        for grant in self.grants.iter().filter(is_of_it) {
            let part = grant.free().min(asked.minus(amount));
            if part.is_positive() {
                draws.push(Draw { grant: grant.seq, amount: part });
                amount = amount.plus(part);
            }
        }
        let event = Event::Reversed { purchase: bought.seq, reason: order.reason, draws };
        Ok(self.entry(now, amount.negated(), event))
    }

    /// Gives back what a dispute took, as a grant of its own.
    pub(super) fn give_back<J: Journal>(
        &self,
        id: &str,
        now: Timestamp,
        journal: &J,
    ) -> Result<Entry, Stop<J::Fault>> {
        let (bought, purchase) = bought(id, journal)?;
        let taken = Taken::read(bought.seq, journal)?;
        let amount = taken.still_to_restore();
        if self.opened_at.is_none() || self.balance.checked_add(amount).is_none() {
            return Err(invalid("purchase", "cannot be given back any more").into());
        }
        if amount.is_zero() {
            let event = Event::Reversed {
                purchase: bought.seq,
                reason: TakeBackReason::Dispute,
                draws: Draws::new(),
            };
            return Ok(self.entry(now, amount, event));
        }
        let grant = self.bought_grant(&purchase, amount, now);
        let note = Note { description: Some("dispute won".to_owned()), ..Note::default() };
        let event = Event::Granted {
            grant,
            kind: AddKind::Adjustment,
            refund_of: None,
            refunded_feature: None,
            restores: Some(bought.seq),
            purchase: None,
            note: Some(Box::new(note)),
        };
        Ok(self.entry(now, amount, event))
    }
}

/// What was taken back of a purchase so far, and what of it came back. In
/// millionths: taken and restored again and again, sums can pass
/// [`Credits::MAX`].
#[derive(Default)]
struct Taken {
    by_refund: i64,
    by_dispute: i64,
    restored: i64,
    /// The entries by which it came back.
    restoring: Vec<u64>,
}

impl Taken {
    fn read<J: Journal>(purchase: u64, journal: &J) -> Result<Self, Stop<J::Fault>> {
        let mut taken = Self::default();
        for entry in journal.about(purchase).map_err(Stop::Failed)? {
            match entry.event {
                Event::Reversed { reason: TakeBackReason::Refund, .. } => {
                    taken.by_refund = taken.by_refund.saturating_sub(entry.amount.millionths());
                }
                Event::Reversed { reason: TakeBackReason::Dispute, .. } => {
                    taken.by_dispute = taken.by_dispute.saturating_sub(entry.amount.millionths());
                }
                _ => {
                    taken.restored = taken.restored.saturating_add(entry.amount.millionths());
                    taken.restoring.push(entry.seq);
                }
            }
        }
        Ok(taken)
    }

    /// What is left to take of the share that a reason takes in all. Refunds
    /// and disputes are counted apart, as the provider counts them; together
    /// they take no more than there was.
    fn still_to_take(&self, reason: TakeBackReason, share: Credits, whole: Credits) -> Credits {
        let disputed = self.still_to_restore().millionths();
        let before = match reason {
            TakeBackReason::Refund => self.by_refund,
            TakeBackReason::Dispute => disputed,
        };
        let of_share = share.millionths().saturating_sub(before);
        let of_whole = whole.millionths().saturating_sub(self.by_refund).saturating_sub(disputed);
        Credits::from_millionths(of_share.min(of_whole)).unwrap_or_default()
    }

    /// What a dispute took and did not give back.
    fn still_to_restore(&self) -> Credits {
        Credits::from_millionths(self.by_dispute.saturating_sub(self.restored)).unwrap_or_default()
    }
}

/// The entry by which a purchase came in.
fn bought<J: Journal>(id: &str, journal: &J) -> Result<(Entry, Box<Purchase>), Stop<J::Fault>> {
    let entry = journal.by_key(&purchase_key(id).key).map_err(Stop::Failed)?;
    let purchase = match entry.as_ref().map(|entry| &entry.event) {
        Some(Event::Granted { purchase, .. }) => purchase.clone(),
        _ => None,
    };
    entry.zip(purchase).ok_or_else(|| Refusal::NotFound("purchase").into())
}

/// The share of a purchase that a part of its price stands for, rounded up to
/// the next millionth; all of it if it cost nothing.
fn part_of(whole: Credits, cents: u64, price: u64) -> Credits {
    if cents >= price {
        return whole;
    }
    let product = i128::from(whole.millionths()).saturating_mul(i128::from(cents));
    let divisor = i128::from(price.max(1));
    let part = product.saturating_add(divisor.saturating_sub(1)).div_euclid(divisor);
    i64::try_from(part).ok().and_then(Credits::from_millionths).unwrap_or(whole)
}
