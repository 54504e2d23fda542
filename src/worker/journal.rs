//! The ledger's journal in SQLite: append, replay, snapshot, look up.
//!
//! In: entries of one ledger. Out: the same entries, for ever. Appended
//! entries wait in memory until [`SqlJournal::commit`] writes them all with
//! one statement, so that a commit cannot tear. Who appends many commits
//! early when they grow heavy ([`SqlJournal::is_heavy`]). Each entry carries a
//! hash that is chained over the one before ([`chain`]).

pub mod audit;
pub mod chain;
mod load;
mod queries;
mod schema;
pub mod stored;
mod tally;
pub mod untold;

use serde::{Deserialize, Serialize};

use self::audit::{Fault, FaultKind};
use self::chain::{Content, Hash};
pub use self::queries::transaction_kinds;
use self::untold::Untold;
use super::keys::Mode;
use super::store::{Store, StoreFault};
use crate::json;
use crate::ledger::{Entry, Journal, Ledger};
use crate::text::Name;

/// Entries between two snapshots: replaying this many takes about a
/// millisecond, and the snapshot's row adds 0.4% to the rows written.
const SNAPSHOT_EVERY: u64 = 256;
/// Bytes of a snapshot in one row.
const SNAPSHOT_PART_BYTES: usize = 1_000_000;
/// The platform takes no text over 2 MB. Escaping doubles an entry's text at
/// worst, and one more request comes on top (1,000 charges from a body of
/// 64 KiB, about half a megabyte).
const HEAVY_BYTES: usize = 512 * 1024;
/// Entries that one statement writes, or one request's more.
const HEAVY_ENTRIES: usize = 1_000;
/// What an entry's numbers, kind, fingerprint, notices and hash take in the
/// statement's text.
const ROW_BYTES: usize = 260;

/// All pending entries in one statement.
const APPEND: &str = "\
INSERT INTO entries (seq, at, kind, amount, balance_after, idempotency_key, fingerprint, about, payload, \
notices, hash) SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->>6, value->>7, value->>8, \
value->>9, value->>10 FROM json_each(?)";

/// As [`APPEND`], for entries without key, fingerprint, `about` and notices, as
/// most are: each column costs a look into the text.
const APPEND_PLAIN: &str = "\
INSERT INTO entries (seq, at, kind, amount, balance_after, payload, hash) \
SELECT value->>0, value->>1, value->>2, value->>3, value->>4, value->>8, value->>10 FROM json_each(?)";

/// As [`APPEND_PLAIN`], for one alone, as a customer without others at the same
/// time has them: a list is a table of its own to SQLite, and since the trigger
/// reads what is inserted into, it is copied to another first.
const APPEND_ONE: &str = "\
INSERT INTO entries (seq, at, amount, balance_after, kind, payload, hash) VALUES (?, ?, ?, ?, ?, ?, ?)";

/// Whose ledger this is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// The project.
    pub project: Name,
    /// The project's world.
    pub mode: Mode,
    /// The customer.
    pub customer: Name,
}

/// One ledger's journal over a store.
#[derive(Debug)]
pub struct SqlJournal<S> {
    store: S,
    /// Appended and not yet committed.
    pending: Vec<Pending>,
    /// What `pending` takes in a statement, but for escapes.
    pending_bytes: usize,
    /// There are entries to read.
    has_tables: bool,
    /// Nothing of the tables is missing.
    is_made: bool,
    /// The last committed entry's hash; `None` before the first.
    head: Option<Hash>,
    /// Entries up to here were written before there was a chain.
    unchained: u64,
    /// What keeps the journal from being folded.
    damage: Option<Fault>,
    snapshot_seq: u64,
    snapshot_parts: u64,
    identity: Option<Identity>,
    /// Whether the project's directory last heard that the customer exists.
    listed: bool,
    untold: Untold,
}

/// An entry that waits for its commit.
#[derive(Debug)]
struct Pending {
    entry: Entry,
    payload: String,
}

impl Pending {
    fn new(entry: Entry) -> Self {
        let payload = json::write(&entry.event);
        Self { entry, payload }
    }

    /// Whether there is nothing in the columns that few entries use.
    fn is_plain(&self) -> bool {
        self.entry.key.is_none() && self.entry.notices.is_empty() && self.entry.about().is_none()
    }

    fn bytes(&self) -> usize {
        let key = self.entry.key.as_ref().map_or(0, |key| key.key.len());
        ROW_BYTES.saturating_add(self.payload.len()).saturating_add(key)
    }

