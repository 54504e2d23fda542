//! Customers: created, put on a tier, configured, deleted.

use super::invalid;
use crate::credits::Credits;
use crate::ledger::{
    Configuration, Entry, Event, KnownTerms, Ledger, Opening, Plan, Refusal, Settings, Terms, Tier,
    TierChange,
};
use crate::text::Name;
use crate::time::Timestamp;

impl Ledger {
    /// A customer begins on the tier that is asked for, else on the project's
    /// default, with the project's terms.
    pub(in crate::ledger) fn open(
        &self,
        opening: &Opening,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Entry, Refusal> {
        if self.opened_at.is_some() {
            return Err(Refusal::AlreadyExists);
        }
        let tier = match &opening.tier {
            Some(id) => Some(known_tier(terms, id)?),
            None => terms.default_tier(),
        };
        if tier.is_none() && opening.anchor.is_some() {
            return Err(invalid("anchor", "goes with a tier"));
        }
        let plan = tier.map(|tier| Box::new(Plan::begin(tier.clone(), opening.anchor, now)));
        let event = Event::Opened {
            metadata: opening.metadata.clone(),
            plan,
            settings: (opening.settings != Settings::default()).then(|| Box::new(opening.settings.clone())),
            terms: (terms.version > 0).then(|| Box::new(KnownTerms::of(terms))),
        };
        Ok(self.entry(now, Credits::ZERO, event))
    }

    pub(super) fn change_tier(
        &self,
        change: &TierChange,
        terms: &Terms,
        now: Timestamp,
    ) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        let tier = known_tier(terms, &change.tier)?.clone();
        let plan = match &self.plan {
            Some(plan) if !change.reset_balance => {
                if change.anchor.is_some() {
                    return Err(invalid("anchor", "goes with reset_balance or with a first tier"));
                }
                plan.moved_to(tier)
            }
            _ => Plan::begin(tier, change.anchor, now),
        };
        let event = Event::TierChanged { plan: Box::new(plan), ends_grants: change.reset_balance };
        Ok(self.entry(now, Credits::ZERO, event))
    }

    pub(super) fn configure(&self, change: &Configuration, now: Timestamp) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        let settings = self.settings.clone().changed(change.changes.clone());
        let event = Event::SettingsChanged {
            settings: Box::new(settings),
            unblocked: change.unblock_purchases && self.payer.is_blocked,
        };
        Ok(self.entry(now, Credits::ZERO, event))
    }

    /// The entry that takes a newer version of the project's terms in; `None`
    /// if nothing in it concerns this customer.
    pub(in crate::ledger) fn take_terms(&self, terms: &Terms, now: Timestamp) -> Option<Entry> {
        let known = KnownTerms::of(terms);
        let plan = self.plan.as_ref();
        let tier = plan.and_then(|plan| terms.tier(&plan.tier.id).filter(|tier| **tier != plan.tier));
        if known.settings == self.terms.settings && tier.is_none() {
            return None;
        }
        let event = Event::TermsChanged { terms: Box::new(known), tier: tier.cloned().map(Box::new) };
        Some(self.entry(now, Credits::ZERO, event))
    }

    pub(super) fn update(&self, metadata: &Option<String>, now: Timestamp) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        Ok(self.entry(now, Credits::ZERO, Event::Updated { metadata: metadata.clone() }))
    }

    pub(super) fn close_customer(&self, now: Timestamp) -> Result<Entry, Refusal> {
        self.opened_at.ok_or(Refusal::NotFound("customer"))?;
        Ok(self.entry(now, self.balance.negated(), Event::Closed))
    }
}

fn known_tier<'a>(terms: &'a Terms, id: &Name) -> Result<&'a Tier, Refusal> {
    terms.tier(id).ok_or(invalid("tier_id", "is not a tier of this project"))
}
