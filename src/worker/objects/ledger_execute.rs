//! Operations on a ledger object, and their answers.

use serde::Serialize;

use super::ledger::LedgerObject;
use crate::api::{
    AddAnswer, BatchAnswer, BatchItem, ConsumeAnswer, CustomerAnswer, CustomerSettingsAnswer, Decimal,
    ExtendAnswer, Problem, UsageCompleteAnswer, UsageStartAnswer,
};
use crate::credits::Credits;
use crate::json::JsonText;
use crate::ledger::{Command, Entry, Event, Outcome, OverageMode, Refusal, Request, Stop};
use crate::time::Timestamp;
use crate::worker::ids::Prefix;
use crate::worker::message::RowOutcome;
use crate::worker::reply::{Flag, Reply};
use crate::worker::store::{Store, StoreFault};

/// A purchase that the front is to make.
#[derive(Serialize)]
struct PurchaseOrder<'a> {
    id: &'a str,
    pack_id: &'a str,
    credits: Decimal,
    price_cents: u64,
    currency: &'a str,
    stripe_customer: &'a str,
}

/// A customer is gone.
#[derive(Serialize)]
struct Deleted<'a> {
    id: &'a str,
    deleted: bool,
    replayed: bool,
    seq: u64,
}

/// What only the front hears of.
#[derive(Serialize)]
struct Done {
    seq: u64,
}

impl<S: Store> LedgerObject<S> {
    pub(super) fn execute(
        &mut self,
        request: &Request,
        may_buy: bool,
        now: Timestamp,
    ) -> Result<Reply, StoreFault> {
        let outcome = match self.book.execute(request, now) {
            Ok(outcome) => outcome,
            Err(Stop::Failed(fault)) => return Err(fault),
            Err(Stop::Refused(refusal)) => return Ok(self.refused(refusal, may_buy, now)),
        };
        let mut reply = self.answer(&request.command, &outcome, now);
        if outcome.replayed {
            reply.flag = Flag::Replayed;
        }
        Ok(reply)
    }

    /// A refusal, and what overage does about it: a caller that may buy is
    /// told of the purchase to make, any other why there is none.
    fn refused(&mut self, refusal: Refusal, may_buy: bool, now: Timestamp) -> Reply {
        let shortfall = refusal.shortfall();
        let buys = self.book.ledger().overage_mode() == OverageMode::AutoPurchase;
        if !buys || !matches!(refusal, Refusal::Insufficient { .. }) {
            return Problem::from(refusal).into();
        }
        if may_buy && self.book.terms().is_none() {
            return Reply::wants_terms();
        }
        if !may_buy {
            return Problem::from(refusal).into();
        }
        let id = self.naming.id(Prefix::Purchase, self.book.ledger().seq().saturating_add(1));
        let problem = Problem::from(refusal);
        match self.book.start_purchase(shortfall, id, now).map(|entry| entry.event) {
            Ok(Event::PurchaseStarted { purchase }) => {
                let order = PurchaseOrder {
                    id: &purchase.id,
                    pack_id: purchase.pack.id.as_str(),
                    credits: Decimal(purchase.pack.credits),
                    price_cents: purchase.pack.price_cents,
                    currency: &purchase.pack.currency,
                    stripe_customer: &purchase.stripe_customer,
                };
                Reply { flag: Flag::Buy, ..problem.with("purchase", &order).into() }
            }
            Ok(_) => problem.into(),
            Err(why) => match why.word() {
                Some(word) => problem.with("auto_purchase", &word).into(),
                None => problem.into(),
            },
        }
    }

