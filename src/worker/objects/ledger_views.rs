//! What a ledger object can be asked without changing anything.

use serde::Serialize;

use super::ledger::LedgerObject;
use crate::api::{
    BalanceAnswer, CheckAnswer, Code, CustomerAnswer, CustomerSettingsAnswer, Decimal, GrantAnswer, List,
    Pagination, Problem, SettingsAnswer, TransactionAnswer, UsageStateAnswer,
};
use crate::credits::Credits;
use crate::json::JsonText;
use crate::ledger::{DEFAULT_CREDIT_NAME, Entry, Event, Grant, Journal, Refusal, Settings, TakeBackReason};
use crate::time::Timestamp;
use crate::worker::base62;
use crate::worker::ids::Prefix;
use crate::worker::journal::transaction_kinds;
use crate::worker::message::TransactionQuery;
use crate::worker::reply::Reply;
use crate::worker::standing::Standing;
use crate::worker::store::{Store, StoreFault};

impl<S: Store> LedgerObject<S> {
    pub(super) fn balance(&self, breakdown: bool, now: Timestamp) -> Reply {
        let ledger = self.book.ledger();
        if ledger.opened_at().is_none() {
            return no_customer();
        }
        let grants = || ledger.grants().iter().map(|grant| self.grant_answer(grant)).collect();
        Reply::ok(&BalanceAnswer {
            customer_id: self.customer_id(),
            balance: Decimal(ledger.balance()),
            available: Decimal(ledger.available(now)),
            held: Decimal(ledger.held()),
            credit_name: ledger.credit_name().unwrap_or(DEFAULT_CREDIT_NAME),
            as_of: now.to_string(),
            breakdown: breakdown.then(grants),
        })
    }

    fn grant_answer(&self, grant: &Grant) -> GrantAnswer {
        GrantAnswer {
            grant_id: self.naming.id(Prefix::Grant, grant.seq),
            source: grant.source.word(),
            product: grant.product.clone(),
            amount: Decimal(grant.amount),
            remaining: Decimal(grant.remaining),
            priority: grant.priority,
            effective_at: grant.effective_at.to_string(),
            expires_at: grant.expires_at.map(|at| at.to_string()),
        }
    }

