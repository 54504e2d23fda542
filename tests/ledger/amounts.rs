//! Amounts that are none, or too much: each is refused by its own word, and
//! the ledger is to the last field what it was. Nothing is minted.

use edge_credits::credits::AmountError;
use edge_credits::ledger::Completion;
use edge_credits::pricing::{ModelPrice, Tokens};
use edge_credits::text::Name;

use super::*;
use crate::journal_in_memory::contents;

const MOST: i64 = 9_000_000_000;

/// Refused in these words, and nothing has changed.
fn refuses(story: &mut Story, command: Command, is_right: impl Fn(&Refusal) -> bool) {
    let before = contents(story.book.ledger());
    let entries = story.book.journal().entries().len();
    let refusal = story.refused(command.clone());
    assert!(is_right(&refusal), "{command:?} is refused by {refusal:?}");
    assert_eq!(contents(story.book.ledger()), before, "{command:?}");
    assert_eq!(story.book.journal().entries().len(), entries, "{command:?}");
}

fn is_bad_amount(refusal: &Refusal) -> bool {
    matches!(refusal, Refusal::InvalidAmount(_))
}

fn of_tokens(hold: u64, input: u64, output: u64) -> Command {
    let charge = Some(Charge::Tokens(Tokens { input, cached_input: 0, output }));
    Command::Complete(Completion { hold, success: true, charge })
}

#[test]
fn no_charge_hold_or_credit_is_zero_or_negative() {
    let mut story = Story::with(10);
    let held = story.did(hold(1, HOUR));
    for command in [
        consume(0),
        consume(-1),
        hold(-1, HOUR),
        complete(held, -1),
        add(topup(0)),
        add(topup(-1)),
        add(Addition { kind: AddKind::Refund, ..topup(-1) }),
        adjustment(0),
    ] {
        refuses(&mut story, command, is_bad_amount);
    }
}

#[test]
fn what_goes_out_is_never_more_than_there_is() {
    let mut story = Story::with(10);
    story.did(hold(4, HOUR));
    let is_short = |refusal: &Refusal| matches!(refusal, Refusal::Insufficient { .. });
    for command in
        [consume(7), consume(MOST), hold(7, HOUR), hold(MOST, HOUR), adjustment(-7), adjustment(-MOST)]
    {
        refuses(&mut story, command, is_short);
    }
}

#[test]
fn what_comes_in_never_takes_the_balance_beyond_its_end() {
    let mut story = Story::with(MOST);
    let charge = story.did(consume(3));
    story.did(add(topup(2)));
    let refund = |credits: i64| Addition { kind: AddKind::Refund, refund_of: Some(charge), ..topup(credits) };
    for command in [add(topup(2)), add(topup(MOST)), adjustment(2), add(refund(2))] {
        refuses(&mut story, command, is_bad_amount);
    }
    story.did(add(refund(1)));
    assert_eq!(story.see(), seen(MOST, MOST, 0, 0));
}

#[test]
fn a_charge_is_given_back_once() {
    let mut story = Story::with(10);
    let charge = story.did(consume(6));
    let refund =
        |credits: i64| add(Addition { kind: AddKind::Refund, refund_of: Some(charge), ..topup(credits) });
    for too_much in [7, MOST] {
        refuses(&mut story, refund(too_much), is_bad_amount);
    }
    story.did(refund(6));
    for more in [1, 6] {
        refuses(&mut story, refund(more), is_bad_amount);
    }
    assert_eq!(story.see(), seen(10, 10, 0, 0));
}

#[test]
fn a_hold_is_settled_once_and_by_what_was_used() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    // More than was held: the work was done, so it is charged and owed.
    story.did(complete(held, 12));
    assert_eq!(story.see(), seen(-2, -2, 0, 2));
    let is_over = |refusal: &Refusal| matches!(refusal, Refusal::AlreadyCompleted(_));
    for other in [complete(held, 11), complete(held, 13), complete(held, 0)] {
        refuses(&mut story, other, is_over);
    }
    let again = story.ask(complete(held, 12)).unwrap();
    assert!(again.replayed);
    assert_eq!(story.see(), seen(-2, -2, 0, 2));
}

#[test]
fn tokens_whose_price_no_amount_can_hold_are_refused() {
    let mut story = Story::with(10);
    let price = ModelPrice {
        model: Name::new("dear").unwrap(),
        input_per_million: whole(MOST),
        output_per_million: whole(MOST),
        cached_input_per_million: None,
        minimum: None,
    };
    let reservation =
        Reservation { amount: whole(1), expires_in_ms: HOUR, price: Some(Box::new(price)), note: None };
    let held = story.did(Command::Reserve(Box::new(reservation)));
    let is_unpriced =
        |refusal: &Refusal| matches!(refusal, Refusal::InvalidField { field: "finalized_tokens", .. });
    for (input, output) in
        [(1_000_001, 0), (0, 1_000_001), (500_001, 500_000), (u64::MAX, 0), (u64::MAX, u64::MAX)]
    {
        refuses(&mut story, of_tokens(held, input, output), is_unpriced);
    }
    story.did(of_tokens(held, 0, 0));
    assert_eq!(story.see(), seen(10, 10, 0, 0));
}

#[test]
fn a_text_is_an_amount_exactly_or_not_at_all() {
    for (text, why) in [
        ("NaN", AmountError::NotANumber),
        ("Infinity", AmountError::NotANumber),
        ("-Infinity", AmountError::NotANumber),
        ("1e", AmountError::NotANumber),
        ("0x10", AmountError::NotANumber),
        ("1e-7", AmountError::TooPrecise),
        ("0.0000001", AmountError::TooPrecise),
        ("1.000000000000000000000000000000000000", AmountError::TooPrecise),
        ("0.12345678901234567890123456789012345678901234567890", AmountError::TooPrecise),
        ("9007199254740992", AmountError::OutOfRange),
        ("9000000000.000001", AmountError::OutOfRange),
        ("9223372036854775808", AmountError::OutOfRange),
        ("1e400", AmountError::OutOfRange),
        ("-1e400", AmountError::OutOfRange),
    ] {
        assert_eq!(Credits::parse(text), Err(why), "{text}");
    }
    for (text, millionths) in [
        ("1.000000", 1_000_000),
        ("0.000001", 1),
        ("9e9", 9_000_000_000_000_000),
        ("-9000000000.000000", -9_000_000_000_000_000),
        ("0e400", 0),
    ] {
        assert_eq!(Credits::parse(text).map(Credits::millionths), Ok(millionths), "{text}");
    }
}
