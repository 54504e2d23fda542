//! The journal's tables, and how those of an older layout become them.

use super::Identity;
use crate::worker::store::{Store, StoreFault};

/// In an order that can be ended anywhere and gone through again: a journal
/// has its tables once it has its row of `identity`, which is written last.
const SCHEMA: [&str; 7] = [
    "CREATE TABLE IF NOT EXISTS snapshot (part INTEGER PRIMARY KEY, seq INTEGER NOT NULL, state TEXT NOT NULL) STRICT",
    "CREATE TABLE IF NOT EXISTS identity (
       id INTEGER PRIMARY KEY CHECK (id = 1),
       project TEXT NOT NULL,
       mode TEXT NOT NULL,
       customer TEXT NOT NULL,
       listed INTEGER NOT NULL,
       unchained INTEGER NOT NULL DEFAULT 0
     ) STRICT",
    "CREATE TABLE IF NOT EXISTS entries (
       seq INTEGER PRIMARY KEY,
       at INTEGER NOT NULL,
       kind TEXT NOT NULL,
       amount INTEGER NOT NULL CHECK (abs(amount) <= 9000000000000000),
       balance_after INTEGER NOT NULL CHECK (abs(balance_after) <= 9000000000000000),
       idempotency_key TEXT,
       fingerprint TEXT,
       about INTEGER,
       payload TEXT NOT NULL,
       notices TEXT,
       hash TEXT,
       CHECK ((idempotency_key IS NULL) = (fingerprint IS NULL))
     ) STRICT",
    "CREATE UNIQUE INDEX IF NOT EXISTS entries_by_key ON entries (idempotency_key) WHERE idempotency_key IS NOT NULL",
    "CREATE INDEX IF NOT EXISTS entries_about ON entries (about) WHERE about IS NOT NULL",
    NOTICED_INDEX,
    // The last line of defence: an entry continues the one before it, or the
    // whole statement is undone.
    "CREATE TRIGGER IF NOT EXISTS entries_continue BEFORE INSERT ON entries
     WHEN NEW.seq <> 1 + coalesce((SELECT max(seq) FROM entries), 0)
       OR NEW.balance_after <> NEW.amount + coalesce((SELECT balance_after FROM entries ORDER BY seq DESC LIMIT 1), 0)
     BEGIN SELECT RAISE(ABORT, 'the entry does not continue the journal'); END",
];

/// The outbox: the entries that have something to tell, few of all.
const NOTICED_INDEX: &str =
    "CREATE INDEX IF NOT EXISTS entries_noticed ON entries (seq) WHERE notices IS NOT NULL";
/// What journals had no place for before entries told anything.
const ADD_NOTICES: &str = "ALTER TABLE entries ADD COLUMN notices TEXT";
/// What they had no place for before entries were chained.
const ADD_HASH: &str = "ALTER TABLE entries ADD COLUMN hash TEXT";

/// Makes the tables of a journal that begins, or those that are missing: a
/// statement that fails leaves the ones before it in place.
///
/// # Errors
/// The store's fault.
pub(super) fn create(store: &impl Store, identity: Option<&Identity>) -> Result<(), StoreFault> {
    for statement in SCHEMA {
        store.run(statement, ())?;
    }
    if let Some(identity) = identity {
        let insert =
            "INSERT OR IGNORE INTO identity (id, project, mode, customer, listed) VALUES (1, ?, ?, ?, 0)";
        store.run(insert, (&identity.project, identity.mode.word(), &identity.customer))?;
    }
    Ok(())
}

/// Brings the tables that there are to the present layout. Whether there are
/// any. No row is written.
///
/// # Errors
/// The store's fault.
pub(super) fn migrate(store: &impl Store) -> Result<bool, StoreFault> {
    let sql = |table: &str| -> Result<Option<String>, StoreFault> {
        let sql = "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?";
        Ok(store.first::<(String,)>(sql, (table,))?.map(|(sql,)| sql))
    };
    let Some(entries) = sql("entries")? else {
        return Ok(false);
    };
    if !entries.contains("hash") {
        if !entries.contains("notices") {
            store.run(ADD_NOTICES, ())?;
        }
        // Also if it was missed the time before: each step may be the last.
        store.run(NOTICED_INDEX, ())?;
        if sql("identity")?.is_some_and(|identity| !identity.contains("unchained")) {
            let last = "SELECT coalesce(max(seq), 0) FROM entries";
            let last = store.first::<(u64,)>(last, ())?.map_or(0, |(seq,)| seq);
            // The default is the value that the row has had from now on.
            store.run(
                &format!("ALTER TABLE identity ADD COLUMN unchained INTEGER NOT NULL DEFAULT {last}"),
                (),
            )?;
        }
        store.run(ADD_HASH, ())?;
    }
    Ok(true)
}