    /// Who paid last, so that the next checkout can be the same customer's.
    pub(super) fn payer(&self) -> Reply {
        #[derive(Serialize)]
        struct PayerAnswer<'a> {
            stripe_customer: Option<&'a str>,
        }
        let stripe_customer = self.book.ledger().payer().stripe_customer.as_deref();
        Reply::ok(&PayerAnswer { stripe_customer })
    }

    /// What a consume of this amount would meet.
    pub(super) fn check(&self, amount: Credits, feature: Option<&str>, now: Timestamp) -> Reply {
        let Some(ledger) = self.book.ledger_for_charge(now) else {
            return no_customer();
        };
        let limits = ledger.require_within_limits(amount, feature, now);
        let refusal = limits.and_then(|()| ledger.require_spendable(amount, now)).err();
        Reply::ok(&CheckAnswer {
            allowed: refusal.is_none(),
            balance: Decimal(ledger.balance()),
            available: Decimal(ledger.available(now)),
            required: Decimal(amount),
            shortfall: Decimal(refusal.as_ref().map_or(Credits::ZERO, Refusal::shortfall)),
            reason: refusal.map(|refusal| Problem::from(refusal).code.word()),
        })
    }

    pub(super) fn customer(&self, now: Timestamp) -> Reply {
        match self.book.ledger().opened_at() {
            Some(_) => Reply::ok(&self.customer_answer(now)),
            None => no_customer(),
        }
    }

    pub(super) fn customer_answer(&self, now: Timestamp) -> CustomerAnswer {
        let ledger = self.book.ledger();
        let plan = ledger.plan();
        CustomerAnswer {
            id: self.customer_id().to_owned(),
            balance: Decimal(ledger.balance()),
            available: Decimal(ledger.available(now)),
            held: Decimal(ledger.held()),
            tier_id: plan.map(|plan| plan.tier.id.as_str().to_owned()),
            period_start: plan.map(|plan| plan.period_start.to_string()),
            period_end: plan.map(|plan| plan.next_reset.to_string()),
            created_at: ledger.opened_at().unwrap_or(now).to_string(),
            metadata: ledger.metadata().map(|text| JsonText(text.to_owned())),
            replayed: None,
            seq: None,
        }
    }

    pub(super) fn settings(&self) -> Reply {
        match self.book.ledger().opened_at() {
            Some(_) => Reply::ok(&self.settings_answer(self.book.ledger().settings())),
            None => no_customer(),
        }
    }

    /// Another vendor's answers are made of it.
    pub(super) fn standing(&self, now: Timestamp) -> Reply {
        let ledger = self.book.ledger();
        match ledger.opened_at() {
            Some(_) => Reply::ok(&Standing::of(ledger, now)),
            None => no_customer(),
        }
    }

    /// What holds for this customer with these settings of its own.
    pub(super) fn settings_answer(&self, own: &Settings) -> CustomerSettingsAnswer {
        let ledger = self.book.ledger();
        CustomerSettingsAnswer {
            settings: SettingsAnswer::of(&ledger.settings_with(own)),
            overrides: own.words(),
            auto_purchase_blocked: ledger.payer().is_blocked,
            replayed: None,
            seq: None,
        }
    }

    pub(super) fn transactions(&mut self, query: &TransactionQuery) -> Result<Reply, StoreFault> {
        if self.book.ledger().opened_at().is_none() {
            return Ok(no_customer());
        }
        self.write()?;
        let words = transaction_kinds();
        let condition = format!(
            "kind IN ({words}) AND (?1 IS NULL OR kind = ?1) AND (?2 IS NULL OR at >= ?2) AND (?3 IS NULL OR at < ?3)"
        );
        let (kind, from, to) = (&query.kind, query.from, query.to);
        let journal = self.book.journal();
        let total = journal.count(&condition, (kind, from, to))?;
        // One more than asked for tells whether there are more.
        let page = format!("{condition} AND (?4 IS NULL OR seq < ?4) ORDER BY seq DESC LIMIT ?5 OFFSET ?6");
        let some = (kind, from, to, query.before, query.limit.saturating_add(1), query.offset);
        let mut entries = journal.select(&page, some)?;
        let limit = usize::try_from(query.limit).unwrap_or(usize::MAX);
        let has_more = entries.len() > limit;
        entries.truncate(limit);
        let next_cursor = entries.last().filter(|_| has_more).map(|entry| base62::encode_number(entry.seq));
        let pagination =
            Pagination { limit: query.limit, offset: query.offset, total, has_more, next_cursor };
        let data = entries.iter().map(|entry| self.transaction_answer(entry)).collect();
        Ok(Reply::ok(&List { data, pagination }))
    }

    pub(super) fn transaction(&self, seq: u64) -> Result<Reply, StoreFault> {
        let entry = self.book.journal().entry(seq)?.filter(|entry| entry.kind().is_transaction());
        Ok(match entry {
            Some(entry) => Reply::ok(&self.transaction_answer(&entry)),
            None => Problem::from(Refusal::NotFound("transaction")).into(),
        })
    }

    pub(super) fn transaction_answer(&self, entry: &Entry) -> TransactionAnswer {
        let note = entry.note().cloned().unwrap_or_default();
        let about = entry.about().map(|seq| self.naming.id(Prefix::Transaction, seq));
        let is_hold =
            matches!(entry.event, Event::Settled { .. } | Event::Released { .. } | Event::Extended { .. });
        let (hold_id, refund_of) = if is_hold { (about, None) } else { (None, about) };
        let words = described(&entry.event).map(str::to_owned);
        TransactionAnswer {
            id: self.naming.id(Prefix::Transaction, entry.seq),
            customer_id: self.customer_id().to_owned(),
            kind: entry.kind().word(),
            amount: Decimal(entry.amount),
            balance_after: Decimal(entry.balance_after),
            overage: Some(entry.debt()).filter(|debt| debt.is_positive()).map(Decimal),
            description: note.description.or(words),
            service: note.service,
            action: note.action,
            model: note.model,
            feature: note.feature,
            metadata: note.metadata.map(JsonText),
            idempotency_key: entry.key.as_ref().and_then(|key| key.key.strip_prefix("k:")).map(str::to_owned),
            hold_id,
            refund_of,
            seq: entry.seq,
            created_at: entry.at.to_string(),
        }
    }

    pub(super) fn usage(&self, seq: u64) -> Result<Reply, StoreFault> {
        let journal = self.book.journal();
        let Some(Entry { at, event: Event::Held { hold }, .. }) = journal.entry(seq)? else {
            return Ok(Problem::from(Refusal::NotFound("usage transaction")).into());
        };
        let (mut state, mut used, mut late) = ("pending", Credits::ZERO, false);
        let mut expires_at = hold.expires_at;
        for entry in journal.about(seq)? {
            match entry.event {
                Event::Extended { expires_at: later, .. } => expires_at = later,
                Event::Released { .. } => state = "expired",
                Event::Settled { success, late: was_late, .. } => {
                    state = if success { "completed" } else { "failed" };
                    used = entry.amount.negated();
                    late = was_late;
                }
                _ => {}
            }
        }
        if state == "pending" && self.book.ledger().hold(seq).is_none() {
            // The customer was deleted while the work was under way.
            state = "expired";
        }
        let note = hold.note.as_deref();
        Ok(Reply::ok(&UsageStateAnswer {
            transaction_id: self.naming.id(Prefix::Transaction, seq),
            state,
            customer_id: self.customer_id().to_owned(),
            held: Decimal(if state == "pending" { hold.amount } else { Credits::ZERO }),
            credits_used: Decimal(used),
            feature_identifier: note.and_then(|note| note.feature.clone()),
            model: note.and_then(|note| note.model.clone()),
            created_at: at.to_string(),
            expires_at: expires_at.to_string(),
            late,
        }))
    }

    /// The groups of a span of time: see [`SqlJournal::groups`].
    ///
    /// [`SqlJournal::groups`]: crate::worker::journal::SqlJournal::groups
    pub(super) fn totals(
        &mut self,
        from: Timestamp,
        to: Timestamp,
        by_day: bool,
    ) -> Result<Reply, StoreFault> {
        if self.book.ledger().opened_at().is_none() {
            return Ok(no_customer());
        }
        self.write()?;
        let journal = self.book.journal();
        let (first, end) = (journal.first_since(from)?, journal.first_since(to)?);
        Ok(Reply::ok(&journal.groups(first, end.saturating_sub(1), by_day)?))
    }

    pub(super) fn customer_id(&self) -> &str {
        self.book.journal().identity().map_or("", |identity| identity.customer.as_str())
    }
}

/// What there is to say of an entry that nobody described.
fn described(event: &Event) -> Option<&str> {
    match event {
        Event::Closed => Some("customer deleted"),
        Event::Reversed { reason: TakeBackReason::Refund, .. } => Some("payment refunded"),
        Event::Reversed { reason: TakeBackReason::Dispute, .. } => Some("payment disputed"),
        Event::Granted { purchase: Some(purchase), .. } => Some(&purchase.id),
        _ => None,
    }
}

pub(super) fn no_customer() -> Reply {
    Problem::new(Code::NotFound, "there is no such customer").into()
}
