//! An entry as its row has it: for the chain, which covers the very texts that
//! are stored, and for exports and audits, which show or check them.

use serde::Deserialize;

use super::SqlJournal;
use super::chain::{Content, Hash};
use super::queries::entry_of;
use crate::credits::Credits;
use crate::json::{self, JsonText};
use crate::ledger::Entry;
use crate::time::Timestamp;
use crate::worker::store::{Store, StoreFault};

const COLUMNS: &str =
    "seq, at, kind, amount, balance_after, idempotency_key, fingerprint, about, payload, notices, hash";

/// A row of the journal.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // the columns' own names
pub struct Stored {
    pub seq: u64,
    pub at: Timestamp,
    pub kind: String,
    pub amount: Credits,
    pub balance_after: Credits,
    pub idempotency_key: Option<String>,
    pub fingerprint: Option<String>,
    pub about: Option<u64>,
    pub payload: String,
    pub notices: Option<String>,
    pub hash: Option<String>,
}

#[derive(Deserialize)]
struct Row(
    u64,
    Timestamp,
    String,
    Credits,
    Credits,
    Option<String>,
    Option<String>,
    Option<u64>,
    String,
    Option<String>,
    Option<String>,
);

impl Stored {
    fn from_json(row: &str) -> Result<Self, String> {
        let row: Row = json::read(row).map_err(|error| error.to_string())?;
        let Row(seq, at, kind, amount, balance_after, key, fingerprint, about, payload, notices, hash) = row;
        Ok(Self {
            seq,
            at,
            kind,
            amount,
            balance_after,
            idempotency_key: key,
            fingerprint,
            about,
            payload,
            notices,
            hash,
        })
    }

    /// The hash that follows from the row and the hash before it.
    pub fn hash_after(&self, before: Hash) -> Hash {
        before.then(&Content {
            seq: self.seq,
            at: self.at,
            kind: &self.kind,
            amount: self.amount,
            balance_after: self.balance_after,
            idempotency_key: self.idempotency_key.as_deref(),
            fingerprint: self.fingerprint.as_deref(),
            about: self.about,
            payload: &self.payload,
            notices: self.notices.as_deref(),
        })
    }

    /// The entry that it is.
    ///
    /// # Errors
    /// A text in it that cannot be read.
    pub fn entry(&self) -> Result<Entry, StoreFault> {
        entry_of((
            self.seq,
            self.at,
            self.amount,
            self.balance_after,
            self.idempotency_key.clone(),
            self.fingerprint.clone(),
            self.payload.clone(),
            self.notices.clone(),
        ))
    }
}

impl<S: Store> SqlJournal<S> {
    /// Committed rows after a number, in order; each by itself may be
    /// unreadable, and then says why.
    ///
    /// # Errors
    /// The store's fault.
    pub fn stored(
        &self,
        after: u64,
        until: u64,
        limit: u64,
    ) -> Result<Vec<Result<Stored, String>>, StoreFault> {
        if self.is_empty() {
            return Ok(Vec::new());
        }
        let sql = format!("SELECT {COLUMNS} FROM entries WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?");
        let rows: Vec<JsonText> = self.store.rows(&sql, (after, until, limit))?;
        Ok(rows.iter().map(|row| Stored::from_json(&row.0)).collect())
    }
}
