//! Whether a ledger is what it should be: for audits.

use super::Ledger;

impl Ledger {
    /// Whether it is what another one is that was folded from the same
    /// entries. When something is next due may be known better by one of
    /// them, but nothing may be overlooked.
    pub fn agrees_with(&self, folded: &Self) -> bool {
        let overlooks = match (self.next_due, self.first_due()) {
            (_, None) => false,
            (None, Some(_)) => true,
            (Some(known), Some(first)) => known > first,
        };
        !overlooks && *self == Self { next_due: self.next_due, ..folded.clone() }
    }
}
