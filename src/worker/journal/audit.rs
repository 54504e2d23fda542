//! The journal checked against itself, from its first entry on: numbers,
//! running balances, the chain of hashes, the look-ups, the snapshot.
//!
//! In: pages of rows as they are stored. Out: what is wrong and where, and
//! the ledger that the entries make, folded anew. It goes page by page, so
//! that a long journal takes little memory and holds nobody up.

use serde::{Serialize, Serializer};

use super::SqlJournal;
use super::chain::Hash;
use super::load::ledger_of;
use super::stored::Stored;
use crate::credits::Credits;
use crate::ledger::Ledger;
use crate::worker::store::{Store, StoreFault};

/// Entries of a page. With the largest metadata about 5 MB.
const PAGE_ENTRIES: u64 = 500;
/// Faults that are told; after these there is no point in more.
const MAX_FAULTS: usize = 20;
/// Beyond all entries: numbers cross as doubles.
const MAX_SEQ: u64 = 1 << 53;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// An entry is not there, or not in its place.
    Missing,
    /// A row that storage or the engine cannot read.
    Unreadable,
    /// Its content is not what was hashed, or the hash is not its own.
    Hash,
    /// Its balance is not the one before and its amount.
    Balance,
    /// A look-up by its idempotency key, or by what it is about, misses it.
    Index,
    /// What is kept to start from does not follow from the entries.
    Snapshot,
    /// What is in memory does not follow from the entries.
    Ledger,
}

impl FaultKind {
    /// Its word on the wire.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unreadable => "unreadable",
            Self::Hash => "hash",
            Self::Balance => "balance",
            Self::Index => "index",
            Self::Snapshot => "snapshot",
            Self::Ledger => "ledger",
        }
    }
}

impl Serialize for FaultKind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

/// Something wrong, and at which entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The entry's number, or the place where it should be.
    pub seq: u64,
    /// What kind.
    pub fault: FaultKind,
    /// A sentence for people.
    pub detail: String,
}

/// How the rest of the rows stands.
enum Page {
    More,
    Last,
}

/// The hash that the next entry follows.
#[derive(Clone, Copy, Debug)]
enum Before {
    /// The last entry's.
    Known(Hash),
    /// The last entry's as it is there, or as it should be: one of the two
    /// was altered.
    Either(Hash, Hash),
    /// The entry is not there.
    Unknown,
}

/// A check of one journal, as far as it has come.
#[derive(Debug)]
pub struct Audit {
    ledger: Ledger,
    before: Before,
    /// The balance that the next entry begins with, if the last one is sound.
    balance: Option<Credits>,
    /// The entry that is expected next.
    next: u64,
    /// Entries up to here are older than the chain.
    unchained: u64,
    entries: u64,
    sum: i128,
    /// What is kept to start from, until the entries have come so far.
    snapshot: Option<(u64, Option<Ledger>)>,
    faults: Vec<Fault>,
}

impl Audit {
    /// A check of all that is committed.
    ///
    /// # Errors
    /// The store's fault.
    pub fn begin<S: Store>(journal: &SqlJournal<S>) -> Result<Self, StoreFault> {
        let mut audit = Self::without_snapshot(journal);
        let parts = journal.snapshot_parts()?;
        if let Some((seq, _)) = parts.first() {
            let seq = *seq;
            let is_whole = parts.iter().all(|(part, _)| *part == seq);
            let ledger = is_whole.then(|| ledger_of(parts).ok()).flatten();
            audit.snapshot = Some((seq, ledger)).filter(|_| seq > audit.unchained);
        }
        Ok(audit)
    }

    /// A check of the entries alone.
    pub(super) fn without_snapshot<S: Store>(journal: &SqlJournal<S>) -> Self {
        Self {
            ledger: Ledger::default(),
            before: Before::Known(Hash::origin(journal.identity())),
            balance: Some(Credits::ZERO),
            next: 1,
            unchained: journal.unchained,
            entries: 0,
            sum: 0,
            snapshot: None,
            faults: Vec::new(),
        }
    }

