//! A ledger in memory: what its entries add up to.

use serde::{Deserialize, Serialize};

use super::spend::Spent;
use super::{Draw, Draws, Entry, Event, Grant, Hold, KnownTerms, Payer, Plan, Settings};
use crate::credits::Credits;
use crate::tally::Total;
use crate::time::Timestamp;

/// One customer's credits: the fold of its entries. It serializes as the
/// journal's snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ledger {
    pub(super) seq: u64,
    pub(super) at: Timestamp,
    pub(super) balance: Credits,
    /// The sum of the pending holds.
    pub(super) held: Credits,
    /// What was used and no grant could pay.
    pub(super) debt: Credits,
    /// In burn-down order; none is empty.
    pub(super) grants: Vec<Grant>,
    /// By their numbers, ascending.
    pub(super) holds: Vec<Hold>,
    /// When the customer was created; `None` if there is none, or no more.
    pub(super) opened_at: Option<Timestamp>,
    /// The entry that created the customer: a hold before it is of a former
    /// life, which this one does not pay for.
    #[serde(default)]
    pub(super) opened_seq: u64,
    pub(super) metadata: Option<String>,
    #[serde(default)]
    pub(super) plan: Option<Plan>,
    /// The customer's own.
    #[serde(default)]
    pub(super) settings: Settings,
    #[serde(default)]
    pub(super) terms: KnownTerms,
    #[serde(default)]
    pub(super) spent: Spent,
    /// All charges of this life, whatever was refunded.
    #[serde(default)]
    pub(super) used: Total,
    #[serde(default)]
    pub(super) payer: Payer,
    pub(super) revoked_keys: Vec<RevokedKey>,
    /// Nothing is due before: a lower bound that may be early, never late.
    pub(super) next_due: Option<Timestamp>,
    /// Every grant is effective from here on.
    pub(super) all_effective_at: Timestamp,
}

/// A customer key that is refused from an instant on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RevokedKey {
    /// The key's id.
    pub key_id: String,
    /// From when.
    pub at: Timestamp,
}

impl Ledger {
    /// The number of the last entry; 0 before the first.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// When the last entry was decided.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// All grants' credits less debt; held credits and those that are not
    /// yet effective included.
    pub fn balance(&self) -> Credits {
        self.balance
    }

    /// What pending holds have set aside.
    pub fn held(&self) -> Credits {
        self.held
    }

    /// What was used and is not yet paid.
    pub fn debt(&self) -> Credits {
        self.debt
    }

    /// The grants in burn-down order.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// The pending holds, oldest first.
    pub fn holds(&self) -> &[Hold] {
        &self.holds
    }

    /// One pending hold.
    pub fn hold(&self, seq: u64) -> Option<&Hold> {
        self.hold_index(seq).and_then(|index| self.holds.get(index))
    }

    /// When the customer was created; `None` if there is none.
    pub fn opened_at(&self) -> Option<Timestamp> {
        self.opened_at
    }

    /// The caller's own JSON object about the customer, as text.
    pub fn metadata(&self) -> Option<&str> {
        self.metadata.as_deref()
    }

    /// Nothing becomes due before this instant; `None`: nothing ever does.
    pub fn next_due(&self) -> Option<Timestamp> {
        self.next_due
    }

    /// Whether a customer key is refused at `now`.
    pub fn refuses_key(&self, key_id: &str, now: Timestamp) -> bool {
        let now = now.max(self.at);
        self.revoked_keys.iter().any(|revoked| revoked.key_id == key_id && revoked.at <= now)
    }

    /// What can be spent at `now`. Negative only while there is debt, or while
    /// holds reach into overage.
    ///
    /// The ledger's time never goes back: what was effective for an entry
    /// stays so for a reader whose clock is behind.
    pub fn available(&self, now: Timestamp) -> Credits {
        let now = now.max(self.at);
        let unheld = self.balance.minus(self.held);
        if self.all_effective_at <= now {
            return unheld;
        }
        // Taken off one by one: with debt, the grants' own sum may be beyond
        // what `Credits` holds while the balance is not.
        let later = self.grants.iter().filter(|grant| !grant.is_effective(now));
        later.fold(unheld, |left, grant| left.minus(grant.remaining))
    }

