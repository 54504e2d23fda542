//! How a ledger tells other objects what was committed: in order, by the
//! numbers of its entries, from where the other says that it is.
//!
//! Nothing is kept here on disk. The journal is the outbox, and the other
//! object knows how far it has read; a ledger that does not know (it was just
//! loaded) asks first.

use serde::Deserialize;

use super::events::{EventsCall, events_name, shard_of};
use super::ledger::LedgerObject;
use super::rollup::{Deltas, RollupCall, shard_for};
use crate::json;
use crate::worker::flow::Effect;
use crate::worker::reply::Reply;
use crate::worker::store::{Store, StoreFault};

/// Entries that one message tells of at most.
const MAX_ENTRIES: u64 = 1_000;
/// Entries with something to tell the app, likewise.
const MAX_NOTICED: u64 = 100;

/// To whom a ledger ships. Each is shipped to by itself: one that does not
/// answer holds up no other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// The rollup shard: what the transactions add up to.
    Rollup,
    /// The events object: what the app is told.
    Events,
}

impl Lane {
    /// The lane that the shell knows by a number.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            0 => Some(Self::Rollup),
            1 => Some(Self::Events),
            _ => None,
        }
    }
}

/// How far the other object has read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Progress {
    /// By its own word; `None`: it was not asked yet.
    seen: Option<u64>,
    /// Up to here there is nothing to tell.
    idle: u64,
    /// Where the message that is under way begins.
    sent: Option<u64>,
    /// Where it ends, if it tells of all that there was.
    tells_all_until: Option<u64>,
}

impl Progress {
    /// Takes the other object's word. Whether it must be told more at once.
    ///
    /// # Errors
    /// If it did not take what continues where it says that it is: to send
    /// that again at once would never end.
    fn hear(&mut self, seen: u64) -> Result<bool, StoreFault> {
        if self.sent.take() == Some(seen) {
            return Err(StoreFault(format!("entries after {seen} were not taken")));
        }
        let is_told = self.tells_all_until == Some(seen);
        *self = Self { seen: Some(seen), idle: seen, sent: None, tells_all_until: None };
        Ok(!is_told)
    }
}

impl<S: Store> LedgerObject<S> {
    /// What is to be told next, as the shell performs it; `None` if nothing.
    /// It reads what is written, which the caller must know to be durable
    /// before it sends this.
    ///
    /// # Errors
    /// The store's fault.
    pub fn shipment(&mut self, lane: Lane) -> Result<Option<Effect>, StoreFault> {
        match lane {
            _ if !self.has_news(lane) => Ok(None),
            Lane::Rollup => self.rollup_shipment(),
            Lane::Events => self.events_shipment(),
        }
    }

    /// Takes the answer to a shipment. Whether the next one is to be made at
    /// once: what came since a message that told of all that there was waits,
    /// or a busy ledger would be telling without end.
    ///
    /// # Errors
    /// If it is no good answer: the shipment must be made again, later.
    pub fn shipped(&mut self, lane: Lane, reply: &str) -> Result<bool, StoreFault> {
        #[derive(Deserialize)]
        struct Seen {
            seen: u64,
        }
        let reply = Reply::from_text(reply).filter(|reply| reply.status == 200);
        let seen = reply.and_then(|reply| json::read::<Seen>(&reply.body).ok());
        let Seen { seen } = seen.ok_or_else(|| StoreFault("a shipment was not answered".to_owned()))?;
        match lane {
            Lane::Rollup => self.rollup.hear(seen),
            Lane::Events => self.events.hear(seen),
        }
    }

    /// Whether there may be something to tell, as far as is known in memory:
    /// else no shipment need be made. A ledger that was just loaded knows
    /// little, and asks.
    pub fn has_news(&self, lane: Lane) -> bool {
        let journal = self.book.journal();
        let untold = journal.untold();
        journal.damage().is_none()
            && match (lane, self.rollup.seen) {
                (Lane::Rollup, None) => untold.upto() > 0,
                (Lane::Rollup, Some(_)) => untold.has_after(self.rollup.idle),
                (Lane::Events, _) => untold.noticed() > self.events.idle,
            }
    }

    /// Whether [`LedgerObject::shipment`] would read nothing: so it can be had
    /// while the storage at hand is another ledger's.
    pub fn tells_from_memory(&self, lane: Lane) -> bool {
        let untold = self.book.journal().untold();
        match lane {
            Lane::Rollup => self.rollup.seen.is_some() && untold.is_after(self.rollup.idle),
            Lane::Events => false,
        }
    }

    fn rollup_shipment(&mut self) -> Result<Option<Effect>, StoreFault> {
        while self.has_news(Lane::Rollup) {
            let (after, has_asked) = (self.rollup.idle, self.rollup.seen.is_some());
            let journal = self.book.journal_mut();
            let untold = journal.untold();
            let (mut upto, mut balance, mut groups) = (untold.upto(), untold.balance(), Vec::new());
            let mut tells_all = has_asked;
            if has_asked && untold.is_after(after) {
                groups = journal.untold_mut().take_groups();
            } else if has_asked {
                let last = journal.last_until(after.saturating_add(MAX_ENTRIES))?;
                tells_all = last == Some((upto, balance));
                let Some(last) = last.filter(|(seq, _)| *seq > after) else {
                    return Ok(None);
                };
                (upto, balance) = last;
                groups = journal.groups(after.saturating_add(1), upto, true)?;
                if tells_all {
                    journal.untold_mut().take_groups();
                }
            }
            if groups.is_empty() && has_asked {
                self.rollup.idle = upto;
                continue;
            }
            let Some(identity) = journal.identity() else {
                return Ok(None);
            };
            let names = vec![shard_for(&identity.project, identity.mode, &identity.customer)];
            let customer = identity.customer.clone();
            let deltas = Deltas { customer, after: self.rollup.seen, upto, balance, groups };
            let message = json::write(&RollupCall::Receive(Box::new(deltas)));
            self.rollup.sent = self.rollup.seen;
            self.rollup.tells_all_until = tells_all.then_some(upto);
            return Ok(Some(Effect::Rollup { names, message }));
        }
        Ok(None)
    }

    /// A ledger that never had anything to tell asks nobody.
    fn events_shipment(&mut self) -> Result<Option<Effect>, StoreFault> {
        let limit = if self.events.seen.is_some() { MAX_NOTICED } else { 1 };
        let Some(mut notices) = self.notices_after(self.events.idle, limit)? else {
            self.events.idle = self.book.journal().untold().upto();
            return Ok(None);
        };
        notices.after = self.events.seen;
        self.events.sent = self.events.seen;
        let names = vec![events_name(&notices.project, notices.mode, shard_of(self.naming.object()))];
        let message = json::write(&EventsCall::Receive(notices));
        Ok(Some(Effect::Events { names, message }))
    }
}