    /// Checks some more entries; whether there may be more after them.
    ///
    /// # Errors
    /// The store's fault, unless it is that something cannot be read.
    pub fn go_on<S: Store>(&mut self, journal: &SqlJournal<S>) -> Result<bool, StoreFault> {
        let first = self.next;
        let page = match journal.stored(first.saturating_sub(1), MAX_SEQ, PAGE_ENTRIES) {
            Ok(rows) => self.rows(rows),
            Err(fault) if fault.is_damage() => self.one_by_one(journal)?,
            Err(fault) => return Err(fault),
        };
        self.check_indexes(journal, first)?;
        let is_over = matches!(page, Page::Last) || self.is_full();
        if is_over && !self.is_full() {
            self.check_snapshot(MAX_SEQ);
        }
        Ok(!is_over)
    }

    fn is_full(&self) -> bool {
        self.faults.len() >= MAX_FAULTS
    }

    fn rows(&mut self, rows: Vec<Result<Stored, String>>) -> Page {
        let is_last = u64::try_from(rows.len()).is_ok_and(|count| count < PAGE_ENTRIES);
        for row in rows {
            if self.is_full() {
                break;
            }
            match row {
                Ok(row) => self.row(&row),
                Err(why) => self.unreadable(&why),
            }
        }
        if is_last { Page::Last } else { Page::More }
    }

    /// Storage gave none of a page, because of one row or of all: reads each
    /// by its number.
    fn one_by_one<S: Store>(&mut self, journal: &SqlJournal<S>) -> Result<Page, StoreFault> {
        let last = journal.last_seq()?;
        for _ in 0..PAGE_ENTRIES {
            if self.next > last || self.is_full() {
                return Ok(Page::Last);
            }
            match journal.stored(self.next.saturating_sub(1), self.next, 1) {
                Ok(rows) if rows.is_empty() => self.missing(self.next.saturating_add(1)),
                Ok(rows) => drop(self.rows(rows)),
                Err(fault) if fault.is_damage() => self.unreadable(&fault.0),
                Err(fault) => return Err(fault),
            }
        }
        Ok(Page::More)
    }

    fn row(&mut self, row: &Stored) {
        if row.seq != self.next {
            self.missing(row.seq);
        }
        self.check_snapshot(row.seq);
        self.entries = self.entries.saturating_add(1);
        self.sum = self.sum.saturating_add(i128::from(row.amount.millionths()));
        let is_hashed = self.check_hash(row);
        let is_continuous = self.balance.is_none_or(|balance| {
            balance.millionths().checked_add(row.amount.millionths()) == Some(row.balance_after.millionths())
        });
        if is_hashed && !is_continuous {
            self.fault(row.seq, FaultKind::Balance, "its balance is not the one before and its amount");
        }
        self.balance = Some(row.balance_after).filter(|_| is_hashed);
        match row.entry() {
            Ok(entry) => self.ledger.apply(&entry),
            // That is told already.
            Err(_) if !is_hashed => {}
            Err(fault) => self.fault(row.seq, FaultKind::Unreadable, &fault.0),
        }
        self.next = row.seq.saturating_add(1);
    }

    /// Whether a row's hash is its own. One that was altered must not accuse
    /// the entry after it, which follows what is there or what should be.
    fn check_hash(&mut self, row: &Stored) -> bool {
        let (computed, other) = match self.before {
            Before::Known(hash) => (Some(row.hash_after(hash)), None),
            Before::Either(stored, should_be) => {
                (Some(row.hash_after(stored)), Some(row.hash_after(should_be)))
            }
            Before::Unknown => (None, None),
        };
        if row.seq <= self.unchained && row.hash.is_none() {
            self.before = computed.map_or(Before::Unknown, Before::Known);
            return true;
        }
        let Some(stored) = row.hash.as_deref().and_then(Hash::from_hex) else {
            self.before = computed.map_or(Before::Unknown, Before::Known);
            self.fault(row.seq, FaultKind::Hash, "it has no hash");
            return false;
        };
        let Some(computed) = computed.filter(|hash| *hash != stored && other != Some(stored)) else {
            self.before = Before::Known(stored);
            return true;
        };
        self.before = Before::Either(stored, computed);
        let is_first = self.unchained > 0 && row.seq == self.chained_from();
        let detail = match is_first {
            true => "it, or one of the entries before it, is not what was hashed",
            false => "it is not what was hashed",
        };
        self.fault(row.seq, FaultKind::Hash, detail);
        false
    }

