//! What the clock has made due. Found before each request, so that being
//! right never waits for an alarm.

use super::{Entry, Event, Ledger};
use crate::credits::Credits;
use crate::time::Timestamp;

impl Ledger {
    /// The next entry that is due at `now`: expired holds first (they may
    /// free credits of an expired grant), then expired grants, then debt that
    /// free credits can pay. `None` when nothing is left to do.
    ///
    /// Call it until it gives `None`, applying each entry; then
    /// [`Ledger::next_due`] is exact again.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Entry> {
        let now = now.max(self.at);
        let is_due = |at: Timestamp| at <= now;
        if !self.next_due.is_some_and(is_due) && !self.can_pay_debt(now) {
            return None;
        }
        if let Some(hold) = self.holds.iter().find(|hold| is_due(hold.expires_at)) {
            return Some(self.entry(now, Credits::ZERO, Event::Released { hold: hold.seq }));
        }
        let expired = self.grants.iter().find(|grant| grant.has_expired(now) && grant.free().is_positive());
        if let Some(grant) = expired {
            let amount = grant.free();
            return Some(self.entry(now, amount.negated(), Event::Expired { grant: grant.seq, amount }));
        }
        if self.can_pay_debt(now) {
            let draws = self.draw(self.debt, now);
            return Some(self.entry(now, Credits::ZERO, Event::DebtPaid { draws }));
        }
        self.next_due = self.first_due();
        None
    }

    fn can_pay_debt(&self, now: Timestamp) -> bool {
        self.debt.is_positive() && self.grants.iter().any(|grant| grant.is_effective(now) && grant.free().is_positive())
    }

    fn first_due(&self) -> Option<Timestamp> {
        let holds = self.holds.iter().map(|hold| hold.expires_at);
        // A grant whose last credits are held waits for its holds.
        let grants = self.grants.iter().filter(|grant| grant.free().is_positive()).filter_map(|grant| grant.expires_at);
        holds.chain(grants).min()
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
        }
    }
}