    /// Chooses credits in burn-down order, up to `amount`; fewer where fewer
    /// are free.
    pub(super) fn draw(&self, amount: Credits, now: Timestamp) -> Draws {
        let mut missing = amount;
        let mut draws = Draws::new();
        for grant in &self.grants {
            if !missing.is_positive() {
                break;
            }
            let part = grant.free().min(missing);
            if part.is_positive() && grant.is_effective(now) {
                draws.push(Draw { grant: grant.seq, amount: part });
                missing = missing.minus(part);
            }
        }
        draws
    }

    /// Folds an entry in. It cannot fail: what could be wrong was refused
    /// when the entry was decided.
    pub fn apply(&mut self, entry: &Entry) {
        self.note_before_reset(entry.at);
        self.seq = entry.seq;
        self.at = entry.at;
        self.balance = entry.balance_after;
        match &entry.event {
            Event::Opened { metadata, plan, settings, terms } => {
                self.begin(entry);
                self.metadata.clone_from(metadata);
                self.settings = settings.as_deref().cloned().unwrap_or_default();
                self.terms = terms.as_deref().cloned().unwrap_or_default();
                self.set_plan(plan.as_deref());
            }
            Event::Updated { metadata } => self.metadata.clone_from(metadata),
            Event::Closed => self.close(),
            Event::Granted { grant, refund_of, refunded_feature, purchase, .. } => {
                self.begin(entry);
                self.insert_grant(grant.clone());
                if let Some(charge) = refund_of {
                    self.count_refund(entry.amount, *charge, refunded_feature.as_deref());
                }
                if let Some(purchase) = purchase {
                    self.payer.pays(purchase);
                }
            }
            Event::Consumed { draws, debt, note } => {
                self.spend(draws);
                self.incur(*debt);
                self.count_charge(entry.amount.negated(), feature_of(note));
            }
            Event::Deducted { draws, .. } | Event::Reversed { draws, .. } => self.spend(draws),
            Event::Held { hold } => self.insert_hold(hold),
            Event::Extended { hold, expires_at } => self.extend_hold(*hold, *expires_at),
            Event::Settled { hold, draws, debt, note, .. } => {
                self.release(*hold);
                self.spend(draws);
                self.incur(*debt);
                self.count_charge(entry.amount.negated(), feature_of(note));
            }
            Event::Released { hold } => self.release(*hold),
            Event::Expired { grant, amount } => {
                self.note_unused(*grant, *amount);
                self.spend(&[Draw { grant: *grant, amount: *amount }]);
            }
            Event::DebtPaid { draws } => {
                self.spend(draws);
                self.debt = draws.iter().fold(self.debt, |debt, draw| debt.minus(draw.amount));
            }
            Event::KeyRevoked { key_id, at } => self.revoke_key(key_id, *at),
            Event::Allocated { grant, period_start, next_reset } => {
                if let Some(plan) = &mut self.plan {
                    plan.begin_period(*period_start, *next_reset, grant.as_ref());
                }
                self.note_due(Some(*next_reset));
                if let Some(grant) = grant {
                    self.insert_grant(grant.clone());
                }
            }
            Event::RolledOver { grant } => {
                self.note_rolled(grant.seq);
                self.insert_grant(grant.clone());
            }
            Event::TierChanged { plan, ends_grants } => {
                if *ends_grants {
                    self.end_plan_grants(entry.at);
                }
                self.set_plan(Some(plan));
            }
            Event::SettingsChanged { settings, unblocked } => {
                self.settings = Settings::clone(settings);
                self.payer.is_blocked &= !unblocked;
            }
            Event::TermsChanged { terms, tier } => {
                self.terms = KnownTerms::clone(terms);
                if let (Some(plan), Some(tier)) = (&self.plan, tier) {
                    self.plan = Some(plan.moved_to(super::Tier::clone(tier)));
                }
            }
            Event::PurchaseStarted { purchase } => {
                self.payer.begins(purchase, entry.at.day());
            }
            Event::PurchaseFailed { id, .. } => self.payer.fails(id),
        }
    }

