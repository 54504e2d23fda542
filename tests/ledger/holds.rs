//! Reserve, run, finalize; and debt, which only holds can make.

use edge_credits::ledger::{Addition, Completion};
use edge_credits::pricing::{ModelPrice, Tokens};
use edge_credits::text::Name;

use super::*;

fn end(hold: u64, success: bool, charge: Option<Charge>) -> Command {
    Command::Complete(Completion { hold, success, charge })
}

fn extend(hold: u64, ms: i64) -> Command {
    Command::Extend { hold, expires_in_ms: ms }
}

/// A customer without a credit who owes some.
fn indebted(credits: i64) -> Story {
    let mut story = Story::with(1);
    let held = story.did(hold(1, DAY));
    story.did(complete(held, credits + 1));
    assert_eq!(story.see(), seen(-credits, -credits, 0, credits));
    story
}

#[test]
fn a_hold_takes_its_credits_out_of_available_and_leaves_the_balance() {
    let mut story = Story::with(10);
    story.did(hold(4, DAY));
    assert_eq!(story.see(), seen(10, 6, 4, 0));
    assert_eq!(story.refused(consume(7)), short(10, 6, 7));
    assert_eq!(story.refused(hold(7, DAY)), short(10, 6, 7));
    assert_eq!(story.refused(hold(7, DAY)).shortfall(), whole(1));
}

#[test]
fn a_hold_that_expires_gives_its_credits_back() {
    let mut story = Story::with(10);
    story.did(hold(4, HOUR));
    story.clock(HOUR - 1);
    assert_eq!(story.see(), seen(10, 6, 4, 0));
    story.clock(1);
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    story.entries_are(&["topup", "hold", "hold_expired"]);
}

#[test]
fn completing_with_less_gives_the_rest_back() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    story.did(complete(held, 1));
    assert_eq!(story.see(), seen(9, 9, 0, 0));
}

#[test]
fn completing_with_more_charges_on_top() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    story.did(complete(held, 6));
    assert_eq!(story.see(), seen(4, 4, 0, 0));
}

#[test]
fn a_charge_takes_the_holds_own_credits_before_others() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    // It would burn first now, but the hold has its own.
    let first = story.did(add(Addition { priority: Some(0), ..topup(10) }));
    story.did(complete(held, 5));
    assert_eq!((story.left(1), story.left(first)), (Some(6), Some(9)));
}

#[test]
fn completing_with_more_than_there_is_becomes_debt_that_is_not_late() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    story.did(complete(held, 13));
    assert_eq!(story.see(), seen(-3, -3, 0, 3));
    assert!(
        matches!(&story.last_entry().event, Event::Settled { late: false, debt, .. } if *debt == whole(3))
    );
}

#[test]
fn completing_after_expiry_charges_what_is_available_and_marks_the_debt_late() {
    let mut story = Story::with(10);
    let held = story.did(hold(8, HOUR));
    story.clock(HOUR);
    story.did(consume(7));
    story.did(complete(held, 8));
    assert_eq!(story.see(), seen(-5, -5, 0, 5));
    let expected_held = Credits::ZERO;
    assert!(matches!(
        &story.last_entry().event,
        Event::Settled { late: true, debt, held, .. } if *debt == whole(5) && *held == expected_held
    ));
}

/// The deadline itself is past: a millisecond decides whose the credits are.
#[test]
fn a_hold_is_its_callers_up_to_the_millisecond_before_its_deadline() {
    for (after, is_late) in [(HOUR - 1, false), (HOUR, true), (HOUR + 1, true)] {
        let mut story = Story::with(10);
        let held = story.did(hold(8, HOUR));
        story.clock(after);
        // With its credits still held, nobody else gets them.
        assert_eq!(story.ask(consume(3)).is_ok(), is_late, "after {after} ms");
        story.did(complete(held, 8));
        let owed = if is_late { 1 } else { 0 };
        assert_eq!(story.see(), seen(2 - 3 * owed, 2 - 3 * owed, 0, owed));
        assert!(matches!(&story.last_entry().event, Event::Settled { late, .. } if *late == is_late));
    }
}

#[test]
fn completing_after_expiry_never_takes_from_another_hold() {
    let mut story = Story::with(10);
    let late = story.did(hold(5, HOUR));
    story.clock(HOUR);
    let other = story.did(hold(10, HOUR));
    story.did(complete(late, 5));
    assert_eq!(story.see(), seen(5, -5, 10, 5));
    story.did(complete(other, 10));
    assert_eq!(story.see(), seen(-5, -5, 0, 5));
}

