//! What was let through while no engine could be reached: one budget for the
//! whole process, whatever number of clients it has.
//!
//! An amount counts from when it is let through until the engine has taken
//! it. One that the engine refuses afterwards counts for good: credits that
//! may be lost to an outage are never more than the limit.

use std::cell::Cell;

use crate::credits::Credits;

thread_local! {
    static LET_THROUGH: Cell<Credits> = const { Cell::new(Credits::ZERO) };
}

/// Counts `amount` against `limit`, unless it would go beyond it. Says whether
/// it did.
pub fn let_through(amount: Credits, limit: Credits) -> bool {
    let sum = LET_THROUGH.get().checked_add(amount).filter(|sum| !amount.is_negative() && *sum <= limit);
    if let Some(sum) = sum {
        LET_THROUGH.set(sum);
    }
    sum.is_some()
}

/// The engine has taken an amount that was let through: it no longer counts.
pub fn settled(amount: Credits) {
    LET_THROUGH.set(LET_THROUGH.get().minus(amount).or_zero());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_let_through_than_the_limit_until_it_is_settled() {
        let credits = |text| Credits::parse(text).unwrap();
        let limit = credits("10");
        assert!(let_through(credits("9.5"), limit));
        assert!(!let_through(credits("0.500001"), limit));
        assert!(let_through(credits("0.5"), limit));
        assert!(!let_through(credits("0.000001"), limit));
        // Another client of the process may have a higher limit: the sum is one.
        assert!(let_through(credits("1"), credits("11")));
        assert!(!let_through(credits("1"), limit));
        settled(credits("1.5"));
        assert!(let_through(credits("0.5"), limit));
        assert!(!let_through(credits("0.1"), limit));
        assert!(!let_through(credits("-5"), limit));
        settled(credits("10"));
        settled(credits("10"));
        assert!(!let_through(credits("10.1"), limit));
        assert!(let_through(limit, limit));
    }
}
