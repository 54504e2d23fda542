//! What the clock has made due. Found before each request, so that being
//! right never waits for an alarm.
//!
//! Each due thing is dated by when it fell due, not by when it was noticed,
//! and they happen in that order. So a ledger that nobody looked at for a
//! year comes out the same as one that was looked at every minute.

use super::{Entry, Event, Grant, Ledger, Notices, Plan, Source, Unit};
use crate::credits::Credits;
use crate::time::Timestamp;

impl Ledger {
    /// The next entry that is due at `now`; `None` when nothing is left to do.
    ///
    /// Call it until it gives `None`, applying each entry; then
    /// [`Ledger::next_due`] is exact again.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Entry> {
        let now = now.max(self.at);
        if self.next_due.is_none_or(|at| at > now) {
            return None;
        }
        let first = self.first_due();
        if first.is_none_or(|at| at > now) {
            self.next_due = first;
            return None;
        }
        let at = first?;
        // At the same instant: holds first, for they may free credits of an
        // expired grant; then grants, for expired credits pay nothing; then the
        // period, for its credits pay debt; debt last.
        if let Some(hold) = self.holds.iter().find(|hold| hold.expires_at <= at) {
            return Some(self.entry(at, Credits::ZERO, Event::Released { hold: hold.seq }));
        }
        let expired = self.grants.iter().find(|grant| grant.has_expired(at) && grant.free().is_positive());
        if let Some(grant) = expired {
            let amount = grant.free();
            return Some(self.entry(at, amount.negated(), Event::Expired { grant: grant.seq, amount }));
        }
        if let Some(plan) = self.plan.as_ref().filter(|plan| plan.next_reset <= at) {
            return Some(self.reset(plan, at));
        }
        Some(self.entry(at, Credits::ZERO, Event::DebtPaid { draws: self.draw(self.debt, at) }))
    }

    /// When the first thing falls due, never before the last entry.
    pub(super) fn first_due(&self) -> Option<Timestamp> {
        let holds = self.holds.iter().map(|hold| hold.expires_at);
        // A grant whose last credits are held waits for its holds.
        let free = || self.grants.iter().filter(|grant| grant.free().is_positive());
        let expiries = free().filter_map(|grant| grant.expires_at);
        let payers = free().filter(|_| self.debt.is_positive()).map(|grant| grant.effective_at);
        // The calendar ends somewhere.
        let reset = self.plan.iter().map(|plan| plan.next_reset).filter(|at| *at < Timestamp::MAX);
        holds.chain(expiries).chain(payers).chain(reset).min().map(|at| at.max(self.at))
    }

    /// The next step of a period's reset: first what rolls over, then the new
    /// allocation. The old one has left by its expiry.
    fn reset(&self, plan: &Plan, at: Timestamp) -> Entry {
        let seq = self.seq.saturating_add(1);
        let grant = |source: Source, amount: Credits, expires_at: Timestamp| Grant {
            seq,
            source,
            product: Some(plan.tier.id.as_str().to_owned()),
            amount,
            remaining: amount,
            held: Credits::ZERO,
            priority: source.default_priority(),
            effective_at: at,
            expires_at: Some(expires_at),
        };
        // It has just left, so there is room for it.
        let rolled = plan.carried_over();
        if rolled.is_positive() {
            let grant = grant(Source::Rollover, rolled, plan.rollover_end(at));
            return self.entry(at, rolled, Event::RolledOver { grant });
        }
        let source = if plan.tier.period == Unit::Day { Source::Daily } else { Source::Period };
        let amount = plan.tier.allocation.min(Credits::MAX.minus(self.balance));
        let next_reset = plan.end_of_period(at);
        let event = Event::Allocated {
            grant: amount.is_positive().then(|| grant(source, amount, next_reset)),
            period_start: plan.tier.period.start_of(plan.anchor, at),
            next_reset,
        };
        self.entry(at, amount, event)
    }

    /// The next entry of this ledger.
    pub(super) fn entry(&self, now: Timestamp, amount: Credits, event: Event) -> Entry {
        Entry {
            seq: self.seq.saturating_add(1),
            at: now.max(self.at),
            amount,
            balance_after: self.balance.plus(amount),
            key: None,
            event,
            notices: Notices::default(),
        }
    }
}