    /// Its hash, which follows the one before.
    fn hash(&self, before: Hash, notices: Option<&str>) -> Hash {
        let Entry { seq, at, amount, balance_after, key, .. } = &self.entry;
        before.then(&Content {
            seq: *seq,
            at: *at,
            kind: self.entry.kind().word(),
            amount: *amount,
            balance_after: *balance_after,
            idempotency_key: key.as_ref().map(|key| &*key.key),
            fingerprint: key.as_ref().map(|key| &*key.fingerprint),
            about: self.entry.about(),
            payload: &self.payload,
            notices,
        })
    }

    /// As a list for `json_each`, and its hash.
    fn row<'a>(&'a self, before: Hash) -> (Hash, impl Serialize + use<'a>) {
        let Entry { seq, at, amount, balance_after, key, notices, .. } = &self.entry;
        let (kind, about, payload) = (self.entry.kind().word(), self.entry.about(), &*self.payload);
        let (key, fingerprint) = key.as_ref().map(|key| (&*key.key, &*key.fingerprint)).unzip();
        // As text, so that what is hashed is what will be read back.
        let notices = (!notices.is_empty()).then(|| json::write(notices));
        let hash = self.hash(before, notices.as_deref());
        (hash, (seq, at, kind, amount, balance_after, key, fingerprint, about, payload, notices, hash))
    }
}

impl<S: Store> SqlJournal<S> {
    /// Opens the journal and folds the ledger from its last snapshot and the
    /// entries after it. Writes nothing, unless the journal is of an older
    /// layout. Of one that cannot be read the ledger is empty, and
    /// [`SqlJournal::damage`] says why.
    ///
    /// # Errors
    /// The store's fault.
    pub fn open(store: S) -> Result<(Ledger, Self), StoreFault> {
        let mut journal = Self {
            store,
            pending: Vec::new(),
            pending_bytes: 0,
            has_tables: false,
            is_made: false,
            head: None,
            unchained: 0,
            damage: None,
            snapshot_seq: 0,
            snapshot_parts: 0,
            identity: None,
            listed: false,
            untold: Untold::default(),
        };
        if !schema::migrate(&journal.store)? {
            return Ok((Ledger::default(), journal));
        }
        journal.has_tables = true;
        let identity = "SELECT project, mode, customer, listed, unchained FROM identity";
        if let Some((project, mode, customer, listed, unchained)) =
            journal.store.first::<(Name, Mode, Name, u8, u64)>(identity, ())?
        {
            journal.identity = Some(Identity { project, mode, customer });
            journal.listed = listed == 1;
            journal.is_made = true;
            journal.unchained = unchained;
        }
        let ledger = match journal.load() {
            Err(fault) if fault.is_damage() => {
                let seq = journal.first_unreadable()?;
                journal.damage = Some(Fault { seq, fault: FaultKind::Unreadable, detail: fault.0 });
                Ledger::default()
            }
            loaded => loaded?,
        };
        let ledger = match ledger.unsound() {
            None => ledger,
            Some(_) => {
                let (ledger, damage) = journal.fold_soundly()?;
                journal.damage = damage;
                ledger
            }
        };
        journal.untold = Untold::since(&ledger);
        Ok((ledger, journal))
    }

    /// Why the journal cannot be folded, if it cannot: then nothing may be
    /// appended.
    pub fn damage(&self) -> Option<&Fault> {
        self.damage.as_ref()
    }

    /// Whose journal it is, once it has an entry.
    pub fn identity(&self) -> Option<&Identity> {
        self.identity.as_ref()
    }

    /// Names the owner of a journal that is still empty; the first commit
    /// keeps it.
    pub fn identify(&mut self, identity: &Identity) {
        self.identity.get_or_insert_with(|| identity.clone());
    }

    /// The store, for queries beyond the ledger's own.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Whether the project's directory last heard that the customer exists.
    pub fn is_listed(&self) -> bool {
        self.listed
    }

    /// Keeps what the directory was told.
    ///
    /// # Errors
    /// The store's fault.
    pub fn set_listed(&mut self, listed: bool) -> Result<(), StoreFault> {
        self.store.run("UPDATE identity SET listed = ?", (u8::from(listed),))?;
        self.listed = listed;
        Ok(())
    }

    /// What was committed last and may not have been told.
    pub fn untold(&self) -> &Untold {
        &self.untold
    }

    /// The same, to be told.
    pub fn untold_mut(&mut self) -> &mut Untold {
        &mut self.untold
    }

    /// Whether anything was ever committed.
    pub fn is_empty(&self) -> bool {
        !self.has_tables
    }

    /// Whether so much is pending that it must be written before there is
    /// more, lest a statement grow beyond what the platform takes.
    pub fn is_heavy(&self) -> bool {
        self.pending.len() >= HEAVY_ENTRIES || self.pending_bytes >= HEAVY_BYTES
    }

