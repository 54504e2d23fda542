//! A journal in a list: the seam at which the ledger's tests stand in for the
//! storage. It looks everything up by walking the list, so that it has no
//! index that could be wrong.

use std::convert::Infallible;

use edge_credits::ledger::{Book, Entry, Journal, Ledger};

/// The entries of one ledger, oldest first.
#[derive(Debug, Default)]
pub(crate) struct VecJournal {
    entries: Vec<Entry>,
}

pub(crate) type TestBook = Book<VecJournal>;

impl VecJournal {
    pub(crate) fn entries(&self) -> &[Entry] {
        &self.entries
    }
}

impl Journal for VecJournal {
    type Fault = Infallible;

    fn by_key(&self, key: &str) -> Result<Option<Entry>, Infallible> {
        let mut entries = self.entries.iter().rev();
        Ok(entries.find(|entry| entry.key.as_ref().is_some_and(|used| used.key == key)).cloned())
    }

    fn entry(&self, seq: u64) -> Result<Option<Entry>, Infallible> {
        Ok(self.entries.iter().find(|entry| entry.seq == seq).cloned())
    }

    fn about(&self, seq: u64) -> Result<Vec<Entry>, Infallible> {
        Ok(self.entries.iter().filter(|entry| entry.about() == Some(seq)).cloned().collect())
    }

    fn append(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    fn truncate(&mut self, seq: u64) {
        self.entries.retain(|entry| entry.seq <= seq);
    }
}

/// A customer of whom nothing is known yet.
pub(crate) fn empty_book() -> TestBook {
    Book::new(Ledger::default(), VecJournal::default())
}

/// What a start of the engine makes of a journal without a snapshot.
pub(crate) fn fold(entries: &[Entry]) -> Ledger {
    let mut ledger = Ledger::default();
    entries.iter().for_each(|entry| ledger.apply(entry));
    ledger
}

/// Everything that a ledger knows, as text, save `next_due`: the live one has
/// looked at the clock since, a folded one may still be early.
pub(crate) fn contents(ledger: &Ledger) -> serde_json::Value {
    let mut value = serde_json::to_value(ledger).unwrap();
    value.as_object_mut().unwrap().remove("next_due").unwrap();
    value
}
