//! Everything has an end.

use edge_credits::ledger::{MAX_GRANTS, MAX_HOLDS};

use super::*;

const MOST: i64 = 9_000_000_000;

#[test]
fn a_customer_has_at_most_so_many_grants() {
    let mut story = Story::new();
    for _ in 0..MAX_GRANTS {
        story.did(add(topup(1)));
    }
    assert!(matches!(story.refused(add(topup(1))), Refusal::InvalidField { field: "amount", .. }));
    // One that is used up makes room.
    story.did(consume(1));
    story.did(add(topup(1)));
    story.did(consume(MAX_GRANTS.try_into().unwrap()));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

#[test]
fn a_customer_has_at_most_so_many_holds_and_all_of_them_end() {
    let most = i64::try_from(MAX_HOLDS).unwrap();
    let mut story = Story::with(most + 1);
    for _ in 0..most {
        story.did(hold(1, HOUR));
    }
    assert!(matches!(story.refused(hold(1, HOUR)), Refusal::InvalidField { field: "amount", .. }));
    assert_eq!(story.see(), seen(most + 1, 1, most, 0));
    story.clock(HOUR);
    assert_eq!(story.see(), seen(most + 1, most + 1, 0, 0));
    story.did(hold(1, HOUR));
}

#[test]
fn the_balance_stays_within_nine_billion_credits() {
    let mut story = Story::with(MOST);
    assert!(matches!(story.refused(add(topup(1))), Refusal::InvalidAmount(_)));
    story.did(consume(1));
    story.did(add(topup(1)));
    assert_eq!(story.see(), seen(MOST, MOST, 0, 0));
}

#[test]
fn debt_stays_within_nine_billion_credits() {
    let mut story = Story::with(1);
    let first = story.did(hold(0, HOUR));
    let second = story.did(hold(0, HOUR));
    story.did(complete(first, MOST));
    assert_eq!(story.see(), seen(1 - MOST, 1 - MOST, 0, MOST - 1));
    assert!(matches!(story.refused(complete(second, 2)), Refusal::InvalidAmount(_)));
    story.did(complete(second, 1));
    assert_eq!(story.see(), seen(-MOST, -MOST, 0, MOST));
    // And it can be paid.
    story.did(add(topup(MOST)));
    assert_eq!(story.see(), seen(0, 0, 0, 0));
}

/// What is scheduled keeps the balance up while debt goes down.
#[test]
fn debt_alone_stays_within_nine_billion_credits_too() {
    let mut story = Story::with(1);
    let first = story.did(hold(0, HOUR));
    let second = story.did(hold(0, HOUR));
    story.did(complete(first, MOST));
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(edge_credits::ledger::Addition { effective_at, ..topup(5) }));
    assert!(matches!(story.refused(complete(second, 2)), Refusal::InvalidAmount(_)));
    story.did(complete(second, 1));
    assert_eq!(story.see(), seen(5 - MOST, -MOST, 0, MOST));
}

/// With debt, the grants' sum can be more than an amount can hold.
#[test]
fn what_is_scheduled_beyond_the_limit_does_not_hide_debt() {
    use edge_credits::ledger::Addition;

    let mut story = Story::with(1);
    let held = story.did(hold(1, HOUR));
    story.did(complete(held, 6));
    let effective_at = Some(story.now.after_ms(DAY));
    story.did(add(Addition { effective_at, ..topup(MOST) }));
    story.did(add(Addition { effective_at, ..topup(5) }));
    assert_eq!(story.see(), seen(MOST, -5, 0, 5));
    story.clock(DAY);
    assert_eq!(story.see(), seen(MOST, MOST, 0, 0));
}