    fn begin(&mut self, entry: &Entry) {
        if self.opened_at.is_none() {
            self.opened_at = Some(entry.at);
            self.opened_seq = entry.seq;
        }
    }

    /// The earlier revocation stands: a later one must not give a revoked
    /// key its life back.
    fn revoke_key(&mut self, key_id: &str, at: Timestamp) {
        match self.revoked_keys.iter_mut().find(|revoked| revoked.key_id == key_id) {
            Some(revoked) => revoked.at = revoked.at.min(at),
            None => self.revoked_keys.push(RevokedKey { key_id: key_id.to_owned(), at }),
        }
    }

    /// Ends the customer; its revoked keys stay revoked should it come back.
    fn close(&mut self) {
        *self = Self {
            seq: self.seq,
            at: self.at,
            revoked_keys: std::mem::take(&mut self.revoked_keys),
            ..Self::default()
        };
    }

    pub(super) fn insert_grant(&mut self, grant: Grant) {
        self.all_effective_at = self.all_effective_at.max(grant.effective_at);
        self.note_due(grant.expires_at);
        self.note_debt(grant.effective_at);
        let place = self.grants.partition_point(|other| other.burn_order() <= grant.burn_order());
        self.grants.insert(place, grant);
    }

    fn insert_hold(&mut self, hold: &Hold) {
        for draw in &hold.draws {
            if let Some(grant) = self.grant_mut(draw.grant) {
                grant.held = grant.held.plus(draw.amount);
            }
        }
        self.held = self.held.plus(hold.amount);
        self.note_due(Some(hold.expires_at));
        self.holds.push(hold.clone());
    }

    fn extend_hold(&mut self, seq: u64, expires_at: Timestamp) {
        self.note_due(Some(expires_at));
        let index = self.hold_index(seq);
        if let Some(hold) = index.and_then(|index| self.holds.get_mut(index)) {
            hold.expires_at = expires_at;
            hold.extensions = hold.extensions.saturating_add(1);
        }
    }

    fn release(&mut self, seq: u64) {
        let Some(index) = self.hold_index(seq) else {
            return;
        };
        let hold = self.holds.remove(index);
        self.held = self.held.minus(hold.amount);
        for draw in &hold.draws {
            let Some(grant) = self.grant_mut(draw.grant) else {
                continue;
            };
            grant.held = grant.held.minus(draw.amount);
            // The grant may have expired while it was held: look again.
            let expires_at = grant.expires_at;
            self.note_due(expires_at);
        }
        self.note_debt(self.at);
    }

    fn spend(&mut self, draws: &[Draw]) {
        for draw in draws {
            let Some(index) = self.grants.iter().position(|grant| grant.seq == draw.grant) else {
                continue;
            };
            let Some(grant) = self.grants.get_mut(index) else {
                continue;
            };
            grant.remaining = grant.remaining.minus(draw.amount);
            if grant.remaining.is_zero() {
                self.grants.remove(index);
            }
        }
    }

    /// Takes on what no grant could pay.
    fn incur(&mut self, debt: Credits) {
        self.debt = self.debt.plus(debt);
        self.note_debt(self.at);
    }

    pub(super) fn note_due(&mut self, at: Option<Timestamp>) {
        self.next_due = match (self.next_due, at) {
            (Some(known), Some(at)) => Some(known.min(at)),
            (known, at) => known.or(at),
        };
    }

    /// From `at` on there may be credits that pay debt, if there is any.
    fn note_debt(&mut self, at: Timestamp) {
        if self.debt.is_positive() {
            self.note_due(Some(at));
        }
    }

    fn grant_mut(&mut self, seq: u64) -> Option<&mut Grant> {
        self.grants.iter_mut().find(|grant| grant.seq == seq)
    }

    fn hold_index(&self, seq: u64) -> Option<usize> {
        self.holds.binary_search_by_key(&seq, |hold| hold.seq).ok()
    }
}

fn feature_of(note: &Option<Box<super::Note>>) -> Option<&str> {
    note.as_ref().and_then(|note| note.feature.as_deref())
}