    fn answer(&self, command: &Command, outcome: &Outcome, now: Timestamp) -> Reply {
        let Outcome { entry, replayed } = outcome;
        let (seq, replayed) = (entry.seq, *replayed);
        match command {
            Command::Consume { .. } => Reply::ok(&self.consume_answer(entry, replayed)),
            Command::Add(_) | Command::Purchase(_) => Reply::ok(&AddAnswer {
                balance: Decimal(entry.balance_after),
                amount: Decimal(entry.amount),
                transaction_id: self.naming.id(Prefix::Transaction, seq),
                grant_id: matches!(entry.event, Event::Granted { .. })
                    .then(|| self.naming.id(Prefix::Grant, seq)),
                replayed,
                seq,
            }),
            Command::Reserve(_) => Reply::ok(&self.started(entry, replayed)),
            Command::Extend { .. } => Reply::ok(&self.extended(entry, replayed)),
            Command::Complete(_) => Reply::ok(&self.completed(entry, replayed)),
            Command::Open(_) => Reply::ok(&self.opened(entry, replayed, now)),
            Command::Update { .. } => Reply::ok(&self.updated(entry, replayed, now)),
            Command::Close => {
                let id = self.customer_id();
                Reply::ok(&Deleted { id, deleted: true, replayed, seq })
            }
            Command::ChangeTier(_) => Reply::ok(&CustomerAnswer {
                replayed: Some(replayed),
                seq: Some(seq),
                ..self.customer_answer(now)
            }),
            Command::Configure(_) => Reply::ok(&self.configured(entry, replayed)),
            Command::RevokeKey { .. }
            | Command::FailPurchase { .. }
            | Command::TakeBack(_)
            | Command::GiveBack { .. } => Reply::ok(&Done { seq }),
        }
    }

    /// From the entry alone, so that a replay is the first answer again; with
    /// the first period's credits, which came with it.
    fn opened(&self, entry: &Entry, replayed: bool, now: Timestamp) -> CustomerAnswer {
        let plan = match &entry.event {
            Event::Opened { plan, .. } => plan.as_deref(),
            _ => None,
        };
        let allocation = plan.map_or(Credits::ZERO, |plan| plan.tier.allocation);
        CustomerAnswer {
            balance: Decimal(entry.balance_after.plus(allocation)),
            available: Decimal(entry.balance_after.plus(allocation)),
            held: Decimal(Credits::ZERO),
            tier_id: plan.map(|plan| plan.tier.id.as_str().to_owned()),
            period_start: plan.map(|plan| plan.period_start.to_string()),
            period_end: plan.map(|plan| plan.end_of_period(entry.at).to_string()),
            created_at: entry.at.to_string(),
            metadata: metadata_of(entry),
            replayed: Some(replayed),
            seq: Some(entry.seq),
            ..self.customer_answer(now)
        }
    }

    /// A replay shows what was changed then, and the credits as they are now:
    /// the entry does not know what was held.
    fn updated(&self, entry: &Entry, replayed: bool, now: Timestamp) -> CustomerAnswer {
        CustomerAnswer {
            metadata: metadata_of(entry),
            replayed: Some(replayed),
            seq: Some(entry.seq),
            ..self.customer_answer(now)
        }
    }

    /// A replay shows what was set then.
    fn configured(&self, entry: &Entry, replayed: bool) -> CustomerSettingsAnswer {
        let own = match &entry.event {
            Event::SettingsChanged { settings, .. } => settings,
            _ => self.book.ledger().settings(),
        };
        CustomerSettingsAnswer { replayed: Some(replayed), seq: Some(entry.seq), ..self.settings_answer(own) }
    }

    fn consume_answer(&self, entry: &Entry, replayed: bool) -> ConsumeAnswer {
        ConsumeAnswer {
            success: true,
            balance: Decimal(entry.balance_after),
            amount: Decimal(entry.amount.negated()),
            transaction_id: self.naming.id(Prefix::Transaction, entry.seq),
            replayed,
            seq: entry.seq,
        }
    }

    fn started(&self, entry: &Entry, replayed: bool) -> UsageStartAnswer {
        let (held, expires_at) = match &entry.event {
            Event::Held { hold } => (hold.amount, Some(hold.expires_at.to_string())),
            _ => (Credits::ZERO, None),
        };
        UsageStartAnswer {
            transaction_id: Some(self.naming.id(Prefix::Transaction, entry.seq)),
            proceed: true,
            balance: Decimal(entry.balance_after),
            credits_used: Decimal(held),
            message: "credits are held".to_owned(),
            expires_at,
            replayed: Some(replayed),
            seq: Some(entry.seq),
        }
    }