    /// Writes all appended entries by one statement, and a snapshot now and
    /// then. Whether there was anything to write.
    ///
    /// # Errors
    /// The store's fault; the ledger in memory is then ahead of its journal
    /// and must be dropped.
    pub fn commit(&mut self, ledger: &Ledger) -> Result<bool, StoreFault> {
        if self.pending.is_empty() {
            return Ok(false);
        }
        if !self.is_made {
            schema::create(&self.store, self.identity.as_ref())?;
            (self.has_tables, self.is_made) = (true, true);
        }
        self.head = Some(self.write()?);
        self.pending.drain(..).for_each(|pending| self.untold.take(&pending.entry));
        self.pending_bytes = 0;
        if ledger.seq().saturating_sub(self.snapshot_seq) >= SNAPSHOT_EVERY {
            self.snapshot(ledger)?;
        }
        Ok(true)
    }

    /// Writes what is pending; gives the last hash.
    fn write(&self) -> Result<Hash, StoreFault> {
        let mut head = self.head.unwrap_or_else(|| Hash::origin(self.identity.as_ref()));
        let is_plain = self.pending.iter().all(Pending::is_plain);
        if let ([pending], true) = (&*self.pending, is_plain) {
            let Entry { seq, at, amount, balance_after, .. } = &pending.entry;
            let seq = i64::try_from(*seq).unwrap_or(i64::MAX);
            head = pending.hash(head, None);
            let numbers = [seq, at.ms(), amount.millionths(), balance_after.millionths()];
            let hex = head.hex();
            let hash = str::from_utf8(&hex).unwrap_or_default();
            let texts = [pending.entry.kind().word(), &pending.payload, hash];
            self.store.insert(APPEND_ONE, numbers, texts)?;
            return Ok(head);
        }
        let mut rows = Vec::with_capacity(self.pending.len());
        for pending in &self.pending {
            let row;
            (head, row) = pending.row(head);
            rows.push(row);
        }
        self.store.execute(if is_plain { APPEND_PLAIN } else { APPEND }, &json::write(&rows))?;
        Ok(head)
    }

    /// Keeps the ledger's state, in as many rows as it needs: a row holds
    /// 2 MB at most, a ledger with thousands of holds more.
    fn snapshot(&mut self, ledger: &Ledger) -> Result<(), StoreFault> {
        let state = json::write(ledger);
        let upsert = "INSERT INTO snapshot (part, seq, state) VALUES (?, ?, ?)
                      ON CONFLICT (part) DO UPDATE SET seq = excluded.seq, state = excluded.state";
        let mut rest = state.as_str();
        let mut parts: u64 = 0;
        while !rest.is_empty() {
            let mut end = rest.len().min(SNAPSHOT_PART_BYTES);
            while !rest.is_char_boundary(end) {
                end = end.saturating_sub(1);
            }
            let (part, later) = rest.split_at_checked(end).unwrap_or((rest, ""));
            self.store.run(upsert, (parts, ledger.seq(), part))?;
            parts = parts.saturating_add(1);
            rest = later;
        }
        if parts < self.snapshot_parts {
            self.store.run("DELETE FROM snapshot WHERE part >= ?", (parts,))?;
        }
        self.snapshot_parts = parts;
        self.snapshot_seq = ledger.seq();
        Ok(())
    }
}

impl<S: Store> Journal for SqlJournal<S> {
    type Fault = StoreFault;

    fn by_key(&self, key: &str) -> Result<Option<Entry>, StoreFault> {
        let has_key = |entry: &Entry| entry.key.as_ref().is_some_and(|known| known.key == key);
        match self.pending.iter().find(|pending| has_key(&pending.entry)) {
            Some(pending) => Ok(Some(pending.entry.clone())),
            None => Ok(self.select("idempotency_key = ?", (key,))?.pop()),
        }
    }

    fn entry(&self, seq: u64) -> Result<Option<Entry>, StoreFault> {
        match self.pending.iter().find(|pending| pending.entry.seq == seq) {
            Some(pending) => Ok(Some(pending.entry.clone())),
            None => Ok(self.select("seq = ?", (seq,))?.pop()),
        }
    }

    fn about(&self, seq: u64) -> Result<Vec<Entry>, StoreFault> {
        let mut entries = self.select("about = ? ORDER BY seq", (seq,))?;
        let pending = self.pending.iter().map(|pending| &pending.entry);
        entries.extend(pending.filter(|entry| entry.about() == Some(seq)).cloned());
        Ok(entries)
    }

    fn append(&mut self, entry: Entry) {
        let pending = Pending::new(entry);
        self.pending_bytes = self.pending_bytes.saturating_add(pending.bytes());
        self.pending.push(pending);
    }

    fn truncate(&mut self, seq: u64) {
        self.pending.retain(|pending| pending.entry.seq <= seq);
        self.pending_bytes = self.pending.iter().map(Pending::bytes).sum();
    }
}
