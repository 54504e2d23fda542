//! Whether a ledger can be what entries of its own add up to. What a damaged
//! journal folds to may not: to go on from there would charge against credits
//! that are not there, or settle for ever what cannot be settled.

use std::collections::HashSet;

use super::Ledger;
use crate::credits::Credits;

fn sum(amounts: impl Iterator<Item = Credits>) -> i128 {
    amounts.fold(0, |sum, amount| sum.saturating_add(i128::from(amount.millionths())))
}

impl Ledger {
    /// What cannot be in this ledger, in a word; `None` if it is sound.
    pub fn unsound(&self) -> Option<&'static str> {
        let mut seqs = HashSet::with_capacity(self.grants.len());
        for grant in &self.grants {
            if !seqs.insert(grant.seq) {
                return Some("two grants have one number");
            }
            if !grant.remaining.is_positive() || grant.held.is_negative() || grant.free().is_negative() {
                return Some("a grant holds more than it has");
            }
        }
        if !self.holds.is_sorted_by(|one, next| one.seq < next.seq) {
            return Some("holds are not in order");
        }
        let held = self.holds.iter().map(|hold| hold.amount);
        if held.clone().any(Credits::is_negative) || sum(held) != i128::from(self.held.millionths()) {
            return Some("holds are not what is held");
        }
        let debt = i128::from(self.debt.millionths());
        let owned = sum(self.grants.iter().map(|grant| grant.remaining)).saturating_sub(debt);
        if debt < 0 || owned != i128::from(self.balance.millionths()) {
            return Some("grants and debt are not the balance");
        }
        None
    }
}
