//! Charges given back.

use edge_credits::ledger::Addition;

use super::*;

fn refund(of: u64, credits: i64) -> Command {
    add(Addition { kind: AddKind::Refund, refund_of: Some(of), ..topup(credits) })
}

#[test]
fn refunds_of_a_charge_never_exceed_what_it_charged() {
    let mut story = Story::with(10);
    let charge = story.did(consume(6));
    let other = story.did(consume(1));
    story.did(refund(charge, 2));
    story.did(refund(charge, 3));
    assert!(matches!(story.refused(refund(charge, 2)), Refusal::InvalidAmount(_)));
    story.did(refund(charge, 1));
    assert!(matches!(story.refused(refund(charge, 1)), Refusal::InvalidAmount(_)));
    story.did(refund(other, 1));
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    assert_eq!(story.last_entry().kind().word(), "refund");
}

#[test]
fn a_completed_hold_can_be_refunded_by_its_charge_debt_included() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    let charge = story.did(complete(held, 15));
    assert!(matches!(story.refused(refund(charge, 16)), Refusal::InvalidAmount(_)));
    story.did(refund(charge, 15));
    assert_eq!(story.see(), seen(10, 10, 0, 0));
}

#[test]
fn a_hold_stands_for_the_charge_that_ended_it() {
    let mut story = Story::with(10);
    let held = story.did(hold(4, HOUR));
    let charge = story.did(complete(held, 3));
    story.did(refund(held, 2));
    assert!(matches!(story.refused(refund(charge, 2)), Refusal::InvalidAmount(_)));
    story.did(refund(charge, 1));
    assert_eq!(story.see(), seen(10, 10, 0, 0));
    assert_eq!(story.last_entry().about(), Some(charge));
}

#[test]
fn only_a_charge_can_be_refunded() {
    let mut story = Story::with(10);
    let held = story.did(hold(1, HOUR));
    let taken = story.did(adjustment(-1));
    for no_charge in [1, held, taken, 0, 999] {
        let refusal = story.refused(refund(no_charge, 1));
        assert!(matches!(refusal, Refusal::InvalidField { field: "refund_of", .. }), "{no_charge}");
    }
}

#[test]
fn a_refund_of_nothing_in_particular_is_a_credit_like_any_other() {
    let mut story = Story::new();
    story.did(add(Addition { kind: AddKind::Refund, ..topup(3) }));
    assert_eq!(story.see(), seen(3, 3, 0, 0));
}
