//! What a ledger's entries tell the app behind its project: events, made from
//! the journal alone, so that they are the same whenever they are made.

use serde::Serialize;

use super::events::{NewEvent, Notices};
use super::ledger::LedgerObject;
use crate::api::Decimal;
use crate::credits::Credits;
use crate::json;
use crate::ledger::{Entry, Event, Journal, Notice};
use crate::text::Name;
use crate::worker::ids::{Prefix, to_hex};
use crate::worker::store::{Store, StoreFault};

/// What there is to say of an event.
#[derive(Serialize)]
struct EventData<'a> {
    customer_id: &'a Name,
    balance: Decimal,
    available: Decimal,
    transaction_id: Option<String>,
    seq: u64,
    #[serde(flatten)]
    more: More<'a>,
}

/// What only some types of events have to say.
#[derive(Default, Serialize)]
struct More<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    amount: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    threshold: Option<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period_start: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    next_reset: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    purchase_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pack_id: Option<&'a Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    price_cents: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
}

impl<S: Store> LedgerObject<S> {
    /// What the first `limit` entries with something to tell after `seq` tell;
    /// `None` if there are none.
    ///
    /// # Errors
    /// The store's fault.
    pub fn notices_after(&self, seq: u64, limit: u64) -> Result<Option<Notices>, StoreFault> {
        let journal = self.book.journal();
        let entries = journal.noticed(seq, limit)?;
        let (Some(identity), Some(last)) = (journal.identity(), entries.last()) else {
            return Ok(None);
        };
        let mut events = Vec::with_capacity(entries.len());
        for entry in &entries {
            for notice in entry.notices.iter() {
                let data = EventData {
                    customer_id: &identity.customer,
                    balance: Decimal(entry.balance_after),
                    available: Decimal(entry.notices.available()),
                    transaction_id: self.transaction_of(entry),
                    seq: entry.seq,
                    more: self.more(notice, entry)?,
                };
                let data = json::write(&data);
                let id = self.naming.event_id(entry.seq, notice.letter());
                events.push(NewEvent {
                    id,
                    seq: entry.seq,
                    kind: notice.word().to_owned(),
                    at: entry.at,
                    data,
                });
            }
        }
        Ok(Some(Notices {
            project: identity.project.clone(),
            mode: identity.mode,
            customer: identity.customer.clone(),
            ledger: to_hex(self.naming.object()),
            after: Some(seq),
            upto: last.seq,
            events,
        }))
    }

    /// The transaction that an entry is, or the usage transaction that it is
    /// about.
    fn transaction_of(&self, entry: &Entry) -> Option<String> {
        let seq = match &entry.event {
            Event::Released { hold } => Some(*hold),
            Event::Held { .. } => Some(entry.seq),
            _ => entry.kind().is_transaction().then_some(entry.seq),
        };
        seq.map(|seq| self.naming.id(Prefix::Transaction, seq))
    }

    fn more<'a>(&self, notice: Notice, entry: &'a Entry) -> Result<More<'a>, StoreFault> {
        let amount = Some(Decimal(entry.amount));
        Ok(match (notice, &entry.event) {
            (Notice::BalanceLow, _) => {
                More { threshold: entry.notices.threshold().map(Decimal), ..More::default() }
            }
            (Notice::BalanceToppedUp, _) => More { amount, ..More::default() },
            (Notice::HoldExpired, Event::Released { hold }) => {
                let freed = match self.book.journal().entry(*hold)?.map(|entry| entry.event) {
                    Some(Event::Held { hold }) => hold.amount,
                    _ => Credits::ZERO,
                };
                More { amount: Some(Decimal(freed)), ..More::default() }
            }
            (Notice::PurchaseSucceeded, Event::Granted { purchase: Some(purchase), .. }) => More {
                amount,
                purchase_id: Some(&purchase.id),
                pack_id: purchase.pack.as_ref(),
                price_cents: Some(purchase.price_cents),
                currency: Some(&purchase.currency),
                ..More::default()
            },
            (Notice::PurchaseFailed, Event::PurchaseFailed { id, reason }) => {
                More { purchase_id: Some(id), reason: Some(reason), ..More::default() }
            }
            (Notice::PeriodReset, Event::Allocated { period_start, next_reset, .. }) => More {
                amount,
                period_start: Some(period_start.to_string()),
                next_reset: Some(next_reset.to_string()),
                ..More::default()
            },
            _ => More::default(),
        })
    }
}