    /// The entries from the expected one up to, and without, another are not
    /// there; or the other is out of its place.
    fn missing(&mut self, found: u64) {
        let detail = match found > self.next {
            true => "it is not there",
            false => "another entry is in its place",
        };
        self.fault(self.next, FaultKind::Missing, detail);
        self.next = found;
        self.lose_track();
    }

    fn unreadable(&mut self, why: &str) {
        self.fault(self.next, FaultKind::Unreadable, why);
        self.next = self.next.saturating_add(1);
        self.lose_track();
    }

    fn lose_track(&mut self) {
        self.before = Before::Unknown;
        self.balance = None;
    }

    /// Compares the snapshot with the entries once they have come so far: a
    /// row is about to be folded in, or none is left.
    fn check_snapshot(&mut self, before: u64) {
        let Some((seq, kept)) = self.snapshot.take_if(|(seq, _)| *seq < before) else {
            return;
        };
        let is_right = kept.is_some_and(|kept| kept.agrees_with(&self.ledger));
        // What is wrong with the entries is told already.
        if !is_right && self.faults.is_empty() {
            self.fault(seq, FaultKind::Snapshot, "what was kept after it does not follow from the entries");
        }
    }

    /// The indexes have copies of what they index: a key that is not in its
    /// index can be used twice.
    fn check_indexes<S: Store>(&mut self, journal: &SqlJournal<S>, first: u64) -> Result<(), StoreFault> {
        match journal.unindexed(first, self.next.saturating_sub(1)) {
            Ok(None) => {}
            Ok(Some(seq)) => self.fault(seq, FaultKind::Index, "a look-up does not find it"),
            Err(fault) if fault.is_damage() && self.faults.is_empty() => {
                self.fault(first, FaultKind::Index, &fault.0);
            }
            Err(fault) if fault.is_damage() => {}
            Err(fault) => return Err(fault),
        }
        Ok(())
    }

    fn fault(&mut self, seq: u64, fault: FaultKind, detail: &str) {
        if !self.is_full() {
            self.faults.push(Fault { seq, fault, detail: detail.to_owned() });
        }
    }

    /// What was found of a ledger that is live: it must be what the entries
    /// make, now that all were read.
    pub fn compare(&mut self, live: &Ledger) {
        let is_whole =
            self.entries == live.seq() && live.agrees_with(&self.ledger) && live.unsound().is_none();
        if self.faults.is_empty() && !is_whole {
            self.fault(live.seq(), FaultKind::Ledger, "what is in memory does not follow from the entries");
        }
    }

    /// Tells of what keeps the journal from being folded, unless that was
    /// found here too.
    pub fn add(&mut self, damage: &Fault) {
        if self.faults.is_empty() {
            self.faults.push(damage.clone());
        }
    }

    /// The last entry's hash; `None` if it cannot be told.
    pub fn head(&self) -> Option<Hash> {
        match self.before {
            Before::Known(hash) | Before::Either(hash, _) => Some(hash),
            Before::Unknown => None,
        }
    }

    /// The first entry that has a hash of its own.
    pub fn chained_from(&self) -> u64 {
        self.unchained.saturating_add(1)
    }

    /// How many entries there are.
    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// What they add up to; `None` beyond what an amount can be.
    pub fn sum(&self) -> Option<Credits> {
        i64::try_from(self.sum).ok().and_then(Credits::from_millionths)
    }

    /// What is wrong, in the order in which it was found.
    pub fn faults(&self) -> &[Fault] {
        &self.faults
    }
}

/// For a ledger that is folded from all entries, without a snapshot: it, the
/// last hash, and the first entry that is not there or cannot be read.
pub(super) fn fold<S: Store>(
    journal: &SqlJournal<S>,
) -> Result<(Ledger, Option<Hash>, Option<Fault>), StoreFault> {
    let mut audit = Audit::without_snapshot(journal);
    while audit.go_on(journal)? {}
    let head = audit.head();
    let is_fatal = |fault: &Fault| matches!(fault.fault, FaultKind::Missing | FaultKind::Unreadable);
    Ok((audit.ledger, head, audit.faults.into_iter().find(is_fatal)))
}
