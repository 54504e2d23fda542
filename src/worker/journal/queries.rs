//! Reading what is committed: entries by conditions and in orders, for lists
//! and for the ledger's own look-ups.

use serde::Serialize;

use super::SqlJournal;
use crate::credits::Credits;
use crate::json;
use crate::ledger::{Entry, Event, IdempotencyKey, Kind, Notices};
use crate::text::joined;
use crate::time::Timestamp;
use crate::worker::store::{Store, StoreFault};

/// What an [`Entry`] is read from, in the order of [`Row`].
pub(super) const COLUMNS: &str =
    "seq, at, amount, balance_after, idempotency_key, fingerprint, payload, notices";

/// Entries `?1` to `?2` that one of the indexes misses: these have copies of
/// what they index.
const UNINDEXED: &str = "\
SELECT seq FROM entries AS entry WHERE seq BETWEEN ?1 AND ?2 AND (
  (idempotency_key IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM entries AS found INDEXED BY entries_by_key
    WHERE found.idempotency_key = entry.idempotency_key AND found.seq = entry.seq))
  OR (about IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM entries AS found INDEXED BY entries_about
    WHERE found.about = entry.about AND found.seq = entry.seq))
  OR (notices IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM entries AS found INDEXED BY entries_noticed
    WHERE found.notices IS NOT NULL AND found.seq = entry.seq)))
ORDER BY seq LIMIT 1";

type Row = (u64, Timestamp, Credits, Credits, Option<String>, Option<String>, String, Option<String>);

/// The kinds that are transactions, as a list of SQL.
pub fn transaction_kinds() -> String {
    joined(&Kind::TRANSACTIONS.map(|kind| format!("'{}'", kind.word())), ", ")
}

impl<S: Store> SqlJournal<S> {
    /// Entries by a query over [`COLUMNS`]; of committed ones only.
    pub(super) fn entries(&self, sql: &str, parameters: impl Serialize) -> Result<Vec<Entry>, StoreFault> {
        if !self.has_tables {
            return Ok(Vec::new());
        }
        self.store.rows::<Row>(sql, parameters)?.into_iter().map(entry_of).collect()
    }

    /// Committed entries by a condition and order, for lists.
    ///
    /// # Errors
    /// The store's fault.
    pub fn select(&self, rest: &str, parameters: impl Serialize) -> Result<Vec<Entry>, StoreFault> {
        self.entries(&format!("SELECT {COLUMNS} FROM entries WHERE {rest}"), parameters)
    }

    /// The first committed entries after `seq` that have something to tell.
    ///
    /// # Errors
    /// The store's fault.
    pub fn noticed(&self, seq: u64, limit: u64) -> Result<Vec<Entry>, StoreFault> {
        let sql = format!(
            "SELECT {COLUMNS} FROM entries INDEXED BY entries_noticed
             WHERE notices IS NOT NULL AND seq > ? ORDER BY seq LIMIT ?"
        );
        self.entries(&sql, (seq, limit))
    }

    /// How many committed entries meet a condition.
    ///
    /// # Errors
    /// The store's fault.
    pub fn count(&self, condition: &str, parameters: impl Serialize) -> Result<u64, StoreFault> {
        if !self.has_tables {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM entries WHERE {condition}");
        Ok(self.store.first::<(u64,)>(&sql, parameters)?.map_or(0, |(count,)| count))
    }

    /// The first of these entries that an index misses.
    ///
    /// # Errors
    /// The store's fault.
    pub(super) fn unindexed(&self, first: u64, last: u64) -> Result<Option<u64>, StoreFault> {
        Ok(self.store.first::<(u64,)>(UNINDEXED, (first, last))?.map(|(seq,)| seq))
    }
}

pub(super) fn entry_of(row: Row) -> Result<Entry, StoreFault> {
    let (seq, at, amount, balance_after, key, fingerprint, payload, notices) = row;
    let fault = |error| StoreFault(format!("entry {seq} cannot be read: {error}"));
    let event: Event = json::read(&payload).map_err(fault)?;
    let notices = notices.map(|text| json::read::<Notices>(&text)).transpose().map_err(fault)?;
    let key = key.zip(fingerprint).map(|(key, fingerprint)| IdempotencyKey { key, fingerprint });
    Ok(Entry { seq, at, amount, balance_after, key, event, notices: notices.unwrap_or_default() })
}