    fn extended(&self, entry: &Entry, replayed: bool) -> ExtendAnswer {
        let (hold, expires_at) = match &entry.event {
            Event::Extended { hold, expires_at } => (*hold, *expires_at),
            _ => (entry.seq, entry.at),
        };
        ExtendAnswer {
            transaction_id: self.naming.id(Prefix::Transaction, hold),
            expires_at: expires_at.to_string(),
            replayed,
            seq: entry.seq,
        }
    }

    fn completed(&self, entry: &Entry, replayed: bool) -> UsageCompleteAnswer {
        let (hold, held) = match &entry.event {
            Event::Settled { hold, held, .. } => (*hold, *held),
            _ => (entry.seq, Credits::ZERO),
        };
        UsageCompleteAnswer {
            transaction_id: self.naming.id(Prefix::Transaction, hold),
            credits_used: Decimal(entry.amount.negated()),
            balance: Decimal(entry.balance_after),
            balance_adjustment: Decimal(held.plus(entry.amount)),
            replayed,
            seq: entry.seq,
        }
    }

    pub(super) fn batch_of_all(&mut self, items: &[Request], now: Timestamp) -> Result<Reply, StoreFault> {
        match self.book.execute_all(items, now) {
            Ok(outcomes) => {
                let results = outcomes.iter().map(|outcome| self.done(outcome)).collect();
                Ok(self.batch_reply(results, outcomes.iter().all(|outcome| outcome.replayed)))
            }
            Err((_, Stop::Failed(fault))) => Err(fault),
            Err((index, Stop::Refused(refusal))) => Ok(Problem::from(refusal).with("item", &index).into()),
        }
    }

    pub(super) fn batch_of_each(&mut self, items: &[Request], now: Timestamp) -> Result<Reply, StoreFault> {
        let mut results = Vec::with_capacity(items.len());
        let mut all_replayed = !items.is_empty();
        for item in items {
            match self.book.execute(item, now) {
                Ok(outcome) => {
                    all_replayed &= outcome.replayed;
                    results.push(self.done(&outcome));
                }
                Err(Stop::Failed(fault)) => return Err(fault),
                Err(Stop::Refused(refusal)) => {
                    all_replayed = false;
                    let error = Problem::from(refusal);
                    results.push(BatchItem::Refused { status: error.code.status(), success: false, error });
                }
            }
        }
        Ok(self.batch_reply(results, all_replayed))
    }

    /// Each row by itself; what is pending may be written between two.
    pub(super) fn import(&mut self, rows: &[Request], now: Timestamp) -> Result<Reply, StoreFault> {
        let mut outcomes = Vec::with_capacity(rows.len());
        for row in rows {
            self.write_if_heavy()?;
            outcomes.push(match self.book.execute(row, now) {
                Ok(Outcome { replayed: false, .. }) => RowOutcome::Imported,
                Ok(Outcome { replayed: true, .. }) => RowOutcome::Replayed,
                Err(Stop::Refused(refusal)) => {
                    let problem = Problem::from(refusal);
                    RowOutcome::Refused(problem.code.word().to_owned(), problem.into_detail())
                }
                Err(Stop::Failed(fault)) => return Err(fault),
            });
        }
        Ok(Reply::ok(&outcomes))
    }

    fn done(&self, outcome: &Outcome) -> BatchItem {
        BatchItem::Done { status: 200, answer: self.consume_answer(&outcome.entry, outcome.replayed) }
    }

    fn batch_reply(&self, results: Vec<BatchItem>, all_replayed: bool) -> Reply {
        let succeeded = results.iter().filter(|item| matches!(item, BatchItem::Done { .. })).count();
        let failed = results.len().saturating_sub(succeeded);
        let balance = Decimal(self.book.ledger().balance());
        let mut reply = Reply::ok(&BatchAnswer { results, balance, succeeded, failed });
        if all_replayed {
            reply.flag = Flag::Replayed;
        }
        reply
    }
}

fn metadata_of(entry: &Entry) -> Option<JsonText> {
    match &entry.event {
        Event::Opened { metadata, .. } | Event::Updated { metadata } => metadata.clone().map(JsonText),
        _ => None,
    }
}