#[test]
fn debt_is_paid_by_the_next_credit() {
    let mut story = indebted(5);
    assert_eq!(story.refused(consume(1)), short(-5, -5, 1));
    story.did(add(topup(3)));
    assert_eq!(story.see(), seen(-2, -2, 0, 2));
    story.did(add(topup(3)));
    assert_eq!(story.see(), seen(1, 1, 0, 0));
    assert_eq!(story.last_entry().kind().word(), "debt_paid");
}

#[test]
fn debt_is_paid_by_what_a_hold_gives_back() {
    let mut story = Story::with(10);
    let first = story.did(hold(5, HOUR));
    story.did(hold(5, DAY));
    story.did(complete(first, 8));
    assert_eq!(story.see(), seen(2, -3, 5, 3));
    story.clock(DAY);
    assert_eq!(story.see(), seen(2, 2, 0, 0));
}

/// Once, credits that began and ended between two calls paid nothing.
#[test]
fn debt_is_paid_by_credits_that_came_and_went_while_nobody_looked() {
    let mut story = indebted(5);
    let begin = story.now.after_ms(DAY);
    let terms = Addition { effective_at: Some(begin), expires_at: Some(begin.after_ms(DAY)), ..topup(8) };
    story.did(add(terms));
    assert_eq!(story.book.ledger().next_due(), Some(begin));
    story.clock(10 * DAY);
    assert_eq!(story.see(), seen(0, 0, 0, 0));
    let [.., paid, expired] = story.book.journal().entries() else { panic!() };
    assert_eq!((paid.kind().word(), paid.at), ("debt_paid", begin));
    assert_eq!((expired.kind().word(), expired.amount), ("expiry", whole(-3)));
}

#[test]
fn completing_twice_with_the_same_numbers_replays() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    let first = story.ask(complete(held, 3)).unwrap();
    story.clock(DAY);
    let again = story.ask(complete(held, 3)).unwrap();
    assert_eq!((again.replayed, &again.entry), (true, &first.entry));
    assert_eq!(story.see(), seen(7, 7, 0, 0));
}

#[test]
fn completing_twice_with_other_numbers_is_refused() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    story.did(complete(held, 3));
    let others = [
        complete(held, 4),
        complete(held, 0),
        end(held, true, None),
        end(held, false, Some(Charge::Amount(whole(3)))),
        end(held, false, None),
    ];
    for other in others {
        assert!(matches!(story.refused(other), Refusal::AlreadyCompleted(_)));
    }
    assert_eq!(story.see(), seen(7, 7, 0, 0));
}

#[test]
fn success_without_numbers_charges_the_hold_and_failure_charges_nothing() {
    for (success, charge, left) in
        [(true, None, 6), (false, None, 10), (false, Some(Charge::Amount(whole(1))), 9)]
    {
        let mut story = Story::with(10);
        let held = story.did(hold(4, HOUR));
        story.did(end(held, success, charge));
        assert_eq!(story.see(), seen(left, left, 0, 0));
    }
}

#[test]
fn a_hold_is_extended_at_most_ten_times() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    for _ in 0..10 {
        story.clock(HOUR - 1);
        story.did(extend(held, HOUR));
    }
    assert!(matches!(story.refused(extend(held, HOUR)), Refusal::InvalidField { field: "expires_in", .. }));
    assert_eq!(story.see(), seen(10, 6, 4, 0));
    story.clock(HOUR);
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    assert!(matches!(story.refused(extend(held, HOUR)), Refusal::AlreadyCompleted(_)));
}

#[test]
fn what_is_no_hold_cannot_be_extended_or_completed() {
    let mut story = Story::with(10);
    let charge = story.did(consume(1));
    for unknown in [0, charge, 999] {
        assert!(matches!(story.refused(extend(unknown, HOUR)), Refusal::NotFound(_)));
        assert!(matches!(story.refused(complete(unknown, 1)), Refusal::NotFound(_)));
    }
}

#[test]
fn the_price_of_a_model_is_frozen_when_the_hold_is_made() {
    let mut story = Story::with(10);
    let price = ModelPrice {
        model: Name::new("m").unwrap(),
        input_per_million: whole(1),
        output_per_million: whole(3),
        cached_input_per_million: None,
        minimum: None,
    };
    let reservation =
        Reservation { amount: whole(5), expires_in_ms: HOUR, price: Some(Box::new(price)), note: None };
    let held = story.did(Command::Reserve(Box::new(reservation)));
    let unpriced = story.did(hold(0, HOUR));
    story.clock(DAY);
    let tokens = Some(Charge::Tokens(Tokens { input: 1_000_000, cached_input: 0, output: 2_000_000 }));
    story.did(end(held, true, tokens));
    assert_eq!(story.see(), seen(3, 3, 0, 0));
    assert!(matches!(
        story.refused(end(unpriced, true, tokens)),
        Refusal::InvalidField { field: "finalized_tokens", .. }
    ));
}
