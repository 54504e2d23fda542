//! What the last commits add up to, kept in memory until others were told, so
//! that telling them reads nothing back from the journal.
//!
//! In: each committed entry, in order. Out: the same groups that
//! [`super::SqlJournal::groups`] reads. It is as old as the journal is in
//! memory; what came before that is read.

use super::tally::{priced_names, tally_of};
use crate::credits::Credits;
use crate::ledger::{Entry, Ledger};
use crate::tally::{Group, Tally};

/// A ledger whose charges have more prices than this between two messages is
/// read again instead.
const MAX_GROUPS: usize = 64;

/// The transactions of the last committed entries.
#[derive(Debug, Default)]
pub struct Untold {
    /// The entries begin after this one.
    after: u64,
    /// The last committed entry, and the balance after it.
    upto: u64,
    balance: Credits,
    /// By day, type and priced action, in this order.
    groups: Vec<Group>,
    /// No entry after this one tells the app anything.
    noticed: u64,
}

impl Untold {
    /// Nothing yet, of a ledger that was just read.
    pub(super) fn since(ledger: &Ledger) -> Self {
        let seq = ledger.seq();
        Self { after: seq, upto: seq, balance: ledger.balance(), groups: Vec::new(), noticed: seq }
    }

    /// Adds the entry that was committed next.
    pub(super) fn take(&mut self, entry: &Entry) {
        (self.upto, self.balance) = (entry.seq, entry.balance_after);
        if !entry.notices.is_empty() {
            self.noticed = entry.seq;
        }
        let kind = entry.kind();
        if !kind.is_transaction() {
            return;
        }
        let (service, action) = priced_names(entry);
        let name = (Some(entry.at.day()), kind.word(), service, action);
        let place = self.groups.binary_search_by(|group| {
            (group.day, &*group.kind, group.service.as_deref(), group.action.as_deref()).cmp(&name)
        });
        let place = place.unwrap_or_else(|place| {
            let (day, kind, service, action) = name;
            let [service, action] = [service, action].map(|name| name.map(str::to_owned));
            let tally = Tally::default();
            self.groups.insert(place, Group { day, kind: kind.to_owned(), service, action, tally });
            place
        });
        if let Some(group) = self.groups.get_mut(place) {
            group.tally.add(&tally_of(entry));
        }
        if self.groups.len() > MAX_GROUPS {
            self.take_groups();
        }
    }

    /// The last committed entry; 0: there is none.
    pub fn upto(&self) -> u64 {
        self.upto
    }

    /// The balance after it.
    pub fn balance(&self) -> Credits {
        self.balance
    }

    /// The last committed entry that may tell the app something.
    pub fn noticed(&self) -> u64 {
        self.noticed
    }

    /// Whether it holds all that was committed after an entry.
    pub fn is_after(&self, seq: u64) -> bool {
        self.after == seq
    }

    /// Whether there may be a transaction after an entry.
    pub fn has_after(&self, seq: u64) -> bool {
        self.upto > seq && (self.after != seq || !self.groups.is_empty())
    }

    /// The transactions, to be told now; it begins anew after them.
    pub fn take_groups(&mut self) -> Vec<Group> {
        self.after = self.upto;
        std::mem::take(&mut self.groups)
    }
}
