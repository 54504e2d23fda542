//! Folding the ledger when its journal is opened.

use super::SqlJournal;
use super::audit::{self, Fault, FaultKind};
use super::chain::Hash;
use super::queries::COLUMNS;
use crate::json;
use crate::ledger::Ledger;
use crate::worker::store::{Store, StoreFault};

impl<S: Store> SqlJournal<S> {
    /// The ledger of the snapshot and the entries after it; the last hash.
    ///
    /// # Errors
    /// The store's fault; [`StoreFault::is_damage`] if there is no reading it.
    pub(super) fn load(&mut self) -> Result<Ledger, StoreFault> {
        let last = "SELECT seq, hash FROM entries ORDER BY seq DESC LIMIT 1";
        match self.store.first::<(u64, Option<String>)>(last, ())? {
            // The hashes of what was written before there were any are not
            // kept, but they count; nor is a snapshot of that time to be used.
            Some((seq, None)) if seq <= self.unchained => {
                let (ledger, head, fault) = audit::fold(self)?;
                self.head = head;
                return match fault {
                    Some(fault) => {
                        Err(StoreFault(format!("entry {} cannot be read: {}", fault.seq, fault.detail)))
                    }
                    None => Ok(ledger),
                };
            }
            Some((seq, hash)) => {
                self.head = hash.as_deref().and_then(Hash::from_hex);
                if self.head.is_none() {
                    return Err(StoreFault(format!("entry {seq} cannot be read: it has no hash")));
                }
            }
            None => {}
        }
        let mut ledger = self.load_snapshot()?;
        let newer = format!("SELECT {COLUMNS} FROM entries WHERE seq > ? ORDER BY seq");
        for entry in self.entries(&newer, (self.snapshot_seq,))? {
            ledger.apply(&entry);
        }
        Ok(ledger)
    }

    /// The ledger of the entries alone, without the snapshot; or an empty one,
    /// and the first entry after which it cannot be right.
    ///
    /// # Errors
    /// The store's fault.
    pub(super) fn fold_soundly(&self) -> Result<(Ledger, Option<Fault>), StoreFault> {
        let mut ledger = Ledger::default();
        for entry in self.select("seq > 0 ORDER BY seq", ())? {
            ledger.apply(&entry);
            if let Some(why) = ledger.unsound() {
                let detail = format!("what the entries add up to cannot be: {why}");
                let fault = Fault { seq: entry.seq, fault: FaultKind::Ledger, detail };
                return Ok((Ledger::default(), Some(fault)));
            }
        }
        Ok((ledger, None))
    }

    /// The ledger of the snapshot. One that cannot be read is not needed: the
    /// entries are all there.
    fn load_snapshot(&mut self) -> Result<Ledger, StoreFault> {
        let parts = match self.snapshot_parts() {
            Err(fault) if fault.is_damage() => Vec::new(),
            parts => parts?,
        };
        let Some((seq, _)) = parts.first().filter(|(seq, _)| *seq > self.unchained) else {
            return Ok(Ledger::default());
        };
        let (seq, count) = (*seq, u64::try_from(parts.len()).unwrap_or(u64::MAX));
        Ok(match ledger_of(parts) {
            Ok(ledger) => {
                self.snapshot_seq = seq;
                self.snapshot_parts = count;
                ledger
            }
            Err(_) => Ledger::default(),
        })
    }

    pub(super) fn snapshot_parts(&self) -> Result<Vec<(u64, String)>, StoreFault> {
        self.store.rows("SELECT seq, state FROM snapshot ORDER BY part", ())
    }

    /// The first entry after the snapshot that cannot be read.
    pub(super) fn first_unreadable(&self) -> Result<u64, StoreFault> {
        let last = self.last_seq()?;
        let mut seq = self.snapshot_seq;
        while seq < last {
            let (before, next) = (seq, seq.saturating_add(1));
            let is_sound = match self.stored(before, next, 1) {
                Err(fault) if !fault.is_damage() => return Err(fault),
                row => row.is_ok_and(|rows| {
                    matches!(rows.as_slice(), [Ok(row)] if row.entry().is_ok() && (row.hash.is_some() || next <= self.unchained))
                }),
            };
            if !is_sound {
                return Ok(next);
            }
            seq = next;
        }
        Ok(last)
    }

    /// The number of the last committed entry.
    ///
    /// # Errors
    /// The store's fault.
    pub fn last_seq(&self) -> Result<u64, StoreFault> {
        let last = "SELECT coalesce(max(seq), 0) FROM entries";
        Ok(self.store.first::<(u64,)>(last, ())?.map_or(0, |(seq,)| seq))
    }
}

/// The ledger that the parts of a snapshot hold.
pub(super) fn ledger_of(parts: Vec<(u64, String)>) -> Result<Ledger, StoreFault> {
    let state: String = parts.into_iter().map(|(_, part)| part).collect();
    json::read(&state).map_err(|error| StoreFault(format!("the snapshot cannot be read: {error}")))
}
